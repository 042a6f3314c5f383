//! IMDB-WIKI's `wiki.mat` and `imdb.mat` (Rothe, Timofte, Van Gool 2015): one struct of columns.
//!
//! Its boxes lie in the whole pictures, which hardly anybody downloads; of the cropped ones, which are
//! one face with 40 % around it, the face is found again when they are cut.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Take;
use crate::faces::{FaceRow, GenderMark};
use crate::files;
use crate::mat::{self, Array};

/// Hands every row of `manifest`, inflated to at most `limit` bytes, to `take`.
pub(super) fn read(manifest: &Path, root: &Path, limit: u64, take: Take<'_>) -> Result<()> {
    let file = File::open(manifest).with_context(|| format!("opening {}", manifest.display()))?;
    let mut rows = || {
        let bytes = files::map(&file)?;
        let data = mat::first_struct(&bytes, limit)?;
        drop(bytes);
        each_row(&Array::parse(&data)?, root, take)
    };
    rows().with_context(|| format!("reading {}", manifest.display()))
}

/// A column's numbers, or `None` for ever where there is no such column.
type Numbers<'a> = Box<dyn Iterator<Item = f64> + 'a>;
/// A column's cells.
type Cells<'a> = Box<dyn Iterator<Item = Result<Array<'a>>> + 'a>;

fn each_row(data: &Array<'_>, root: &Path, take: Take<'_>) -> Result<()> {
    let fields = data.fields()?;
    let field = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.map(|(_, array)| array).with_context(|| {
            let there: Vec<&str> = fields.iter().map(|(field, _)| field.as_str()).collect();
            format!("there is no field {name}, only {}", there.join(", "))
        })
    };
    let len = field("full_path")?.len;
    let numbers = |name: &str| -> Result<Numbers<'_>> {
        let array = field(name)?;
        ensure!(array.len == len, "{name} has {} rows, full_path {len}", array.len);
        Ok(Box::new(array.numbers().context(name.to_owned())?))
    };
    let cells = |name: &str| -> Result<Cells<'_>> {
        let array = field(name)?;
        ensure!(array.len == len, "{name} has {} rows, full_path {len}", array.len);
        Ok(Box::new(array.cells().context(name.to_owned())?))
    };
    let (mut paths, mut names) = (cells("full_path")?, cells("name")?);
    let (mut births, mut years) = (numbers("dob")?, numbers("photo_taken")?);
    let (mut genders, mut scores) = (numbers("gender")?, numbers("face_score")?);
    let mut seconds = numbers("second_face_score")?;
    // IMDB names people by number too, which tells namesakes apart.
    let mut ids = numbers("celeb_id").ok();
    for at in 0..len {
        let mut row = || {
            let mut number = |column: &mut Numbers<'_>| column.next().context("a column ends");
            let path = paths.next().context("full_path ends")??.text()?;
            ensure!(!path.is_empty(), "full_path is empty");
            let name = names.next().context("name ends")??.text()?;
            let id = ids.as_mut().map(&mut number).transpose()?;
            Ok(FaceRow {
                path: root.join(path),
                subject: id
                    .filter(|id| id.is_finite())
                    .map_or(name, |id| format!("celebrity {id}")),
                source: "imdb-wiki".into(),
                gender: gender(number(&mut genders)?),
                birth_day: Some(number(&mut births)?),
                photo_year: Some(number(&mut years)?),
                face_score: Some(number(&mut scores)?),
                second_face_score: Some(number(&mut seconds)?).filter(|score| !score.is_nan()),
                ..FaceRow::default()
            })
        };
        let row: Result<FaceRow> = row();
        take(row.with_context(|| format!("row {}", at + 1))?)?;
    }
    Ok(())
}

/// 0 and 1 in the data; what is neither is unknown.
fn gender(value: f64) -> Option<GenderMark> {
    match value {
        0.0 => Some(GenderMark::Female),
        1.0 => Some(GenderMark::Male),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mat::tests::{cells, file, numbers, text, years};

    fn check(fields: &[(&str, Vec<u8>)]) -> Result<Vec<FaceRow>> {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("wiki.mat");
        std::fs::write(&manifest, file(fields, true)).unwrap();
        let mut rows = vec![];
        read(&manifest, Path::new("/wiki"), 1 << 20, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    fn wiki() -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("dob", numbers(&[724_000.0, 700_000.0])),
            ("photo_taken", years(&[2009, 1990])),
            ("full_path", cells(&["01/a.jpg", "02/b.jpg"].map(text))),
            ("gender", numbers(&[1.0, f64::NAN])),
            ("name", cells(&["Émile Å", ""].map(text))),
            ("face_score", numbers(&[4.5, f64::NEG_INFINITY])),
            ("second_face_score", numbers(&[f64::NAN, 1.5])),
        ]
    }

    #[test]
    fn every_column_is_read() {
        let rows = check(&wiki()).unwrap();
        assert_eq!(rows[0].path, Path::new("/wiki/01/a.jpg"));
        assert_eq!((&*rows[0].subject, rows[0].gender), ("Émile Å", Some(GenderMark::Male)));
        assert_eq!((rows[0].photo_year, rows[0].second_face_score), (Some(2009.0), None));
        assert_eq!((rows[1].gender, rows[1].second_face_score), (None, Some(1.5)));
        assert_eq!(rows[1].face_score, Some(f64::NEG_INFINITY));
        let imdb = [wiki(), vec![("celeb_id", years(&[7, 8]))]].concat();
        assert_eq!(check(&imdb).unwrap()[1].subject, "celebrity 8");
    }

    #[test]
    fn a_missing_field_or_row_is_named() {
        let mut short = wiki();
        short[0].1 = numbers(&[1.0]);
        let error = format!("{:#}", check(&short).unwrap_err());
        assert!(error.contains("wiki.mat: dob has 1 rows, full_path 2"), "{error}");
        let error = format!("{:#}", check(&wiki()[1..]).unwrap_err());
        assert!(error.contains("there is no field dob, only photo_taken, full_path"), "{error}");
        let mut mixed = wiki();
        mixed[2].1 = cells(&[text("a.jpg"), numbers(&[3.0])]);
        let error = format!("{:#}", check(&mixed).unwrap_err());
        assert!(error.contains("row 2: an array of class 6, expected a text"), "{error}");
    }
}
