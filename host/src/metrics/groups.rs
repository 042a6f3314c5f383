//! The same few scores group by group: age bands, genders, both at once, races, data sets.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figure::{Figure, mean};
use super::{Outcome, found, label_bin, predicted};
use crate::faces::GenderMark;
use crate::labels::BINS;
use crate::predictions::Prediction;

/// What a group's faces have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Common {
    /// Nothing: all faces.
    All,
    /// The labelled gender.
    Gender(GenderMark),
    /// The labelled age: which of FairFace's nine bins.
    Band(usize),
    /// Both.
    BandGender(usize, GenderMark),
    /// The labelled race.
    Race(String),
    /// The data set.
    Source(String),
}

/// The scores of some of the faces.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// What they have in common.
    pub common: Common,
    /// The same in words.
    pub name: String,
    /// How many they are.
    pub faces: usize,
    /// Share of them that was found.
    pub found: f64,
    /// Mean distance in years to the label or, for a range, to its nearest edge; over found faces.
    pub off_years: Option<Figure>,
    /// The same with its sign: below 0 the faces were taken for younger than labelled.
    pub bias_years: Option<Figure>,
    /// Share of genders predicted as labelled; a face not found counts as wrong.
    pub gender: Option<Figure>,
}

/// Every group that has a face, in the order of [`Common`].
pub fn groups(rows: &[Prediction]) -> Vec<Group> {
    let mut members: BTreeMap<Common, Vec<Outcome>> = BTreeMap::new();
    for row in rows {
        for common in commons(row) {
            members.entry(common).or_default().push(row.outcome());
        }
    }
    members.into_iter().map(|(common, outcomes)| group(common, &outcomes)).collect()
}

/// How far an answer in years is outside the labelled range, below 0 where it is too young.
pub fn signed_off_years(o: &Outcome) -> Option<f64> {
    let (years, label) = (f64::from(o.answer?.years), o.age?);
    Some((years - f64::from(label.hi)).max(0.0) + (years - f64::from(label.lo)).min(0.0))
}

fn commons(row: &Prediction) -> impl Iterator<Item = Common> + use<> {
    let band = row.age().map(label_bin);
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let commons = [
        Some(Common::All),
        row.gender.map(Common::Gender),
        band.map(Common::Band),
        band.zip(row.gender).map(|(band, gender)| Common::BandGender(band, gender)),
        named(&row.race).map(Common::Race),
        named(&row.source).map(Common::Source),
    ];
    commons.into_iter().flatten()
}

fn group(common: Common, outcomes: &[Outcome]) -> Group {
    Group {
        name: common.name(),
        common,
        faces: outcomes.len(),
        found: found(outcomes),
        off_years: mean(outcomes.iter().filter_map(signed_off_years).map(f64::abs)),
        bias_years: mean(outcomes.iter().filter_map(signed_off_years)),
        gender: mean(outcomes.iter().filter_map(|o| {
            let label = o.gender?;
            Some(f64::from(u8::from(o.answer.is_some_and(|a| predicted(a) == label))))
        })),
    }
}

impl Common {
    fn name(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Gender(gender) => word(*gender).to_owned(),
            Self::Band(band) => BINS[*band].to_string(),
            Self::BandGender(band, gender) => format!("{}, {}", word(*gender), BINS[*band]),
            Self::Race(name) | Self::Source(name) => name.clone(),
        }
    }
}

/// A labelled gender in words.
pub fn word(gender: GenderMark) -> &'static str {
    match gender {
        GenderMark::Female => "female",
        GenderMark::Male => "male",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(years: Option<f32>, gender: GenderMark, race: &str) -> Prediction {
        Prediction {
            path: "a".into(),
            age_lo: Some(20),
            age_hi: Some(29),
            gender: Some(gender),
            race: race.to_owned(),
            source: String::new(),
            apparent_mean: None,
            apparent_std: None,
            found: years.is_some(),
            years,
            dominant: years.map(|_| 20),
            label_prob: None,
            female: years.map(|_| 0.9),
            std_years: None,
        }
    }

    #[test]
    fn groups_are_scored_as_by_hand() {
        use GenderMark::{Female, Male};
        let rows = [
            face(Some(16.0), Female, "blue"), // 4 too young
            face(Some(25.0), Female, ""),     // inside
            face(Some(31.0), Male, "blue"),   // 2 too old, gender wrong
            face(None, Female, "blue"),
        ];
        let groups = groups(&rows);
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        let of_band = ["female, 20–29", "male, 20–29"];
        assert_eq!(names, ["all", "female", "male", "20–29", of_band[0], of_band[1], "blue"]);
        let value = |figure: Option<Figure>| figure.unwrap().value;
        let (all, women, blue) = (&groups[0], &groups[1], &groups[6]);
        assert_eq!((all.faces, all.found, value(all.off_years)), (4, 0.75, 2.0));
        assert!((value(all.bias_years) + 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(value(all.gender), 0.5);
        assert_eq!((value(women.off_years), value(women.bias_years)), (2.0, -2.0));
        assert_eq!((blue.faces, value(blue.bias_years)), (3, -1.0));
    }
}
