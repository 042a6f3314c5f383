//! Predicted genders by labelled ones.

use serde::Serialize;

use super::{Outcome, predicted};
use crate::faces::GenderMark;

/// Faces that are labelled with one gender, by what was said of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Predicted *female*.
    pub female: usize,
    /// Predicted *male*.
    pub male: usize,
    /// No face was found.
    pub not_found: usize,
}

/// A row for each labelled gender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// Labelled *female*.
    pub female: Row,
    /// Labelled *male*.
    pub male: Row,
}

impl Confusion {
    /// Counts the faces that have a labelled gender.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let mut confusion = Self::default();
        for (label, answer) in outcomes.iter().filter_map(|o| Some((o.gender?, o.answer))) {
            let row = match label {
                GenderMark::Female => &mut confusion.female,
                GenderMark::Male => &mut confusion.male,
            };
            *match answer.map(predicted) {
                Some(GenderMark::Female) => &mut row.female,
                Some(GenderMark::Male) => &mut row.male,
                None => &mut row.not_found,
            } += 1;
        }
        confusion
    }

    /// All faces counted.
    pub fn faces(&self) -> usize {
        let sum = |row: &Row| row.female + row.male + row.not_found;
        sum(&self.female) + sum(&self.male)
    }
}
