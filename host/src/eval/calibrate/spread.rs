//! How far ± must reach: by what the network's standard deviation is multiplied so that it holds as many of
//! the labelled ages as that of a normal distribution.
//!
//! It is a quantile of |label − apparent age| ÷ standard deviation over faces kept out of training (normalized
//! conformal prediction: Papadopoulos et al. 2008, Lei et al. 2018). A label that is a range counts with each
//! of its years, as likely as training has them. Every age bin counts alike: who will stand before a kiosk is
//! not known, and a data set's many in their twenties would decide for all.

use models::age::AgeDistribution;

use crate::faces::AgeRange;
use crate::labels::{BINS, age_target, share_near};
use crate::metrics::label_bin;

/// What one standard deviation holds of a normal distribution: erf(1 ÷ √2).
const WITHIN: f64 = 0.682_689;

/// Below this many years a standard deviation says nothing.
const STD_YEARS_MIN: f32 = 0.01;

/// The factor, from a quarter to 4 and to three digits.
pub(super) fn factor(said: &[(AgeDistribution, AgeRange)]) -> f32 {
    let weights = weights(said);
    let mut off: Vec<(f32, f64)> = Vec::new();
    for ((age, label), weight) in said.iter().zip(&weights) {
        let (mean, std) = (age.expected_years(), age.std_years().max(STD_YEARS_MIN));
        let target = age_target(*label, 0.0).into_iter().enumerate();
        let years = target.filter(|(_, share)| *share > 0.0);
        off.extend(
            years.map(|(at, share)| ((at as f32 - mean).abs() / std, f64::from(share) * weight)),
        );
    }
    off.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wanted = WITHIN * off.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut reached = 0.0;
    let found = off.iter().find(|(_, weight)| {
        reached += weight;
        reached >= wanted
    });
    let factor = found.map_or(1.0, |(ratio, _)| *ratio);
    (factor.clamp(0.25, 4.0) * 1000.0).round() / 1000.0
}

/// The share of the labelled ages within one standard deviation of the apparent age, every bin alike.
pub(super) fn within(said: &[(AgeDistribution, AgeRange)]) -> f64 {
    let near = |(age, label): &(AgeDistribution, AgeRange)| {
        share_near(*label, age.expected_years(), age.std_years())
    };
    let weights = weights(said);
    let sum: f64 = said.iter().zip(&weights).map(|(one, weight)| near(one) * weight).sum();
    sum / weights.iter().sum::<f64>()
}

/// What each face counts: all of a bin together 1.
fn weights(said: &[(AgeDistribution, AgeRange)]) -> Vec<f64> {
    let mut counts = [0u32; BINS.len()];
    said.iter().for_each(|(_, label)| counts[label_bin(*label)] += 1);
    said.iter().map(|(_, label)| 1.0 / f64::from(counts[label_bin(*label)])).collect()
}

#[cfg(test)]
mod tests {
    use models::age::AGE_CLASSES;

    use super::*;

    /// An apparent age in the middle of two equally likely ones: `std` years from each.
    fn told(mean: usize, std: usize, label: (u8, u8)) -> (AgeDistribution, AgeRange) {
        let mut weights = [0.0; AGE_CLASSES];
        (weights[mean - std], weights[mean + std]) = (1.0, 1.0);
        let age = AgeDistribution::from_weights(&weights).unwrap();
        (age, AgeRange { lo: label.0, hi: label.1 })
    }

    #[test]
    fn exact_ages_give_the_quantile_of_their_distances() {
        // 1 to 9 years off at a deviation of 4: six are less than 68.3 %.
        let said: Vec<_> = (1..10).map(|off| told(40, 4, (40 + off, 40 + off))).collect();
        assert_eq!(factor(&said), 7.0 / 4.0);
        assert!((within(&said) - 4.0 / 9.0).abs() < 1e-9);
    }

    #[test]
    fn a_range_counts_with_each_of_its_years() {
        // At most 3 from 45 are 42 to 48: seven of ten.
        let said = [told(45, 3, (40, 49))];
        assert_eq!(factor(&said), 1.0);
        assert!((within(&said) - 0.7).abs() < 1e-6);
    }

    #[test]
    fn a_rare_bin_counts_as_much_as_a_common_one() {
        // Ninety right ones in their twenties, ten in their sixties told 12 years too young.
        let mut said = vec![told(25, 4, (25, 25)); 90];
        said.extend(vec![told(53, 4, (65, 65)); 10]);
        assert_eq!(factor(&said), 3.0);
        assert!((within(&said) - 0.5).abs() < 1e-9, "{}", within(&said));
    }

    #[test]
    fn a_net_that_is_too_sure_is_stretched_until_as_many_are_inside() {
        let normal = |std: f32| {
            let weight = |year: usize| (-0.5 * ((year as f32 - 85.0) / std).powi(2)).exp();
            AgeDistribution::from_weights(&std::array::from_fn(weight)).unwrap()
        };
        // The labels lie as a normal distribution of 6 years has them, the net says 4.
        let (net, labels) = (normal(4.0), normal(6.0));
        let faces = (70..=100u8).flat_map(|age| {
            let count = labels.probs()[usize::from(age)] * 1000.0;
            let face = (net.clone(), AgeRange { lo: age, hi: age });
            std::iter::repeat_n(face, (0..1000u16).filter(|&k| f32::from(k) + 0.5 < count).count())
        });
        let said: Vec<_> = faces.collect();
        let found = factor(&said);
        assert!((found - 1.5).abs() < 0.01, "{found}");
        let wide: Vec<_> = said.iter().map(|(age, l)| (age.stretched(found + 0.01), *l)).collect();
        assert!(within(&said) < 0.6, "{}", within(&said));
        assert!((within(&wide) - 0.72).abs() < 0.02, "±6 of whole years: {}", within(&wide));
    }
}
