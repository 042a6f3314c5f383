//! Times in steps of 4 %, so that hours of them take no more room than seconds.

use std::time::Duration;

/// Steps that make a factor of two.
const STEPS: f64 = 16.0;
/// The first step ends here, in milliseconds.
const FIRST_MS: f64 = 0.1;
/// The last step begins at 100 s.
const COUNT: usize = 16 * 20;

/// How many times fell into each step.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; COUNT], max: Duration::ZERO }
    }
}

impl Histogram {
    /// Counts a time.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn add(&mut self, time: Duration) {
        let steps = (time.as_secs_f64() * 1e3 / FIRST_MS).log2() * STEPS;
        let step = steps.ceil().clamp(0.0, (COUNT - 1) as f64) as usize;
        self.counts[step] += 1;
        self.max = self.max.max(time);
    }

    /// A time that `percent` of all are no longer than, to 4 % above; `None` where there are none.
    pub fn percentile_ms(&self, percent: u64) -> Option<f64> {
        let total: u64 = self.counts.iter().sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut sum = 0;
        let step = self.counts.iter().position(|count| {
            sum += count;
            sum >= rank
        })?;
        let end_ms = FIRST_MS * (step as f64 / STEPS).exp2();
        Some(end_ms.min(self.max.as_secs_f64() * 1e3))
    }

    /// The longest, exactly.
    pub fn max_ms(&self) -> Option<f64> {
        self.counts.iter().any(|&count| count > 0).then_some(self.max.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_four_percent() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|ms| histogram.add(Duration::from_millis(ms)));
        for (percent, expected_ms) in [(1, 10.0), (50, 500.0), (90, 900.0), (100, 1000.0)] {
            let found_ms = histogram.percentile_ms(percent).unwrap();
            let ratio = found_ms / expected_ms;
            assert!((1.0..1.045).contains(&ratio), "p{percent}: {found_ms} ms");
        }
        assert_eq!(histogram.max_ms(), Some(1000.0));
    }

    #[test]
    fn the_shortest_and_the_longest_times_have_a_place() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.percentile_ms(50), histogram.max_ms()), (None, None));
        histogram.add(Duration::ZERO);
        histogram.add(Duration::from_secs(100_000));
        assert_eq!(histogram.percentile_ms(50), Some(FIRST_MS));
        assert!(histogram.percentile_ms(99).unwrap() > 90_000.0);
    }
}
