//! The files of a training run: `last.safetensors` (everything to go on from), `best.safetensors`
//! (averaged weights with the lowest val loss), `log.csv` (one row an epoch), `train.json` (options).

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::Run;
use super::forward::{Entry, to_plain, to_torch};
use super::recipe::Recipe;
use super::score::Val;
use crate::files::{write_csv, write_text};
use crate::weights::Weights;

/// One epoch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct EpochLog {
    /// Counted from 1.
    pub(super) epoch: usize,
    /// Mean loss of its steps.
    pub(super) train_loss: f64,
    /// Scores after it.
    pub(super) val: Val,
    /// How long it took.
    pub(super) seconds: f64,
}

impl fmt::Display for EpochLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "epoch {:>3}: train loss {:.4}, {}, {:.0} s",
            self.epoch, self.train_loss, self.val, self.seconds
        )
    }
}

/// One row of `log.csv`; empty where the net has no such head.
#[derive(Serialize, Deserialize)]
struct LogRow {
    epoch: usize,
    train_loss: f64,
    val_loss: f64,
    val_age_exact: Option<f64>,
    val_age_edge_years: Option<f64>,
    val_gender: Option<f64>,
    seconds: f64,
}

/// Everything to go on from.
const LAST: &str = "last.safetensors";

/// Where a run keeps its state.
pub(super) struct Checkpoint {
    folder: PathBuf,
}

impl Checkpoint {
    /// Makes `folder` and notes the recipe in it; of a run that is there already, it holds it against
    /// the noted one.
    ///
    /// # Errors
    /// There is a run and `--resume` is missing, or it was begun with other options.
    pub(super) fn new(folder: &Path, recipe: &Recipe, resume: bool) -> Result<Self> {
        let noted = folder.join("train.json");
        if resume {
            let before = fs::read_to_string(&noted)
                .with_context(|| format!("reading {}", noted.display()))?;
            let same =
                serde_json::from_str::<Recipe>(&before).is_ok_and(|before| before == *recipe);
            ensure!(same, "{} holds other options: {before}", noted.display());
        } else {
            let taken = folder.join(LAST).exists();
            ensure!(!taken, "{} holds a run already: --resume goes on with it", folder.display());
            let text = serde_json::to_string_pretty(recipe)?;
            write_text(&noted, &text)?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Whether there is a state to go on from.
    pub(super) fn is_begun(&self) -> bool {
        self.folder.join(LAST).exists()
    }

    /// Saves the run between two epochs; the state comes last, so a kill in between repeats some.
    pub(super) fn save(&self, run: &mut Run<'_>) -> Result<()> {
        if let Some(best) = run.best.take() {
            best.write(&self.folder.join("best.safetensors"))?;
        }
        self.write_log(&run.log)?;
        let mut state = run.optimizer.state(&run.parameters)?;
        state.tensors.append(&mut run.average.state(&run.parameters)?.tensors);
        for Entry { name, tensor, .. } in run.parameters.entries().iter().filter(|e| e.changes) {
            state.tensors.insert(format!("weights/{name}"), to_plain(tensor)?);
        }
        state.set("epochs", &[1], vec![run.log.len() as f32]);
        state.write(&self.folder.join(LAST))
    }

    /// Takes up the run where [`Checkpoint::save`] left it.
    pub(super) fn restore(&self, run: &mut Run<'_>) -> Result<()> {
        let state = Weights::read(&self.folder.join(LAST))?;
        let saved = state.get("epochs", &[1])?.values[0];
        let log = self.read_log()?;
        let epochs = (0..=log.len()).find(|&epochs| epochs as f32 == saved);
        let epochs = epochs
            .with_context(|| format!("log.csv holds {} epochs, {LAST} {saved}", log.len()))?;
        for Entry { name, tensor, .. } in run.parameters.entries().iter().filter(|e| e.changes) {
            let shape: Vec<usize> =
                tensor.size().into_iter().map(usize::try_from).collect::<Result<_, _>>()?;
            let saved = to_torch(state.get(&format!("weights/{name}"), &shape)?)?;
            tch::no_grad(|| tensor.shallow_clone().f_copy_(&saved))?;
        }
        run.log = log.into_iter().take(epochs).collect();
        let steps = epochs as u64 * run.steps_an_epoch;
        run.average.restore(&run.parameters, &state)?;
        run.optimizer.restore(&run.parameters, &state, steps)
    }

    fn write_log(&self, log: &[EpochLog]) -> Result<()> {
        write_csv(&self.folder.join("log.csv"), log.iter().copied().map(LogRow::from))
    }

    fn read_log(&self) -> Result<Vec<EpochLog>> {
        let path = self.folder.join("log.csv");
        let mut reader =
            csv::Reader::from_path(&path).with_context(|| format!("opening {}", path.display()))?;
        let rows = reader.deserialize().map(|row| Ok(EpochLog::from(row.map(|row: LogRow| row)?)));
        rows.collect::<Result<_>>().with_context(|| format!("reading {}", path.display()))
    }
}

impl From<EpochLog> for LogRow {
    fn from(log: EpochLog) -> Self {
        Self {
            epoch: log.epoch,
            train_loss: log.train_loss,
            val_loss: log.val.loss,
            val_age_exact: log.val.age_exact,
            val_age_edge_years: log.val.age_edge_years,
            val_gender: log.val.gender,
            seconds: log.seconds,
        }
    }
}

impl From<LogRow> for EpochLog {
    fn from(row: LogRow) -> Self {
        let val = Val {
            loss: row.val_loss,
            age_exact: row.val_age_exact,
            age_edge_years: row.val_age_edge_years,
            gender: row.val_gender,
        };
        Self { epoch: row.epoch, train_loss: row.train_loss, val, seconds: row.seconds }
    }
}
