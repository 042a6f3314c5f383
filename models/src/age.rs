//! 101 probabilities, one a year of age, and the figures read from them.
//!
//! The apparent age is the expected value Σ i·p_i (Rothe, Timofte, Van Gool 2015, "DEX", eq. 2).

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "years are 0 to 100")]

/// One class a year: 0, 1, … 100 years.
pub const AGE_CLASSES: usize = 101;

/// How probable each age is.
///
/// # Shapes
/// - probs: `[101]`, f32, each in [0, 1], sums to 1
#[derive(Clone, Debug, PartialEq)]
pub struct AgeDistribution {
    probs: [f32; AGE_CLASSES],
}

impl AgeDistribution {
    /// The softmax of `logits`; `None` where one of them is not finite.
    pub fn from_logits(logits: &[f32; AGE_CLASSES]) -> Option<Self> {
        if !logits.iter().all(|l| l.is_finite()) {
            return None;
        }
        let max = logits.iter().copied().fold(f32::MIN, f32::max);
        Self::from_weights(&logits.map(|l| (l - max).exp()))
    }

    /// `weights` divided by their sum; `None` where one is negative or not finite, or all are 0.
    pub fn from_weights(weights: &[f32; AGE_CLASSES]) -> Option<Self> {
        let sum: f32 = weights.iter().sum();
        let valid = weights.iter().all(|&w| w >= 0.0) && sum.is_finite() && sum > 0.0;
        valid.then(|| Self { probs: weights.map(|w| w / sum) })
    }

    /// The probability of each year of age.
    pub fn probs(&self) -> &[f32; AGE_CLASSES] {
        &self.probs
    }

    /// The apparent age: Σ i·p_i, in years, 0 to 100.
    pub fn expected_years(&self) -> f32 {
        self.mean() as f32
    }

    /// The standard deviation in years.
    pub fn std_years(&self) -> f32 {
        let mean = self.mean();
        let variance: f64 = self.years().map(|(year, p)| (year - mean).powi(2) * p).sum();
        variance.sqrt() as f32
    }

    /// The single most probable age in years; the youngest of several.
    pub fn dominant_years(&self) -> u8 {
        let mut best = 0;
        for (year, p) in self.probs.iter().enumerate() {
            if *p > self.probs[best] {
                best = year;
            }
        }
        best as u8
    }

    /// The youngest age in years at or below which at least the share `q` (in [0, 1]) lies.
    pub fn quantile_years(&self, q: f32) -> u8 {
        let mut sum = 0.0;
        let reached = self.probs.iter().position(|p| {
            sum += p;
            sum >= q
        });
        reached.unwrap_or(AGE_CLASSES - 1) as u8
    }

    fn mean(&self) -> f64 {
        self.years().map(|(year, p)| year * p).sum()
    }

    fn years(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.probs.iter().enumerate().map(|(year, &p)| (year as f64, f64::from(p)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(years: &[(usize, f32)]) -> AgeDistribution {
        let mut weights = [0.0; AGE_CLASSES];
        years.iter().for_each(|&(year, w)| weights[year] = w);
        AgeDistribution::from_weights(&weights).unwrap()
    }

    #[test]
    fn a_certain_age_decodes_to_itself() {
        let age = at(&[(44, 1.0)]);
        assert_eq!((age.expected_years(), age.std_years(), age.dominant_years()), (44.0, 0.0, 44));
    }

    #[test]
    fn two_ages_decode_to_their_mean_and_spread() {
        let age = at(&[(20, 3.0), (60, 1.0)]);
        assert_eq!(age.expected_years(), 30.0);
        assert!((age.std_years() - 300f32.sqrt()).abs() < 1e-4);
        assert_eq!(
            (age.dominant_years(), age.quantile_years(0.5), age.quantile_years(0.9)),
            (20, 20, 60)
        );
    }

    #[test]
    fn equal_logits_are_the_uniform_distribution() {
        let age = AgeDistribution::from_logits(&[7.0; AGE_CLASSES]).unwrap();
        assert!((age.expected_years() - 50.0).abs() < 1e-4);
        assert!((age.probs()[3] - 1.0 / 101.0).abs() < 1e-7);
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        assert!(AgeDistribution::from_weights(&[0.0; AGE_CLASSES]).is_none());
        assert!(AgeDistribution::from_weights(&[f32::NAN; AGE_CLASSES]).is_none());
        assert!(AgeDistribution::from_weights(&[-1.0; AGE_CLASSES]).is_none());
        assert!(AgeDistribution::from_logits(&[f32::INFINITY; AGE_CLASSES]).is_none());
    }

    proptest! {
        #[test]
        fn any_finite_logits_give_an_age_in_range(logits in prop::array::uniform32(-1e30f32..1e30)) {
            let mut all = [0.0; AGE_CLASSES];
            all[..32].copy_from_slice(&logits);
            let age = AgeDistribution::from_logits(&all).unwrap();
            prop_assert!((0.0..=100.0).contains(&age.expected_years()));
            prop_assert!((age.probs().iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}
