//! Scores against a jury, as in the ChaLearn LAP challenge (Escalera et al. 2015, equation 1): being
//! off costs little where the jury did not agree.

/// exp(−d² / 2σ²) of an age in years that lies d beside the jury's mean; 1 is perfect.
///
/// The challenge's error ε is the mean of 1 − this. Some reports give the mean of this itself as ε.
pub fn similarity(years: f32, (jury_mean, jury_std): (f32, f32)) -> f64 {
    let off = f64::from(years) - f64::from(jury_mean);
    if off == 0.0 {
        return 1.0; // also of a jury of one mind, whose σ is 0
    }
    (-off * off / (2.0 * f64::from(jury_std).powi(2))).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sigma_off_is_e_to_the_minus_a_half() {
        assert!((similarity(34.0, (30.0, 4.0)) - (-0.5f64).exp()).abs() < 1e-12);
        assert!((similarity(22.0, (30.0, 4.0)) - (-2f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn a_jury_of_one_mind_wants_its_very_age() {
        assert_eq!([similarity(30.0, (30.0, 0.0)), similarity(30.1, (30.0, 0.0))], [1.0, 0.0]);
    }
}
