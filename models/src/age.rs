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

    /// The same apparent age, and every other age `factor` times as far from it: the standard deviation grows
    /// by that factor, the quantiles with it. Each class is spread evenly over its year; what would lie beyond
    /// the first or last class counts there.
    ///
    /// # Shapes
    /// - factor: above 0
    #[must_use]
    pub fn stretched(&self, factor: f32) -> Self {
        let (mean, factor) = (self.mean(), f64::from(factor));
        let below = |years: f64| self.share_below(mean + (years - mean) / factor).min(1.0);
        let mut reached = 0.0;
        let probs = std::array::from_fn(|year| {
            let end = if year + 1 == AGE_CLASSES { 1.0 } else { below(year as f64 + 0.5) };
            let prob = (end - reached).max(0.0);
            reached = end;
            prob as f32
        });
        Self { probs }
    }

    /// The probability of being younger than `years`, each class spread evenly over its year.
    fn share_below(&self, years: f64) -> f64 {
        self.years().map(|(year, p)| p * (years - year + 0.5).clamp(0.0, 1.0)).sum()
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
    fn a_stretch_moves_ages_away_from_a_mean_that_stays() {
        let wide = at(&[(20, 0.5), (60, 0.5)]).stretched(1.5);
        assert!((wide.expected_years() - 40.0).abs() < 1e-3);
        // The year from 19.5 to 20.5 becomes the year and a half from 9.25 to 10.75.
        let near = [9, 10, 11, 70].map(|year| wide.probs()[year]);
        let expected = [1.0 / 12.0, 1.0 / 3.0, 1.0 / 12.0, 1.0 / 3.0];
        assert!(near.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{near:?}");
        assert!((wide.std_years() - 30.0).abs() < 0.1, "{}", wide.std_years());
        let ages = at(&[(30, 1.0), (33, 2.0), (37, 1.0)]);
        let same = ages.stretched(1.0);
        assert!(ages.probs().iter().zip(same.probs()).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn what_a_stretch_takes_beyond_the_ends_counts_there() {
        let child = at(&[(0, 0.5), (2, 0.5)]).stretched(3.0);
        assert!((child.probs()[0] - 0.5).abs() < 1e-6, "{:?}", &child.probs()[..6]);
        assert!((child.probs().iter().sum::<f32>() - 1.0).abs() < 1e-5);
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
            let wide = age.stretched(1.3);
            prop_assert!((wide.probs().iter().sum::<f32>() - 1.0).abs() < 1e-4);
            prop_assert!(wide.probs().iter().all(|p| (0.0..=1.0).contains(p)));
        }
    }
}
