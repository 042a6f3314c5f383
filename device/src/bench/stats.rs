//! What many measured times come to: percentiles, spread, drift.

use serde::{Deserialize, Serialize};

/// Figures of a stage, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Of how many times these are the figures.
    pub count: usize,
    /// The average.
    pub mean_ms: f64,
    /// The shortest.
    pub min_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// Nine of ten are no longer than this.
    pub p90_ms: f64,
    /// 99 of 100 are no longer than this.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// The median distance from the median: the spread.
    pub mad_ms: f64,
}

impl Summary {
    /// The figures of `times_ms`, in any order; `None` where there are none.
    pub fn of(times_ms: &[f64]) -> Option<Self> {
        let sorted = sorted(times_ms);
        let (&min_ms, &max_ms) = (sorted.first()?, sorted.last()?);
        let p50_ms = percentile(&sorted, 50);
        let distances: Vec<_> = sorted.iter().map(|ms| round((ms - p50_ms).abs())).collect();
        Some(Self {
            count: sorted.len(),
            mean_ms: round(sorted.iter().sum::<f64>() / sorted.len() as f64),
            min_ms,
            p50_ms,
            p90_ms: percentile(&sorted, 90),
            p99_ms: percentile(&sorted, 99),
            max_ms,
            mad_ms: median(&distances),
        })
    }
}

/// How the end of a run compares with its beginning: above 1 it became slower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Median time of the last part ÷ of the first.
    pub ratio: f64,
    /// Which parts those were.
    pub of: String,
}

/// Fewer than this many times make no quarters worth comparing.
const DRIFT_COUNT_MIN: usize = 16;

impl Drift {
    /// The drift of `samples`: each one's end in seconds since the first began, and how long it took in
    /// milliseconds. The last minute against the first where the run took two or more, else quarters.
    pub fn of(samples: &[(f64, f64)]) -> Option<Self> {
        let end_s = samples.last()?.0;
        if samples.len() < DRIFT_COUNT_MIN {
            return None;
        }
        let quarter = samples.len() / 4;
        let (first, last, of): (Vec<_>, Vec<_>, _) = if end_s >= 120.0 {
            let within = |keep: &dyn Fn(f64) -> bool| {
                samples.iter().filter(|sample| keep(sample.0)).map(|sample| sample.1).collect()
            };
            (within(&|s| s <= 60.0), within(&|s| s > end_s - 60.0), "last minute ÷ first")
        } else {
            let times = |part: &[(f64, f64)]| part.iter().map(|sample| sample.1).collect();
            let last = &samples[samples.len() - quarter..];
            (times(&samples[..quarter]), times(last), "last quarter ÷ first")
        };
        let (first, last) = (Summary::of(&first)?, Summary::of(&last)?);
        let ratio = last.p50_ms / first.p50_ms;
        ratio.is_finite().then(|| Self { ratio: round(ratio), of: of.to_owned() })
    }
}

/// The nearest-rank percentile: the smallest time that `percent` of all do not exceed (as MLPerf counts).
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1]
}

/// The median of times in any order, of which there must be one.
fn median(times: &[f64]) -> f64 {
    percentile(&sorted(times), 50)
}

fn sorted(times: &[f64]) -> Vec<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// To four digits after the point: a tenth of a microsecond is finer than any clock here.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<_> = (1..=200).rev().map(f64::from).collect();
        let found = Summary::of(&times).unwrap();
        let expected = Summary {
            count: 200,
            mean_ms: 100.5,
            min_ms: 1.0,
            p50_ms: 100.0,
            p90_ms: 180.0,
            p99_ms: 198.0,
            max_ms: 200.0,
            mad_ms: 50.0,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn one_time_is_every_percentile_and_none_has_no_figures() {
        let one = Summary::of(&[2.5]).unwrap();
        assert_eq!((one.p50_ms, one.p90_ms, one.p99_ms, one.mad_ms), (2.5, 2.5, 2.5, 0.0));
        assert_eq!(Summary::of(&[]), None);
    }

    fn run(count: u32, seconds_each: f64) -> Vec<(f64, f64)> {
        let last = count - 1;
        (0..count)
            .map(|i| (f64::from(i) * seconds_each, 10.0 + f64::from(i) / f64::from(last)))
            .collect()
    }

    #[test]
    fn a_short_run_drifts_by_quarters_a_long_one_by_minutes() {
        let short = Drift::of(&run(17, 1.0)).unwrap();
        assert_eq!(short.of, "last quarter ÷ first");
        assert!((short.ratio - (10.0 + 14.0 / 16.0) / (10.0 + 1.0 / 16.0)).abs() < 1e-3);
        let long = Drift::of(&run(601, 1.0)).unwrap();
        assert_eq!(long.of, "last minute ÷ first");
        assert!((long.ratio - 10.95 / 10.05).abs() < 1e-3, "{long:?}");
    }

    #[test]
    fn too_few_times_have_no_drift() {
        assert_eq!(Drift::of(&run(15, 60.0)), None);
        assert_eq!(Drift::of(&[]), None);
    }
}
