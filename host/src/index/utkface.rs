//! UTKFace (Zhang, Song, Qi 2017): the labels are in the names, `AGE_GENDER_RACE_DATE.jpg`.

use std::path::Path;

use anyhow::Result;

use super::Take;
use crate::faces::{FaceRow, GenderMark};
use crate::files::pictures_under;

/// As its authors number them.
const RACES: [&str; 5] = ["White", "Black", "Asian", "Indian", "Others"];

/// Hands every picture under `folder` to `take`; names that are no labels are told, not taken.
pub(super) fn read(folder: &Path, take: Take<'_>) -> Result<()> {
    for path in pictures_under(folder)? {
        match labels(&path) {
            Some(row) => take(row)?,
            None => eprintln!("skipped {}: its name gives no age and gender", path.display()),
        }
    }
    Ok(())
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
    use std::fs;

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
