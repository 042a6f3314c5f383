//! Two probabilities and the label read from them, with a band in which it says "unsure".

use serde::{Deserialize, Serialize};

/// How probable each of the two labels of the training data is; the two sum to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gender {
    female: f32,
}

/// What is shown: a *predicted gender*, or that the prediction is too weak to show one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GenderLabel {
    /// Labelled female.
    Female,
    /// Labelled male.
    Male,
    /// Neither probability reaches the manifest's threshold.
    Unsure,
}

impl Gender {
    /// The softmax of `[female, male]`; `None` where one is not finite.
    pub fn from_logits([female, male]: [f32; 2]) -> Option<Self> {
        Self::from_log_odds(female - male)
    }

    /// From ln(female / male); `None` where it is not finite.
    pub fn from_log_odds(log_odds: f32) -> Option<Self> {
        log_odds.is_finite().then(|| Self { female: 1.0 / (1.0 + (-log_odds).exp()) })
    }

    /// The probability of *female*, in [0, 1].
    pub fn female(&self) -> f32 {
        self.female
    }

    /// The probability of *male*, in [0, 1].
    pub fn male(&self) -> f32 {
        1.0 - self.female
    }

    /// The more probable label, or *unsure* where its probability is below `sure_min` (in [0.5, 1]).
    pub fn label(&self, sure_min: f32) -> GenderLabel {
        match (self.female >= self.male(), self.female.max(self.male()) >= sure_min) {
            (_, false) => GenderLabel::Unsure,
            (true, true) => GenderLabel::Female,
            (false, true) => GenderLabel::Male,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_logit_names_the_label() {
        assert_eq!(Gender::from_logits([2.0, -1.0]).unwrap().label(0.5), GenderLabel::Female);
        assert_eq!(Gender::from_logits([-1.0, 2.0]).unwrap().label(0.5), GenderLabel::Male);
    }

    #[test]
    fn inside_the_band_it_says_unsure() {
        let gender = Gender::from_logits([0.2, 0.0]).unwrap();
        assert!((gender.female() - 0.549_834).abs() < 1e-6);
        assert_eq!(gender.label(0.5), GenderLabel::Female);
        assert_eq!(gender.label(0.6), GenderLabel::Unsure);
    }

    #[test]
    fn far_logits_saturate_and_broken_ones_are_refused() {
        assert_eq!(Gender::from_logits([1e30, -1e30]).unwrap().male(), 0.0);
        assert!(Gender::from_logits([f32::NAN, 0.0]).is_none());
        assert!(Gender::from_logits([f32::MAX, f32::MIN]).is_none());
    }
}
