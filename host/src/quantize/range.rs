//! Which range of numbers 256 steps are spent on.

use super::entropy;
use super::scheme::Affine;

/// How activation ranges are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Calibration {
    /// The smallest mean square error.
    Mse,
    /// All but the outermost 0.01 % of the values.
    Percentile,
    /// Everything that was seen.
    Minmax,
    /// The distribution of the values changes least (Migacz 2017).
    Entropy,
    /// Of the others, for each layer that which leaves the least noise in the sums of the next.
    Measured,
}

/// About how many weights, and how many outputs, of each layer are looked at.
const SAMPLES: usize = 1 << 18;
/// How many shares of the full range a search tries; the smallest is about a quarter.
const SHARES: usize = 48;
/// The share of values that the percentile leaves out.
const OUTSIDE: f32 = 1e-4;

/// A sparse look at many tensors' values, and their exact ends.
pub(super) struct Sample {
    values: Vec<f32>,
    low: f32,
    high: f32,
}

impl Sample {
    /// About 2¹⁸ of all values, evenly spread.
    pub(super) fn of<'a>(tensors: impl Iterator<Item = &'a [f32]> + Clone) -> Self {
        let len: usize = tensors.clone().map(<[f32]>::len).sum();
        // Odd, so that it does not keep to the same columns of a map.
        let step = (len / SAMPLES) | 1;
        let (mut low, mut high) = (0.0f32, 0.0f32);
        for &value in tensors.clone().flatten() {
            low = low.min(value);
            high = high.max(value);
        }
        Self { values: tensors.flatten().copied().step_by(step).collect(), low, high }
    }

    /// The codings to choose from: one, but for [`Calibration::Measured`].
    pub(super) fn codings(&self, calibration: Calibration) -> Vec<Affine> {
        use Calibration::{Entropy, Measured, Minmax, Mse, Percentile};
        match calibration {
            Measured => [Minmax, Percentile, Entropy, Mse].map(|rule| self.affine(rule)).into(),
            rule => vec![self.affine(rule)],
        }
    }

    /// The coding that one rule picks; everything that was seen where there is nothing to measure.
    pub(super) fn affine(&self, calibration: Calibration) -> Affine {
        match calibration {
            Calibration::Minmax | Calibration::Measured => Affine::covering(self.low, self.high),
            Calibration::Entropy => {
                let end = entropy::end(&self.values, self.low < 0.0);
                Affine::covering(self.low.max(-end), self.high.min(end))
            }
            Calibration::Percentile => {
                let (low, high) = self.percentiles();
                Affine::covering(low, high)
            }
            Calibration::Mse => best(
                |share| Affine::covering(self.low * share, self.high * share),
                |affine| square_error(&self.values, |v| affine.round(v)),
            ),
        }
    }

    fn percentiles(&self) -> (f32, f32) {
        let mut sorted = self.values.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a length"
        )]
        let outside = (sorted.len() as f32 * OUTSIDE) as usize;
        let at = |idx: usize| sorted.get(idx).copied().unwrap_or(0.0);
        (at(outside), at(sorted.len().saturating_sub(outside + 1)))
    }
}

/// The step for one layer's weights, −127 to 127, with the smallest square error.
pub(super) fn weight_scale(weights: &[f32]) -> f32 {
    let max = weights.iter().fold(f32::MIN_POSITIVE, |max, w| max.max(w.abs()));
    let some: Vec<f32> = weights.iter().copied().step_by((weights.len() / SAMPLES) | 1).collect();
    let error = |affine: &Affine| {
        let end = 127.0 * affine.scale;
        square_error(&some, |w| affine.round(w).clamp(-end, end))
    };
    best(|share| Affine { scale: max * share / 127.0, zero: 0 }, error).scale
}

/// Of candidates from the full range inwards, the one with the smallest error; the widest of equals.
fn best(candidate: impl Fn(f32) -> Affine, error: impl Fn(&Affine) -> f64) -> Affine {
    let mut found = (f64::INFINITY, candidate(1.0));
    for step in 0..SHARES {
        let affine = candidate(1.0 - step as f32 / (SHARES as f32 * 4.0 / 3.0));
        let error = error(&affine);
        if error < found.0 {
            found = (error, affine);
        }
    }
    found.1
}

fn square_error(values: &[f32], round: impl Fn(f32) -> f32) -> f64 {
    values.iter().map(|&v| f64::from(v - round(v)).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    /// 100,000 values spread over 0 to 1, and one far outside.
    fn with_outlier() -> Vec<f32> {
        (0..100_000).map(|i| i as f32 / 1e5).chain([4.0]).collect()
    }

    #[test]
    fn an_outlier_stretches_minmax_but_not_the_others() {
        let values = with_outlier();
        let sample = || Sample::of(std::iter::once(values.as_slice()));
        let top = |calibration| sample().affine(calibration).round(1e9);
        assert!((top(Calibration::Minmax) - 4.0).abs() < 0.01);
        assert!((top(Calibration::Percentile) - 1.0).abs() < 0.01);
        assert!(top(Calibration::Entropy) < 1.2, "{}", top(Calibration::Entropy));
        // 10⁵ · (range / 255)² / 12 + (4 − range)² is smallest at 3.55.
        assert!((top(Calibration::Mse) - 3.55).abs() < 0.15, "{}", top(Calibration::Mse));
    }

    #[test]
    fn bytes_that_already_are_bytes_stay_exact() {
        let pixels: Vec<f32> = (0..=255).map(|byte| (byte as f32 - 128.0) / 64.0).collect();
        let affine = Sample::of(std::iter::once(pixels.as_slice())).affine(Calibration::Mse);
        assert!(pixels.iter().all(|&p| affine.round(p) == p), "{affine:?}");
    }

    #[test]
    fn empty_and_constant_samples_do_no_harm() {
        for values in [&[][..], &[0.0; 9], &[f32::MIN_POSITIVE]] {
            for &calibration in Calibration::value_variants() {
                let affine = Sample::of(std::iter::once(values)).affine(calibration);
                assert!(affine.scale > 0.0 && affine.round(0.0) == 0.0);
            }
        }
        assert!(weight_scale(&[]) > 0.0);
    }
}
