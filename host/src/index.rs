//! Stage `index`: a data set's own manifest → `faces.csv`.
//!
//! A plain CSV manifest has the columns `path` (relative to the data's folder) and any of `age`,
//! `age_lo`, `age_hi`, `gender` (M or F), `race`, `subject`, `source`, `part`, a box `x1,y1,x2,y2` and landmarks
//! `leye_x … rmouth_y` in pixels; other columns are passed over.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use csv::StringRecord;

use crate::faces::{self, FaceRow};

/// Reads the CSV manifest `manifest`, whose paths are relative to `root`, and writes `out`.
///
/// # Errors
/// The file and line of the first row that cannot be read.
pub fn csv(manifest: &Path, root: &Path, out: &Path) -> Result<()> {
    let rows = read_csv(manifest, root)?;
    let missing = rows.iter().filter(|row| !row.path.is_file()).count();
    ensure!(
        missing < rows.len(),
        "none of the {} pictures lies under {}",
        rows.len(),
        root.display()
    );
    faces::write(out, &rows)?;
    eprintln!("index: {} faces, {missing} without their picture → {}", rows.len(), out.display());
    Ok(())
}

fn read_csv(manifest: &Path, root: &Path) -> Result<Vec<FaceRow>> {
    let file = File::open(manifest).with_context(|| format!("opening {}", manifest.display()))?;
    let mut reader = csv::Reader::from_reader(file);
    let columns = Columns::new(reader.headers()?);
    ensure!(columns.0.contains_key("path"), "{} has no column `path`", manifest.display());
    let mut rows = Vec::new();
    for (at, record) in reader.records().enumerate() {
        let row = record.map_err(Into::into).and_then(|r| columns.row(&r, root));
        rows.push(row.with_context(|| format!("{} line {}", manifest.display(), at + 2))?);
    }
    Ok(rows)
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
        let age: Option<u8> = self.value(record, "age")?;
        let number = |name: &str| self.value::<f32>(record, name);
        let row = FaceRow {
            path: picture_path(root, self.text(record, "path"))?,
            age_lo: self.value(record, "age_lo")?.or(age),
            age_hi: self.value(record, "age_hi")?.or(age),
            gender: self.value(record, "gender")?,
            race: self.text(record, "race").to_owned(),
            subject: self.text(record, "subject").to_owned(),
            source: self.text(record, "source").to_owned(),
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
        };
        row.check()?;
        Ok(row)
    }
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
        read_csv(&manifest, Path::new("/data"))
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
    fn a_bad_row_is_named_by_file_and_line() {
        for (text, what) in [
            ("path,age\na.jpg,31\nb.jpg,old\n", "line 3"),
            ("path,age_lo,age_hi\na.jpg,9,3\n", "line 2"),
            ("path,gender\na.jpg,X\n", "line 2"),
            ("path,age\na.jpg\n", "line 2"),
            ("age\n3\n", "no column `path`"),
        ] {
            let error = format!("{:#}", check(text).unwrap_err());
            assert!(error.contains(what) && error.contains("m.csv"), "{error}");
        }
    }
}
