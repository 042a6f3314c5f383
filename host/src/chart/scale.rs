//! From values to places on a drawing, and the round values that an axis names.

/// A straight line from one interval of values to one of pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) values: (f64, f64),
    pub(super) px: (f64, f64),
}

impl Scale {
    /// Where `value` lies, in pixels; values outside lie at the nearer end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.px.0 + share * (self.px.1 - self.px.0)
    }
}

/// About `count` round values from `low` to `high`, and the text of each; none where an end is not
/// finite or there is nothing between them.
pub(super) fn nice_ticks((low, high): (f64, f64), count: u32) -> Vec<(f64, String)> {
    let step = nice_step((high - low) / f64::from(count.max(1)));
    if !(low.is_finite() && step.is_finite() && step > 0.0) {
        return Vec::new();
    }
    let first = (low / step - 1e-9).ceil();
    let ticks = (0..=4 * count).map(|k| (first + f64::from(k)) * step);
    let ticks = ticks.take_while(|tick| *tick <= high + 1e-9 * step);
    ticks.map(|tick| (tick, tick_text(tick, step))).collect()
}

/// The interval of `values`, widened to whole steps of about `count` ticks.
pub(super) fn nice_range(values: impl Iterator<Item = f64>, count: u32) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    if low > high {
        return (0.0, 1.0);
    }
    if high - low < 1e-9 * high.abs().max(1e-3) {
        let half = (0.05 * high.abs()).max(1e-3);
        (low, high) = (low - half, high + half);
    }
    let step = nice_step((high - low) / f64::from(count.max(1)));
    ((low / step).floor() * step, (high / step).ceil() * step)
}

/// The smallest of 1, 2, 5, 10 … times a power of ten that is not below `rough`.
fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= rough * 0.999_999).unwrap_or(10.0 * power)
}

/// As many digits as the step needs, and a true minus sign.
fn tick_text(tick: f64, step: f64) -> String {
    let digits = (0..9).find(|digits| step * 10f64.powi(*digits) >= 0.999).unwrap_or(9);
    let digits = usize::try_from(digits).unwrap_or(0);
    let text = format!("{:.digits$}", tick.abs());
    if tick < -step / 2.0 { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: (f64, f64), expected: &str) {
        let ticks: Vec<String> = nice_ticks(range, 5).into_iter().map(|tick| tick.1).collect();
        assert_eq!(ticks.join(" "), expected);
    }

    #[test]
    fn ticks_are_round_and_inside() {
        check((0.0, 100.0), "0 20 40 60 80 100");
        check((1.0, 30.0), "10 20 30");
        check((-7.0, 9.0), "−5 0 5");
        check((0.61, 0.72), "0.65 0.70");
        check((0.0, 3e-4), "0.0000 0.0001 0.0002 0.0003");
    }

    #[test]
    fn what_has_no_range_has_no_ticks() {
        for range in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert!(nice_ticks(range, 5).is_empty(), "{range:?}");
        }
    }

    #[test]
    fn a_range_is_widened_to_whole_steps() {
        assert_eq!(nice_range([0.3, 9.1].into_iter(), 5), (0.0, 10.0));
        assert_eq!(nice_range([f64::NAN].into_iter(), 5), (0.0, 1.0));
        let (low, high) = nice_range([4.0].into_iter(), 5);
        assert!(low < 4.0 && high > 4.0);
    }

    #[test]
    fn a_value_outside_lies_at_the_edge() {
        let scale = Scale { values: (0.0, 10.0), px: (100.0, 0.0) };
        assert_eq!([scale.at(0.0), scale.at(5.0), scale.at(20.0)], [100.0, 50.0, 0.0]);
    }
}
