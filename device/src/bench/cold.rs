//! How long the program takes from its start to a first answer: another process is started and timed.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::clock::{Moment, ms};
use crate::cli::bench::BenchArgs;

/// What the other process prints when it has its first answer.
pub const FIRST_ANSWER: &str = "first answer";

/// Starts this program once more with the same models, and times it until its first answer, in
/// milliseconds. What it reads is by then in the system's cache or not, as it happens to be.
pub fn start_ms(args: &BenchArgs) -> Result<f64> {
    let program = env::current_exe().context("finding this program's file")?;
    let begun = Moment::now();
    let mut child = Command::new(&program)
        .args(arguments(args))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let mut line = String::new();
    let read = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
    let took = Moment::now() - begun;
    let ended = child.wait_with_output().context("waiting for the process that starts cold")?;
    read.transpose().context("listening to the process that starts cold")?;
    if line.trim_end() != FIRST_ANSWER {
        // It is this same program, and what keeps it from answering would keep this process too.
        let reason = String::from_utf8_lossy(&ended.stderr);
        bail!("{}", reason.trim().trim_start_matches("kiosk: "));
    }
    Ok(ms(took.wall))
}

/// The same models and the first of the pictures.
fn arguments(args: &BenchArgs) -> Vec<OsString> {
    let models = &args.models;
    let mut arguments: Vec<OsString> = ["bench", "--first-answer"].map(Into::into).into();
    let options = [
        ("--bundle", models.bundle.clone()),
        ("--detector", models.detector.clone()),
        ("--threads", models.compute.threads.to_string()),
        ("--kernel", models.compute.kernel.to_string()),
    ];
    for (option, value) in options {
        arguments.push(format!("{option}={value}").into());
    }
    arguments.extend(args.network.then(|| "--network".into()));
    if let Some(path) = args.paths.first() {
        // After this, a path that begins with a dash is a path.
        arguments.extend(["--".into(), path.into()]);
    }
    arguments
}
