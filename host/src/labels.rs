//! Labels as a net learns them, and the age bins that scores are told in.

use models::age::AGE_CLASSES;

use crate::faces::AgeRange;

/// FairFace's nine age bins, youngest and oldest year (Kärkkäinen & Joo 2021).
pub const BINS: [AgeRange; 9] = [
    AgeRange { lo: 0, hi: 2 },
    AgeRange { lo: 3, hi: 9 },
    AgeRange { lo: 10, hi: 19 },
    AgeRange { lo: 20, hi: 29 },
    AgeRange { lo: 30, hi: 39 },
    AgeRange { lo: 40, hi: 49 },
    AgeRange { lo: 50, hi: 59 },
    AgeRange { lo: 60, hi: 69 },
    AgeRange { lo: 70, hi: 100 },
];

/// The bin of an age in years: the last one that begins at or below it, rounded to a whole year.
pub fn bin_of(years: f32) -> usize {
    let years = years.round();
    BINS.iter().rposition(|bin| years >= f32::from(bin.lo)).unwrap_or(0)
}

/// How far `years` lies outside `range`, in years; 0 inside.
pub fn edge_distance(years: f32, range: AgeRange) -> f32 {
    (f32::from(range.lo) - years).max(years - f32::from(range.hi)).max(0.0)
}

/// The age distribution to learn for a label: uniform over its range, blurred by a Gaussian of
/// `sigma_years` (label distribution learning, Gao et al. 2017, for ranges), or not at all where that is 0.
///
/// Years past 70 thin out exponentially (mean 8 years), or the open last bin would teach that
/// everyone past 70 is 85.
///
/// # Shapes
/// - target: `[101]`, f32, sums to 1
pub fn age_target(range: AgeRange, sigma_years: f32) -> [f32; AGE_CLASSES] {
    let mut target = [0.0; AGE_CLASSES];
    for center in range.lo..=range.hi.max(range.lo) {
        let center = f32::from(center);
        let weight =
            if range.lo == range.hi { 1.0 } else { (-(center - 70.0).max(0.0) / 8.0).exp() };
        for (year, value) in target.iter_mut().enumerate() {
            let off = year as f32 - center;
            let z = if off == 0.0 { 0.0 } else { off / sigma_years };
            *value += weight * (-0.5 * z * z).exp();
        }
    }
    let sum: f32 = target.iter().sum();
    target.map(|value| value / sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::age::AgeDistribution;

    #[test]
    fn every_whole_age_falls_into_its_bin() {
        for (at, bin) in BINS.iter().enumerate() {
            assert!((bin.lo..=bin.hi).all(|age| bin_of(f32::from(age)) == at), "{bin}");
        }
        assert_eq!((bin_of(9.4), bin_of(9.5), bin_of(-1.0), bin_of(120.0)), (1, 2, 0, 8));
    }

    #[test]
    fn the_distance_to_a_range_is_that_to_its_nearest_edge() {
        let range = AgeRange { lo: 20, hi: 29 };
        assert_eq!(
            [10.0, 20.0, 25.0, 31.5].map(|y| edge_distance(y, range)),
            [10.0, 0.0, 0.0, 2.5]
        );
    }

    #[test]
    fn a_target_sums_to_one_and_centres_on_its_label() {
        for (lo, hi, mean) in [(30, 30, 30.0), (20, 29, 24.5), (0, 2, 1.9)] {
            let target = age_target(AgeRange { lo, hi }, 2.0);
            assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let age = AgeDistribution::from_weights(&target).unwrap().expected_years();
            assert!((age - mean).abs() < 0.2, "{lo}–{hi}: {age}");
        }
        let sharp = age_target(AgeRange { lo: 30, hi: 30 }, 0.0);
        assert_eq!((sharp[30], sharp[29]), (1.0, 0.0));
        let old =
            AgeDistribution::from_weights(&age_target(AgeRange { lo: 70, hi: 100 }, 2.0)).unwrap();
        assert!((74.0..80.0).contains(&old.expected_years()), "{}", old.expected_years());
    }
}
