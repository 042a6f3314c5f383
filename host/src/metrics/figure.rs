//! A mean or a ratio with its bootstrap interval.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Resamples behind each interval.
const RESAMPLES: usize = 1000;

/// A figure with its bootstrap 95 % interval (percentile method, Efron 1979).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// 2.5 % of the resampled figures lie below.
    pub low: f64,
    /// 97.5 % of them lie below.
    pub high: f64,
}

/// The mean of `values` and its interval, from a fixed seed; `None` for no values.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<Figure> {
    ratio(values.map(|value| (value, 1.0)))
}

/// The sum of the first halves ÷ the sum of the second ones, and its interval, from a fixed seed.
/// Pairs without a second half are left out; `None` where that leaves none.
pub fn ratio(pairs: impl Iterator<Item = (f64, f64)>) -> Option<Figure> {
    let pairs: Vec<(f64, f64)> = pairs.filter(|(_, below)| *below > 0.0).collect();
    if pairs.is_empty() {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(95);
    let mut resample =
        || quotient((0..pairs.len()).map(|_| pairs[rng.random_range(0..pairs.len())]));
    let mut figures: Vec<f64> = (0..RESAMPLES).map(|_| resample()).collect();
    figures.sort_by(f64::total_cmp);
    let (low, high) = (figures[RESAMPLES / 40], figures[RESAMPLES - 1 - RESAMPLES / 40]);
    Some(Figure { value: quotient(pairs.iter().copied()), low, high })
}

/// [`ratio`] without its interval.
pub(super) fn quotient(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (above, below) = pairs.fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_mean_and_narrows_with_more_faces() {
        let width = |n: usize| {
            let f = mean((0..n).map(|k| (k % 2) as f64)).unwrap();
            assert!(f.low <= f.value && f.value <= f.high);
            f.high - f.low
        };
        assert!(width(1000) < width(100) / 2.0);
    }

    #[test]
    fn a_ratio_weighs_and_leaves_out_what_has_no_second_half() {
        let f = ratio([(2.0, 2.0), (0.0, 1.0), (0.0, 0.0)].into_iter()).unwrap();
        assert!((f.value - 2.0 / 3.0).abs() < 1e-12 && f.low == 0.0 && f.high == 1.0, "{f:?}");
        assert_eq!(ratio([(0.0, 0.0)].into_iter()), None);
        assert_eq!(mean(std::iter::empty()), None);
    }
}
