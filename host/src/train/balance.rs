//! Faces of rare ages drawn more often, common ones less.

use rand::{Rng, RngExt};

use crate::faces::AgeRange;
use crate::labels::{BINS, bin_of};

/// How often each face is drawn for each time an average one is: its bin's faces counted to the power
/// −`balance`. At 0 all faces are alike, at 1 all bins; 0.5 is the usual compromise (Mahajan et al. 2018).
/// A face without an age counts as an average one.
pub(super) fn weights(ages: &[Option<AgeRange>], balance: f64) -> Vec<f64> {
    let bin = |age: &AgeRange| bin_of((f32::from(age.lo) + f32::from(age.hi)) / 2.0);
    let bins: Vec<Option<usize>> = ages.iter().map(|age| age.as_ref().map(bin)).collect();
    let mut counts = [0u32; BINS.len()];
    bins.iter().flatten().for_each(|&bin| counts[bin] += 1);
    let raw = |bin: usize| f64::from(counts[bin]).powf(-balance);
    let labelled = bins.iter().flatten().count().max(1);
    let mean = bins.iter().flatten().map(|&bin| raw(bin)).sum::<f64>() / labelled as f64;
    bins.into_iter().map(|bin| bin.map_or(1.0, |bin| raw(bin) / mean)).collect()
}

/// As many of `members` as there are, each as often as its weight says, or once more: systematic sampling,
/// which leaves less to chance than draws one by one.
pub(super) fn draw(members: &[usize], weights: &[f64], rng: &mut impl Rng) -> Vec<usize> {
    let step = weights.iter().sum::<f64>() / members.len() as f64;
    let mut next = step * rng.random_range(0.0..1.0);
    let mut drawn = Vec::with_capacity(members.len());
    let mut sum = 0.0;
    for (&member, weight) in members.iter().zip(weights) {
        sum += weight;
        while next < sum && drawn.len() < members.len() {
            drawn.push(member);
            next += step;
        }
    }
    // Rounding may lose the very last draw.
    let last = members.last().copied();
    drawn.extend(last.filter(|_| drawn.len() < members.len()));
    drawn
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// How often faces of the first and of the second age are drawn, of `counts` faces.
    fn drawn(counts: [usize; 2], balance: f64) -> [usize; 2] {
        let age = |lo, hi| Some(AgeRange { lo, hi });
        let mut ages = vec![age(20, 29); counts[0]];
        ages.extend(vec![age(70, 100); counts[1]]);
        let members: Vec<usize> = (0..ages.len()).collect();
        let rng = &mut ChaCha8Rng::seed_from_u64(3);
        let drawn = draw(&members, &weights(&ages, balance), rng);
        assert_eq!(drawn.len(), ages.len());
        let young = drawn.iter().filter(|&&at| at < counts[0]).count();
        [young, drawn.len() - young]
    }

    #[test]
    fn the_power_goes_from_as_they_are_to_all_alike() {
        assert_eq!(drawn([900, 100], 0.0), [900, 100]);
        assert_eq!(drawn([900, 100], 1.0), [500, 500]);
        assert_eq!(drawn([900, 100], 0.5), [750, 250]);
    }

    #[test]
    fn a_face_without_an_age_is_an_average_one() {
        let ages = [Some(AgeRange { lo: 3, hi: 9 }), None];
        assert_eq!(weights(&ages, 0.5), [1.0, 1.0]);
    }
}
