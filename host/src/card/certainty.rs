//! What a bundle's probabilities are worth: does one standard deviation hold 68 % of the ages, is a
//! gender told with 90 % right in 90 %, and how many are called unsure.

use std::fmt::Write as _;

use crate::faces::GenderMark;
use crate::labels::share_near;
use crate::metrics::figure::{Figure, mean};
use crate::predictions::Prediction;

/// Equal parts of the probability of the likelier gender (Naeini et al. 2015, on [0.5, 1]).
const PARTS: usize = 10;

/// Adds what holds of these faces.
pub(super) fn push(text: &mut String, rows: &[Prediction], sure_min: f32) {
    *text += "\n";
    if let Some(inside) = inside_sigma(rows) {
        let _ = writeln!(
            text,
            "- Ages within one standard deviation of the apparent age: {} (68 % would be right).",
            percent(inside)
        );
    }
    if let Some(said) = said_of_ranges(rows) {
        let _ = writeln!(
            text,
            "- The labelled age range was given a probability of {} % on average; the apparent age lies in it in {}.",
            number(said.0 * 100.0),
            percent(said.1)
        );
    }
    let sure = Sure::of(rows);
    if !sure.0.is_empty() {
        let _ = writeln!(
            text,
            "- Expected calibration error of the predicted gender: {} %.",
            number(sure.calibration_error() * 100.0)
        );
        let (unsure, right) = sure.split(sure_min);
        let _ = writeln!(
            text,
            "- Called *unsure* (below {sure_min:.2}): {} % of the faces; of the others {} are right.",
            number(unsure * 100.0),
            right.map_or_else(|| "none".to_owned(), percent)
        );
    }
}

/// The share of labelled ages inside one standard deviation; a range counts by the share of its years.
fn inside_sigma(rows: &[Prediction]) -> Option<Figure> {
    mean(rows.iter().filter_map(|row| Some(share_near(row.age()?, row.years?, row.std_years?))))
}

/// Mean probability of the labelled ranges, and the share of apparent ages in them.
fn said_of_ranges(rows: &[Prediction]) -> Option<(f64, Figure)> {
    let ranges = || rows.iter().filter(|row| row.age().is_some_and(|age| age.lo < age.hi));
    let said = mean(ranges().filter_map(|row| Some(f64::from(row.label_prob?))))?;
    let hit = mean(ranges().filter_map(|row| {
        let (years, age) = (row.years?.round(), row.age()?);
        Some(f64::from(u8::from((f32::from(age.lo)..=f32::from(age.hi)).contains(&years))))
    }))?;
    Some((said.value, hit))
}

/// The probability of the likelier gender of each face, and whether it is the labelled one.
struct Sure(Vec<(f64, bool)>);

impl Sure {
    fn of(rows: &[Prediction]) -> Self {
        let faces = rows.iter().filter_map(|row| {
            let female = f64::from(row.female?);
            Some((female.max(1.0 - female), (female >= 0.5) == (row.gender? == GenderMark::Female)))
        });
        Self(faces.collect())
    }

    /// Mean |how sure − how often right| over parts of equal width, each by its faces.
    fn calibration_error(&self) -> f64 {
        let mut parts = [(0.0, 0.0); PARTS];
        for (prob, right) in &self.0 {
            let part = (0..PARTS - 1)
                .find(|part| *prob < 0.5 + 0.5 * (*part as f64 + 1.0) / PARTS as f64)
                .unwrap_or(PARTS - 1);
            parts[part].0 += prob;
            parts[part].1 += f64::from(u8::from(*right));
        }
        let apart: f64 = parts.iter().map(|(said, right)| f64::abs(said - right)).sum();
        apart / self.0.len() as f64
    }

    /// The share below `sure_min`, and how often the others are right.
    fn split(&self, sure_min: f32) -> (f64, Option<Figure>) {
        let sure = || self.0.iter().filter(|(prob, _)| *prob >= f64::from(sure_min));
        let unsure = 1.0 - sure().count() as f64 / self.0.len() as f64;
        (unsure, mean(sure().map(|(_, right)| f64::from(u8::from(*right)))))
    }
}

fn percent(figure: Figure) -> String {
    let [value, low, high] = [figure.value, figure.low, figure.high].map(|v| number(v * 100.0));
    format!("{value} % ({low}–{high})")
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(age: u8, years: f32, std_years: f32, female: f32) -> Prediction {
        Prediction {
            path: "a".into(),
            age_lo: Some(age),
            age_hi: Some(age),
            gender: Some(GenderMark::Female),
            race: String::new(),
            source: String::new(),
            apparent_mean: None,
            apparent_std: None,
            found: true,
            years: Some(years),
            dominant: Some(age),
            label_prob: Some(0.5),
            female: Some(female),
            std_years: Some(std_years),
        }
    }

    #[test]
    fn ages_inside_one_deviation_are_counted() {
        let rows = [said(30, 34.0, 5.0, 0.9), said(30, 36.0, 5.0, 0.9), said(30, 25.0, 5.0, 0.9)];
        assert!((inside_sigma(&rows).unwrap().value - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn being_sure_and_being_right_are_held_against_each_other() {
        // Two parts: 0.9 said and half right, 0.6 said and all right.
        let rows = [0.9, 0.1, 0.6, 0.6].map(|female| said(30, 30.0, 5.0, female));
        let sure = Sure::of(&rows);
        assert!((sure.calibration_error() - (0.8 + 0.8) / 4.0).abs() < 1e-6);
        let (unsure, right) = sure.split(0.7);
        assert_eq!((unsure, right.unwrap().value), (0.5, 0.5));
    }
}
