//! The files of a training run: `last.safetensors` (everything to go on from), `best.safetensors`
//! (averaged weights with the lowest val loss), `log.csv` (one row an epoch), `train.json` (options).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::learner::Learner;
use crate::files::{write_csv, write_text};
use crate::weights::Weights;

/// Everything to go on from.
const LAST: &str = "last.safetensors";

/// Where a run keeps its state.
pub(crate) struct Checkpoint {
    folder: PathBuf,
}

impl Checkpoint {
    /// Makes `folder` and notes the recipe in it; of a run that is there already, it holds it against
    /// the noted one.
    ///
    /// # Errors
    /// There is a run and `--resume` is missing, or it was begun with other options.
    pub(crate) fn new<R>(folder: &Path, recipe: &R, resume: bool) -> Result<Self>
    where
        R: Serialize + DeserializeOwned + PartialEq,
    {
        let noted = folder.join("train.json");
        if resume {
            let before = fs::read_to_string(&noted)
                .with_context(|| format!("reading {}", noted.display()))?;
            let same = serde_json::from_str::<R>(&before).is_ok_and(|before| before == *recipe);
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
    pub(crate) fn is_begun(&self) -> bool {
        self.folder.join(LAST).exists()
    }

    /// Saves a run between two epochs: its best weights, where they are new, and one row an epoch. The
    /// state comes last, so a kill in between repeats some.
    pub(crate) fn save<L: Serialize>(
        &self,
        learner: &Learner,
        best: Option<Weights>,
        log: &[L],
    ) -> Result<()> {
        if let Some(best) = best {
            best.write(&self.folder.join("best.safetensors"))?;
        }
        write_csv(&self.folder.join("log.csv"), log)?;
        let mut state = learner.state()?;
        state.set("epochs", &[1], vec![log.len() as f32]);
        state.write(&self.folder.join(LAST))
    }

    /// Takes up a run where [`Checkpoint::save`] left it, and gives its log.
    pub(crate) fn restore<L: DeserializeOwned>(
        &self,
        learner: &mut Learner,
        steps_an_epoch: u64,
    ) -> Result<Vec<L>> {
        let state = Weights::read(&self.folder.join(LAST))?;
        let saved = state.get("epochs", &[1])?.values[0];
        let mut log = self.read_log()?;
        let epochs = (0..=log.len()).find(|&epochs| epochs as f32 == saved);
        let epochs = epochs
            .with_context(|| format!("log.csv holds {} epochs, {LAST} {saved}", log.len()))?;
        log.truncate(epochs);
        learner.restore(&state, epochs as u64 * steps_an_epoch)?;
        Ok(log)
    }

    fn read_log<L: DeserializeOwned>(&self) -> Result<Vec<L>> {
        let path = self.folder.join("log.csv");
        let mut reader =
            csv::Reader::from_path(&path).with_context(|| format!("opening {}", path.display()))?;
        let rows = reader.deserialize().collect::<Result<_, _>>();
        rows.with_context(|| format!("reading {}", path.display()))
    }
}
