//! `kiosk config`: what holds, whether it is good, or a commented example.

use std::io::Write;

use anyhow::Result;

use super::{Config, EXAMPLE};
use crate::cli::run::ConfigArgs;
use crate::report::Outcome;

/// Checks the configuration and prints what is asked for.
///
/// # Errors
/// Where the configuration is not good: what, where, and what was expected.
pub fn run(args: &ConfigArgs, out: &mut dyn Write) -> Result<Outcome> {
    if args.example {
        out.write_all(EXAMPLE.as_bytes())?;
        return Ok(Outcome::Good);
    }
    let config = Config::load(&args.settings.sources())?;
    if !args.check {
        out.write_all(toml::to_string(&config)?.as_bytes())?;
    }
    Ok(Outcome::Good)
}
