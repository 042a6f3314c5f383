//! Stage `calibrate`: temperatures and the width of *unsure*, chosen on faces kept out of training, and
//! written into the bundle's model.toml.
//!
//! A temperature is the one under which the labels are least surprising: the mean of −ln of the probability
//! of the labelled age range, or gender (Guo et al. 2017). It decides the apparent age; how far ± reaches
//! beyond that is `spread`'s. *Unsure* is as narrow as leaves the wished share of right genders outside it.

mod spread;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use models::age::AgeDistribution;
use models::bundle;
use models::calibration::Calibration;
use models::estimator::Logits;
use models::gender::Gender;

use super::{answers, open};
use crate::faces::{self, AgeRange, FaceRow, GenderMark, Part};
use crate::files::write_text;
use crate::metrics::prob_of;
use crate::out;

/// What to calibrate, and on what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The bundle; its model.toml is rewritten.
    #[arg(long)]
    bundle: PathBuf,
    /// faces.csv of labelled pictures.
    #[arg(long)]
    faces: PathBuf,
    /// Only this part of them.
    #[arg(long, value_enum, default_value = "val")]
    part: Part,
    /// `embedded`, or the folder of a detector bundle.
    #[arg(long, default_value = "embedded")]
    detector: String,
    /// Share of right genders wanted outside *unsure*.
    #[arg(long, default_value_t = 0.97)]
    gender_right: f64,
}

/// One face that was found.
#[derive(Clone, Copy, Debug)]
struct Case<'a> {
    logits: &'a Logits,
    age: Option<AgeRange>,
    gender: Option<GenderMark>,
}

/// What was chosen, and what it does on the same faces.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Chosen {
    calibration: Calibration,
    /// Share of labelled ages within one standard deviation, every age bin alike.
    within: f64,
    gender_sure_min: f32,
    /// Share of faces that are called unsure.
    unsure: f64,
    /// Share of right genders among the others.
    right: f64,
}

/// Calibrates and rewrites model.toml.
///
/// # Errors
/// A bundle or manifest that cannot be opened, no labelled face, or the file system.
pub fn run(options: &Options) -> Result<()> {
    let mut rows = faces::read(&options.faces)?;
    rows.retain(|row| row.part == Some(options.part));
    ensure!(!rows.is_empty(), "{} holds no face of that part", options.faces.display());
    let bundle = open(&options.bundle)?;
    let (detector, answered) = answers(rows, &bundle, None, &options.detector)?;
    let found = answered.iter().filter_map(|one| Some((one.logits.as_ref()?, &one.row)));
    let case = |(logits, row): (_, &FaceRow)| Case { logits, age: row.age(), gender: row.gender };
    let cases: Vec<Case<'_>> = found.map(case).collect();
    let chosen = choose(&cases, options.gender_right)?;
    let mut manifest = bundle.manifest().clone();
    let spec = manifest.estimator.as_mut().context("the bundle is no estimator")?;
    spec.calibration = chosen.calibration;
    spec.gender_sure_min = chosen.gender_sure_min;
    write_text(&options.bundle.join("model.toml"), &manifest.to_toml())?;
    bundle::seal(&options.bundle)
        .with_context(|| format!("sealing {}", options.bundle.display()))?;
    out::print(&format!(
        "on {} faces, detector {detector}: age temperature {:.3}, spread {:.3}: one standard deviation holds \
         {:.1} % of the ages, every bin alike; gender temperature {:.3}; unsure below {:.3}: {:.1} % of the \
         faces, of the others {:.2} % are right\n",
        cases.len(),
        chosen.calibration.age_temperature,
        chosen.calibration.age_spread,
        chosen.within * 100.0,
        chosen.calibration.gender_temperature,
        chosen.gender_sure_min,
        chosen.unsure * 100.0,
        chosen.right * 100.0
    ))
}

fn choose(cases: &[Case<'_>], right: f64) -> Result<Chosen> {
    let ages: Vec<_> = cases.iter().filter_map(|case| Some((case.logits, case.age?))).collect();
    let genders: Vec<_> =
        cases.iter().filter_map(|case| Some((case.logits, case.gender?))).collect();
    ensure!(!ages.is_empty() && !genders.is_empty(), "no face has an age, or none a gender");
    let at = |temperature| Calibration {
        age_temperature: temperature,
        gender_temperature: temperature,
        ..Calibration::default()
    };
    let age_temperature = coolest(|temperature| {
        let said = |logits| Some(at(temperature).decode(logits)?.age);
        ages.iter().filter_map(|(l, range)| Some(-ln(prob_of(*range, said(l)?.probs())))).sum()
    });
    let gender_temperature = coolest(|temperature| {
        let said = |logits| Some(at(temperature).decode(logits)?.gender);
        genders.iter().filter_map(|(l, gender)| Some(-ln(of(said(l)?, *gender)))).sum()
    });
    let mut calibration =
        Calibration { age_temperature, gender_temperature, ..Calibration::default() };
    calibration.age_spread = spread::factor(&told(&ages, calibration));
    let within = spread::within(&told(&ages, calibration));
    let mut sure: Vec<(f32, bool)> = genders
        .iter()
        .filter_map(|(logits, gender)| {
            let female = calibration.decode(logits)?.gender.female();
            Some((female.max(1.0 - female), (female >= 0.5) == (*gender == GenderMark::Female)))
        })
        .collect();
    let (gender_sure_min, unsure, right) = narrowest(&mut sure, right);
    Ok(Chosen { calibration, within, gender_sure_min, unsure, right })
}

/// What a calibrated network says of the age of each face, beside the label.
fn told(
    ages: &[(&Logits, AgeRange)],
    calibration: Calibration,
) -> Vec<(AgeDistribution, AgeRange)> {
    ages.iter().filter_map(|(l, range)| Some((calibration.decode(l)?.age, *range))).collect()
}

fn of(said: Gender, gender: GenderMark) -> f32 {
    if gender == GenderMark::Female { said.female() } else { said.male() }
}

fn ln(prob: f32) -> f64 {
    f64::from(prob).max(1e-9).ln()
}

/// The temperature between a quarter and 4, to three digits, whose `loss` is smallest: golden-section search
/// (Kiefer 1953) over its logarithm, since the loss has one valley.
#[allow(clippy::cast_possible_truncation, reason = "a temperature between a quarter and 4")]
fn coolest(loss: impl Fn(f32) -> f64) -> f32 {
    let share = (5f64.sqrt() - 1.0) / 2.0;
    let at = |log: f64| loss(log.exp() as f32);
    let (mut low, mut high) = (0.25f64.ln(), 4f64.ln());
    while high - low > 5e-4 {
        let step = share * (high - low);
        if at(high - step) < at(low + step) { high = low + step } else { low = high - step }
    }
    let temperature = ((low + high) / 2.0).exp();
    ((temperature * 1000.0).round() / 1000.0) as f32
}

/// The least threshold, to two digits, above which the share `right` of the genders are right, as
/// (threshold, share below it, share of right ones above); 0.99 where none is enough.
#[allow(clippy::cast_precision_loss, reason = "counts of faces")]
fn narrowest(sure: &mut [(f32, bool)], right: f64) -> (f32, f64, f64) {
    sure.sort_by(|a, b| a.0.total_cmp(&b.0));
    let at = |percent: u8| {
        let threshold = f32::from(percent) / 100.0;
        let above = &sure[sure.partition_point(|(prob, _)| *prob < threshold)..];
        let hits = above.iter().filter(|(_, right)| *right).count();
        let unsure = 1.0 - above.len() as f64 / sure.len().max(1) as f64;
        (threshold, unsure, hits as f64 / above.len().max(1) as f64)
    };
    let enough = (50..99).map(at).find(|(_, _, found)| *found >= right);
    enough.unwrap_or_else(|| at(99))
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small shares of few")]
mod tests {
    use models::age::AGE_CLASSES;

    use super::*;

    /// Faces whose female logit is `log_odds`, of which that share is labelled female.
    fn women(count: usize, log_odds: f32, share: f64) -> Vec<(Logits, GenderMark)> {
        let logits = Logits { age: [0.0; AGE_CLASSES], gender: [log_odds, 0.0] };
        let female = (count as f64 * share).round() as usize;
        let mark = |at| if at < female { GenderMark::Female } else { GenderMark::Male };
        (0..count).map(|at| (logits.clone(), mark(at))).collect()
    }

    fn chosen(faces: &[(Logits, GenderMark)], age: AgeRange, right: f64) -> Chosen {
        let cases: Vec<Case<'_>> = faces
            .iter()
            .map(|(logits, gender)| Case { logits, age: Some(age), gender: Some(*gender) })
            .collect();
        choose(&cases, right).unwrap()
    }

    const TWENTIES: AgeRange = AgeRange { lo: 20, hi: 29 };

    #[test]
    fn a_boastful_net_is_cooled_to_how_often_it_is_right() {
        // Says 95.3 %, is right in 81.8 %: ln 20.1 / ln 4.48 = 2.
        let chosen = chosen(&women(1000, 3.0, 0.8176), TWENTIES, 0.97);
        assert!((chosen.calibration.gender_temperature - 2.0).abs() < 0.02, "{chosen:?}");
    }

    #[test]
    fn ages_are_spread_until_the_labels_are_as_likely_as_they_are_frequent() {
        // 25 with odds of 55 to 1, and a quarter of the labels say 60.
        let mut age = [-200.0; AGE_CLASSES];
        (age[25], age[60]) = (4.0, 0.0);
        let logits = &Logits { age, gender: [0.0; 2] };
        let label = |at: usize| if at < 75 { TWENTIES } else { AgeRange { lo: 60, hi: 60 } };
        let case = |at| Case { logits, age: Some(label(at)), gender: Some(GenderMark::Female) };
        let cases: Vec<_> = (0..100).map(case).collect();
        let temperature = choose(&cases, 0.9).unwrap().calibration.age_temperature;
        assert!((temperature - 4.0 / 3f32.ln()).abs() < 0.05, "{temperature}");
    }

    #[test]
    fn unsure_is_as_narrow_as_the_wished_share_allows() {
        let mut faces = women(100, 3.0, 0.99);
        faces.extend(women(100, 0.5, 0.6));
        let strict = chosen(&faces, TWENTIES, 0.97);
        assert!(strict.gender_sure_min > 0.55 && strict.unsure == 0.5 && strict.right == 0.99);
        let easy = chosen(&faces, TWENTIES, 0.7);
        assert_eq!((easy.gender_sure_min, easy.unsure), (0.5, 0.0));
    }
}
