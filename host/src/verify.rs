//! How far two makings of one net are apart: torch ↔ tract f32 ↔ tract int8.

mod stage;

pub use stage::{Options, run};

use std::fmt;

use anyhow::{Context, Result, ensure};
use models::estimator::Logits;
use models::session::Session;
use models::tensor::Tensor;

/// Differences between two nets' answers to the same pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deviation {
    /// How many pictures were compared.
    pub pictures: usize,
    /// Largest difference of a logit.
    pub logit_max: f32,
    /// Mean difference of the apparent ages in years.
    pub age_years_mean: f32,
    /// Largest difference of the apparent ages in years.
    pub age_years_max: f32,
    /// Mean difference of the probabilities *female*.
    pub gender_mean: f32,
    /// Largest difference of the probabilities *female*.
    pub gender_max: f32,
    /// How many predicted genders are other ones.
    pub gender_flips: usize,
}

/// How far apart two nets may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Mean difference of the apparent ages in years.
    pub age_years_mean: f32,
    /// Mean difference of the probabilities *female*.
    pub gender_mean: f32,
}

impl Tolerance {
    /// Two programs for one f32 net: they only add in another order.
    pub const F32: Self = Self { age_years_mean: 1e-3, gender_mean: 1e-5 };
    /// Bytes for 32-bit floating point: a budget well below what either errs by.
    pub const INT8: Self = Self { age_years_mean: 0.5, gender_mean: 0.01 };
}

/// What a network answers to tensors that [`models::preprocess`] made.
pub fn answers(session: &mut Session, inputs: &[Tensor]) -> Result<Vec<Logits>> {
    let answer = |input: &Tensor| {
        let outputs = session.run(input)?;
        let [age, gender] = outputs.as_slice() else {
            anyhow::bail!("network has {} outputs, expected age and gender", outputs.len())
        };
        let age = age.values.as_slice().try_into().context("age logits")?;
        Ok(Logits { age, gender: gender.values.as_slice().try_into().context("gender logits")? })
    };
    inputs.iter().map(answer).collect()
}

/// The differences between two lists of answers to the same pictures.
pub fn compare(expected: &[Logits], found: &[Logits]) -> Result<Deviation> {
    let pictures = expected.len();
    ensure!(pictures > 0, "nothing to compare");
    ensure!(found.len() == pictures, "{} answers, expected {pictures}", found.len());
    let mut all = Deviation { pictures, ..Deviation::default() };
    for (picture, (expected, found)) in expected.iter().zip(found).enumerate() {
        let not_finite = || format!("the answer to picture {picture} is not finite");
        let (a, b) =
            (expected.decode().with_context(not_finite)?, found.decode().with_context(not_finite)?);
        let logits = |l: &Logits| l.age.iter().chain(&l.gender).copied().collect::<Vec<f32>>();
        for (a, b) in logits(expected).iter().zip(logits(found)) {
            all.logit_max = all.logit_max.max((a - b).abs());
        }
        let years = (a.age.expected_years() - b.age.expected_years()).abs();
        let gender = (a.gender.female() - b.gender.female()).abs();
        all.age_years_max = all.age_years_max.max(years);
        all.age_years_mean += years / pictures as f32;
        all.gender_max = all.gender_max.max(gender);
        all.gender_mean += gender / pictures as f32;
        all.gender_flips += usize::from(a.gender.label(0.5) != b.gender.label(0.5));
    }
    Ok(all)
}

impl Deviation {
    /// Refuses a deviation above the tolerance, naming both.
    pub fn within(&self, tolerance: &Tolerance) -> Result<()> {
        let (years, most) = (self.age_years_mean, tolerance.age_years_mean);
        ensure!(
            years <= most,
            "apparent ages differ by {years:.4} years on average, at most {most} allowed"
        );
        let (gender, most) = (self.gender_mean, tolerance.gender_mean);
        ensure!(gender <= most, "genders differ by {gender:.5} on average, at most {most} allowed");
        Ok(())
    }
}

/// One row of a Markdown table; [`HEADER`] is above it.
impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| {} | {:.2e} | {:.4} | {:.4} | {:.5} | {:.5} | {} |",
            self.pictures,
            self.logit_max,
            self.age_years_mean,
            self.age_years_max,
            self.gender_mean,
            self.gender_max,
            self.gender_flips
        )
    }
}

/// The head of the table whose rows [`Deviation`] writes.
pub const HEADER: &str = "\
| pictures | logit max | age mean, years | age max, years | female mean | female max | gender flips |
|--:|--:|--:|--:|--:|--:|--:|";

#[cfg(test)]
mod tests {
    use models::session::Options;

    use super::*;
    use crate::{fold, init, net, onnx, quantize};

    fn logits(year: usize, female: f32) -> Logits {
        let mut age = [-1e4; 101];
        age[year] = 0.0;
        Logits { age, gender: [female, 0.0] }
    }

    #[test]
    fn differences_are_measured_in_years_and_probability() {
        let two =
            compare(&[logits(30, 0.0), logits(40, 9.0)], &[logits(30, 0.0), logits(43, -9.0)]);
        let two = two.unwrap();
        assert_eq!((two.pictures, two.age_years_mean, two.age_years_max), (2, 1.5, 3.0));
        assert!((two.gender_max - 1.0).abs() < 1e-3 && (two.gender_mean - 0.5).abs() < 1e-3);
        assert_eq!((two.gender_flips, two.logit_max), (1, 1e4));
        assert!(two.within(&Tolerance::INT8).is_err());
    }

    #[test]
    fn nothing_uneven_lists_and_broken_answers_are_refused() {
        assert!(compare(&[], &[]).is_err());
        assert!(compare(&[logits(1, 0.0)], &[]).is_err());
        assert!(compare(&[logits(1, 0.0)], &[logits(1, f32::NAN)]).is_err());
    }

    #[test]
    fn swapped_channels_are_noticed() {
        let net = net::compact();
        let weights = fold::fold_batch_norm(&net, &init::he(&net, 3)).unwrap();
        let mut session =
            Session::open_any(onnx::export_f32(&net, &weights).unwrap(), &Options::default())
                .unwrap();
        let rgb: Vec<Tensor> = (0..4).map(|seed| quantize::tests::picture(&net, seed)).collect();
        let bgr: Vec<Tensor> = rgb.iter().map(swapped).collect();
        let (rgb, bgr) =
            (answers(&mut session, &rgb).unwrap(), answers(&mut session, &bgr).unwrap());
        assert!(compare(&rgb, &rgb).unwrap().within(&Tolerance::F32).is_ok());
        assert!(compare(&rgb, &bgr).unwrap().within(&Tolerance::F32).is_err());
        assert!(compare(&rgb, &bgr).unwrap().within(&Tolerance::INT8).is_err());
    }

    fn swapped(rgb: &Tensor) -> Tensor {
        let plane = rgb.values.len() / 3;
        let planes: Vec<&[f32]> = rgb.values.chunks(plane).rev().collect();
        Tensor::new(rgb.shape.clone(), planes.concat()).unwrap()
    }
}
