//! `trainer run`: from wiki.mat to the bundle and the report with one command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(folder: &Path, rest: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.current_dir(folder).args(["run", "run.toml"]).args(rest).output().unwrap()
}

fn ok(folder: &Path, rest: &[&str]) -> (String, String) {
    let Output { status, stdout, stderr } = run(folder, rest);
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{stderr}");
    (String::from_utf8(stdout).unwrap(), stderr)
}

fn refused(folder: &Path, rest: &[&str]) -> String {
    let output = run(folder, rest);
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

const MADE: &str = r#"
out = "out"
name = "made"
net = "compact"
[index]
csv = "manifest.csv"
[look]
[split]
rule = "number"
[train]
epochs = 2
batch = 8
threads = 1
[quantize]
pictures = 4
"#;

/// A folder with forty made faces and a configuration.
fn made(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    super::faces::write(folder.path());
    fs::write(folder.path().join("run.toml"), config).unwrap();
    folder
}

#[test]
fn wiki_mini_goes_from_mat_to_report_and_bundle() {
    let Some(data) = std::env::var_os("APPARENT_DATA") else {
        eprintln!("skipped: APPARENT_DATA is not set");
        return;
    };
    let manifest = PathBuf::from(data).join("test/wiki_mini/wiki.mat");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs/wiki-mini.toml");
    let config = fs::read_to_string(example).unwrap();
    let config = config
        .replace("../../wiki_mini/wiki.mat", manifest.to_str().unwrap())
        .replace("../../runs/wiki-mini", "out");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("run.toml"), config).unwrap();
    let (table, _) = ok(folder.path(), &[]);
    assert!(table.contains("| age out of range | 4 |"), "{table}");
    for file in ["report/report.html", "int8/wiki-mini/SHA256SUMS", "f32/wiki-mini/model.toml"] {
        assert!(folder.path().join("out").join(file).is_file(), "{file} is missing");
    }
    let bundle = folder.path().join("out/int8/wiki-mini");
    assert!(models::bundle::Bundle::open(&bundle).is_ok());
}

#[test]
fn what_has_not_changed_is_skipped_and_what_has_is_done_again() {
    let folder = made(MADE);
    let folder = folder.path();
    let (_, first) = ok(folder, &["--until", "export"]);
    assert!(first.contains("run: train --net compact") && !first.contains("quantize"), "{first}");
    let (_, again) = ok(folder, &["--until", "export"]);
    assert_eq!(again.matches("has not changed").count(), 6, "{again}");

    // A file that was lost is made again, a setting that changed is taken up, and nothing before it.
    fs::remove_dir_all(folder.join("out/f32")).unwrap();
    fs::write(folder.join("run.toml"), MADE.replace("epochs = 2", "epochs = 1")).unwrap();
    let (_, changed) = ok(folder, &["--until", "export"]);
    assert_eq!(changed.matches("has not changed").count(), 4, "{changed}");
    let log = fs::read_to_string(folder.join("out/train/log.csv")).unwrap();
    assert_eq!(log.lines().count(), 2);
}

#[test]
fn the_plan_is_told_before_anything_runs() {
    let folder = made(MADE);
    let (plan, _) = ok(folder.path(), &["--dry-run"]);
    assert!(plan.contains("| train |") && plan.contains("for 40 faces"), "{plan}");
    assert!(
        plan.contains("\ntrainer crop --net compact --faces out/faces.csv --out out/crops\n"),
        "{plan}"
    );
    assert!(!folder.path().join("out").exists());
}

#[test]
fn a_wrong_configuration_is_named_before_anything_runs() {
    for (from, to, error) in [
        ("epochs = 2", "epoks = 2", "stage train: unexpected argument '--epoks'"),
        ("net = \"compact\"", "net = \"resnet\"", "no net is called resnet"),
        ("[look]", "[lok]", "unknown field `lok`"),
        ("csv = \"manifest.csv\"", "", "stage index: the following required arguments"),
        ("rule = \"number\"", "rule = {}", "key rule: it is {}"),
        ("[split]", "[trunk]\n[split]", "table [trunk] has no weights"),
    ] {
        let folder = made(&MADE.replace(from, to));
        let said = refused(folder.path(), &[]);
        assert!(said.contains(error), "{said}");
        assert!(!folder.path().join("out").exists(), "{to} has run something");
    }
    let folder = made(MADE);
    assert!(refused(folder.path(), &["--until", "bake"]).contains("no stage is called bake"));
}

#[test]
fn every_example_is_a_plan_that_the_trainer_takes() {
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs");
    for entry in fs::read_dir(runs).unwrap() {
        let path = entry.unwrap().path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        let output = command.arg("run").arg(&path).args(["--until", "none"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        // All stages are checked before the name is looked for.
        assert!(said.contains("no stage is called none, there are index"), "{path:?}: {said}");
    }
}
