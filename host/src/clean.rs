//! Stage `clean`: drops faces that cannot be used, each under the first rule that it breaks.
//!
//! The rules are those of the seed (sefiks.com, 2019), which are IMDB-WIKI's usual ones; rows of other
//! data sets have no face scores and pass the rules about them.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::faces::{self, FaceRow};
use crate::files::write_csv;
use crate::out;

/// Which faces go.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// faces.csv that `index` wrote.
    #[arg(long)]
    pub faces: PathBuf,
    /// faces.csv to write; dropped.csv, the list of the dropped ones, is written beside it.
    #[arg(long)]
    pub out: PathBuf,
    /// How a day of birth and the year of a picture give an age.
    #[arg(long, value_enum, default_value_t)]
    pub age_rule: AgeRule,
    /// The least score of a face.
    #[arg(long, default_value_t = 3.0)]
    pub face_score_min: f64,
    /// Keeps pictures with a second face.
    #[arg(long)]
    pub keep_second_face: bool,
    /// Keeps faces whose gender is not known.
    #[arg(long)]
    pub keep_unknown_gender: bool,
    /// The youngest age kept, in years.
    #[arg(long, default_value_t = 1)]
    pub age_min: u8,
    /// The oldest age kept, in years. A labelled range is kept where any of its years is.
    #[arg(long, default_value_t = 100)]
    pub age_max: u8,
    /// Keeps faces whose picture is missing.
    #[arg(long)]
    pub keep_missing: bool,
}

/// How old somebody was in the year of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum AgeRule {
    /// As if it was taken in the middle of the year: born in July or later is a year less (as
    /// yu4u/age-gender-estimation has it).
    #[default]
    MidYear,
    /// Year of the picture − year of birth.
    Seed,
}

/// The rules, in the order in which they are asked.
const RULES: [&str; 7] = [
    "picture missing",
    "no face found (score −∞)",
    "a second face",
    "face score too low",
    "gender unknown",
    "age unknown",
    "age out of range",
];

/// One row of `dropped.csv`.
#[derive(Serialize)]
struct Dropped {
    path: PathBuf,
    rule: &'static str,
    found: String,
}

/// Cleans, and prints how many faces each rule dropped.
///
/// # Errors
/// A file that cannot be read or written, or when nothing is left; the dropped faces are listed even so.
pub fn run(options: &Options) -> Result<()> {
    let list = options.out.with_file_name("dropped.csv");
    ensure!(
        list != options.out,
        "{} is the list of the dropped faces: give --out another name",
        list.display()
    );
    let rows = faces::read(&options.faces)?;
    let all = rows.len();
    let (mut kept, mut dropped) = (vec![], vec![]);
    for mut row in rows {
        match judge(&mut row, options) {
            Some((rule, found)) => {
                dropped.push(Dropped { path: row.path, rule: RULES[rule], found });
            }
            None => kept.push(row),
        }
    }
    out::print(&table(all, &dropped))?;
    write_csv(&list, &dropped)?;
    ensure!(!kept.is_empty(), "nothing is left of {all} faces");
    faces::write(&options.out, &kept)?;
    eprintln!("clean: {} of {all} faces kept → {}", kept.len(), options.out.display());
    Ok(())
}

fn table(all: usize, dropped: &[Dropped]) -> String {
    let mut text = format!("| rule | dropped |\n|---|---|\n| *all faces* | *{all}* |");
    for rule in RULES {
        let count = dropped.iter().filter(|row| row.rule == rule).count();
        text += &format!("\n| {rule} | {count} |");
    }
    text + &format!("\n| *kept* | *{}* |", all - dropped.len())
}

/// The first rule that `row` breaks and what was found; fills in its age where that follows from birth
/// and picture.
fn judge(row: &mut FaceRow, options: &Options) -> Option<(usize, String)> {
    let score = row.face_score;
    let missing_score = score.filter(|s| *s == f64::NEG_INFINITY || s.is_nan());
    let low_score = score.filter(|s| *s < options.face_score_min);
    let second = row.second_face_score.filter(|_| !options.keep_second_face);
    let labelled = row.age().map(|range| (i64::from(range.lo), i64::from(range.hi)));
    let dated = row.birth_day.zip(row.photo_year);
    let dated = dated.and_then(|(birth, year)| age(birth, year, options.age_rule));
    let age = labelled.or(dated.map(|age| (age, age)));
    let outside =
        |&(lo, hi): &(i64, i64)| hi < options.age_min.into() || lo > options.age_max.into();
    let broken = [
        (!options.keep_missing && !row.path.is_file()).then(String::new),
        missing_score.map(|s| s.to_string()),
        second.map(|s| s.to_string()),
        low_score.map(|s| s.to_string()),
        (row.gender.is_none() && !options.keep_unknown_gender).then(String::new),
        age.is_none().then(String::new),
        age.filter(outside)
            .map(|(lo, hi)| if lo == hi { lo.to_string() } else { format!("{lo}–{hi}") }),
    ];
    let broken = broken.into_iter().enumerate().find_map(|(rule, found)| Some((rule, found?)));
    if broken.is_none() && labelled.is_none() {
        row.age_lo = dated.and_then(|age| u8::try_from(age).ok());
        row.age_hi = row.age_lo;
    }
    broken
}

/// The age in years of somebody born on MATLAB's day `birth`, in a picture of `year`.
fn age(birth: f64, year: f64, rule: AgeRule) -> Option<i64> {
    let whole = |value: f64| {
        #[allow(clippy::cast_possible_truncation, reason = "within 10 million")]
        (value.is_finite() && value.abs() < 1e7).then_some(value.floor() as i64)
    };
    let (birth_year, month) = year_and_month(whole(birth)?);
    let late = rule == AgeRule::MidYear && month >= 7;
    Some(whole(year)? - birth_year - i64::from(late))
}

/// The year and month of a day as MATLAB counts: day 1 is 1 January of the year 0, Gregorian throughout.
///
/// Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`: years that begin in March,
/// in eras of 400.
fn year_and_month(day: i64) -> (i64, i64) {
    // 1 March of the year 0 is day 61.
    let days = day - 61;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::{AgeRange, GenderMark};

    #[test]
    fn days_are_dates_at_the_edges_of_years() {
        for (day, expected) in [
            (1, (0, 1)),
            (60, (0, 2)),
            (61, (0, 3)),
            (366, (0, 12)),
            (367, (1, 1)),
            (719_529, (1970, 1)),
            (719_528, (1969, 12)),
            (730_486, (2000, 1)),
            (730_545, (2000, 2)),
            (730_546, (2000, 3)),
            (730_851, (2000, 12)),
            (730_852, (2001, 1)),
            (693_962, (1900, 1)),
        ] {
            assert_eq!(year_and_month(day), expected, "day {day}");
        }
    }

    #[test]
    fn both_rules_give_their_ages() {
        // 30 June and 1 July 1980.
        let (june, july) = (723_362.0, 723_363.0);
        assert_eq!(year_and_month(723_362), (1980, 6));
        assert_eq!(age(june, 2010.0, AgeRule::MidYear), Some(30));
        assert_eq!(age(july, 2010.0, AgeRule::MidYear), Some(29));
        assert_eq!(age(july, 2010.0, AgeRule::Seed), Some(30));
        assert_eq!(age(f64::NAN, 2010.0, AgeRule::Seed), None);
        assert_eq!(age(1e300, 2010.0, AgeRule::Seed), None);
    }

    fn options() -> Options {
        Options {
            faces: PathBuf::new(),
            out: PathBuf::new(),
            age_rule: AgeRule::MidYear,
            face_score_min: 3.0,
            keep_second_face: false,
            keep_unknown_gender: false,
            age_min: 1,
            age_max: 100,
            keep_missing: false,
        }
    }

    fn good() -> FaceRow {
        FaceRow {
            path: file!().into(),
            gender: Some(GenderMark::Male),
            birth_day: Some(723_362.0),
            photo_year: Some(2010.0),
            face_score: Some(4.0),
            ..FaceRow::default()
        }
    }

    /// The rule that a row breaks; paths are looked for in the folder of the crate.
    fn check(row: FaceRow, options: &Options) -> Option<&'static str> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../").join(&row.path);
        judge(&mut FaceRow { path, ..row }, options).map(|(rule, _)| RULES[rule])
    }

    #[test]
    fn each_rule_drops_its_own_rows() {
        let row = good;
        let rows = [
            FaceRow { path: "none.jpg".into(), gender: None, ..row() },
            FaceRow { face_score: Some(f64::NEG_INFINITY), gender: None, ..row() },
            FaceRow { face_score: Some(2.9), second_face_score: Some(2.0), ..row() },
            FaceRow { face_score: Some(2.9), ..row() },
            FaceRow { gender: None, ..row() },
            FaceRow { birth_day: None, ..row() },
            FaceRow { photo_year: Some(1970.0), ..row() },
        ];
        assert_eq!(rows.map(|row| check(row, &options())), RULES.map(Some));
        assert_eq!(check(row(), &options()), None);
    }

    #[test]
    fn a_range_is_kept_where_any_of_its_years_is() {
        let of = |lo, hi| {
            let row = FaceRow { age_lo: Some(lo), age_hi: Some(hi), ..good() };
            check(row, &options())
        };
        assert_eq!([of(0, 2), of(70, 120), of(1, 1), of(100, 100)], [None; 4]);
        assert_eq!([of(0, 0), of(101, 120)], [Some("age out of range"); 2]);
    }

    #[test]
    fn flags_move_the_rules() {
        let loose = Options {
            face_score_min: 1.0,
            keep_second_face: true,
            keep_unknown_gender: true,
            keep_missing: true,
            ..options()
        };
        let row = FaceRow {
            path: "none.jpg".into(),
            face_score: Some(1.5),
            second_face_score: Some(3.0),
            gender: None,
            ..good()
        };
        assert_eq!(check(row, &loose), None);
    }

    #[test]
    fn an_age_is_filled_in_and_a_labelled_one_kept() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let mut row = FaceRow { path, ..good() };
        assert_eq!(judge(&mut row, &options()), None);
        assert_eq!(row.age(), Some(AgeRange { lo: 30, hi: 30 }));
        row = FaceRow { age_lo: Some(20), age_hi: Some(29), ..row };
        assert_eq!(judge(&mut row, &options()), None);
        assert_eq!(row.age(), Some(AgeRange { lo: 20, hi: 29 }));
    }
}
