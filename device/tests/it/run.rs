//! `kiosk run`: from a source to a display, and what happens when a part fails.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kiosk::{Run, kiosk, portrait, takes_faults};

/// Runs the kiosk on the test picture for a while, with screens in `dir`.
fn run(dir: &Path, options: &[&str]) -> Run {
    let mut args = arguments(dir);
    if !options.contains(&"--source") {
        args.extend(["--source".to_owned(), "pattern:".to_owned()]);
    }
    kiosk(args.iter().map(String::as_str).chain(options.iter().copied()))
}

fn arguments(dir: &Path) -> Vec<String> {
    let display = format!("png:{}", dir.display());
    let args = ["run", "--json", "--size", "320x240", "--detector"];
    args.into_iter().chain(["embedded", "--display", &display]).map(str::to_owned).collect()
}

/// The same with a fault in one of the threads.
fn with_fault(fault: &str, dir: &Path) -> (Option<i32>, String, String) {
    let mut command = command(dir);
    let output = command.args(["--seconds", "3"]).env("APPARENT_INJECT", fault).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    let cache = env!("CARGO_TARGET_TMPDIR");
    command.env("XDG_CACHE_HOME", cache).args(arguments(dir)).args(["--source", "pattern:"]);
    command
}

fn summary(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// Waits until there are screens in `dir`.
fn wait_for_screens(dir: &Path, child: &mut Child) {
    let begun = Instant::now();
    while fs::read_dir(dir).map_or(0, Iterator::count) < 3 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no screens");
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
}

#[test]
fn it_ends_by_itself_and_tells_what_the_run_came_to() {
    let dir = tempfile::tempdir().unwrap();
    let run = run(dir.path(), &["--seconds", "3"]);
    assert_eq!(run.status, Some(0), "{}", run.err);
    let summary = summary(&run.out);
    let count = |key: &str| summary[key].as_u64().unwrap();
    assert!(count("frames") > 10, "{summary}");
    assert_eq!(count("broken") + count("reopened"), 0, "{summary}");
    assert!(count("screens") <= count("decoded") && count("detections") > 0, "{summary}");
    assert!(summary["latency_p90_ms"].is_number(), "{summary}");
    let screens = fs::read_dir(dir.path()).unwrap().count() as u64;
    assert_eq!(screens, count("screens"), "each screen is a file");
    let screen = image::open(dir.path().join("screen-000001.png")).unwrap();
    assert_eq!((screen.width(), screen.height()), (320, 240));
}

#[test]
fn pictures_that_are_over_end_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let portrait = portrait("astronaut.jpg");
    let run = run(dir.path(), &["--source", portrait.to_str().unwrap()]);
    assert_eq!(run.status, Some(0), "{}", run.err);
    assert_eq!(summary(&run.out)["frames"], 1);
}

#[test]
fn a_file_that_is_not_there_is_an_error_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let run = run(dir.path(), &["--source", "nowhere.y4m"]);
    assert_eq!(run.status, Some(1));
    assert!(run.err.contains("nowhere.y4m"), "{}", run.err);
}

/// Far more frames than are needed: a busy machine passes over some, and counts one more before it looks.
#[test]
fn a_recording_of_broken_frames_ends_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("broken.mjpeg");
    fs::write(&clip, [0xFF, 0xD8, 0xFF, 0xD9].repeat(3000)).unwrap();
    let run =
        run(&dir.path().join("screens"), &["--source", clip.to_str().unwrap(), "--fps", "500"]);
    assert_eq!(run.status, Some(1), "{}", run.err);
    assert!(run.err.contains("the camera thread: 3"), "{}", run.err);
    assert!(run.err.contains(" broken frames in a row"), "{}", run.err);
}

#[test]
fn pictures_of_people_in_front_of_a_camera_are_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let screens = dir.path().join("screens");
    for source in ["/dev/video9", "exec:cat", "-"] {
        let run = run(&screens, &["--source", source]);
        assert_eq!(run.status, Some(1), "{source}");
        assert!(run.err.contains("would keep pictures of people"), "{source}: {}", run.err);
    }
    assert!(!screens.exists());
}

#[test]
fn a_signal_ends_it_well_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = command(dir.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_screens(dir.path(), &mut child);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    // A second, and some time for a machine that does other things too.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(0));
    assert!(summary(&String::from_utf8(output.stdout).unwrap())["frames"].as_u64() > Some(0));
}

#[test]
fn a_camera_thread_that_panics_is_begun_again() {
    if !takes_faults() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (status, out, err) = with_fault("panic:camera", dir.path());
    assert_eq!(status, Some(0), "{err}");
    assert!(err.contains("the camera thread panicked: asked for"), "{err}");
    let summary = summary(&out);
    assert_eq!(summary["reopened"], 1);
    assert!(summary["frames"].as_u64() > Some(20), "it went on: {summary}");
}

#[test]
fn a_vision_or_render_thread_that_panics_ends_the_program() {
    if !takes_faults() {
        return;
    }
    for thread in ["vision", "render"] {
        let dir = tempfile::tempdir().unwrap();
        let (status, _, err) = with_fault(&format!("panic:{thread}"), dir.path());
        assert_eq!(status, Some(1), "{err}");
        assert!(err.contains(&format!("the {thread} thread: it panicked: asked for")), "{err}");
    }
}

#[test]
fn a_bundle_that_is_not_there_ends_the_program_with_the_places_asked() {
    let dir = tempfile::tempdir().unwrap();
    let run = run(dir.path(), &["--bundle", "nope"]);
    assert_eq!(run.status, Some(1));
    assert!(run.err.contains("no bundle 'nope' in "), "{}", run.err);
}
