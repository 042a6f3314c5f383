//! Figures as a reader sees them.

use crate::metrics::figure::Figure;
use crate::metrics::measure::Unit;

/// `4.65`, `97.4 %` or `2.872`; `–` for nothing.
pub(super) fn amount(value: Option<f64>, unit: Unit) -> String {
    match (value, unit) {
        (None, _) => "–".to_owned(),
        (Some(value), Unit::Years) => format!("{value:.2}"),
        (Some(value), Unit::Proportion) => format!("{:.1} %", 100.0 * value),
        (Some(value), Unit::Score | Unit::Loss) => format!("{value:.3}"),
    }
}

/// `4.55–4.76`: where the figure lies with 95 % confidence.
pub(super) fn interval(figure: Option<Figure>, unit: Unit) -> String {
    match (figure, unit) {
        (None, _) => String::new(),
        (Some(Figure { low, high, .. }), Unit::Years) => format!("{low:.2}–{high:.2}"),
        (Some(Figure { low, high, .. }), Unit::Proportion) => {
            format!("{:.1}–{:.1} %", 100.0 * low, 100.0 * high)
        }
        (Some(Figure { low, high, .. }), Unit::Score | Unit::Loss) => format!("{low:.3}–{high:.3}"),
    }
}

/// `+1.20` or `−1.20`; `–` for nothing.
pub(super) fn signed(value: Option<f64>) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |value| format!("{}{:.2}", if value < -0.005 { "−" } else { "+" }, value.abs()),
    )
}

/// The name of a measure with what its figures are in.
pub(super) fn named(name: &str, unit: Unit) -> String {
    if unit == Unit::Years { format!("{name}, years") } else { name.to_owned() }
}

/// `1 h 5 min`, `5 min` or `40 s`.
pub(super) fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round();
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else if minutes < 60.0 {
        format!("{minutes:.0} min")
    } else {
        format!("{:.0} h {:.0} min", (minutes / 60.0).floor(), minutes % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_signed_truly() {
        assert_eq!(amount(Some(0.97442), Unit::Proportion), "97.4 %");
        assert_eq!([signed(Some(-1.2)), signed(Some(0.0)), signed(None)], ["−1.20", "+0.00", "–"]);
        assert_eq!([40.0, 300.0, 3900.0].map(duration), ["40 s", "5 min", "1 h 5 min"]);
    }
}
