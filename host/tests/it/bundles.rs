//! export, quantize → verify → eval, by the program itself, on random weights and the demo portraits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use host::predictions;
use models::bundle::Bundle;
use models::estimator::FaceEstimator;
use models::session::Options;

struct Run {
    success: bool,
    out: String,
    err: String,
}

fn trainer(folder: &Path, arguments: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    let output = command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap();
    Run {
        success: output.status.success(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn ok(folder: &Path, arguments: &str) -> String {
    let run = trainer(folder, arguments);
    assert!(run.success, "trainer {arguments}: {}", run.err);
    run.out
}

fn portraits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../device/assets/portraits").canonicalize().unwrap()
}

/// Writes faces.csv of the two portraits.
fn faces(folder: &Path) {
    let manifest = "path,age,gender\nastronaut.jpg,36,F\ngrace_hopper.jpg,70,F\n";
    fs::write(folder.join("m.csv"), manifest).unwrap();
    ok(folder, &format!("index --csv m.csv --root {} --out faces.csv", portraits().display()));
}

#[test]
fn random_weights_become_bundles_that_agree() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, "export --init he --seed 4 --out f32/net");
    let report = ok(folder, "quantize --init he --seed 4 --pictures 16 --out int8/net");
    assert_eq!(report.matches("| conv").count(), 8, "{report}");
    ok(folder, "verify --init he --seed 4 --bundle f32/net int8/net");
    let strict = "verify --init he --seed 4 --bundle f32/net int8/net --int8-years-max 1e-6";
    assert!(trainer(folder, strict).err.contains("at most 0.000001 allowed"));

    let bundle = Bundle::open(&folder.join("int8/net")).unwrap();
    let operators = FaceEstimator::open(bundle, &Options::default()).unwrap().session().operators();
    assert_eq!(operators.iter().filter(|op| op.is_integer_product()).count(), 11);
    assert!(operators.iter().all(|op| !op.is_product() || op.is_integer_product()));

    ok(folder, "export --init he --seed 5 --out other/net");
    let run = trainer(folder, "verify --init he --seed 4 --bundle f32/net other/net");
    assert!(!run.success && run.err.contains("other/net: "), "{}", run.err);
}

#[test]
fn scores_are_written_and_the_kiosk_s_other_answers_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, "export --init he --out net");
    faces(folder);
    let sealed = Bundle::open(&folder.join("net")).unwrap().sha256().to_owned();
    let table = ok(
        folder,
        "eval --bundle net --faces faces.csv --name two --out scores --predictions said.csv \
         --write-quality",
    );
    assert!(table.contains("| best constant guess | 2 |"), "{table}");
    let said = predictions::read(&folder.join("said.csv")).unwrap();
    assert!(said.iter().all(|face| face.found && face.label_prob.is_some()), "{said:?}");
    assert_eq!(said.iter().map(|face| face.age_lo).collect::<Vec<_>>(), [Some(36), Some(70)]);
    let json = fs::read_to_string(folder.join("scores/two.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["score"]["faces"], &json["score"]["found"]), (&2.into(), &1.0.into()));
    let bundle = Bundle::open(&folder.join("net")).unwrap();
    assert_ne!(bundle.sha256(), sealed);
    assert!(bundle.manifest().quality.iter().all(|quality| quality.set == "two"));

    let lines = ["astronaut", "grace_hopper"].map(|name| {
        let source = portraits().join(format!("{name}.jpg"));
        serde_json::json!({"source": source, "faces": [{"box_px": [0.0, 0.0, 9.0, 9.0], "apparent_age_years": 3.0}]})
    });
    fs::write(folder.join("kiosk.jsonl"), lines.map(|line| line.to_string()).join("\n")).unwrap();
    let run = trainer(folder, "eval --bundle net --faces faces.csv --name two --kiosk kiosk.jsonl");
    assert!(!run.success && run.err.contains("the kiosk says Some(3.0) years"), "{}", run.err);
}

#[test]
fn a_list_of_calibration_faces_makes_the_same_network_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    super::faces::crops(folder, 96);
    let quantize = "quantize --init he --crops crops --calibration minmax";
    ok(folder, &format!("{quantize} --pictures 4 --report tables --twin twin.onnx --out a/net"));
    let list = fs::read_to_string(folder.join("a/net.calibration.txt")).unwrap();
    assert_eq!(list.lines().filter(|line| line.starts_with("face_")).count(), 4, "{list}");
    ok(folder, &format!("{quantize} --subset a/net.calibration.txt --out b/net"));
    let network = |name: &str| fs::read(folder.join(name).join("net.onnx")).unwrap();
    assert_eq!(network("a/net"), network("b/net"));

    let told = Bundle::open(&folder.join("b/net")).unwrap().manifest().provenance.data.clone();
    let sha256 = host::files::sha256(list.as_bytes());
    assert!(told.ends_with(&format!("(list: sha256 {sha256})")), "{told}");
    let table = fs::read_to_string(folder.join("tables/quantize.md")).unwrap();
    assert_eq!(table.matches("\n| conv2_1 |").count(), 2, "{table}");
    assert!(folder.join("twin.onnx").is_file());

    fs::write(folder.join("val.txt"), "face_1.png\n").unwrap();
    let run = trainer(folder, &format!("{quantize} --subset val.txt --out c/net"));
    assert!(run.err.contains("face_1.png is of part Val, expected train"), "{}", run.err);
}

#[test]
fn a_bundle_past_the_budget_fails_and_names_the_figure() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, "export --init he --seed 4 --out exact/net");
    ok(folder, "export --init he --seed 5 --out other/net");
    faces(folder);
    let eval = "eval --against exact/net --faces faces.csv --name two --budget --out scores";
    ok(folder, &format!("{eval} --bundle exact/net --predictions exact.csv"));
    let budget = fs::read_to_string(folder.join("scores/budget.md")).unwrap();
    assert!(budget.contains("| mean \\|Δ apparent age\\|, years | 0.000 |"), "{budget}");

    let strict = format!("{eval} --bundle other/net --moved-years-max 0 --predictions other.csv");
    let run = trainer(folder, &strict);
    assert!(!run.success && run.err.contains("mean |Δ apparent age|, years: found"), "{}", run.err);
    let again = "budget --exact exact.csv --rounded other.csv --moved-years-max 0";
    assert!(trainer(folder, again).err.contains("past the budget: "));
    ok(folder, "budget --exact exact.csv --rounded exact.csv");
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, error) in [
        ("export --net resnet --init he --out net", "no net is called resnet"),
        ("export --weights none.safetensors --out net", "none.safetensors"),
        ("eval --bundle none --faces none.csv --name x", "none.csv"),
        ("verify --init he --bundle none", "opening the bundle none"),
        ("crop --faces none.csv --out crops", "opening none.csv"),
    ] {
        let run = trainer(folder.path(), arguments);
        assert!(!run.success && run.err.contains(error), "{arguments}: {}", run.err);
    }
}
