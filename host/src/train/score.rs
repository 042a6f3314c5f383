//! How good the weights of the moment are on val.

use std::fmt;

use anyhow::{Context, Result};
use models::age::{AGE_CLASSES, AgeDistribution};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor, no_grad};

use super::Pass;
use super::forward::to_plain;
use super::loader::{Batch, Loader};
use crate::crops::CropRow;
use crate::faces::{GenderMark, Part};
use crate::labels;

/// Scores on val; shares are in [0, 1]. `None` where the net has no such head.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Val {
    /// Age loss + gender loss, faces weighed as they are drawn: what the best weights are chosen by.
    pub(super) loss: f64,
    /// Share of apparent ages inside the labelled range.
    pub(super) age_exact: Option<f64>,
    /// Mean distance in years to the nearest edge of the labelled range.
    pub(super) age_edge_years: Option<f64>,
    /// Share of genders predicted as labelled.
    pub(super) gender: Option<f64>,
}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "val loss {:.4}", self.loss)?;
        if let (Some(exact), Some(years)) = (self.age_exact, self.age_edge_years) {
            write!(f, ", age in range {exact:.3}, off by {years:.2} y")?;
        }
        self.gender.map_or(Ok(()), |gender| write!(f, ", gender {gender:.4}"))
    }
}

/// Scores `pass` on the val part.
pub(super) fn score(pass: &Pass<'_>, loader: &Loader<'_>) -> Result<Val> {
    let (mut sum, mut scored) = (Val::default(), 0);
    no_grad(|| {
        loader.val_epoch(|batch| {
            let weights = loader.val_weights(scored, batch.members.len());
            scored += batch.members.len();
            add_batch(&mut sum, pass, loader, (&batch, &Tensor::from_slice(&weights)))
        })
    })?;
    let n = loader.count(Part::Val) as f64;
    let mean = |sum: Option<f64>| sum.map(|sum| sum / n);
    Ok(Val {
        loss: sum.loss / n,
        age_exact: mean(sum.age_exact),
        age_edge_years: mean(sum.age_edge_years),
        gender: mean(sum.gender),
    })
}

fn add_batch(
    sum: &mut Val,
    pass: &Pass<'_>,
    loader: &Loader<'_>,
    (batch, weights): (&Batch, &Tensor),
) -> Result<()> {
    let device = pass.forward.parameters.device();
    let answers = pass.run(&batch.input)?;
    let rows = || batch.members.iter().map(|&at| loader.row(at));
    let mut loss = 0.0;
    if let Some(age) = &answers.age {
        loss += weighed_loss(age, &batch.age.f_to_device(device)?, weights)?;
        let logits = to_plain(age)?.values;
        for (row, logits) in rows().zip(logits.chunks_exact(AGE_CLASSES)) {
            add_age(sum, row, logits)?;
        }
    }
    if let Some(gender) = &answers.gender {
        loss += weighed_loss(gender, &batch.gender.f_to_device(device)?, weights)?;
        let logits = to_plain(gender)?.values;
        let right = rows().zip(logits.chunks_exact(2)).filter(|(row, logits)| {
            let predicted =
                if logits[0] >= logits[1] { GenderMark::Female } else { GenderMark::Male };
            row.gender == Some(predicted)
        });
        *sum.gender.get_or_insert(0.0) += right.count() as f64;
    }
    sum.loss += loss * batch.members.len() as f64;
    Ok(())
}

/// Mean over the labelled rows, each counted as often as its weight says; 1 is the mean of all weights.
///
/// # Shapes
/// - logits, target: `[batch, classes]`, f32; weights: `[batch]`, f64
fn weighed_loss(logits: &Tensor, target: &Tensor, weights: &Tensor) -> Result<f64> {
    let rows = |values: &Tensor| values.f_sum_dim_intlist(-1, false, Kind::Double);
    let each = rows(&(logits.f_log_softmax(-1, Kind::Float)? * target))?;
    let sum = each.f_dot(&weights.f_to_device(target.device())?)?;
    let labelled = f64::try_from(&target.f_sum(Kind::Double)?)?.max(1.0);
    Ok(-f64::try_from(&sum)? / labelled)
}

fn add_age(sum: &mut Val, row: &CropRow, logits: &[f32]) -> Result<()> {
    let logits: &[f32; AGE_CLASSES] = logits.try_into()?;
    let years =
        AgeDistribution::from_logits(logits).context("an age logit is no number")?.expected_years();
    let (exact, edge) = (sum.age_exact.get_or_insert(0.0), sum.age_edge_years.get_or_insert(0.0));
    if let Some(range) = row.age() {
        let off = f64::from(labels::edge_distance(years.round(), range));
        *edge += off;
        *exact += f64::from(u8::from(off == 0.0));
    }
    Ok(())
}
