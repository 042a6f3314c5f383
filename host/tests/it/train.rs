//! Training itself, on forty made faces. Each run is a process of its own: torch's seed and thread
//! count are global to one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use host::features::{Features, Variant};

const TRAIN: &str = "train --crops crops --batch 16 --precision f32 --threads 1";
const HEADS: &str = "train --features features --batch 8 --precision f32 --threads 1 --epochs 3";

fn trainer(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command
}

fn ok(folder: &Path, arguments: &str) -> String {
    let Output { status, stderr, .. } = trainer(folder, arguments).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "trainer {arguments}: {stderr}");
    stderr
}

fn refused(folder: &Path, arguments: &str) -> String {
    let Output { status, stderr, .. } = trainer(folder, arguments).output().unwrap();
    assert!(!status.success(), "trainer {arguments} was not refused");
    String::from_utf8(stderr).unwrap()
}

/// The state after `trainer RUN --out OUT`.
fn state(folder: &Path, run: &str, out: &str) -> Vec<u8> {
    ok(folder, &format!("{run} --out {out}"));
    fs::read(folder.join(out).join("last.safetensors")).unwrap()
}

/// A folder with crops, and features of a random compact trunk.
fn features(rest: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    super::faces::crops(folder.path(), 96);
    let mut trunk = host::init::he(&host::net::compact(), 3);
    trunk.input.order = models::manifest::ChannelOrder::Bgr;
    trunk.write(&folder.path().join("trunk.safetensors")).unwrap();
    ok(folder.path(), &format!("{COMPUTE} --out features {rest}"));
    folder
}

const COMPUTE: &str = "features --net compact --trunk trunk.safetensors --crops crops --batch 8";

#[test]
fn colours_are_learnt_as_genders() {
    let folder = tempfile::tempdir().unwrap();
    super::faces::crops(folder.path(), 96);
    state(folder.path(), &format!("{TRAIN} --epochs 12"), "train");
    let log = fs::read_to_string(folder.path().join("train/log.csv")).unwrap();
    let column = |at: usize| -> Vec<f64> {
        log.lines().skip(1).map(|row| row.split(',').nth(at).unwrap().parse().unwrap()).collect()
    };
    let (train_loss, val_gender) = (column(1), column(5));
    assert_eq!(val_gender[11], 1.0);
    assert!(train_loss[11] < train_loss[0] / 2.0, "{train_loss:?}");
}

#[test]
fn a_stopped_run_resumes_to_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    super::faces::crops(folder, 96);
    let run = |out, rest: &str| state(folder, &format!("{TRAIN} --epochs 2 {rest}"), out);
    let whole = run("whole", "");
    assert!(whole != run("parts", "--stop-after 1"), "the second epoch changes nothing");
    assert!(whole == run("parts", "--resume"), "resumed weights differ from those of one run");
    assert!(whole != run("other", "--seed 1"), "the seed changes nothing");
    for (rest, error) in
        [("--epochs 2", "holds a run already"), ("--epochs 3 --resume", "holds other options")]
    {
        let text = refused(folder, &format!("{TRAIN} {rest} --out whole"));
        assert!(text.contains(error), "{text}");
    }
}

#[test]
fn a_killed_run_resumes_to_the_same_weights() {
    let folder = features("--mirrored");
    let run = "train --features features --batch 8 --precision f32 --threads 1 --epochs 40";
    let whole = state(folder.path(), run, "whole");
    let mut child = trainer(folder.path(), &format!("{run} --out killed"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.map_while(Result::ok).find(|line| line.starts_with("epoch   7")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let log = fs::read_to_string(folder.path().join("killed/log.csv")).unwrap();
    assert!(log.lines().count() < 41, "it was killed too late to tell");
    assert!(whole == state(folder.path(), &format!("{run} --resume"), "killed"));
}

#[test]
fn features_are_what_the_trunk_makes_and_their_shards_join_to_the_same_bytes() {
    let folder = features("--mirrored");
    let folder = folder.path();
    for k in 1..=3 {
        ok(folder, &format!("{COMPUTE} --mirrored --out part{k} --shard {k}/3"));
    }
    assert!(refused(folder, "train --features part1 --out run").contains("shard 1/3"));
    let missing = refused(folder, "features merge --out joined part1 part3");
    assert!(missing.contains("shard 3/3 begins at crop 26, expected 13"), "{missing}");
    ok(folder, "features merge --out joined part2 part3 part1");
    let bytes = |out: &str| fs::read(folder.join(out).join("features.f16")).unwrap();
    // Rows of one crop may differ in the last bit between batches of other sizes.
    let far = bytes("features").iter().zip(bytes("joined")).filter(|(a, b)| **a != *b).count();
    assert!(far < bytes("features").len() / 100, "{far} bytes differ");

    let features = Features::open(&folder.join("joined")).unwrap();
    let plain = features.values(&[7], |_| Variant::Plain);
    let mirrored = features.values(&[7], |_| Variant::Mirrored);
    assert_eq!((plain.len(), features.rows.len()), (256, 40));
    assert!(plain != mirrored && plain.iter().any(|v| *v > 0.0));

    fs::write(folder.join("part2/features.f16"), bytes("part1")).unwrap();
    let torn = refused(folder, "features merge --out again part2 part3 part1");
    assert!(
        torn.contains("part2: its hash is") || torn.contains("part2/features.f16 holds"),
        "{torn}"
    );
}

#[test]
fn features_that_were_stopped_by_a_full_disk_go_on() {
    let folder = features("");
    let folder = folder.path();
    let whole = fs::read(folder.join("features/features.f16")).unwrap();
    // A limit on the size of files stands in for a full disk: 9 kB hold 17 of the 40 rows.
    let program = env!("CARGO_BIN_EXE_trainer");
    let limited = format!("trap '' XFSZ; ulimit -f 9; exec {program} {COMPUTE} --out full");
    let output = Command::new("bash").current_dir(folder).args(["-c", &limited]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("run the same command again"), "{error}");
    assert!(refused(folder, "train --features full --out run").contains("unfinished"));
    ok(folder, &format!("{COMPUTE} --out full"));
    assert!(fs::read(folder.join("full/features.f16")).unwrap() == whole);
    assert!(ok(folder, &format!("{COMPUTE} --out full")).contains("finished already"));
    let other = refused(folder, &format!("{COMPUTE} --out full --mirrored"));
    assert!(other.contains("features of something else"), "{other}");
}

#[test]
fn heads_learn_on_features_one_at_a_time() {
    let folder = features("");
    let folder = folder.path();
    for task in ["age", "gender"] {
        let text = ok(folder, &format!("{HEADS} --task {task} --out {task}"));
        assert!(text.contains("2 of 2 tensors learn"), "{text}");
    }
    let joined = "verify --weights trunk2.safetensors age/best.safetensors gender/best.safetensors";
    let mut trunk = host::weights::Weights::read(&folder.join("trunk.safetensors")).unwrap();
    trunk.tensors.retain(|name, _| !name.starts_with("age") && !name.starts_with("gender"));
    trunk.write(&folder.join("trunk2.safetensors")).unwrap();
    let weights = joined.trim_start_matches("verify ");
    ok(folder, &format!("export {weights} --out f32"));
    ok(folder, &format!("{joined} --bundle f32"));
    ok(folder, &format!("predict --net compact {weights} --features features --out said.csv"));
    let said = host::predictions::read(&folder.join("said.csv")).unwrap();
    assert!(said.len() == 40 && said.iter().all(|one| one.years.is_some()));
    ok(folder, &format!("export {weights} --only age --out age.onnx"));
    assert!(refused(folder, &format!("export {weights} --only age --out age")).contains(".onnx"));
    let seed = ok(folder, &format!("{HEADS} --protocol seed --task age --out seed"));
    assert!(seed.contains("epochs 1–3"), "{seed}");
}

#[test]
fn only_what_is_unfrozen_changes() {
    let folder = features("");
    let folder = folder.path();
    let run = format!("{TRAIN} --weights trunk.safetensors --unfreeze-from conv4_2 --epochs 1");
    assert!(ok(folder, &format!("{run} --out tuned")).contains("10 of 54 tensors learn"));
    let read = |path: &str| host::weights::Weights::read(&folder.join(path)).unwrap();
    let (before, after) = (read("trunk.safetensors"), read("tuned/best.safetensors"));
    assert_eq!(after.input, before.input);
    let same = |name: &str| before.tensors[name] == after.tensors[name];
    assert!(same("conv1_1.weight") && same("conv4_1.bn.running_mean") && same("conv4_1.bn.bias"));
    assert!(!same("conv4_2.weight") && !same("conv4_2.bn.running_mean") && !same("age.weight"));
}

#[test]
fn another_thread_count_changes_the_weights_by_little() {
    let folder = features("");
    let folder = folder.path();
    let one = format!("{HEADS} --task age --out one");
    ok(folder, &one);
    ok(folder, &one.replace("--threads 1", "--threads 2").replace("--out one", "--out two"));
    let read = |out: &str| {
        host::weights::Weights::read(&folder.join(out).join("best.safetensors")).unwrap()
    };
    let (one, two) = (read("one"), read("two"));
    for (name, tensor) in &one.tensors {
        let far = tensor.values.iter().zip(&two.tensors[name].values);
        let far = far.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-5, "{name} is {far} off");
    }
}

#[test]
fn the_doctor_makes_two_steps_and_misses_cuda_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let output = trainer(folder.path(), "doctor").output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && table.contains("libtorch_cpu"), "{table}");
    assert!(table.contains("| two steps of the compact net, Cpu"), "{table}");
    if !tch::Cuda::is_available() {
        assert!(refused(folder.path(), "doctor --device cuda").contains("no CUDA device"));
    }
}

#[test]
fn cuda_is_refused_where_there_is_none() {
    if tch::Cuda::is_available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    super::faces::crops(folder.path(), 96);
    let error = refused(folder.path(), &format!("{TRAIN} --device cuda --out train"));
    assert!(error.contains("no CUDA device"), "{error}");
}
