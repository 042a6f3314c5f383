//! `kiosk replay`: a screen and a line for each frame.

use std::fs;
use std::path::Path;

use crate::kiosk::{Run, data, kiosk, portrait};

fn replay(source: &Path, out: &Path, options: &[&str]) -> Run {
    let args =
        ["replay", "--detector", "embedded", "--size", "480x320", "--out"].map(AsRef::as_ref);
    let paths = [out.as_os_str(), source.as_os_str()];
    kiosk(args.into_iter().chain(paths).chain(options.iter().map(AsRef::as_ref)))
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_broken_frame_is_named_and_the_next_one_shown() {
    let dir = tempfile::tempdir().unwrap();
    let (clip, out) = (dir.path().join("clip"), dir.path().join("screens"));
    fs::create_dir(&clip).unwrap();
    for frame in [9, 11, 12, 13, 14] {
        fs::copy(portrait("astronaut.jpg"), clip.join(format!("{frame}.jpg"))).unwrap();
    }
    fs::write(clip.join("10.jpg"), "broken").unwrap();
    let run = replay(&clip, &out, &[]);
    assert_eq!(run.status, Some(1));
    let lines = run.lines();
    for (line, (frame, name)) in
        lines.iter().zip([(1, "9.jpg"), (2, "10.jpg"), (3, "11.jpg"), (4, "12.jpg")])
    {
        assert_eq!(line["frame"], frame);
        assert!(line["source"].as_str().unwrap().ends_with(name), "{line}");
    }
    assert!(lines[1]["error"].is_string());
    assert!(lines[0]["faces"].as_array().unwrap().is_empty(), "a face seen once may be a mistake");
    let face = &lines[3]["faces"][0];
    assert_eq!(face["number"], 1);
    assert!(face["box_px"].is_array() && face["shown_age_years"].is_null(), "{face}");
    let screens = [1, 3, 4, 5, 6].map(|frame| format!("screen-{frame:06}.png"));
    assert_eq!(names(&out), screens);
}

#[test]
fn a_screen_that_cannot_be_written_is_its_frames_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("screen-000001.png")).unwrap();
    let run = replay(&portrait(""), dir.path(), &["--limit", "2"]);
    assert_eq!(run.status, Some(1));
    let lines = run.lines();
    assert!(lines[0]["error"].as_str().unwrap().contains("screen-000001.png"), "{}", lines[0]);
    assert!(lines[1]["faces"].is_array(), "{}", lines[1]);
    assert_eq!(names(dir.path()), ["screen-000001.png", "screen-000002.png"]);
}

#[test]
fn a_clip_gives_a_screen_for_each_frame_up_to_the_limit() {
    let Some(clips) = data("test/clips") else { return };
    let dir = tempfile::tempdir().unwrap();
    let clip = clips.join("head-pose-face-detection-female-and-male_mjpeg");
    let run = replay(&clip, dir.path(), &["--limit", "8", "--fps", "2", "--language", "de"]);
    assert_eq!(run.status, Some(0));
    let lines = run.lines();
    for line in &lines[1..] {
        assert_eq!(line["faces"].as_array().unwrap().len(), 2, "{line}");
    }
    for face in lines[7]["faces"].as_array().unwrap() {
        assert!((1..100).contains(&face["shown_age_years"].as_u64().unwrap()), "{face}");
        assert!(face["gender"]["label"].is_string(), "{face}");
    }
    assert_eq!(names(dir.path()).len(), 8);
}
