//! What is shown of one followed face: the mean of what the network said of it, held steady.
//!
//! The 101 probabilities and the gender's log-odds are averaged with the quality of each look as its
//! weight; old looks fade, so that a wrong first one is forgotten. What is *shown* ([`steady`]) changes only
//! when the mean has moved away from it for a while. Time is an argument.

pub mod steady;

use std::time::{Duration, Instant};

use models::age::{AGE_CLASSES, AgeDistribution};
use models::estimator::Estimate;
use models::gender::{Gender, GenderLabel};

use crate::scene::Reading;
use steady::{Held, Whole};

/// So long after a look it weighs half.
const HALF_LIFE: Duration = Duration::from_secs(15);

/// Figures appear when the face is known for this long …
const KNOWN_MIN: Duration = Duration::from_secs(1);

/// … or after so many good looks, whichever comes first.
const GOOD_LOOKS_MIN: u32 = 6;

/// A look is good from this quality on.
const GOOD_MIN: f32 = 0.5;

/// Even the worst look weighs this much, so that a face that is always seen badly gets figures too.
const WEIGHT_MIN: f32 = 0.02;

/// A single look moves the log-odds of the gender at most this far from even: 0.998 to 0.002.
const LOG_ODDS_MAX: f32 = 6.0;

/// The looks at one face.
#[derive(Clone, Debug)]
pub struct Smooth {
    born: Instant,
    faded: Instant,
    weight: f32,
    /// Weighted sums.
    age: [f32; AGE_CLASSES],
    log_odds: f32,
    good_looks: u32,
    shown: Option<Shown>,
}

/// What stays as it is for a while.
#[derive(Clone, Debug)]
struct Shown {
    years: Whole,
    spread: Whole,
    label: Held<GenderLabel>,
}

impl Smooth {
    /// Of a face that was found first at `born`.
    pub fn new(born: Instant) -> Self {
        Self {
            born,
            faded: born,
            weight: 0.0,
            age: [0.0; AGE_CLASSES],
            log_odds: 0.0,
            good_looks: 0,
            shown: None,
        }
    }

    /// Takes in a look of this quality, in [0, 1].
    pub fn add(&mut self, estimate: &Estimate, quality: f32, now: Instant) {
        self.fade(now);
        let weight = quality.clamp(WEIGHT_MIN, 1.0);
        self.weight += weight;
        for (sum, prob) in self.age.iter_mut().zip(estimate.age.probs()) {
            *sum += weight * prob;
        }
        self.log_odds += weight * log_odds(estimate.gender);
        self.good_looks += u32::from(quality >= GOOD_MIN);
    }

    /// What to show at `now`; `None` while too little was seen. A gender less probable than
    /// `gender_sure_min` is shown as unsure.
    ///
    /// To be asked often: what is shown changes only here.
    pub fn reading(&mut self, gender_sure_min: f32, now: Instant) -> Option<Reading> {
        let known = now.saturating_duration_since(self.born) >= KNOWN_MIN;
        if self.shown.is_none() && !known && self.good_looks < GOOD_LOOKS_MIN {
            return None;
        }
        let age = AgeDistribution::from_weights(&self.age)?;
        let gender = Gender::from_log_odds(self.log_odds / self.weight)?;
        let label = gender.label(gender_sure_min);
        let (years, spread) = (age.expected_years(), age.std_years());
        let shown = self.shown.get_or_insert_with(|| Shown {
            years: Whole::new(years),
            spread: Whole::new(spread),
            label: Held::new(label),
        });
        Some(Reading {
            years: shown.years.update(years, now),
            spread_years: shown.spread.update(spread, now),
            label: *shown.label.update(label, now),
            age,
            gender,
        })
    }

    /// Whether there was something to show when it was asked for last.
    pub fn is_shown(&self) -> bool {
        self.shown.is_some()
    }

    fn fade(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.faded).as_secs_f32();
        let left = (-passed / HALF_LIFE.as_secs_f32()).exp2();
        self.weight *= left;
        self.log_odds *= left;
        self.age.iter_mut().for_each(|sum| *sum *= left);
        self.faded = now;
    }
}

/// ln(female / male), within bounds.
fn log_odds(gender: Gender) -> f32 {
    (gender.female() / gender.male()).ln().clamp(-LOG_ODDS_MAX, LOG_ODDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    fn estimate(years: usize, log_odds: f32) -> Estimate {
        let mut weights = [0.0; AGE_CLASSES];
        weights[years] = 1.0;
        let age = AgeDistribution::from_weights(&weights).unwrap();
        Estimate { age, gender: Gender::from_log_odds(log_odds).unwrap() }
    }

    /// A face, and looks at it 100 ms apart; what is shown after each.
    struct Face {
        smooth: Smooth,
        now: Instant,
    }

    impl Face {
        fn new() -> Self {
            let now = Instant::now();
            Self { smooth: Smooth::new(now), now }
        }

        fn look(&mut self, estimate: &Estimate, quality: f32) -> Option<Reading> {
            self.now += STEP;
            self.smooth.add(estimate, quality, self.now);
            self.smooth.reading(0.7, self.now)
        }

        fn looks(&mut self, count: usize, years: usize) -> Reading {
            let last = (0..count).map(|_| self.look(&estimate(years, 2.0), 1.0)).last();
            last.flatten().expect("it was looked at long enough")
        }
    }

    #[test]
    fn figures_appear_after_six_good_looks_or_a_second() {
        let mut face = Face::new();
        let shown: Vec<_> = (0..7).map(|_| face.look(&estimate(30, 2.0), 0.9).is_some()).collect();
        assert_eq!(shown, [false, false, false, false, false, true, true]);
        let mut badly_seen = Face::new();
        let shown = (0..12).position(|_| badly_seen.look(&estimate(30, 2.0), 0.1).is_some());
        assert_eq!(shown, Some(9), "a second after it was found");
        assert_eq!(Face::new().smooth.reading(0.7, Instant::now()), None);
    }

    #[test]
    fn a_face_without_a_look_has_no_figures_however_long_it_is_there() {
        let mut face = Face::new();
        assert_eq!(face.smooth.reading(0.7, face.now + Duration::from_secs(9)), None);
    }

    #[test]
    fn a_wrong_first_look_is_forgotten() {
        let mut face = Face::new();
        face.look(&estimate(80, -4.0), 1.0);
        let soon = face.looks(6, 30);
        let later = face.looks(600, 30);
        assert!(soon.years > 35, "{soon:?}");
        assert_eq!((later.years, later.label), (30, GenderLabel::Female));
    }

    #[test]
    fn a_bad_look_weighs_little() {
        let mut face = Face::new();
        face.looks(10, 30);
        let reading = face.look(&estimate(90, -6.0), 0.05).unwrap();
        assert!((reading.age.expected_years() - 30.0).abs() < 0.5, "{reading:?}");
    }

    #[test]
    fn the_shown_age_does_not_follow_noise() {
        let mut face = Face::new();
        face.looks(10, 40);
        let noisy = (0..60usize).map(|i| {
            let years = 40 + (i * 7) % 11 - 5;
            face.look(&estimate(years, 2.0), 1.0).unwrap().years
        });
        let shown: Vec<_> = noisy.collect();
        assert!(shown.iter().all(|years| *years == 40), "{shown:?}");
    }

    #[test]
    fn the_label_is_unsure_between_the_genders_and_does_not_flicker() {
        let mut face = Face::new();
        for _ in 0..20 {
            face.look(&estimate(30, 0.1), 1.0);
        }
        let labels = (0..40).map(|i| {
            let log_odds = if i % 2 == 0 { 3.0 } else { -3.0 };
            face.look(&estimate(30, log_odds), 1.0).unwrap().label
        });
        assert!(labels.collect::<Vec<_>>().iter().all(|label| *label == GenderLabel::Unsure));
    }

    #[test]
    fn a_saturated_gender_is_no_infinity() {
        let mut face = Face::new();
        for _ in 0..6 {
            face.look(&estimate(30, 1e30), 1.0);
        }
        let reading = face.look(&estimate(30, -1e30), 1.0).unwrap();
        assert!((reading.gender.female() - 0.986).abs() < 0.01, "{reading:?}");
    }
}
