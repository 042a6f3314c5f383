//! FairFace's own label files (Kärkkäinen, Joo 2021): `file,age,gender,race,service_test`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Take;
use crate::faces::{AgeRange, FaceRow, GenderMark};
use crate::table::Table;

/// The oldest year that "more than 70" stands for.
const OLDEST: u8 = 100;

#[derive(Deserialize)]
struct Line {
    file: String,
    age: String,
    gender: String,
    #[serde(default)]
    race: String,
}

/// Hands every row of `manifest` to `take`.
pub(super) fn read(manifest: &Path, root: &Path, take: Take<'_>) -> Result<()> {
    let table = Table::open(manifest)?;
    let headers = table.headers.clone();
    for row in table.rows(|record| row(record.deserialize(Some(&headers))?, root)) {
        take(row?)?;
    }
    Ok(())
}

fn row(line: Line, root: &Path) -> Result<FaceRow> {
    let age = age(&line.age)?;
    let gender = match line.gender.as_str() {
        "Female" => GenderMark::Female,
        "Male" => GenderMark::Male,
        other => bail!("gender is {other:?}, expected Female or Male"),
    };
    Ok(FaceRow {
        path: root.join(line.file),
        age_lo: Some(age.lo),
        age_hi: Some(age.hi),
        gender: Some(gender),
        race: line.race,
        source: "fairface".into(),
        ..FaceRow::default()
    })
}

/// `20-29`, or `more than 70`; spreadsheets make dates of `3-9` and `10-19`.
fn age(text: &str) -> Result<AgeRange> {
    if text == "more than 70" {
        return Ok(AgeRange { lo: 70, hi: OLDEST });
    }
    let ends = text.split_once('-').and_then(|(lo, hi)| Some((lo.parse().ok()?, hi.parse().ok()?)));
    let (lo, hi) = ends.filter(|(lo, hi)| lo <= hi && *hi <= OLDEST).with_context(|| {
        format!("age is {text:?}, expected a range such as 20-29, or \"more than 70\"")
    })?;
    Ok(AgeRange { lo, hi })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Vec<FaceRow>> {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("labels.csv");
        std::fs::write(&manifest, format!("file,age,gender,race,service_test\n{text}")).unwrap();
        let mut rows = vec![];
        read(&manifest, Path::new("/ff"), &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn labels_become_rows() {
        let rows = check(
            "train/1.jpg,50-59,Male,East Asian,True\ntrain/2.jpg,more than 70,Female,Indian,False\n",
        )
        .unwrap();
        assert_eq!(rows[0].age(), Some(AgeRange { lo: 50, hi: 59 }));
        assert_eq!(rows[1].age(), Some(AgeRange { lo: 70, hi: 100 }));
        assert_eq!((&*rows[1].race, rows[1].gender), ("Indian", Some(GenderMark::Female)));
        assert_eq!(rows[0].path, Path::new("/ff/train/1.jpg"));
    }

    #[test]
    fn a_bad_row_is_named_by_file_and_line() {
        for (text, what) in [
            ("a.jpg,20-29,Male,x,True\nb.jpg,3-Sep,Male,x,True\n", "line 3: age is \"3-Sep\""),
            ("a.jpg,20-29,man,x,True\n", "line 2: gender is \"man\""),
            ("a.jpg\n", "line 2"),
            ("\"a\n.jpg\",20-29,Male,x,True\nb.jpg,old,Male,x,True\n", "line 4: age"),
        ] {
            let error = format!("{:#}", check(text).unwrap_err());
            assert!(error.contains(what) && error.contains("labels.csv"), "{error}");
        }
    }
}
