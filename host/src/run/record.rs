//! What is kept of a stage: its command, the hashes of what it read, and whether it finished.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::plan::Stage;
use crate::files::{self, write_text};

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Never run, or run with another command or on other inputs.
    New,
    /// Begun just so, not finished.
    Begun,
    /// Finished, and what it wrote is there.
    Done,
}

/// `stages/NAME.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    stage: String,
    /// The version of the trainer that ran it.
    version: String,
    arguments: Vec<String>,
    /// SHA-256 of each file it read.
    inputs: BTreeMap<PathBuf, String>,
    /// How long it took; missing until it is finished.
    #[serde(default)]
    seconds: Option<f64>,
}

impl Record {
    /// Of a stage that is about to run: hashes its inputs.
    pub(super) fn of(stage: &Stage) -> Result<Self> {
        let hashed = stage.inputs.iter().map(|path| {
            let hash = files::sha256_of(path);
            let hash = hash.with_context(|| format!("stage {} reads it", stage.name))?;
            Ok((path.clone(), hash))
        });
        Ok(Self {
            stage: stage.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            arguments: stage.arguments.clone(),
            inputs: hashed.collect::<Result<_>>()?,
            seconds: None,
        })
    }

    /// How far the same stage came before.
    pub(super) fn progress(&self, stage: &Stage, folder: &Path) -> Result<Progress> {
        let Ok(text) = fs::read_to_string(self.path(folder)) else { return Ok(Progress::New) };
        // A record that cannot be read is of another version: the stage runs again.
        let Ok(before) = serde_json::from_str::<Self>(&text) else { return Ok(Progress::New) };
        let finished = before.seconds.is_some() && stage.output.exists();
        Ok(match (Self { seconds: None, ..before } == *self, finished) {
            (false, _) => Progress::New,
            (true, false) => Progress::Begun,
            (true, true) => Progress::Done,
        })
    }

    /// The same, finished after `seconds`.
    pub(super) fn finished(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// Keeps it.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        write_text(&self.path(folder), &text)
    }

    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.json", self.stage))
    }
}
