//! Stage `split`: gives each face its part, so that no subject is in two parts.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::faces::{self, FaceRow, Part};
use crate::protocol::Protocol;

/// How the parts are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Rule {
    /// By a seeded hash of the subject (of the path where there is none): 80 % train, 10 % val, 10 %
    /// test. Adding faces moves nobody.
    Subject,
    /// By the number in the file's name: divisible by 10 is test, remainder 1 is val, else train.
    Number,
    /// The seed's: rows shuffled, 70 % train and 30 % val. The seed chooses and reports on the same 30 %;
    /// a person may be in both parts.
    Rows,
}

impl Rule {
    /// What a protocol does.
    pub fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Default => Self::Subject,
            Protocol::Seed => Self::Rows,
        }
    }
}

/// Writes the faces of `faces_csv`, each with its part, into `out`.
///
/// # Errors
/// A file that cannot be read or written, faces that `clean` has not given their ages, or under [`Rule::Number`] a name without a number.
pub fn run(faces_csv: &Path, out: &Path, rule: Rule, seed: u64) -> Result<()> {
    let mut rows = faces::read(faces_csv)?;
    if let Some(row) = rows.iter().find(|row| row.birth_day.is_some() && row.age().is_none()) {
        bail!(
            "{}: {} has a day of birth but no age: run `trainer clean` first",
            faces_csv.display(),
            row.path.display()
        );
    }
    if rule == Rule::Rows {
        split_rows(&mut rows, seed);
    } else {
        rows.iter_mut().try_for_each(|row| {
            row.part = Some(part(row, rule, seed)?);
            Ok::<_, anyhow::Error>(())
        })?;
    }
    faces::write(out, &rows)?;
    let count = |part| rows.iter().filter(|row| row.part == Some(part)).count();
    let (train, val, test) = (count(Part::Train), count(Part::Val), count(Part::Test));
    eprintln!("split: {train} train, {val} val, {test} test → {}", out.display());
    Ok(())
}

/// The first 70 % of a seeded shuffle are train.
fn split_rows(rows: &mut [FaceRow], seed: u64) {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let train = rows.len() * 7 / 10;
    for (place, at) in order.into_iter().enumerate() {
        rows[at].part = Some(if place < train { Part::Train } else { Part::Val });
    }
}

fn part(row: &FaceRow, rule: Rule, seed: u64) -> Result<Part> {
    let share = match rule {
        Rule::Number => number(&row.path)? % 10,
        Rule::Subject | Rule::Rows => hashed(row, seed) % 10,
    };
    Ok(match share {
        0 => Part::Test,
        1 => Part::Val,
        _ => Part::Train,
    })
}

fn number(path: &Path) -> Result<u64> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let digits = name.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().with_context(|| format!("the name of {} ends in no number", path.display()))
}

fn hashed(row: &FaceRow, seed: u64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    if row.subject.is_empty() {
        hash.update(row.path.file_name().unwrap_or_default().as_encoded_bytes());
    } else {
        hash.update(row.subject.as_bytes());
    }
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |value, &byte| value << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, subject: &str) -> FaceRow {
        FaceRow { path: path.into(), subject: subject.into(), ..FaceRow::default() }
    }

    #[test]
    fn the_seed_s_parts_are_70_and_30_of_100_rows() {
        let mut rows: Vec<FaceRow> = (0..100).map(|k| row(&format!("{k}.jpg"), "one")).collect();
        split_rows(&mut rows, 7);
        let train = |rows: &[FaceRow]| rows.iter().filter(|r| r.part == Some(Part::Train)).count();
        assert_eq!(
            (train(&rows), rows.iter().filter(|r| r.part == Some(Part::Val)).count()),
            (70, 30)
        );
        let before = rows.clone();
        split_rows(&mut rows, 8);
        assert_ne!(rows, before);
    }

    #[test]
    fn the_number_in_the_name_decides() {
        let of = |path| part(&row(path, ""), Rule::Number, 0).unwrap();
        assert_eq!(
            [of("a/10.jpg"), of("a/x_00021.jpg"), of("39.jpg")],
            [Part::Test, Part::Val, Part::Train]
        );
        assert!(part(&row("a/b.jpg", ""), Rule::Number, 0).is_err());
    }

    #[test]
    fn a_subject_is_in_one_part_only() {
        let parts: Vec<_> = (0..50)
            .map(|k| part(&row(&format!("{k}.jpg"), "Ada"), Rule::Subject, 7).unwrap())
            .collect();
        assert!(parts.iter().all(|p| *p == parts[0]));
    }

    #[test]
    fn the_shares_are_about_eight_one_one() {
        let parts: Vec<_> = (0..2000)
            .map(|k| part(&row(&format!("{k}.jpg"), ""), Rule::Subject, 7).unwrap())
            .collect();
        let share = |of| parts.iter().filter(|p| **p == of).count();
        assert!((150..250).contains(&share(Part::Val)), "{}", share(Part::Val));
        assert!((150..250).contains(&share(Part::Test)), "{}", share(Part::Test));
    }
}
