//! How good the weights of the moment are on val.

use std::fmt;

use anyhow::{Context, Result};
use models::age::{AGE_CLASSES, AgeDistribution};
use serde::{Deserialize, Serialize};
use tch::no_grad;

use super::cross_entropy;
use super::forward::{Forward, to_plain};
use super::loader::Loader;
use crate::faces::{GenderMark, Part};
use crate::labels;

/// Scores on val; shares are in [0, 1].
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Val {
    /// Age loss + gender loss: what the best weights are chosen by.
    pub(super) loss: f64,
    /// Share of apparent ages inside the labelled range.
    pub(super) age_exact: f64,
    /// Mean distance in years to the nearest edge of the labelled range.
    pub(super) age_edge_years: f64,
    /// Share of genders predicted as labelled.
    pub(super) gender: f64,
}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "val loss {:.4}, age in range {:.3}, off by {:.2} y, gender {:.4}",
            self.loss, self.age_exact, self.age_edge_years, self.gender
        )
    }
}

/// Scores `forward` on the val part.
pub(super) fn score(forward: &Forward<'_>, loader: &Loader<'_>) -> Result<Val> {
    let mut sum = Val::default();
    no_grad(|| {
        loader.val_epoch(|batch| {
            let device = forward.parameters.device();
            let (age, gender) = forward.run(&batch.input.f_to_device(device)?)?;
            let loss = cross_entropy(&age, &batch.age.f_to_device(device)?)?
                + cross_entropy(&gender, &batch.gender.f_to_device(device)?)?;
            sum.loss += f64::try_from(&loss)? * batch.members.len() as f64;
            let (age, gender) = (to_plain(&age)?, to_plain(&gender)?);
            for (row, &at) in batch.members.iter().enumerate() {
                add_face(
                    &mut sum,
                    loader,
                    at,
                    (
                        &age.values[row * AGE_CLASSES..][..AGE_CLASSES],
                        &gender.values[row * 2..][..2],
                    ),
                )?;
            }
            Ok(())
        })
    })?;
    let n = loader.count(Part::Val) as f64;
    Ok(Val {
        loss: sum.loss / n,
        age_exact: sum.age_exact / n,
        age_edge_years: sum.age_edge_years / n,
        gender: sum.gender / n,
    })
}

fn add_face(
    sum: &mut Val,
    loader: &Loader<'_>,
    at: usize,
    (age, gender): (&[f32], &[f32]),
) -> Result<()> {
    let row = loader.row(at);
    let logits: &[f32; AGE_CLASSES] = age.try_into()?;
    let years =
        AgeDistribution::from_logits(logits).context("an age logit is no number")?.expected_years();
    if let Some(range) = row.age() {
        let off = f64::from(labels::edge_distance(years.round(), range));
        sum.age_edge_years += off;
        sum.age_exact += f64::from(u8::from(off == 0.0));
    }
    let predicted = if gender[0] >= gender[1] { GenderMark::Female } else { GenderMark::Male };
    sum.gender += f64::from(u8::from(row.gender == Some(predicted)));
    Ok(())
}
