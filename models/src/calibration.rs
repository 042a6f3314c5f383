//! What makes a network's probabilities mean what they say, found on faces kept out of training.
//!
//! Temperatures (Guo et al. 2017, "On Calibration of Modern Neural Networks"): every logit of a head is divided
//! by one number. A spread: labels that are ranges of years tell a temperature little of how wide the ages
//! within them lie, so that the distribution of ages is also stretched around its mean, which stays.

use serde::{Deserialize, Serialize};

use crate::age::AgeDistribution;
use crate::estimator::{Estimate, Logits};
use crate::gender::Gender;

/// How logits become probabilities; 1 leaves them as they are, more makes the answer less sure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What the age logits are divided by, in [0.1, 10].
    pub age_temperature: f32,
    /// What the distribution of ages is stretched by, in [0.1, 10]; left out where it is 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub age_spread: f32,
    /// What the gender logits are divided by, in [0.1, 10].
    pub gender_temperature: f32,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { age_temperature: 1.0, age_spread: 1.0, gender_temperature: 1.0 }
    }
}

impl Calibration {
    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The calibrated probabilities; `None` where a logit is not finite.
    pub fn decode(&self, logits: &Logits) -> Option<Estimate> {
        let age = AgeDistribution::from_logits(&logits.age.map(|l| l / self.age_temperature))?;
        let age = if is_one(&self.age_spread) { age } else { age.stretched(self.age_spread) };
        let gender = Gender::from_logits(logits.gender.map(|l| l / self.gender_temperature))?;
        Some(Estimate { age, gender })
    }
}

fn one() -> f32 {
    1.0
}

fn is_one(factor: &f32) -> bool {
    *factor == 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::age::AGE_CLASSES;

    fn thirty() -> Logits {
        let mut age = [0.0; AGE_CLASSES];
        age[30] = 6.0;
        Logits { age, gender: [3.0, 0.0] }
    }

    #[test]
    fn a_high_temperature_makes_unsure_and_keeps_the_likelier_label() {
        let plain = thirty().decode().unwrap();
        assert_eq!(Calibration::default().decode(&thirty()).unwrap(), plain);
        let hot =
            Calibration { age_temperature: 2.0, gender_temperature: 3.0, ..Calibration::default() };
        let hot = hot.decode(&thirty()).unwrap();
        assert!(hot.age.std_years() > plain.age.std_years());
        assert_eq!(hot.age.dominant_years(), 30);
        assert!((hot.gender.female() - 0.731_059).abs() < 1e-5);
    }

    #[test]
    fn a_spread_of_one_is_not_written_and_none_is_read_as_one() {
        let old = "age_temperature = 0.8\ngender_temperature = 0.9\n";
        let read: Calibration = toml::from_str(old).unwrap();
        assert_eq!((read.age_spread, toml::to_string(&read).unwrap().as_str()), (1.0, old));
        let new = toml::to_string(&Calibration { age_spread: 1.25, ..read }).unwrap();
        assert!(new.contains("age_spread = 1.25"), "{new}");
    }

    #[test]
    fn a_spread_changes_how_sure_an_age_is_and_not_the_age() {
        let mut logits = thirty();
        (20..50).for_each(|year| logits.age[year] = 20.0);
        let plain = logits.decode().unwrap();
        let spread = Calibration { age_spread: 1.2, ..Calibration::default() };
        let wide = spread.decode(&logits).unwrap();
        assert!((wide.age.std_years() / plain.age.std_years() - 1.2).abs() < 0.01);
        assert!((wide.age.expected_years() - plain.age.expected_years()).abs() < 0.01);
        assert_eq!(wide.gender, plain.gender);
    }
}
