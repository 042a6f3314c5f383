//! Every measure of a set of predictions, as one list: a report only walks it.
//!
//! A face that was not found counts as wrong. In years it is off as far as the set's median age, and
//! its distributions count as uniform.

mod kinds;

use rayon::prelude::*;
use serde::Serialize;

use self::kinds::KINDS;
use super::Outcome;
use super::figure::{Figure, quotient, ratio};
use super::guess::Guess;
use crate::labels::BINS;

/// What a measure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// Apparent age against the labelled one.
    Age,
    /// Apparent age against a jury.
    Jury,
    /// Predicted gender against the labelled one.
    Gender,
}

/// What a measure's figures are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Years, fewer is better.
    Years,
    /// A proportion in [0, 1], more is better.
    Proportion,
    /// A bare number up to 1, more is better.
    Score,
    /// A bare number, less is better.
    Loss,
}

/// A measure of a set.
#[derive(Clone, Debug, Serialize)]
pub struct Measure {
    /// Its place in the order that measures are told in.
    #[serde(skip)]
    pub rank: usize,
    /// What it is called in files.
    pub key: &'static str,
    /// What it is called on paper.
    pub name: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// What its figures are in.
    pub unit: Unit,
    /// How many faces it is taken over.
    pub faces: usize,
    /// The measure.
    pub figure: Figure,
    /// The same of the best constant guess; `None` where that says nothing.
    pub guess: Option<f64>,
    /// What that guess always says.
    pub guess_says: String,
}

/// Takes every measure that the labels allow, in the order they are told in.
pub fn all(outcomes: &[Outcome]) -> Vec<Measure> {
    let guess = Guess::of(outcomes);
    let measures = KINDS.par_iter().enumerate();
    let measures = measures
        .filter_map(|(rank, kind)| Some(Measure { rank, ..kind.measure(outcomes, &guess)? }));
    measures.collect()
}

/// A face's part in a measure: the measure is the sum of the first halves ÷ that of the second ones.
type Share = Option<(f64, f64)>;

/// Which constant a measure is held against.
#[derive(Clone, Copy)]
enum Constant {
    MedianAge,
    Bin,
    NearBin,
    Class,
    Frequencies,
    MedianJury,
    Commoner,
    GenderFrequencies,
}

struct Kind {
    key: &'static str,
    name: &'static str,
    topic: Topic,
    unit: Unit,
    constant: Constant,
    share: fn(&Outcome, &Guess) -> Share,
}

impl Kind {
    fn measure(&self, outcomes: &[Outcome], guess: &Guess) -> Option<Measure> {
        let shares = |o: &Outcome| (self.share)(o, guess).filter(|share| share.1 > 0.0);
        let figure = ratio(outcomes.iter().filter_map(shares))?;
        let (years, guess_says) = self.constant.says(guess);
        let constant = |o: &Outcome| Outcome { answer: Some(guess.answer(o.age, years)), ..*o };
        let guessed = quotient(outcomes.iter().filter_map(|o| shares(&constant(o))));
        Some(Measure {
            rank: 0,
            key: self.key,
            name: self.name,
            topic: self.topic,
            unit: self.unit,
            faces: outcomes.iter().filter_map(shares).count(),
            figure,
            guess: Some(guessed).filter(|guessed| guessed.is_finite()),
            guess_says,
        })
    }
}

impl Constant {
    /// The age in years to say, and all of it in words.
    fn says(self, guess: &Guess) -> (f32, String) {
        let bin = |bin: usize| (f32::from(BINS[bin].lo), format!("always {}", BINS[bin]));
        let commoner = if guess.female >= 0.5 { "female" } else { "male" };
        match self {
            Self::MedianAge => (guess.years, format!("always {} years", guess.years)),
            Self::Bin => bin(guess.bin),
            Self::NearBin => bin(guess.near_bin),
            Self::Class => (guess.years, format!("always {} years", guess.dominant)),
            Self::Frequencies => (guess.years, "how frequent each age is".to_owned()),
            Self::MedianJury => (guess.jury_years, format!("always {:.1} years", guess.jury_years)),
            Self::Commoner => (guess.years, format!("always {commoner}")),
            Self::GenderFrequencies => {
                (guess.years, format!("{:.0} % female", guess.female * 100.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::{AgeRange, GenderMark};
    use crate::metrics::Answer;
    use crate::metrics::confusion::Confusion;

    fn outcome(age: u8, answer: Option<(f32, u8, f32)>) -> Outcome {
        let answer = answer.map(|(years, dominant, prob)| Answer {
            years,
            dominant,
            label_prob: Some(prob),
            female: 0.5,
        });
        Outcome { age: Some(AgeRange { lo: age, hi: age }), gender: None, jury: None, answer }
    }

    /// Checks measures, and the constant guess beside each, against what was worked out by hand.
    #[track_caller]
    fn check(outcomes: &[Outcome], expected: &[(&str, f64, f64)]) {
        let measures = all(outcomes);
        for (key, value, guess) in expected {
            let measure = measures.iter().find(|m| m.key == *key).unwrap();
            let (is, guessed) = (measure.figure.value, measure.guess.unwrap());
            assert!((is - value).abs() < 1e-5, "{key} is {is}, expected {value}");
            assert!((guessed - guess).abs() < 1e-5, "{key}: the guess is {guessed}, not {guess}");
        }
    }

    #[test]
    fn exact_ages_are_scored_as_by_hand() {
        let outcomes = [
            outcome(30, Some((30.7, 30, 0.5))),
            outcome(30, Some((35.2, 36, 0.25))),
            outcome(40, Some((34.6, 30, 0.125))),
            outcome(50, None), // stands 10 years off: the median is 40
        ];
        let quarter = 0.25 * (2f64.ln() + 4f64.ln() + 8f64.ln() + 101f64.ln());
        let entropy = 0.5 * 2f64.ln() + 0.5 * 4f64.ln();
        check(
            &outcomes,
            &[
                ("mae_years", (0.7 + 5.2 + 5.4 + 10.0) / 4.0, 7.5),
                ("mae_rounded_years", (1.0 + 5.0 + 5.0 + 10.0) / 4.0, 7.5),
                ("mae_floor_years", (0.0 + 5.0 + 6.0 + 10.0) / 4.0, 7.5),
                ("cs5", 0.25, 0.25),
                ("age_class", 0.25, 0.5),
                ("age_loss", quarter, entropy),
                ("age_bin", 0.5, 0.5),
            ],
        );
        assert!(all(&outcomes).iter().all(|measure| measure.topic == Topic::Age));
    }

    #[test]
    fn a_jury_is_scored_by_its_spread() {
        let told =
            |years, jury| Outcome { jury: Some(jury), ..outcome(30, Some((years, 30, 0.1))) };
        let outcomes = [told(34.0, (30.0, 4.0)), told(50.0, (50.0, 2.0))];
        let similar = ((-0.5f64).exp() + 1.0) / 2.0;
        let guess = ((-12.5f64).exp() + 1.0) / 2.0; // always 50 years
        check(
            &outcomes,
            &[
                ("jury_mae_years", 2.0, 10.0),
                ("lap_similarity", similar, guess),
                ("lap_error", 1.0 - similar, 1.0 - guess),
            ],
        );
    }

    /// The confusion matrix of a published evaluation on 6,647 faces: [[1873, 98], [72, 4604]].
    #[test]
    fn a_published_confusion_matrix_gives_its_published_figures() {
        use GenderMark::{Female, Male};
        let cells = [(Female, 0.9, 1873), (Female, 0.1, 98), (Male, 0.9, 72), (Male, 0.1, 4604)];
        let outcomes: Vec<Outcome> = cells
            .iter()
            .flat_map(|&(gender, female, n)| {
                let answer = Answer { years: 0.0, dominant: 0, label_prob: None, female };
                let one =
                    Outcome { age: None, gender: Some(gender), jury: None, answer: Some(answer) };
                std::iter::repeat_n(one, n)
            })
            .collect();
        let confusion = Confusion::of(&outcomes);
        assert_eq!((confusion.female.female, confusion.female.male), (1873, 98));
        assert_eq!((confusion.male.female, confusion.male.male), (72, 4604));
        let measures = all(&outcomes);
        let percent = |key: &str| {
            let value = measures.iter().find(|m| m.key == key).unwrap().figure.value;
            format!("{:.2}", value * 100.0)
        };
        assert_eq!(percent("gender"), "97.44");
        assert_eq!(
            (percent("precision_female"), percent("recall_female")),
            ("96.30".into(), "95.03".into())
        );
        assert_eq!(
            (percent("precision_male"), percent("recall_male")),
            ("97.92".into(), "98.46".into())
        );
        let accuracy = measures.iter().find(|m| m.key == "gender").unwrap();
        assert_eq!(format!("{:.4}", accuracy.guess.unwrap()), "0.7035", "always male");
        assert_eq!(accuracy.guess_says, "always male");
    }

    #[test]
    fn nothing_labelled_is_nothing_measured() {
        assert!(all(&[]).is_empty());
        let bare = Outcome { age: None, gender: None, jury: None, answer: None };
        assert!(all(&[bare]).is_empty());
    }
}
