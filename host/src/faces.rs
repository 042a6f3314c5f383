//! `faces.csv`: one labelled face a row, whichever data set it came from.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use models::detect::Face;
use models::geometry::{Landmarks, Point, Rect};
use serde::{Deserialize, Serialize};

use crate::files::write_csv;
use crate::table::Table;

/// What a face is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Weights are fitted on it.
    Train,
    /// Choices are made on it.
    Val,
    /// Reported on, once.
    Test,
}

/// The gender a data set gives a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GenderMark {
    /// Labelled female.
    #[serde(rename = "F", alias = "f")]
    Female,
    /// Labelled male.
    #[serde(rename = "M", alias = "m")]
    Male,
}

/// One labelled face. Coordinates are pixels of its picture; the five last pairs are its landmarks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaceRow {
    /// The picture file.
    pub path: PathBuf,
    /// Youngest year of age the label allows.
    pub age_lo: Option<u8>,
    /// Oldest year of age the label allows.
    pub age_hi: Option<u8>,
    /// Labelled gender.
    pub gender: Option<GenderMark>,
    /// Labelled race: for errors per group, never trained on.
    #[serde(default)]
    pub race: String,
    /// Who it is, where the data set says.
    #[serde(default)]
    pub subject: String,
    /// The data set it comes from, where a manifest mixes several.
    #[serde(default)]
    pub source: String,
    /// What a jury took the person's age for, in years: its mean.
    #[serde(default)]
    pub apparent_mean: Option<f32>,
    /// … and its standard deviation.
    #[serde(default)]
    pub apparent_std: Option<f32>,
    /// What the face is used for.
    pub part: Option<Part>,
    /// Left edge of the labelled box.
    pub x1: Option<f32>,
    /// Top edge.
    pub y1: Option<f32>,
    /// Right edge.
    pub x2: Option<f32>,
    /// Bottom edge.
    pub y2: Option<f32>,
    /// Left eye, as seen.
    pub leye_x: Option<f32>,
    /// Left eye.
    pub leye_y: Option<f32>,
    /// Right eye, as seen.
    pub reye_x: Option<f32>,
    /// Right eye.
    pub reye_y: Option<f32>,
    /// Tip of the nose.
    pub nose_x: Option<f32>,
    /// Tip of the nose.
    pub nose_y: Option<f32>,
    /// Left corner of the mouth, as seen.
    pub lmouth_x: Option<f32>,
    /// Left corner of the mouth.
    pub lmouth_y: Option<f32>,
    /// Right corner of the mouth, as seen.
    pub rmouth_x: Option<f32>,
    /// Right corner of the mouth.
    pub rmouth_y: Option<f32>,
    /// IMDB-WIKI: day of birth as MATLAB counts days (1 is 1 January of the year 0).
    #[serde(default)]
    pub birth_day: Option<f64>,
    /// IMDB-WIKI: the year in which the picture was taken.
    #[serde(default)]
    pub photo_year: Option<f64>,
    /// IMDB-WIKI: how sure its detector was of the face; −∞ where it found none.
    #[serde(default)]
    pub face_score: Option<f64>,
    /// IMDB-WIKI: the same of a second face, where there is one.
    #[serde(default)]
    pub second_face_score: Option<f64>,
}

impl FaceRow {
    /// The labelled age range in years, both ends counted in.
    pub fn age(&self) -> Option<AgeRange> {
        Some(AgeRange { lo: self.age_lo?, hi: self.age_hi? })
    }

    /// The labelled box.
    pub fn bounds(&self) -> Option<Rect> {
        let (x1, y1) = (self.x1?, self.y1?);
        Some(Rect::new(x1, y1, self.x2? - x1, self.y2? - y1)).filter(Rect::is_valid)
    }

    /// The labelled landmarks.
    pub fn landmarks(&self) -> Option<Landmarks> {
        let point = |x: Option<f32>, y: Option<f32>| Some(Point::new(x?, y?));
        Some(Landmarks([
            point(self.leye_x, self.leye_y)?,
            point(self.reye_x, self.reye_y)?,
            point(self.nose_x, self.nose_y)?,
            point(self.lmouth_x, self.lmouth_y)?,
            point(self.rmouth_x, self.rmouth_y)?,
        ]))
    }

    /// The same labels with the box and landmarks of another face in the picture, or of none.
    pub fn with_face(self, face: Option<&Face>) -> Self {
        let corner = |at: fn(&Rect) -> f32| face.map(|face| at(&face.bounds));
        let marks = face.and_then(|face| face.landmarks.as_ref());
        let x = |at: usize| marks.map(|marks| marks.0[at].x);
        let y = |at: usize| marks.map(|marks| marks.0[at].y);
        Self {
            x1: corner(|bounds| bounds.left),
            y1: corner(|bounds| bounds.top),
            x2: corner(|bounds| bounds.left + bounds.width),
            y2: corner(|bounds| bounds.top + bounds.height),
            leye_x: x(0),
            leye_y: y(0),
            reye_x: x(1),
            reye_y: y(1),
            nose_x: x(2),
            nose_y: y(2),
            lmouth_x: x(3),
            lmouth_y: y(3),
            rmouth_x: x(4),
            rmouth_y: y(4),
            ..self
        }
    }

    /// What must hold of a row's labels.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.path.as_os_str().is_empty(), "the path is empty");
        if let (Some(lo), Some(hi)) = (self.age_lo, self.age_hi) {
            ensure!(lo <= hi && hi <= 120, "the age range is {lo}–{hi}, expected lo ≤ hi ≤ 120");
        }
        ensure!(
            self.age_lo.is_some() == self.age_hi.is_some(),
            "only one end of the age range is given"
        );
        let (mean, deviation) = (self.apparent_mean, self.apparent_std);
        if let Some(mean) = mean {
            ensure!((0.0..=120.0).contains(&mean), "the jury's mean is {mean}, expected 0 to 120");
        }
        if let Some(std) = deviation {
            ensure!(mean.is_some(), "the jury's deviation is given without its mean");
            ensure!(
                (0.0..=120.0).contains(&std),
                "the jury's deviation is {std}, expected 0 to 120"
            );
        }
        Ok(())
    }
}

/// A labelled age in years, `lo ≤ hi`; an exact age has both ends alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgeRange {
    /// Youngest year.
    pub lo: u8,
    /// Oldest year.
    pub hi: u8,
}

impl fmt::Display for AgeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lo == self.hi {
            write!(f, "{}", self.lo)
        } else {
            write!(f, "{}–{}", self.lo, self.hi)
        }
    }
}

/// Reads `faces.csv`.
///
/// # Errors
/// The file and line of the first row that is not one.
pub fn read(path: &Path) -> Result<Vec<FaceRow>> {
    let table = Table::open(path)?;
    let headers = table.headers.clone();
    let rows = table.rows(|record| {
        let row: FaceRow = record.deserialize(Some(&headers))?;
        row.check()?;
        Ok(row)
    });
    rows.collect()
}

/// Writes `faces.csv`, atomically.
///
/// # Errors
/// What the file system says.
pub fn write(path: &Path, rows: &[FaceRow]) -> Result<()> {
    write_csv(path, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_up_the_face_that_was_found_and_keeps_its_labels() {
        let landmarks = Landmarks(std::array::from_fn(|at| Point::new(at as f32, 10.0)));
        let bounds = Rect::new(4.0, 5.0, 20.0, 30.0);
        let face = Face { bounds, score: 0.9, landmarks: Some(landmarks) };
        let labelled = FaceRow { age_lo: Some(3), x1: Some(0.0), ..FaceRow::default() };
        let row = labelled.clone().with_face(Some(&face));
        assert_eq!(
            (row.bounds(), row.landmarks(), row.age_lo),
            (Some(bounds), Some(landmarks), Some(3))
        );
        assert_eq!(labelled.with_face(None).bounds(), None);
    }
}
