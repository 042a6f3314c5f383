//! How much of each layer's signal quantization left.

use std::fmt::Write;

use serde::Serialize;

/// One layer with weights, over all calibration pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// Weights: signal over rounding noise, in decibels.
    pub weight_sqnr_db: f64,
    /// Outputs: signal over all noise gathered so far, in decibels.
    pub sqnr_db: f64,
    /// Smallest and largest output seen, 0 among them.
    pub seen: (f32, f32),
    /// Smallest and largest output that a byte can say; `None` where the sums are kept.
    pub coded: Option<(f32, f32)>,
}

/// The reports as a Markdown table.
pub fn table(layers: &[LayerReport]) -> String {
    let mut text =
        String::from("| layer | weights dB | outputs dB | seen | coded |\n|---|--:|--:|--:|--:|\n");
    for l in layers {
        let LayerReport { name, weight_sqnr_db, sqnr_db, seen, coded } = l;
        let range = |(low, high)| format!("{low:.2} … {high:.2}");
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {name} | {weight_sqnr_db:.1} | {sqnr_db:.1} | {} | {} |",
            range(*seen),
            coded.map_or_else(|| "sums".into(), range)
        );
    }
    text
}

/// 10 · log₁₀ of Σ exact² ÷ Σ (exact − rounded)².
pub(super) fn sqnr_db<'a>(pairs: impl IntoIterator<Item = (&'a [f32], &'a [f32])>) -> f64 {
    let (mut signal, mut noise) = (0.0f64, 0.0f64);
    for (exact, rounded) in pairs {
        signal += exact.iter().map(|&e| f64::from(e).powi(2)).sum::<f64>();
        noise += exact.iter().zip(rounded).map(|(&e, &r)| f64::from(e - r).powi(2)).sum::<f64>();
    }
    10.0 * (signal / noise.max(f64::MIN_POSITIVE)).log10()
}
