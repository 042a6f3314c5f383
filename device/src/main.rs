//! `kiosk`: reads apparent ages and predicted genders from pictures and shows them.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use device::cli::{Cli, Command};
use device::report::Outcome;
use device::{analyze, app, bench, bundles, cameras, config, displays, replay, secrets, selftest};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(outcome) => outcome.into(),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is gone too, nobody is left to be told.
            let said = secrets::without(&format!("{error:#}"));
            let _ = writeln!(io::stderr(), "kiosk: {said}");
            cli.command.failure()
        }
    }
}

fn run(cli: &Cli) -> Result<Outcome> {
    let out = &mut io::stdout();
    match &cli.command {
        Command::Run(args) => app::run(args, out),
        Command::Selftest(args) => selftest::run(args, out),
        Command::Config(args) => config::print::run(args, out),
        Command::Analyze(args) => analyze::run(args, out),
        Command::Replay(args) => replay::run(args, out),
        Command::Cameras(args) => cameras::run(args, out),
        Command::Displays(args) => displays::run(args, out),
        Command::Bench(args) => bench::run(args, out),
        Command::BenchDiff(args) => bench::diff::run(args, out),
        Command::Bundle(command) => bundles::command::run(command, out),
    }
}

/// Whether whoever read our output has stopped: `kiosk analyze … | head -1` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}
