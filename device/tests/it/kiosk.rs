//! Runs the program, and knows where pictures are.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit status.
    pub(crate) status: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs `kiosk` with these arguments.
pub(crate) fn kiosk<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    run(Path::new(env!("CARGO_TARGET_TMPDIR")), args)
}

/// Runs `kiosk` with these arguments and variables of the environment.
pub(crate) fn kiosk_with<'a>(
    args: impl IntoIterator<Item = &'a str>,
    variables: &[(&str, &str)],
) -> Run {
    of(command(Path::new(env!("CARGO_TARGET_TMPDIR"))).args(args).envs(variables.iter().copied()))
}

/// Runs `kiosk`, which keeps in the folder `cache` what it found out of this processor.
pub(crate) fn run<S: AsRef<OsStr>>(cache: &Path, args: impl IntoIterator<Item = S>) -> Run {
    of(command(cache).args(args))
}

fn command(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk"));
    command.env("XDG_CACHE_HOME", cache);
    command
}

fn of(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    let run = Run {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(!run.err.contains("panicked at"), "{}", run.err);
    run
}

/// Runs `kiosk analyze --json` with the detector that is always there.
pub(crate) fn analyze<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
    kiosk(["analyze", "--json", "--detector", "embedded"].map(Into::into).into_iter().chain(args))
}

impl Run {
    /// Each line of standard output as JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let line = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(!self.out.is_empty(), "nothing was printed: {self:?}");
        self.out.lines().map(line).collect()
    }
}

/// A demo picture.
pub(crate) fn portrait(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/portraits").join(name)
}

/// Whether faults can be injected; says why not where the program under test is a release build.
pub(crate) fn takes_faults() -> bool {
    let takes = cfg!(debug_assertions);
    if !takes {
        println!("left out: a release build knows no APPARENT_INJECT");
    }
    takes
}

/// A folder of the labelled faces; `None`, with a printed reason, where they are not there.
pub(crate) fn data(folder: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("APPARENT_DATA").map(|dir| Path::new(&dir).join(folder));
    let found = dir.filter(|dir| dir.is_dir());
    if found.is_none() {
        println!("left out: APPARENT_DATA names no folder with {folder} in it");
    }
    found
}

/// Makes the bundle `yunet` of these weights in the folder `into`.
pub(crate) fn install_yunet(weights: &Path, into: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/get-detector.sh");
    let mut command = Command::new(script);
    command.arg("--from").arg(weights).arg("--into").arg(into);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
