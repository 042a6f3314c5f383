//! Stage `look`: what the data are like, before anything is learnt from them.
//!
//! Writes `age.svg` and `gender.svg`, prints a table, and where `--pictures` asks for it, `sheet.png`.

mod histogram;
pub(crate) mod sheet;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::faces::{self, FaceRow, GenderMark};
use crate::files::{self, write_text};
use crate::out;
use histogram::{Histogram, Series};

/// Years of age in one bar.
const BAR_YEARS: u8 = 5;

/// The genders, each in its colour wherever it is drawn.
const SERIES: [(&str, &str, Option<GenderMark>); 3] = [
    ("labelled female", "#c2571a", Some(GenderMark::Female)),
    ("labelled male", "#2a78b8", Some(GenderMark::Male)),
    ("not labelled", "#7f7f7f", None),
];

/// What to look at.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// faces.csv.
    #[arg(long)]
    pub faces: PathBuf,
    /// Folder for the pictures.
    #[arg(long)]
    pub out: PathBuf,
    /// Also draws a sheet of so many faces, chosen by chance; it shows people.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=1000))]
    pub pictures: u16,
    /// Seeds that choice.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Draws.
///
/// # Errors
/// A file that cannot be read or written.
pub fn run(options: &Options) -> Result<()> {
    let rows = faces::read(&options.faces)?;
    ensure!(!rows.is_empty(), "{} holds no faces", options.faces.display());
    let svg = |name: &str, text: &str| write_text(&options.out.join(name), text);
    svg("age.svg", &ages(&rows).svg())?;
    svg("gender.svg", &genders(&rows).svg())?;
    if options.pictures > 0 {
        let sheet = sheet::draw(&rows, options.pictures.into(), options.seed);
        files::replace(&options.out.join("sheet.png"), |part| {
            Ok(sheet.save_with_format(part, image::ImageFormat::Png)?)
        })?;
    }
    out::print(&table(&rows))?;
    Ok(())
}

/// Women and men by age; a labelled range is spread over its years.
fn ages(rows: &[FaceRow]) -> Histogram {
    let bars = usize::from(100 / BAR_YEARS) + 1;
    let count = |gender: Option<GenderMark>| {
        let mut counts = vec![0.0; bars];
        for range in rows.iter().filter(|row| row.gender == gender).filter_map(FaceRow::age) {
            let share = 1.0 / f64::from(range.hi - range.lo + 1);
            for year in range.lo..=range.hi {
                counts[usize::from(year.min(100) / BAR_YEARS)] += share;
            }
        }
        counts
    };
    let labelled = rows.iter().filter(|row| row.age().is_some()).count();
    Histogram {
        title: format!("Labelled age of {labelled} faces"),
        axis: "age in years".into(),
        labels: (0..bars).map(|bar| (bar * usize::from(BAR_YEARS)).to_string()).collect(),
        series: SERIES
            .into_iter()
            .map(|(name, color, gender)| Series { name, color, counts: count(gender) })
            .filter(|series| series.counts.iter().any(|count| *count > 0.0))
            .collect(),
    }
}

fn genders(rows: &[FaceRow]) -> Histogram {
    let count = |gender| rows.iter().filter(|row| row.gender == gender).count() as f64;
    Histogram {
        title: format!("Labelled gender of {} faces", rows.len()),
        axis: String::new(),
        labels: SERIES
            .map(|(.., gender)| {
                let count = count(gender);
                format!("{count} ({:.1} %)", 100.0 * count / rows.len() as f64)
            })
            .to_vec(),
        series: (0..SERIES.len())
            .map(|at| {
                let (name, color, gender) = SERIES[at];
                let counts =
                    (0..SERIES.len()).map(|bar| if bar == at { count(gender) } else { 0.0 });
                Series { name, color, counts: counts.collect() }
            })
            .collect(),
    }
}

/// Faces by part and gender, and the spread of ages.
fn table(rows: &[FaceRow]) -> String {
    let mut parts: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    for row in rows {
        let part = row.part.map_or("no part yet".into(), |part| format!("{part:?}").to_lowercase());
        let counts = parts.entry(part).or_default();
        counts[0] += 1;
        counts[match row.gender {
            Some(GenderMark::Female) => 1,
            Some(GenderMark::Male) => 2,
            None => 3,
        }] += 1;
    }
    let mut text =
        String::from("| part | faces | female | male | gender unknown |\n|---|---|---|---|---|");
    for (part, [all, female, male, unknown]) in parts {
        text += &format!("\n| {part} | {all} | {female} | {male} | {unknown} |");
    }
    let mut ages: Vec<f32> = rows
        .iter()
        .filter_map(FaceRow::age)
        .map(|range| (f32::from(range.lo) + f32::from(range.hi)) / 2.0)
        .collect();
    ages.sort_by(f32::total_cmp);
    if let (Some(first), Some(last)) = (ages.first(), ages.last()) {
        let median = ages[ages.len() / 2];
        text += &format!("\n\nAges {first} to {last} years, median {median}.");
    }
    text
}
