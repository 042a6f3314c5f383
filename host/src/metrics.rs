//! Scores of predictions against labels, each with its spread and the trivial guess beside it.

use models::estimator::Estimate;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::faces::{AgeRange, GenderMark};
use crate::labels::{bin_of, edge_distance};

/// Resamples behind each interval.
const RESAMPLES: usize = 1000;

/// A label and what was said of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Labelled age.
    pub age: Option<AgeRange>,
    /// Labelled gender.
    pub gender: Option<GenderMark>,
    /// The answer; `None` where no face was found.
    pub answer: Option<Answer>,
}

/// What a model says of a face.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Apparent age in years.
    pub years: f32,
    /// Probability of *female*.
    pub female: f32,
}

impl From<&Estimate> for Answer {
    fn from(estimate: &Estimate) -> Self {
        Self { years: estimate.age.expected_years(), female: estimate.gender.female() }
    }
}

/// A mean with its bootstrap 95 % interval (percentile method, Efron 1979).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The mean.
    pub value: f64,
    /// 2.5 % of the resampled means lie below.
    pub low: f64,
    /// 97.5 % of them lie below.
    pub high: f64,
}

/// Scores over a set of faces. A face that was not found counts as wrong; its age error is that of
/// the trivial guess.
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
    let guess = median_age(outcomes);
    let ages = |exact: bool| {
        let labelled = outcomes.iter().filter_map(move |o| Some((o, o.age?)));
        labelled.filter(move |(_, range)| (range.lo == range.hi) == exact)
    };
    let bins = |reach: usize| {
        let labelled = outcomes.iter().filter_map(|o| Some((o.answer, o.age?)));
        figure(labelled.map(|(answer, range)| {
            let hit = answer.is_some_and(|a| bin_of(a.years).abs_diff(label_bin(range)) <= reach);
            f64::from(u8::from(hit))
        }))
    };
    let off =
        |o: &Outcome, range| f64::from(edge_distance(o.answer.map_or(guess, |a| a.years), range));
    Score {
        faces: outcomes.len(),
        found: outcomes.iter().filter(|o| o.answer.is_some()).count() as f64
            / outcomes.len().max(1) as f64,
        bin: bins(0),
        bin_within_one: bins(1),
        mae_years: figure(ages(true).map(|(o, range)| off(o, range))),
        edge_mae_years: figure(ages(false).map(|(o, range)| off(o, range))),
        gender: figure(outcomes.iter().filter_map(|o| {
            let gender = o.gender?;
            Some(f64::from(u8::from(o.answer.is_some_and(|a| predicted(a) == gender))))
        })),
    }
}

/// What one would score who always says the same: the commonest bin, median age and commoner gender
/// of this very set, so the best that can be guessed without looking.
pub fn trivial(outcomes: &[Outcome]) -> Score {
    let women = outcomes.iter().filter(|o| o.gender == Some(GenderMark::Female)).count();
    let men = outcomes.iter().filter(|o| o.gender == Some(GenderMark::Male)).count();
    let female = if women >= men { 1.0 } else { 0.0 };
    let always = |years: f32| {
        let answer = Some(Answer { years, female });
        score(&outcomes.iter().map(|o| Outcome { answer, ..*o }).collect::<Vec<_>>())
    };
    let best = |of: fn(&Score) -> Option<Figure>| {
        let scores = crate::labels::BINS.iter().map(|bin| of(&always(f32::from(bin.lo))));
        scores.flatten().max_by(|a, b| a.value.total_cmp(&b.value))
    };
    let median = always(median_age(outcomes));
    Score { bin: best(|s| s.bin), bin_within_one: best(|s| s.bin_within_one), ..median }
}

/// The gender that an answer leans to.
pub fn predicted(answer: Answer) -> GenderMark {
    if answer.female >= 0.5 { GenderMark::Female } else { GenderMark::Male }
}

/// The bin of a label: that of the middle of its range.
pub fn label_bin(range: AgeRange) -> usize {
    bin_of((f32::from(range.lo) + f32::from(range.hi)) / 2.0)
}

/// The median of the labelled ages, taken in the middle of each range.
fn median_age(outcomes: &[Outcome]) -> f32 {
    let mut ages: Vec<f32> = outcomes
        .iter()
        .filter_map(|o| o.age)
        .map(|r| (f32::from(r.lo) + f32::from(r.hi)) / 2.0)
        .collect();
    ages.sort_by(f32::total_cmp);
    ages.get(ages.len() / 2).copied().unwrap_or(0.0)
}

/// The mean of `values` and its interval, from a fixed seed; `None` for no values.
fn figure(values: impl Iterator<Item = f64>) -> Option<Figure> {
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return None;
    }
    let mean = |sum: f64| sum / values.len() as f64;
    let mut rng = ChaCha8Rng::seed_from_u64(95);
    let mut resample =
        || (0..values.len()).map(|_| values[rng.random_range(0..values.len())]).sum();
    let mut means: Vec<f64> = (0..RESAMPLES).map(|_| mean(resample())).collect();
    means.sort_by(f64::total_cmp);
    let (low, high) = (means[RESAMPLES / 40], means[RESAMPLES - 1 - RESAMPLES / 40]);
    Some(Figure { value: mean(values.iter().sum()), low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome((lo, hi): (u8, u8), gender: GenderMark, answer: Option<(f32, f32)>) -> Outcome {
        let answer = answer.map(|(years, female)| Answer { years, female });
        Outcome { age: Some(AgeRange { lo, hi }), gender: Some(gender), answer }
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

    #[test]
    fn the_interval_holds_the_mean_and_narrows_with_more_faces() {
        let width = |n: usize| {
            let f = figure((0..n).map(|k| (k % 2) as f64)).unwrap();
            assert!(f.low <= f.value && f.value <= f.high);
            f.high - f.low
        };
        assert!(width(1000) < width(100) / 2.0);
    }
}
