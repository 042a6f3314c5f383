//! What one would say who does not look: the best constants of a set's own labels.

use models::age::AGE_CLASSES;

use super::{Answer, Outcome, label_bin, middle, narrow};
use crate::faces::{AgeRange, GenderMark};
use crate::labels::BINS;

/// The constants of a set.
#[derive(Clone, Debug)]
pub(super) struct Guess {
    /// The median labelled age in years, ranges taken in their middle.
    pub(super) years: f32,
    /// The median of the juries' means, in years.
    pub(super) jury_years: f32,
    /// The commonest of FairFace's bins.
    pub(super) bin: usize,
    /// The bin that most labels are at most one away from.
    pub(super) near_bin: usize,
    /// The commonest exact age.
    pub(super) dominant: u8,
    /// How the labelled ages are spread: sums to 1 where there are labels.
    pub(super) spread: [f64; AGE_CLASSES],
    /// Share of women.
    pub(super) female: f32,
}

impl Guess {
    pub(super) fn of(outcomes: &[Outcome]) -> Self {
        let ages: Vec<AgeRange> = outcomes.iter().filter_map(|o| o.age).collect();
        let bins: Vec<usize> = ages.iter().map(|&age| label_bin(age)).collect();
        let within = |bin: usize, reach| bins.iter().filter(|b| b.abs_diff(bin) <= reach).count();
        let exact =
            |age: u8| ages.iter().filter(|range| range.lo == age && range.hi == age).count();
        let genders: Vec<GenderMark> = outcomes.iter().filter_map(|o| o.gender).collect();
        let women = genders.iter().filter(|&&gender| gender == GenderMark::Female).count();
        Self {
            years: median(ages.iter().map(|&age| middle(age))),
            jury_years: median(outcomes.iter().filter_map(|o| Some(o.jury?.0))),
            bin: commonest(0..BINS.len(), |bin| within(bin, 0)),
            near_bin: commonest(0..BINS.len(), |bin| within(bin, 1)),
            dominant: commonest(0..=100, exact),
            spread: spread(&ages),
            female: narrow(women as f64 / genders.len().max(1) as f64),
        }
    }

    /// The constants as an answer to a face with this label, saying `years`.
    pub(super) fn answer(&self, label: Option<AgeRange>, years: f32) -> Answer {
        let prob = |label: AgeRange| {
            let years = usize::from(label.lo)..=usize::from(label.hi);
            narrow(years.filter_map(|year| self.spread.get(year)).sum())
        };
        Answer { years, dominant: self.dominant, label_prob: label.map(prob), female: self.female }
    }
}

/// The mean of the labels as distributions, each uniform over its range; 0 everywhere for no labels.
///
/// # Shapes
/// - spread: `[101]`, f64, sums to 1; years past 100 count as 100
pub fn spread(ages: &[AgeRange]) -> [f64; AGE_CLASSES] {
    let mut spread = [0.0; AGE_CLASSES];
    for age in ages {
        let width = f64::from(age.hi - age.lo) + 1.0;
        for year in age.lo..=age.hi {
            spread[usize::from(year).min(AGE_CLASSES - 1)] += 1.0 / width / ages.len() as f64;
        }
    }
    spread
}

/// The upper of the two middle values; 0 for none.
fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The value that `count` counts most of; the last of several.
fn commonest<T: Copy + Default>(values: impl Iterator<Item = T>, count: impl Fn(T) -> usize) -> T {
    values.max_by_key(|value| count(*value)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_those_of_the_labels() {
        let outcome = |lo, hi, gender| Outcome {
            age: Some(AgeRange { lo, hi }),
            gender: Some(gender),
            jury: None,
            answer: None,
        };
        use GenderMark::{Female, Male};
        let guess = Guess::of(&[
            outcome(20, 20, Male),
            outcome(20, 20, Male),
            outcome(30, 39, Male),
            outcome(41, 41, Female),
        ]);
        assert_eq!((guess.years, guess.dominant, guess.bin, guess.near_bin), (34.5, 20, 3, 4));
        assert_eq!(guess.female, 0.25);
        assert_eq!((guess.spread[20], guess.spread[30], guess.spread[41]), (0.5, 0.025, 0.25));
        let prob = guess.answer(Some(AgeRange { lo: 30, hi: 39 }), 0.0).label_prob.unwrap();
        assert!((prob - 0.25).abs() < 1e-6);
    }

    #[test]
    fn a_set_without_labels_has_harmless_constants() {
        let guess = Guess::of(&[]);
        assert_eq!((guess.years, guess.spread[0], guess.female), (0.0, 0.0, 0.0));
    }
}
