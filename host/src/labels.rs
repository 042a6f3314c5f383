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

/// The age distribution to learn for a label: even over its range, blurred by a Gaussian of
/// `sigma_years` (label distribution learning, Gao et al. 2017, for ranges), or not at all where that is 0.
///
/// Years past 70 thin out exponentially (mean 8 years), or the open last bin would teach that
/// everyone past 70 is 85.
///
/// # Shapes
/// - target: `[101]`, f32, sums to 1
pub fn age_target(range: AgeRange, sigma_years: f32) -> [f32; AGE_CLASSES] {
    blurred(range, sigma_years, |year| evenly(range, year))
}

/// The share of a label's years, as likely as [`age_target`] has them unblurred, that lie at most `reach_years`
/// from `years`: 0 or 1 for an exact age, also for one past the last class.
pub fn share_near(range: AgeRange, years: f32, reach_years: f32) -> f64 {
    let near = |year: usize| (year as f32 - years).abs() <= reach_years;
    if usize::from(range.lo) >= AGE_CLASSES {
        return f64::from(u8::from(near(range.lo.into())));
    }
    let target = age_target(range, 0.0).into_iter().enumerate();
    target.filter(|(year, _)| near(*year)).map(|(_, share)| f64::from(share)).sum()
}

/// What a teacher counts beside an even spread of this weight over the label's range.
const TEACHER_DOUBT: f32 = 0.05;

/// As [`age_target`], but inside the range the years count as far as `taught`, another net's age
/// distribution, thinks them likely: the label says which range, the teacher where in it. A teacher that
/// sees the face outside the range moves nearly nothing.
///
/// # Shapes
/// - taught: `[101]`, f32, sums to 1
/// - target: `[101]`, f32, sums to 1
pub fn taught_target(range: AgeRange, sigma_years: f32, taught: &[f32]) -> [f32; AGE_CLASSES] {
    let even: f32 = years(range).map(|year| evenly(range, year)).sum();
    blurred(range, sigma_years, |year| {
        let said = taught.get(usize::from(year)).copied().unwrap_or(0.0);
        said + TEACHER_DOUBT * evenly(range, year) / even
    })
}

fn years(range: AgeRange) -> impl Iterator<Item = u8> {
    range.lo..=range.hi.max(range.lo)
}

/// What a year counts inside a range that nobody knows more of.
fn evenly(range: AgeRange, year: u8) -> f32 {
    if range.lo == range.hi { 1.0 } else { (-(f32::from(year) - 70.0).max(0.0) / 8.0).exp() }
}

/// The years of `range`, each as heavy as `weight` says and blurred by `sigma_years`; sums to 1.
fn blurred(range: AgeRange, sigma_years: f32, weight: impl Fn(u8) -> f32) -> [f32; AGE_CLASSES] {
    let mut target = [0.0; AGE_CLASSES];
    for center in years(range) {
        let weight = weight(center);
        for (year, value) in target.iter_mut().enumerate() {
            let off = year as f32 - f32::from(center);
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
    fn an_age_past_the_last_class_is_near_or_it_is_not() {
        let old = AgeRange { lo: 110, hi: 110 };
        assert_eq!((share_near(old, 75.0, 8.0), share_near(old, 100.0, 12.0)), (0.0, 1.0));
    }

    #[test]
    fn a_range_is_near_with_as_many_of_its_years_as_are() {
        let near = |lo, hi, years, reach| share_near(AgeRange { lo, hi }, years, reach);
        assert_eq!([near(30, 30, 34.0, 4.0), near(30, 30, 34.1, 4.0)], [1.0, 0.0]);
        let shares = [(25.0, 2.0, 0.5), (18.0, 3.5, 0.2), (60.0, 9.0, 0.0)];
        for (years, reach, share) in shares {
            assert!((near(20, 29, years, reach) - share).abs() < 1e-6, "{years} ± {reach}");
        }
        assert!(near(70, 100, 70.0, 5.0) > 0.45, "most of the open bin lies at its beginning");
    }

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

    /// All of a teacher's belief at one year.
    fn sure_of(year: usize) -> [f32; AGE_CLASSES] {
        std::array::from_fn(|at| f32::from(u8::from(at == year)))
    }

    fn taught_years(range: AgeRange, year: usize) -> f32 {
        let target = taught_target(range, 2.0, &sure_of(year));
        AgeDistribution::from_weights(&target).unwrap().expected_years()
    }

    #[test]
    fn a_teacher_tells_where_in_the_range_a_face_lies() {
        let thirties = AgeRange { lo: 30, hi: 39 };
        assert!((taught_years(thirties, 31) - 31.0).abs() < 0.5);
        assert!((taught_years(thirties, 38) - 38.0).abs() < 0.5);
        let old = AgeRange { lo: 70, hi: 100 };
        assert!((taught_years(old, 80) - 80.0).abs() < 0.5);
    }

    #[test]
    fn a_teacher_who_contradicts_the_label_is_not_heard() {
        let thirties = AgeRange { lo: 30, hi: 39 };
        let even = AgeDistribution::from_weights(&age_target(thirties, 2.0)).unwrap();
        assert!((taught_years(thirties, 70) - even.expected_years()).abs() < 1e-3);
        let exact = AgeRange { lo: 34, hi: 34 };
        let (taught, plain) = (taught_target(exact, 2.0, &sure_of(34)), age_target(exact, 2.0));
        assert!(taught.iter().zip(plain).all(|(a, b)| (a - b).abs() < 1e-6));
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
