//! `trainer`: see the library beside it.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match host::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("trainer: {error:#}");
            ExitCode::FAILURE
        }
    }
}
