//! The process that `scripts/bench-vs-peers.sh` measures: what it says, and what it refuses.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Cargo builds examples for `cargo test` alone, not for `cargo test --test it`.
fn worker() -> Option<PathBuf> {
    let test = std::env::current_exe().unwrap();
    let worker = test.ancestors().nth(2).unwrap().join("examples/bench_worker");
    if !worker.exists() {
        eprintln!("skipped: {} is not built", worker.display());
    }
    worker.exists().then_some(worker)
}

/// Runs the worker on the committed bundle with `values` zeros as its input.
fn ask(worker: &Path, kernel: &str, values: usize, lines: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input.f32");
    std::fs::write(&input, vec![0; values * 4]).unwrap();
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundles/compact");
    let mut process = Command::new(worker)
        .args([bundle.as_os_str(), kernel.as_ref(), "1".as_ref(), input.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A worker that refuses its arguments reads nothing.
    let _ = process.stdin.take().unwrap().write_all(lines.as_bytes());
    process.wait_with_output().unwrap()
}

#[test]
fn the_worker_answers_each_line_with_as_many_runs() {
    let Some(worker) = worker() else { return };
    let output = ask(&worker, "best", 3 * 96 * 96, "2\n1\n");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].contains(r#""outputs":[["#), "{text}");
    assert!(lines[1].starts_with(r#"{"runs":[["#) && lines[1].matches("],[").count() == 1);
    assert!(lines[2].starts_with(r#"{"runs":[["#) && lines[2].matches("],[").count() == 0);
}

#[test]
fn the_worker_refuses_unknown_kernels_and_pictures_of_another_size() {
    let Some(worker) = worker() else { return };
    for (kernel, values, words) in [("none", 3 * 96 * 96, "none"), ("best", 5, "[1, 3, 96, 96]")] {
        let output = ask(&worker, kernel, values, "1\n");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && message.contains(words), "{message}");
    }
}
