//! What each measure is: one entry a measure, in the order they are told in.

use super::Constant::{self, *};
use super::Topic::{self, *};
use super::Unit::{self, *};
use super::{Kind, Share};
use crate::faces::GenderMark::{self, Female, Male};
use crate::labels::{bin_of, edge_distance};
use crate::metrics::guess::Guess;
use crate::metrics::{Outcome, label_bin, lap, predicted};

/// An apparent age is close when it is at most this far from its label.
const CLOSE_YEARS: f64 = 5.0;

/// No probability counts as less in a loss: Keras' own limit.
const PROB_MIN: f64 = 1e-7;

pub(super) const KINDS: [Kind; 20] = [
    kind("mae_years", "mean absolute error", (Age, Years), MedianAge, |o, guess| {
        off_exact(o, guess, |years| years)
    }),
    kind("mae_rounded_years", "… of ages rounded", (Age, Years), MedianAge, |o, guess| {
        off_exact(o, guess, f32::round)
    }),
    kind(
        "mae_floor_years",
        "… of ages cut to whole years",
        (Age, Years),
        MedianAge,
        |o, guess| off_exact(o, guess, f32::floor),
    ),
    kind("cs5", "within 5 years (CS@5)", (Age, Proportion), MedianAge, |o, _| {
        let label = f64::from(exact(o)?);
        hit(o.answer.is_some_and(|a| (f64::from(a.years) - label).abs() <= CLOSE_YEARS))
    }),
    kind("age_class", "most probable year is the label", (Age, Proportion), Class, |o, _| {
        let label = exact(o)?;
        hit(o.answer.is_some_and(|a| a.dominant == label))
    }),
    kind("edge_mae_years", "outside the labelled range by", (Age, Years), MedianAge, |o, guess| {
        let range = o.age.filter(|age| age.lo != age.hi)?;
        let years = o.answer.map_or(guess.years, |a| a.years);
        mean_of(f64::from(edge_distance(years, range)))
    }),
    kind("age_bin", "in the labelled age bin", (Age, Proportion), Bin, |o, _| in_bin(o, 0)),
    kind("age_bin_within_one", "… or in one beside it", (Age, Proportion), NearBin, |o, _| {
        in_bin(o, 1)
    }),
    kind("age_loss", "cross-entropy, nats", (Age, Loss), Frequencies, |o, _| age_loss(o)),
    kind("jury_mae_years", "mean absolute error", (Jury, Years), MedianJury, |o, guess| {
        let years = o.answer.map_or(guess.jury_years, |a| a.years);
        mean_of((f64::from(years) - f64::from(o.jury?.0)).abs())
    }),
    kind(
        "lap_similarity",
        "similarity, mean of exp(−d²/2σ²)",
        (Jury, Score),
        MedianJury,
        |o, _| mean_of(similarity(o)?),
    ),
    kind("lap_error", "LAP error ε: 1 − similarity", (Jury, Loss), MedianJury, |o, _| {
        mean_of(1.0 - similarity(o)?)
    }),
    kind("gender", "accuracy", (Gender, Proportion), Commoner, |o, _| hit(says(o, o.gender?))),
    kind("precision_female", "precision, female", (Gender, Proportion), Commoner, |o, _| {
        precision(o, Female)
    }),
    kind("recall_female", "recall, female", (Gender, Proportion), Commoner, |o, _| {
        recall(o, Female)
    }),
    kind("f1_female", "F1, female", (Gender, Proportion), Commoner, |o, _| f1(o, Female)),
    kind("precision_male", "precision, male", (Gender, Proportion), Commoner, |o, _| {
        precision(o, Male)
    }),
    kind("recall_male", "recall, male", (Gender, Proportion), Commoner, |o, _| recall(o, Male)),
    kind("f1_male", "F1, male", (Gender, Proportion), Commoner, |o, _| f1(o, Male)),
    kind("gender_loss", "cross-entropy, nats", (Gender, Loss), GenderFrequencies, |o, _| {
        let female = f64::from(o.answer.map_or(0.5, |a| a.female));
        let prob = if o.gender? == Female { female } else { 1.0 - female };
        mean_of(loss(prob))
    }),
];

const fn kind(
    key: &'static str,
    name: &'static str,
    (topic, unit): (Topic, Unit),
    constant: Constant,
    share: fn(&Outcome, &Guess) -> Share,
) -> Kind {
    Kind { key, name, topic, unit, constant, share }
}

/// A face's part in a mean.
fn mean_of(value: f64) -> Share {
    Some((value, 1.0))
}

/// A face's part in a proportion.
fn hit(hit: bool) -> Share {
    mean_of(f64::from(u8::from(hit)))
}

fn exact(o: &Outcome) -> Option<u8> {
    o.age.filter(|age| age.lo == age.hi).map(|age| age.lo)
}

/// How far the apparent age, put into whole years by `whole`, is from an exact label.
fn off_exact(o: &Outcome, guess: &Guess, whole: fn(f32) -> f32) -> Share {
    let label = f64::from(exact(o)?);
    let years = o.answer.map_or(guess.years, |a| whole(a.years));
    mean_of((f64::from(years) - label).abs())
}

fn in_bin(o: &Outcome, reach: usize) -> Share {
    let label = label_bin(o.age?);
    hit(o.answer.is_some_and(|a| bin_of(a.years).abs_diff(label) <= reach))
}

fn age_loss(o: &Outcome) -> Share {
    let label = o.age?;
    let uniform = (f64::from(label.hi - label.lo) + 1.0) / 101.0;
    let prob = match o.answer {
        Some(answer) => f64::from(answer.label_prob?),
        None => uniform,
    };
    mean_of(loss(prob))
}

fn loss(prob: f64) -> f64 {
    -prob.clamp(PROB_MIN, 1.0).ln()
}

fn similarity(o: &Outcome) -> Option<f64> {
    let jury = o.jury?;
    Some(o.answer.map_or(0.0, |a| lap::similarity(a.years, jury)))
}

fn says(o: &Outcome, gender: GenderMark) -> bool {
    o.answer.is_some_and(|a| predicted(a) == gender)
}

/// Of those predicted as `gender`, the share labelled so.
fn precision(o: &Outcome, gender: GenderMark) -> Share {
    let label = o.gender?;
    says(o, gender).then(|| hit(label == gender)).flatten()
}

/// Of those labelled as `gender`, the share predicted so.
fn recall(o: &Outcome, gender: GenderMark) -> Share {
    (o.gender? == gender).then(|| hit(says(o, gender))).flatten()
}

/// 2·TP / (2·TP + FP + FN), the harmonic mean of the two.
fn f1(o: &Outcome, gender: GenderMark) -> Share {
    let (is, said) = (o.gender? == gender, says(o, gender));
    let both = f64::from(u8::from(is && said));
    Some((2.0 * both, f64::from(u8::from(is)) + f64::from(u8::from(said))))
}
