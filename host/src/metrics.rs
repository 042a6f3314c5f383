//! Scores of predictions against labels, each with its spread and the trivial guess beside it.

pub mod confusion;
pub mod figure;
pub mod groups;
mod guess;
pub mod lap;
pub mod measure;

use models::age::AGE_CLASSES;
use models::estimator::Estimate;
use serde::Serialize;

use self::figure::{Figure, mean};
use self::guess::Guess;
pub use self::guess::spread;
use crate::faces::{AgeRange, GenderMark};
use crate::labels::{BINS, bin_of, edge_distance};

/// A label and what was said of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Labelled age.
    pub age: Option<AgeRange>,
    /// Labelled gender.
    pub gender: Option<GenderMark>,
    /// Mean and standard deviation in years of the ages that a jury named.
    pub jury: Option<(f32, f32)>,
    /// The answer; `None` where no face was found.
    pub answer: Option<Answer>,
}

/// What a model says of a face.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Apparent age in years.
    pub years: f32,
    /// The most probable age in years.
    pub dominant: u8,
    /// Probability of the labelled age or range; `None` without a label.
    pub label_prob: Option<f32>,
    /// Probability of *female*.
    pub female: f32,
}

impl Answer {
    /// What `estimate` says of a face that is labelled `label`.
    pub fn new(estimate: &Estimate, label: Option<AgeRange>) -> Self {
        Self {
            years: estimate.age.expected_years(),
            dominant: estimate.age.dominant_years(),
            label_prob: label.map(|label| prob_of(label, estimate.age.probs())),
            female: estimate.gender.female(),
        }
    }
}

/// Scores over a set of faces, as `eval` tells them. A face that was not found counts as wrong; its
/// age error is that of the trivial guess.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Score {
    /// Faces.
    pub faces: usize,
    /// Share of them that a face was found for.
    pub found: f64,
    /// Share whose apparent age falls into the labelled bin of FairFace's nine.
    pub bin: Option<Figure>,
    /// … or into a bin beside it.
    pub bin_within_one: Option<Figure>,
    /// Mean absolute error in years, over faces with an exact age.
    pub mae_years: Option<Figure>,
    /// Mean distance in years to the nearest edge of the labelled range, over faces with a range.
    pub edge_mae_years: Option<Figure>,
    /// Share of genders predicted as labelled.
    pub gender: Option<Figure>,
}

/// Scores `outcomes`.
pub fn score(outcomes: &[Outcome]) -> Score {
    let guess = Guess::of(outcomes).years;
    let ages = |exact: bool| {
        let labelled = outcomes.iter().filter_map(move |o| Some((o, o.age?)));
        labelled.filter(move |(_, range)| (range.lo == range.hi) == exact)
    };
    let bins = |reach: usize| {
        let labelled = outcomes.iter().filter_map(|o| Some((o.answer, o.age?)));
        mean(labelled.map(|(answer, range)| {
            let hit = answer.is_some_and(|a| bin_of(a.years).abs_diff(label_bin(range)) <= reach);
            f64::from(u8::from(hit))
        }))
    };
    let off =
        |o: &Outcome, range| f64::from(edge_distance(o.answer.map_or(guess, |a| a.years), range));
    Score {
        faces: outcomes.len(),
        found: found(outcomes),
        bin: bins(0),
        bin_within_one: bins(1),
        mae_years: mean(ages(true).map(|(o, range)| off(o, range))),
        edge_mae_years: mean(ages(false).map(|(o, range)| off(o, range))),
        gender: mean(outcomes.iter().filter_map(|o| {
            let gender = o.gender?;
            Some(f64::from(u8::from(o.answer.is_some_and(|a| predicted(a) == gender))))
        })),
    }
}

/// Share of faces that were found.
pub fn found(outcomes: &[Outcome]) -> f64 {
    let found = outcomes.iter().filter(|o| o.answer.is_some()).count();
    found as f64 / outcomes.len().max(1) as f64
}

/// What one would score who always says the same: the commonest bin, median age and commoner gender
/// of this very set, so the best that can be guessed without looking.
pub fn trivial(outcomes: &[Outcome]) -> Score {
    let guess = Guess::of(outcomes);
    let always = |years: f32| {
        let answer = |o: &Outcome| Some(guess.answer(o.age, years));
        score(&outcomes.iter().map(|o| Outcome { answer: answer(o), ..*o }).collect::<Vec<_>>())
    };
    let in_bin = |bin: usize| always(f32::from(BINS[bin].lo));
    Score {
        bin: in_bin(guess.bin).bin,
        bin_within_one: in_bin(guess.near_bin).bin_within_one,
        ..always(guess.years)
    }
}

/// The gender that an answer leans to.
pub fn predicted(answer: Answer) -> GenderMark {
    if answer.female >= 0.5 { GenderMark::Female } else { GenderMark::Male }
}

/// The bin of a label: that of the middle of its range.
pub fn label_bin(range: AgeRange) -> usize {
    bin_of(middle(range))
}

/// How probable `label` is among the `probs` of each year; 0 past the last class.
///
/// # Shapes
/// - probs: `[101]`, f32
pub fn prob_of(label: AgeRange, probs: &[f32; AGE_CLASSES]) -> f32 {
    let end = (usize::from(label.hi) + 1).min(AGE_CLASSES);
    probs.get(usize::from(label.lo)..end).map_or(0.0, |probs| probs.iter().sum())
}

fn middle(range: AgeRange) -> f32 {
    (f32::from(range.lo) + f32::from(range.hi)) / 2.0
}

#[allow(clippy::cast_possible_truncation, reason = "figures are kept in f64, answers in f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome((lo, hi): (u8, u8), gender: GenderMark, answer: Option<(f32, f32)>) -> Outcome {
        let answer =
            answer.map(|(years, female)| Answer { years, dominant: 0, label_prob: None, female });
        Outcome { age: Some(AgeRange { lo, hi }), gender: Some(gender), jury: None, answer }
    }

    #[test]
    fn scores_are_those_counted_by_hand() {
        use GenderMark::{Female, Male};
        let score = score(&[
            outcome((20, 29), Female, Some((24.0, 0.9))), // bin right, 0 years off, gender right
            outcome((20, 29), Male, Some((33.0, 0.6))), // one bin beside, 4 years off, gender wrong
            outcome((50, 59), Male, Some((20.0, 0.1))), // far, 30 years off, gender right
            outcome((40, 40), Female, Some((43.5, 0.7))), // bin right, 3.5 years, gender right
        ]);
        let value = |figure: Option<Figure>| figure.unwrap().value;
        assert_eq!(value(score.bin), 0.5);
        assert_eq!(value(score.bin_within_one), 0.75);
        assert!((value(score.edge_mae_years) - 34.0 / 3.0).abs() < 1e-6);
        assert_eq!(value(score.mae_years), 3.5);
        assert_eq!(value(score.gender), 0.75);
    }

    #[test]
    fn a_face_not_found_is_wrong_and_guessed() {
        use GenderMark::Male;
        let score =
            score(&[outcome((30, 30), Male, Some((30.0, 0.0))), outcome((10, 10), Male, None)]);
        assert_eq!(
            (score.found, score.gender.unwrap().value, score.bin.unwrap().value),
            (0.5, 0.5, 0.5)
        );
        assert_eq!(score.mae_years.unwrap().value, 10.0, "the guess is the median age, 30");
    }

    #[test]
    fn the_trivial_guess_is_the_best_constant() {
        use GenderMark::{Female, Male};
        let set = [(20, 29, Male), (20, 29, Male), (60, 69, Female)]
            .map(|(lo, hi, g)| outcome((lo, hi), g, None));
        let trivial = trivial(&set);
        assert!((trivial.bin.unwrap().value - 2.0 / 3.0).abs() < 1e-9);
        assert!((trivial.gender.unwrap().value - 2.0 / 3.0).abs() < 1e-9);
    }
}
