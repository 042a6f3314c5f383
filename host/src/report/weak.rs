//! What a model is bad at, told from its groups.

use super::amounts::{amount, interval, signed};
use crate::metrics::figure::Figure;
use crate::metrics::groups::{Common, Group};
use crate::metrics::measure::Unit;

/// Groups smaller than this are not told of: their intervals say nothing.
pub(super) const GROUP_MIN: usize = 20;

/// At most this many groups are told of for age, and for gender.
const TOLD_MAX: usize = 4;

/// A sentence a group that is clearly worse than all faces together: its interval lies beyond their
/// figure. The worst come first.
pub(super) fn sentences(groups: &[Group]) -> Vec<String> {
    let Some(all) = groups.iter().find(|group| group.common == Common::All) else {
        return Vec::new();
    };
    let large = || groups.iter().filter(|group| group.faces >= GROUP_MIN);
    let age = large().filter_map(|group| Some((group, group.off_years?, all.off_years?)));
    let age = age.filter(|(_, own, all)| own.low > all.value);
    let gender = large().filter_map(|group| Some((group, group.gender?, all.gender?)));
    let gender = gender.filter(|(_, own, all)| own.high < all.value);
    let mut age: Vec<_> = age.collect();
    age.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
    let mut gender: Vec<_> = gender.collect();
    gender.sort_by(|a, b| a.1.value.total_cmp(&b.1.value));
    let age = age.into_iter().take(TOLD_MAX).map(|(group, own, all)| of_age(group, own, all));
    let gender =
        gender.into_iter().take(TOLD_MAX).map(|(group, own, all)| of_gender(group, own, all));
    age.chain(gender).collect()
}

fn of_age(group: &Group, own: Figure, all: Figure) -> String {
    let bias = group.bias_years.map(|bias| bias.value);
    let leaning = if bias.is_some_and(|bias| bias > 0.0) { "too old" } else { "too young" };
    format!(
        "Age of {}: {} years off on average ({}; all faces {}), mostly {leaning} (bias {}), {} faces.",
        title(group),
        amount(Some(own.value), Unit::Years),
        interval(Some(own), Unit::Years),
        amount(Some(all.value), Unit::Years),
        signed(bias),
        group.faces,
    )
}

fn of_gender(group: &Group, own: Figure, all: Figure) -> String {
    format!(
        "Gender of {}: {} as labelled ({}; all faces {}), {} faces.",
        title(group),
        amount(Some(own.value), Unit::Proportion),
        interval(Some(own), Unit::Proportion),
        amount(Some(all.value), Unit::Proportion),
        group.faces,
    )
}

fn title(group: &Group) -> String {
    let name = &group.name;
    match &group.common {
        Common::All => "all faces".to_owned(),
        Common::Gender(_) | Common::Race(_) => format!("faces labelled {name}"),
        Common::Band(_) | Common::BandGender(..) => format!("faces labelled {name} years"),
        Common::Source(_) => format!("faces from {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(common: Common, faces: usize, off: f64, gender: f64) -> Group {
        let around =
            |value: f64, half: f64| Figure { value, low: value - half, high: value + half };
        Group {
            name: "old".to_owned(),
            common,
            faces,
            found: 1.0,
            off_years: Some(around(off, 0.5)),
            bias_years: Some(around(-off, 0.5)),
            gender: Some(around(gender, 0.05)),
        }
    }

    #[test]
    fn only_large_groups_that_are_clearly_worse_are_told_of() {
        let groups = [
            group(Common::All, 100, 5.0, 0.9),
            group(Common::Band(0), 19, 20.0, 0.1), // too few
            group(Common::Band(1), 50, 5.4, 0.86), // not clearly
            group(Common::Band(8), 30, 9.0, 0.9),  // clearly, in age
            group(Common::Race("x".into()), 40, 4.0, 0.7), // clearly, in gender
        ];
        let told = sentences(&groups);
        assert_eq!(told.len(), 2, "{told:?}");
        let age = "Age of faces labelled old years: 9.00 years off on average (8.50–9.50; all faces 5.00), \
                   mostly too young (bias −9.00), 30 faces.";
        assert_eq!(told[0], age);
        assert!(
            told[1].starts_with("Gender of faces labelled old: 70.0 % as labelled"),
            "{}",
            told[1]
        );
    }

    #[test]
    fn no_groups_are_bad_at_nothing() {
        assert!(sentences(&[]).is_empty());
    }
}
