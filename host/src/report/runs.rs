//! A training run in a report.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use super::{Named, folder_name};
use crate::files;
use crate::runlog::RunLog;

/// What the report tells of a run.
#[derive(Serialize)]
pub(super) struct Run {
    pub(super) name: String,
    folder: PathBuf,
    log_sha256: String,
    pub(super) epochs: usize,
    /// Whose weights are kept: that with the lowest val loss.
    pub(super) chosen_epoch: Option<f64>,
    pub(super) chosen_val_loss: Option<f64>,
    /// All epochs together; `None` where the log does not say.
    pub(super) seconds: Option<f64>,
    /// As told to `train`.
    pub(super) options: Vec<(String, String)>,
    #[serde(skip)]
    pub(super) log: RunLog,
}

impl Run {
    pub(super) fn read(named: &Named) -> Result<Self> {
        let log = RunLog::read(&named.path)?;
        let seconds: Vec<(f64, f64)> = log.points("seconds");
        Ok(Self {
            name: named.name.clone(),
            folder: named.path.clone(),
            log_sha256: files::sha256_of(&named.path.join("log.csv"))?,
            epochs: log.epochs.len(),
            chosen_epoch: log.chosen().map(|chosen| chosen.0),
            chosen_val_loss: log.chosen().map(|chosen| chosen.1),
            seconds: (!seconds.is_empty()).then(|| seconds.iter().map(|point| point.1).sum()),
            options: log.options.clone(),
            log,
        })
    }

    /// The folder of its TensorBoard file, where there are several runs.
    pub(super) fn folder_name(&self) -> String {
        folder_name(&self.name)
    }

    /// How long it ran and what came of it, in a sentence.
    pub(super) fn summary(&self) -> String {
        let mut text = format!("{} epochs", self.epochs);
        if let Some(seconds) = self.seconds {
            text += &format!(" in {}", super::amounts::duration(seconds));
        }
        if let (Some(epoch), Some(loss)) = (self.chosen_epoch, self.chosen_val_loss) {
            text += &format!("; epoch {epoch} has the lowest val loss, {loss:.4}, and is kept");
        }
        text + "."
    }
}
