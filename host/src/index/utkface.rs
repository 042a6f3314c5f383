//! UTKFace (Zhang, Song, Qi 2017): the labels are in the names, `AGE_GENDER_RACE_DATE.jpg`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Take;
use crate::faces::{FaceRow, GenderMark};

/// As its authors number them.
const RACES: [&str; 5] = ["White", "Black", "Asian", "Indian", "Others"];

/// Hands every picture under `folder` to `take`; names that are no labels are told, not taken.
pub(super) fn read(folder: &Path, take: Take<'_>) -> Result<()> {
    let mut paths = vec![];
    pictures(folder, &mut paths)?;
    paths.sort();
    for path in paths {
        match labels(&path) {
            Some(row) => take(row)?,
            None => eprintln!("skipped {}: its name gives no age and gender", path.display()),
        }
    }
    Ok(())
}

fn pictures(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        // Links to folders are not followed, or a loop of them would never end.
        if entry.file_type()?.is_dir() {
            pictures(&entry.path(), paths)?;
        } else if is_picture(&entry.path()) {
            paths.push(entry.path());
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["jpg", "jpeg", "png"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn labels(path: &Path) -> Option<FaceRow> {
    let mut parts = path.file_name()?.to_str()?.split('_');
    let age: u8 = parts.next()?.parse().ok().filter(|age| *age <= 120)?;
    let gender = match parts.next()? {
        "0" => GenderMark::Male,
        "1" => GenderMark::Female,
        _ => return None,
    };
    // Some names lack the race.
    let race = parts.next().and_then(|race| RACES.get(race.parse::<usize>().ok()?));
    Some(FaceRow {
        path: path.to_owned(),
        age_lo: Some(age),
        age_hi: Some(age),
        gender: Some(gender),
        race: race.copied().unwrap_or_default().into(),
        source: "utkface".into(),
        ..FaceRow::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::AgeRange;

    #[test]
    fn names_are_labels() {
        let row = labels(Path::new("a/26_1_2_20170104.jpg.chip.jpg")).unwrap();
        assert_eq!(row.age(), Some(AgeRange { lo: 26, hi: 26 }));
        assert_eq!((row.gender, &*row.race), (Some(GenderMark::Female), "Asian"));
        assert_eq!(labels(Path::new("61_0_20170109.jpg")).unwrap().race, "");
        for name in ["26_3_2_1.jpg", "x_1_2_1.jpg", "26.jpg", "200_1_0_1.jpg"] {
            assert!(labels(Path::new(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn folders_are_searched_and_other_files_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("part1")).unwrap();
        for name in ["part1/9_0_0_1.jpg", "30_1_0_1.PNG", "readme.txt", "odd.jpg"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mut ages = vec![];
        read(folder.path(), &mut |row| {
            ages.push(row.age_lo.unwrap());
            Ok(())
        })
        .unwrap();
        assert_eq!(ages, [30, 9]);
    }
}
