//! The range at which rounding changes the distribution of values least: the smallest Kullback-Leibler
//! divergence between a histogram and what so many steps leave of it (Migacz, *8-bit inference with
//! TensorRT*, GTC 2017).

/// Bins of the histogram, as there.
const BINS: usize = 2048;

/// The magnitude at which values should saturate; `signed` where they lie on both sides of 0.
///
/// Zeros do not count: they stay exact whatever the range, and after a ReLU would outweigh the rest.
pub(super) fn end(values: &[f32], signed: bool) -> f32 {
    let max = values.iter().fold(0.0f32, |max, v| max.max(v.abs()));
    let counts = histogram(values, max);
    let steps = if signed { 127 } else { 255 };
    let change = |bins: &usize| divergence(&counts, *bins, steps);
    let best = (steps..=BINS).min_by(|a, b| change(a).total_cmp(&change(b)));
    max * best.unwrap_or(BINS) as f32 / BINS as f32
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of 1 times the number of bins"
)]
fn histogram(values: &[f32], max: f32) -> Vec<f64> {
    let mut counts = vec![0.0; BINS];
    for value in values.iter().map(|v| v.abs()).filter(|&v| v > 0.0) {
        counts[((value / max * BINS as f32) as usize).min(BINS - 1)] += 1.0;
    }
    counts
}

/// Divergence of the histogram, its tail put into the last of `bins`, from its first `bins` in `steps`
/// steps, each spread evenly over those of its bins that hold anything.
fn divergence(counts: &[f64], bins: usize, steps: usize) -> f64 {
    let (inside, outside) = counts.split_at(bins);
    let (kept, tail): (f64, f64) = (inside.iter().sum(), outside.iter().sum());
    let mut sum = 0.0;
    for step in 0..steps {
        let (from, upto) = (step * bins / steps, (step + 1) * bins / steps);
        let group = &inside[from..upto];
        let filled = group.iter().filter(|&&count| count > 0.0).count();
        let even = group.iter().sum::<f64>() / filled.max(1) as f64;
        for (bin, &count) in (from..).zip(group) {
            let p = (if bin + 1 == bins { count + tail } else { count }) / (kept + tail);
            let q = if count > 0.0 { even / kept } else { 0.0 };
            if p > 0.0 {
                // A bin that only the tail fills: as unlikely as one value.
                sum += p * (p / q.max(1.0 / (kept + 1.0))).ln();
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_values_keep_their_whole_range_and_a_long_tail_is_cut() {
        let even: Vec<f32> = (0..100_000).map(|i| i as f32 / 1e5).collect();
        assert!(end(&even, false) > 0.99, "{}", end(&even, false));
        // Exponential: half of the values below 0.7, one in e⁹ above 9.
        let tail: Vec<f32> = even.iter().map(|v| -(1.0 - v).ln()).collect();
        let cut = end(&tail, false);
        assert!((4.0..11.0).contains(&cut), "{cut}");
    }

    #[test]
    fn zeros_change_nothing() {
        let some: Vec<f32> = (1..10_000).map(|i| 1.0 / i as f32).collect();
        let padded: Vec<f32> = some.iter().copied().chain(vec![0.0; 90_000]).collect();
        assert_eq!(end(&some, false), end(&padded, false));
    }

    #[test]
    fn nothing_has_an_end_of_nothing() {
        assert_eq!(end(&[], false), 0.0);
        assert_eq!(end(&[0.0; 4], true), 0.0);
    }
}
