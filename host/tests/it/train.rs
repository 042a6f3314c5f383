//! Training itself, on forty made faces. Each run is a process of its own: torch's seed and thread
//! count are global to one.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn train(folder: &Path, out: &str, rest: &str) -> Output {
    let crops = folder.join("crops");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.arg("train").arg("--crops").arg(crops).arg("--out").arg(folder.join(out));
    command.args("--batch 16 --precision f32 --threads 1".split(' ')).args(rest.split_whitespace());
    command.output().unwrap()
}

fn weights(folder: &Path, out: &str, rest: &str) -> Vec<u8> {
    let output = train(folder, out, rest);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(folder.join(out).join("last.safetensors")).unwrap()
}

#[test]
fn colours_are_learnt_as_genders() {
    let folder = tempfile::tempdir().unwrap();
    super::faces::crops(folder.path(), 96);
    weights(folder.path(), "train", "--epochs 12");
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
    super::faces::crops(folder.path(), 96);
    let run = |out, rest: &str| weights(folder.path(), out, &format!("--epochs 2 {rest}"));
    let whole = run("whole", "");
    assert!(whole != run("parts", "--stop-after 1"), "the second epoch changes nothing");
    assert!(whole == run("parts", "--resume"), "resumed weights differ from those of one run");
    assert!(whole != run("other", "--seed 1"), "the seed changes nothing");
    for (rest, error) in
        [("--epochs 2", "holds a run already"), ("--epochs 3 --resume", "holds other options")]
    {
        let refused = train(folder.path(), "whole", rest);
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && text.contains(error), "{text}");
    }
}

#[test]
fn cuda_is_refused_where_there_is_none() {
    if tch::Cuda::is_available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    super::faces::crops(folder.path(), 96);
    let output = train(folder.path(), "train", "--device cuda");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("no CUDA device"), "{error}");
}
