//! `kiosk config` and `kiosk selftest`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::kiosk::kiosk;

#[test]
fn what_holds_is_printed_layer_over_layer() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kiosk.toml");
    fs::write(&file, "[idle]\nafter_s = 5\n[models]\nthreads = \"3\"\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    command.args(["config", "--profile", "rpi4", "--language", "de", "--config"]).arg(&file);
    let output = command.env("APPARENT_IDLE_AFTER_S", "7").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["threads = \"3\"", "detect_every = 4", "after_s = 7", "language = \"de\""] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}

#[test]
fn a_file_that_is_not_good_is_named_with_the_nearest_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kiosk.toml");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        kiosk(["config", "--check", "--config", file.to_str().unwrap()])
    };
    let good = check("[camera]\nsource = \"/dev/video2\"\n");
    assert_eq!((good.status, good.out.as_str()), (Some(0), ""), "{}", good.err);
    let bad = check("[camera]\nsorce = \"/dev/video2\"\n");
    assert_eq!(bad.status, Some(1));
    assert!(
        bad.err.contains("kiosk.toml: there is no 'camera.sorce', did you mean 'camera.source'?")
    );
    let missing = kiosk(["config", "--check", "--config", "/nowhere/kiosk.toml"]);
    assert!(missing.err.contains("reading /nowhere/kiosk.toml"), "{}", missing.err);
}

#[test]
fn the_example_is_a_good_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kiosk.toml");
    fs::write(&file, kiosk(["config", "--example"]).out).unwrap();
    let check = kiosk(["config", "--check", "--config", file.to_str().unwrap()]);
    assert_eq!(check.status, Some(0), "{}", check.err);
}

/// `kiosk selftest` with screens in `dir`.
fn selftest(dir: &Path, options: &[&str]) -> crate::kiosk::Run {
    let display = format!("png:{}", dir.join("screens").display());
    let args = ["selftest", "--detector", "embedded", "--display", &display];
    kiosk(args.into_iter().chain(options.iter().copied()))
}

#[test]
fn a_selftest_tells_of_each_part_and_reports_without_a_picture() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report.json");
    let run = selftest(dir.path(), &["--source", "pattern:", "--report", report.to_str().unwrap()]);
    assert_eq!(run.status, Some(0), "{}{}", run.out, run.err);
    let parts: Vec<_> = run.out.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(parts, ["config", "model", "detector", "camera", "display", "heat", "memory"]);
    let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    assert_eq!(report["checks"].as_array().unwrap().len(), 7);
    assert_eq!(report["config"]["camera"]["source"], "pattern:");
}

#[test]
fn the_exit_status_of_a_selftest_tells_the_first_part_that_does_not_work() {
    let dir = tempfile::tempdir().unwrap();
    let camera = selftest(dir.path(), &["--source", "nowhere.y4m"]);
    assert_eq!(camera.status, Some(6), "{}", camera.out);
    assert!(camera.out.contains("camera    BAD"), "{}", camera.out);
    let model = selftest(dir.path(), &["--source", "pattern:", "--bundle", "nope"]);
    assert_eq!(model.status, Some(4), "{}", model.out);
    let config = selftest(dir.path(), &["--config", "/nowhere/kiosk.toml"]);
    assert_eq!(config.status, Some(3), "{}", config.out);
}
