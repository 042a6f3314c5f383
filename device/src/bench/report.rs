//! What `kiosk bench` found, as plain data: its JSON, in which there are timings and no picture.
//!
//! Documented in `docs/bench.md`; fields are added, never renamed or removed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::load::Load;
use super::memory::Memory;
use super::stage::{Stage, StageReport};
use super::stats::Drift;
use crate::machine::Machine;
use crate::machine::state::State;
use crate::whole;

/// The number of this form of the JSON.
pub const FORMAT: u32 = 1;

/// A benchmark's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// The stage whose 90th percentile is the result.
    pub headline: Stage,
    /// Which program was measured.
    pub program: Program,
    /// On which machine.
    pub machine: Machine,
    /// Its state before the run.
    pub before: State,
    /// Its state after the run.
    pub after: State,
    /// What others took of it; `None` where it does not tell.
    pub load: Option<Load>,
    /// What was run.
    pub models: Models,
    /// How often.
    pub run: Run,
    /// How long it took until there was a first answer.
    pub start: Start,
    /// What it held; `None` where the machine does not tell.
    pub memory: Option<Memory>,
    /// The stages that were measured, in the order of the way.
    pub stages: Vec<StageReport>,
    /// The stages that were not, and why.
    pub left_out: Vec<LeftOut>,
    /// Whether it became slower; `None` where there were too few pictures.
    pub drift: Option<Drift>,
    /// Why the figures are not to be trusted; empty where nothing speaks against them.
    pub doubts: Vec<String>,
}

/// Which program was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The version of `kiosk`.
    pub version: String,
    /// Whether it was built without optimization.
    pub debug: bool,
}

/// What was run, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Models {
    /// The bundle's name.
    pub bundle: String,
    /// The hash that names this very bundle.
    pub bundle_sha256: String,
    /// The size of its files.
    pub bundle_bytes: u64,
    /// What finds the faces; `None` where only the network was run.
    pub detector: Option<String>,
    /// How many threads compute.
    pub threads: usize,
    /// How integer convolutions are computed.
    pub kernel: String,
}

/// How often it was run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// How many different pictures there were.
    pub pictures: usize,
    /// Pictures that were read before anything was measured.
    pub warm_up: usize,
    /// Pictures that were measured.
    pub count: usize,
    /// How long that took.
    pub seconds: f64,
}

/// How long it takes to start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// From starting a process to its first answer, the files being in the system's cache.
    pub cold_ms: f64,
    /// Opening the bundle: reading, checking hashes, preparing the network.
    pub load_ms: f64,
}

/// A stage that was not measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which one.
    pub stage: Stage,
    /// Why, in words.
    pub why: String,
}

impl Report {
    /// The figures of `stage`, if it was measured.
    pub fn stage(&self, stage: Stage) -> Option<&StageReport> {
        self.stages.iter().find(|report| report.stage == stage)
    }

    /// Writes the JSON into the file `path`, which is replaced when all of it is there.
    pub fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        let written = whole::replace(path, |part| Ok(fs::write(part, json)?));
        written.with_context(|| format!("writing {}", path.display()))
    }

    /// Reads what [`write`](Self::write) wrote.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("reading {name}"))?;
        let report: Self = serde_json::from_str(&text)
            .with_context(|| format!("{name} is no result of kiosk bench"))?;
        let found = report.format;
        ensure!(found == FORMAT, "{name} is of format {found}, expected {FORMAT}");
        Ok(report)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bench::stats::Summary;

    /// The figures of times that are all alike.
    pub(crate) fn stage(stage: Stage, ms: f64, mad_ms: f64) -> StageReport {
        let wall = Summary { mad_ms, count: 100, ..Summary::of(&[ms]).unwrap() };
        StageReport { stage, per: stage.per().to_owned(), wall, cpu: wall }
    }

    /// A made-up result that nothing speaks against.
    pub(crate) fn report() -> Report {
        Report {
            format: FORMAT,
            headline: Stage::EndToEnd,
            program: Program { version: "0.1.0".into(), debug: false },
            machine: Machine::default(),
            before: State::default(),
            after: State::default(),
            load: Some(Load { others_share: 0.0, steal_share: 0.0 }),
            models: Models {
                bundle: "compact".into(),
                bundle_sha256: "ab".repeat(32),
                bundle_bytes: 1_600_000,
                detector: Some("embedded".into()),
                threads: 1,
                kernel: "tract".into(),
            },
            run: Run { pictures: 1, warm_up: 3, count: 100, seconds: 1.5 },
            start: Start { cold_ms: 80.0, load_ms: 30.0 },
            memory: None,
            stages: vec![stage(Stage::Trunk, 4.0, 0.1), stage(Stage::EndToEnd, 10.0, 0.5)],
            left_out: vec![LeftOut { stage: Stage::Convert, why: "no camera".into() }],
            drift: None,
            doubts: vec![],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        report().write(&path).unwrap();
        assert_eq!(Report::read(&path).unwrap(), report());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let later = serde_json::to_string(&Report { format: 2, ..report() }).unwrap();
        for (text, expected) in
            [("{}", "is no result of kiosk bench"), (later.as_str(), "is of format 2, expected 1")]
        {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", Report::read(&path).unwrap_err());
            assert!(error.contains("a.json") && error.contains(expected), "{error}");
        }
    }
}
