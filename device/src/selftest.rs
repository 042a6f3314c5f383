//! `kiosk selftest`: whether everything that `kiosk run` needs works here.
//!
//! One line for each part; the exit status tells the first that does not work, so that a script can tell
//! parts apart. A part that is not there to be tested is left out and says why.

pub mod checks;
pub mod report;

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

use crate::cli::selftest::SelftestArgs;
use crate::config::Config;
use crate::report::Outcome;
use report::Report;

/// A part of the kiosk, in the order in which they are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The configuration.
    Config,
    /// The bundle's hashes, and its stored answers against this machine's.
    Model,
    /// A portrait in the program, and whether the face in it is found.
    Detector,
    /// The source, and whether it gives a picture.
    Camera,
    /// The display, and whether a screen can be shown.
    Display,
    /// Temperature, supply voltage and throttling.
    Heat,
    /// Memory that is free.
    Memory,
}

impl Part {
    /// The exit status where it is the first that does not work. 1 and 2 have other meanings.
    pub fn status(self) -> u8 {
        3 + self as u8
    }

    fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Model => "model",
            Self::Detector => "detector",
            Self::Camera => "camera",
            Self::Display => "display",
            Self::Heat => "heat",
            Self::Memory => "memory",
        }
    }
}

/// What was found of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It works.
    Good(String),
    /// It does not.
    Bad(String),
    /// It was not tested.
    LeftOut(String),
}

impl From<Result<String>> for Finding {
    fn from(result: Result<String>) -> Self {
        result.map_or_else(|error| Self::Bad(format!("{error:#}")), Self::Good)
    }
}

/// A part and what was found of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which part.
    pub part: Part,
    /// What was found.
    pub finding: Finding,
}

/// Tests every part and prints a line for each.
///
/// # Errors
/// Where `out` or the report cannot be written; what does not work is no error but the outcome.
pub fn run(args: &SelftestArgs, out: &mut dyn Write) -> Result<Outcome> {
    let config = Config::load(&args.settings.sources());
    let mut checks = Vec::new();
    let mut keep = |part, finding: Finding| -> Result<()> {
        writeln!(out, "{}", line(part, &finding))?;
        checks.push(Check { part, finding });
        Ok(())
    };
    match &config {
        Err(error) => keep(Part::Config, Finding::Bad(format!("{error:#}")))?,
        Ok(config) => {
            keep(Part::Config, Finding::Good("every key is known and can be".into()))?;
            keep(Part::Model, checks::model(config).into())?;
            keep(Part::Detector, checks::detector(config).into())?;
            keep(Part::Camera, checks::camera(config).into())?;
            keep(Part::Display, checks::display(config).into())?;
            keep(Part::Heat, checks::heat(config))?;
            keep(Part::Memory, checks::memory())?;
        }
    }
    if let Some(path) = &args.report {
        Report::new(&checks, config.ok()).write(path)?;
    }
    Ok(outcome(&checks))
}

fn outcome(checks: &[Check]) -> Outcome {
    let bad = checks.iter().find(|check| matches!(check.finding, Finding::Bad(_)));
    bad.map_or(Outcome::Good, |check| Outcome::Status(check.part.status()))
}

fn line(part: Part, finding: &Finding) -> String {
    let (word, text) = match finding {
        Finding::Good(text) => ("good", text),
        Finding::Bad(text) => ("BAD", text),
        Finding::LeftOut(text) => ("left out", text),
    };
    format!("{:<9} {word:<9} {text}", part.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_that_does_not_work_gives_the_exit_status() {
        let check = |part, finding| Check { part, finding };
        let good = check(Part::Config, Finding::Good(String::new()));
        let camera = check(Part::Camera, Finding::Bad(String::new()));
        let display = check(Part::Display, Finding::Bad(String::new()));
        let heat = check(Part::Heat, Finding::LeftOut(String::new()));
        assert_eq!(outcome(&[good.clone(), heat]), Outcome::Good);
        assert_eq!(outcome(&[good, camera, display]), Outcome::Status(6));
    }

    #[test]
    fn lines_are_a_table() {
        assert_eq!(line(Part::Heat, &Finding::Good("48 °C".into())), "heat      good      48 °C");
        assert_eq!(line(Part::Detector, &Finding::Bad("no".into())), "detector  BAD       no");
    }
}
