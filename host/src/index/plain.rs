//! A plain CSV manifest: the column `path` (relative to the data's folder) and any of `age`, `age_lo`,
//! `age_hi`, `gender` (M or F), `race`, `subject`, `source`, `part`, `apparent_mean` and `apparent_std` (a
//! jury's, in years), a box `x1,y1,x2,y2` and landmarks `leye_x … rmouth_y` in pixels; other columns are
//! passed over.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use csv::StringRecord;

use super::Take;
use crate::faces::FaceRow;
use crate::table::Table;

/// Hands every row of `manifest` to `take`.
pub(super) fn read(manifest: &Path, root: &Path, take: Take<'_>) -> Result<()> {
    let table = Table::open(manifest)?;
    let columns = Columns::new(&table.headers);
    ensure!(columns.0.contains_key("path"), "{} has no column `path`", manifest.display());
    for row in table.rows(|record| columns.row(record, root)) {
        take(row?)?;
    }
    Ok(())
}

struct Columns(HashMap<String, usize>);

impl Columns {
    fn new(headers: &StringRecord) -> Self {
        Self(headers.iter().enumerate().map(|(at, name)| (name.trim().to_owned(), at)).collect())
    }

    fn text<'r>(&self, record: &'r StringRecord, name: &str) -> &'r str {
        self.0.get(name).and_then(|&at| record.get(at)).unwrap_or_default().trim()
    }

    /// The value of a column; `None` where the column is missing or the cell is empty.
    fn value<T: serde::de::DeserializeOwned>(
        &self,
        record: &StringRecord,
        name: &str,
    ) -> Result<Option<T>> {
        let text = self.text(record, name);
        if text.is_empty() {
            return Ok(None);
        }
        let cell = StringRecord::from(vec![text]);
        let value = cell.deserialize(None);
        value.map(Some).with_context(|| format!("column {name} holds {text:?}"))
    }

    fn row(&self, record: &StringRecord, root: &Path) -> Result<FaceRow> {
        let jury: Option<f32> = self.value(record, "apparent_mean")?;
        let age: Option<u8> = self.value(record, "age")?.or(jury.and_then(whole_year));
        let number = |name: &str| self.value::<f32>(record, name);
        let row = FaceRow {
            path: picture_path(root, self.text(record, "path"))?,
            age_lo: self.value(record, "age_lo")?.or(age),
            age_hi: self.value(record, "age_hi")?.or(age),
            gender: self.value(record, "gender")?,
            race: self.text(record, "race").to_owned(),
            subject: self.text(record, "subject").to_owned(),
            source: self.text(record, "source").to_owned(),
            apparent_mean: jury,
            apparent_std: self.value(record, "apparent_std")?,
            part: self.value(record, "part")?,
            x1: number("x1")?,
            y1: number("y1")?,
            x2: number("x2")?,
            y2: number("y2")?,
            leye_x: number("leye_x")?,
            leye_y: number("leye_y")?,
            reye_x: number("reye_x")?,
            reye_y: number("reye_y")?,
            nose_x: number("nose_x")?,
            nose_y: number("nose_y")?,
            lmouth_x: number("lmouth_x")?,
            lmouth_y: number("lmouth_y")?,
            rmouth_x: number("rmouth_x")?,
            rmouth_y: number("rmouth_y")?,
            ..FaceRow::default()
        };
        row.check()?;
        Ok(row)
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 120")]
fn whole_year(years: f32) -> Option<u8> {
    (0.0..=120.0).contains(&years).then(|| years.round() as u8)
}

fn picture_path(root: &Path, relative: &str) -> Result<PathBuf> {
    ensure!(!relative.is_empty(), "the path is empty");
    Ok(root.join(relative))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::{AgeRange, GenderMark};

    fn check(text: &str) -> Result<Vec<FaceRow>> {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("m.csv");
        std::fs::write(&manifest, text).unwrap();
        let mut rows = vec![];
        read(&manifest, Path::new("/data"), &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn exact_ages_and_ranges_become_ranges() {
        let rows = check("path,age,age_lo,age_hi,gender\na.jpg,31,,,F\nb.jpg,,3,9,M\nc.jpg,,,,\n")
            .unwrap();
        assert_eq!(rows[0].age(), Some(AgeRange { lo: 31, hi: 31 }));
        assert_eq!(rows[1].age(), Some(AgeRange { lo: 3, hi: 9 }));
        assert_eq!((rows[2].age(), rows[2].gender), (None, None));
        assert_eq!(rows[0].gender, Some(GenderMark::Female));
        assert_eq!(rows[0].path, Path::new("/data/a.jpg"));
    }

    #[test]
    fn a_jury_s_mean_stands_for_the_age() {
        let rows = check("path,apparent_mean,apparent_std\na.jpg,30.6,4.5\n").unwrap();
        assert_eq!(rows[0].age(), Some(AgeRange { lo: 31, hi: 31 }));
        assert_eq!((rows[0].apparent_mean, rows[0].apparent_std), (Some(30.6), Some(4.5)));
    }

    #[test]
    fn a_bad_row_is_named_by_file_and_line() {
        for (text, what) in [
            ("path,age\na.jpg,31\nb.jpg,old\n", "line 3"),
            ("path,age_lo,age_hi\na.jpg,9,3\n", "line 2"),
            ("path,gender\na.jpg,X\n", "line 2"),
            ("path,age\na.jpg\n", "line 2"),
            ("age\n3\n", "no column `path`"),
            ("path,apparent_mean\na.jpg,999\n", "line 2: the jury's mean is 999"),
            ("path,apparent_mean\na.jpg,NaN\n", "line 2: the jury's mean is NaN"),
            ("path,apparent_mean,apparent_std\na.jpg,30,-1\n", "deviation is -1"),
            ("path,apparent_std\na.jpg,3\n", "line 2: the jury's deviation is given without"),
            ("path,subject,age\na.jpg,\"two\nlines\",3\nb.jpg,,old\n", "line 4"),
            ("path,age\r\na.jpg,31\r\nb.jpg,old\r\n", "line 3"),
        ] {
            let error = format!("{:#}", check(text).unwrap_err());
            assert!(error.contains(what) && error.contains("m.csv"), "{error}");
        }
    }
}
