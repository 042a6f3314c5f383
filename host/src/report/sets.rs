//! A labelled set and what was predicted on it, in a report.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::amounts::amount;
use super::pictures::{self, Sheet, Worst};
use super::{Named, weak};
use crate::files;
use crate::metrics::confusion::Confusion;
use crate::metrics::groups::{Group, groups};
use crate::metrics::measure::{self, Measure, Unit};
use crate::metrics::{Outcome, found};
use crate::predictions::{self, Prediction};

/// What the report tells of a set.
#[derive(Serialize)]
pub(super) struct Set {
    pub(super) name: String,
    file: PathBuf,
    file_sha256: String,
    pub(super) faces: usize,
    /// Share of them that a face was found for.
    pub(super) found: f64,
    pub(super) measures: Vec<Measure>,
    pub(super) confusion: Confusion,
    pub(super) groups: Vec<Group>,
    /// Which groups are told clearly worse than the whole, in sentences.
    pub(super) bad_at: Vec<String>,
    #[serde(skip)]
    pub(super) outcomes: Vec<Outcome>,
    #[serde(skip)]
    pub(super) sheets: Vec<Sheet>,
}

impl Set {
    pub(super) fn read(named: &Named, worst: Worst) -> Result<Self> {
        let rows: Vec<Prediction> = predictions::read(&named.path)?;
        ensure!(!rows.is_empty(), "{} holds no face", named.path.display());
        let outcomes: Vec<Outcome> = rows.iter().map(Prediction::outcome).collect();
        let groups = groups(&rows);
        Ok(Self {
            name: named.name.clone(),
            file: named.path.clone(),
            file_sha256: files::sha256_of(&named.path)?,
            faces: rows.len(),
            found: found(&outcomes),
            measures: measure::all(&outcomes),
            confusion: Confusion::of(&outcomes),
            bad_at: weak::sentences(&groups),
            groups,
            sheets: match worst {
                Worst::Hidden => Vec::new(),
                Worst::Shown => pictures::sheets(&rows),
            },
            outcomes,
        })
    }

    pub(super) fn measure(&self, key: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.key == key)
    }

    /// The figures that matter most, in a sentence.
    pub(super) fn summary(&self) -> String {
        let mut parts = Vec::new();
        for (key, what) in [
            ("mae_years", "the apparent age is off by {} years on average"),
            ("edge_mae_years", "it lies {} years outside the labelled range on average"),
            ("gender", "{} of genders are predicted as labelled"),
        ] {
            if let Some(measure) = self.measure(key) {
                let value = amount(Some(measure.figure.value), measure.unit);
                let guess = amount(measure.guess, measure.unit);
                let what = what.replace("{}", &value);
                parts.push(format!("{what} ({}: {guess})", measure.guess_says));
            }
        }
        let found = amount(Some(self.found), Unit::Proportion);
        format!("{} faces, {found} of them found. {}", self.faces, sentence(&parts))
    }
}

fn sentence(parts: &[String]) -> String {
    let text = parts.join("; ");
    let mut letters = text.chars();
    letters.next().map_or_else(
        || "It has no labels to score against.".to_owned(),
        |first| first.to_uppercase().chain(letters).chain(['.']).collect(),
    )
}
