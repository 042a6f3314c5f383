//! Temperatures that make a network's probabilities mean what they say (Guo et al. 2017, "On Calibration
//! of Modern Neural Networks"): every logit is divided by one number, found on faces kept out of training.

use serde::{Deserialize, Serialize};

use crate::estimator::Logits;

/// What the logits are divided by; 1 leaves them as they are, more makes the answer less sure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Of the age logits, in [0.1, 10].
    pub age_temperature: f32,
    /// Of the gender logits, in [0.1, 10].
    pub gender_temperature: f32,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { age_temperature: 1.0, gender_temperature: 1.0 }
    }
}

impl Calibration {
    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The logits that the probabilities are made of.
    pub fn apply(&self, logits: &Logits) -> Logits {
        Logits {
            age: logits.age.map(|logit| logit / self.age_temperature),
            gender: logits.gender.map(|logit| logit / self.gender_temperature),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::age::AGE_CLASSES;

    #[test]
    fn a_high_temperature_makes_unsure_and_keeps_the_likelier_label() {
        let mut age = [0.0; AGE_CLASSES];
        age[30] = 6.0;
        let logits = Logits { age, gender: [3.0, 0.0] };
        let plain = Calibration::default().apply(&logits);
        assert_eq!(plain, logits);
        let hot = Calibration { age_temperature: 2.0, gender_temperature: 3.0 };
        let (hot, plain) = (hot.apply(&logits).decode().unwrap(), plain.decode().unwrap());
        assert!(hot.age.std_years() > plain.age.std_years());
        assert_eq!(hot.age.dominant_years(), 30);
        assert!((hot.gender.female() - 0.731_059).abs() < 1e-5);
    }
}
