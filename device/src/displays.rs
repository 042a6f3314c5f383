//! `kiosk displays`: what there is to show screens on, and which display `kiosk run` would take.

mod report;
mod table;

use std::io::Write;
use std::path::Path;

use anyhow::Result;

use crate::cli::DisplaysArgs;
use crate::config::{Config, Sources};
use crate::display::survey::Survey;
use crate::report::Outcome;
use report::Report;

/// Prints the table, or JSON. That there is no display is an answer too.
///
/// # Errors
/// Where the configuration is not good, or `out` cannot be written to.
pub fn run(args: &DisplaysArgs, out: &mut dyn Write) -> Result<Outcome> {
    let configured = Config::load(&Sources::default())?.screen.display;
    let report = Report::new(Survey::of(Path::new("/")), &configured);
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        table::write(&report, out)?;
    }
    Ok(Outcome::Good)
}
