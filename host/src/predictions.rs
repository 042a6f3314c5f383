//! `predictions.csv`: what was said of each labelled face, beside its labels. Reports are made from it,
//! whichever program made the predictions.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use models::estimator::Estimate;
use serde::{Deserialize, Serialize};

use crate::faces::{AgeRange, FaceRow, GenderMark};
use crate::files::write_csv;
use crate::metrics::{Answer, Outcome};

/// One face: its labels, and what was said of it. Where no face was found, nothing was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The picture file.
    pub path: PathBuf,
    /// Youngest year of age the label allows.
    pub age_lo: Option<u8>,
    /// Oldest year of age the label allows.
    pub age_hi: Option<u8>,
    /// Labelled gender.
    pub gender: Option<GenderMark>,
    /// Labelled race.
    #[serde(default)]
    pub race: String,
    /// The data set it comes from.
    #[serde(default)]
    pub source: String,
    /// Mean of the ages that a jury named, in years.
    #[serde(default)]
    pub apparent_mean: Option<f32>,
    /// Their standard deviation in years.
    #[serde(default)]
    pub apparent_std: Option<f32>,
    /// Whether a face was found; written as 1 or 0.
    #[serde(with = "zero_or_one")]
    pub found: bool,
    /// Apparent age: the expected value in years, 0 to 100, not rounded.
    pub years: Option<f32>,
    /// The single most probable age in years.
    pub dominant: Option<u8>,
    /// Probability of the labelled age, or of all the labelled range, in [0, 1].
    pub label_prob: Option<f32>,
    /// Probability of *female*, in [0, 1].
    pub female: Option<f32>,
    /// Standard deviation of the age distribution in years, where the program told it.
    #[serde(default)]
    pub std_years: Option<f32>,
}

impl Prediction {
    /// What `estimate` says of the face in `row`; `None` where no face was found.
    pub fn new(row: &FaceRow, estimate: Option<&Estimate>) -> Self {
        let answer = estimate.map(|estimate| Answer::new(estimate, row.age()));
        Self {
            path: row.path.clone(),
            age_lo: row.age_lo,
            age_hi: row.age_hi,
            gender: row.gender,
            race: row.race.clone(),
            source: row.source.clone(),
            apparent_mean: row.apparent_mean,
            apparent_std: row.apparent_std,
            found: estimate.is_some(),
            years: answer.map(|answer| answer.years),
            dominant: answer.map(|answer| answer.dominant),
            label_prob: answer.and_then(|answer| answer.label_prob),
            female: answer.map(|answer| answer.female),
            std_years: estimate.map(|estimate| estimate.age.std_years()),
        }
    }

    /// The labelled age range in years, both ends counted in.
    pub fn age(&self) -> Option<AgeRange> {
        Some(AgeRange { lo: self.age_lo?, hi: self.age_hi? })
    }

    /// The same, as scores read it.
    pub fn outcome(&self) -> Outcome {
        let answer = |(years, dominant, female)| Answer {
            years,
            dominant,
            label_prob: self.label_prob,
            female,
        };
        let said = || Some((self.years?, self.dominant?, self.female?));
        Outcome {
            age: self.age(),
            gender: self.gender,
            jury: self.apparent_mean.zip(self.apparent_std),
            answer: said().map(answer),
        }
    }

    fn check(&self) -> Result<()> {
        if let (Some(lo), Some(hi)) = (self.age_lo, self.age_hi) {
            ensure!(lo <= hi && hi <= 120, "the age range is {lo}–{hi}, expected lo ≤ hi ≤ 120");
        }
        let alone = self.age_lo.is_some() != self.age_hi.is_some();
        ensure!(!alone, "only one end of the age range is given");
        within("apparent_mean", self.apparent_mean, 120.0)?;
        within("apparent_std", self.apparent_std, 120.0)?;
        within("years", self.years, 100.0)?;
        within("dominant", self.dominant.map(f32::from), 100.0)?;
        // A sum of probabilities may end a rounding above 1.
        within("label_prob", self.label_prob, 1.0001)?;
        within("female", self.female, 1.0)?;
        within("std_years", self.std_years, 50.0)?;
        let said = [self.years.is_some(), self.dominant.is_some(), self.female.is_some()];
        let expected = if self.found {
            "a face is found: expected all of"
        } else {
            "no face is found: expected none of"
        };
        ensure!(said == [self.found; 3], "{expected} years, dominant and female");
        Ok(())
    }
}

fn within(column: &str, value: Option<f32>, max: f32) -> Result<()> {
    let fits = value.is_none_or(|value| (0.0..=max).contains(&value));
    ensure!(fits, "column {column} holds {}, expected 0 to {max:.0}", value.unwrap_or_default());
    Ok(())
}

/// Reads `predictions.csv`; columns it does not know are passed over.
///
/// # Errors
/// The file and line of the first row that is not one.
pub fn read(path: &Path) -> Result<Vec<Prediction>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut reader = csv::Reader::from_reader(file);
    let rows = reader.deserialize().enumerate().map(|(at, row)| {
        let row: Prediction = row?;
        row.check().with_context(|| format!("line {}", at + 2))?;
        Ok(row)
    });
    rows.collect::<Result<_>>().with_context(|| format!("reading {}", path.display()))
}

/// Writes `predictions.csv`, atomically.
///
/// # Errors
/// What the file system says.
pub fn write(path: &Path, rows: &[Prediction]) -> Result<()> {
    write_csv(path, rows)
}

/// A truth value as spreadsheets write it.
mod zero_or_one {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(value: &bool, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(u8::from(*value))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
        match u8::deserialize(from)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(de::Error::custom(format!("found is {other}, expected 0 or 1"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::age::AGE_CLASSES;
    use models::estimator::Logits;

    fn row(age: &str) -> FaceRow {
        let text = format!(
            "path,age_lo,age_hi,gender,race,part,x1,y1,x2,y2,leye_x,leye_y,reye_x,reye_y,nose_x,nose_y,\
             lmouth_x,lmouth_y,rmouth_x,rmouth_y,apparent_mean,apparent_std\n\
             a.jpg,{age},F,blue,,,,,,,,,,,,,,,,31.5,2.25\n"
        );
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().next().unwrap().unwrap()
    }

    fn estimate() -> Estimate {
        let mut age = [-1e9; AGE_CLASSES];
        (age[20], age[21], age[40]) = (0.0, 0.0, 2f32.ln());
        Logits { age, gender: [3f32.ln(), 0.0] }.decode().unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        let rows =
            [Prediction::new(&row("30,30"), Some(&estimate())), Prediction::new(&row(","), None)];
        write(&path, &rows).unwrap();
        assert_eq!(read(&path).unwrap(), rows);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("a.jpg,,,F,blue,,31.5,2.25,0,,,,,\n"), "{text}");
    }

    #[test]
    fn the_labelled_year_or_range_has_its_probability() {
        for (age, prob) in [("20,20", 0.25), ("20,29", 0.5), ("101,110", 0.0), ("0,120", 1.0)] {
            let said = Prediction::new(&row(age), Some(&estimate()));
            assert!((said.label_prob.unwrap() - prob).abs() < 1e-6, "{age}: {said:?}");
        }
        let said = Prediction::new(&row("20,29"), Some(&estimate()));
        assert_eq!((said.dominant, said.years), (Some(40), Some(30.25)));
        assert!((said.female.unwrap() - 0.75).abs() < 1e-6);
    }

    #[test]
    fn a_bad_row_is_named_by_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        for (row, what) in [
            ("a,30,30,F,1,NaN,30,0.1,0.5", "column years holds NaN, expected 0 to 100"),
            ("a,30,30,F,1,30,30,0.1,1.5", "column female holds 1.5"),
            ("a,40,30,F,1,30,30,0.1,0.5", "the age range is 40–30"),
            ("a,40,,F,1,30,30,0.1,0.5", "only one end"),
            ("a,30,30,F,1,,30,0.1,0.5", "expected all of years"),
            ("a,30,30,F,0,30,30,0.1,0.5", "expected none of years"),
            ("a,30,30,F,2,30,30,0.1,0.5", "found is 2, expected 0 or 1"),
            ("a,30,30,F,1,old,30,0.1,0.5", "invalid float literal"),
            ("a,30,30", "found record with 3 fields"),
        ] {
            let head = "path,age_lo,age_hi,gender,found,years,dominant,label_prob,female";
            std::fs::write(&path, format!("{head}\na,30,30,M,1,30,30,0.1,0.5\n{row}\n")).unwrap();
            let error = format!("{:#}", read(&path).unwrap_err());
            let named = error.contains("p.csv") && error.contains("line") && error.contains('3');
            assert!(named && error.contains(what), "{error}");
        }
    }
}
