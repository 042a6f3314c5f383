//! Stage `lap`: ages that any program predicted, scored against a jury as in the ChaLearn LAP challenge.
//!
//! The challenge's error ε is 1 − the mean of exp(−d²/2σ²); some reports call that mean itself ε. Both
//! are printed, named.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use csv::StringRecord;

use crate::metrics::measure::{self, Measure};
use crate::metrics::{Answer, Outcome};
use crate::out;

/// A CSV and which of its columns hold what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// A CSV with a face a row: predicted age, and the jury's mean and standard deviation, in years.
    #[arg(long)]
    csv: PathBuf,
    /// The column of the predicted age; an empty cell is a face that was not found.
    #[arg(long, default_value = "years")]
    years: String,
    /// The column of the jury's mean.
    #[arg(long, default_value = "apparent_mean")]
    mean: String,
    /// The column of the jury's standard deviation.
    #[arg(long, default_value = "apparent_std")]
    std: String,
}

/// Prints the scores.
///
/// # Errors
/// A file that cannot be read, a column that is not there, a cell that is no age.
pub fn run(options: &Options) -> Result<()> {
    let outcomes = read(options).with_context(|| format!("reading {}", options.csv.display()))?;
    let table = markdown(&options.csv, &outcomes);
    out::print(&table)?;
    Ok(())
}

fn read(options: &Options) -> Result<Vec<Outcome>> {
    let mut reader = csv::Reader::from_path(&options.csv)?;
    let names = reader.headers()?.iter().enumerate().map(|(at, name)| (name.trim().to_owned(), at));
    let columns: HashMap<String, usize> = names.collect();
    let column = |name: &str| {
        columns.get(name).copied().with_context(|| format!("it has no column `{name}`"))
    };
    let places = [column(&options.years)?, column(&options.mean)?, column(&options.std)?];
    let rows = reader.records().enumerate().map(|(at, row)| {
        let row = row.map_err(Into::into).and_then(|row| outcome(&row, places));
        row.with_context(|| format!("line {}", at + 2))
    });
    let outcomes = rows.collect::<Result<Vec<_>>>()?;
    ensure!(outcomes.iter().any(|o| o.jury.is_some()), "no row has a jury's mean and deviation");
    Ok(outcomes)
}

fn outcome(row: &StringRecord, [years, mean, std]: [usize; 3]) -> Result<Outcome> {
    let jury = age(row, mean)?.zip(age(row, std)?);
    let answer = |years| Answer { years, dominant: 0, label_prob: None, female: 0.5 };
    Ok(Outcome { age: None, gender: None, jury, answer: age(row, years)?.map(answer) })
}

/// Years in a cell; nothing where it is empty.
fn age(row: &StringRecord, at: usize) -> Result<Option<f32>> {
    let cell = row.get(at).unwrap_or_default().trim();
    if cell.is_empty() {
        return Ok(None);
    }
    let years = cell.parse().ok().filter(|years| (0.0..=150.0).contains(years));
    years.map(Some).with_context(|| format!("{cell:?}, expected years from 0 to 150"))
}

fn markdown(path: &Path, outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "### {}\n\n| | faces | score | 95 % | best constant guess |\n|---|---|---|---|---|\n",
        path.display()
    );
    measure::all(outcomes).iter().for_each(|measure| text += &line(measure));
    text
}

fn line(measure: &Measure) -> String {
    let figure = measure.figure;
    let guess = measure.guess.map_or_else(|| "–".to_owned(), |guess| format!("{guess:.6}"));
    format!(
        "| {} | {} | {:.6} | {:.6}–{:.6} | {guess} ({}) |\n",
        measure.name, measure.faces, figure.value, figure.low, figure.high, measure.guess_says
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Vec<Outcome>> {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("lap.csv");
        std::fs::write(&csv, text).unwrap();
        let [years, mean, std] = ["said", "mean", "std"].map(str::to_owned);
        read(&Options { csv, years, mean, std })
    }

    #[test]
    fn any_columns_are_scored_in_both_forms() {
        let outcomes = check("file,mean,std,said\na,30,4,34\nb,20,2,20\nc,50,5,\n").unwrap();
        let table = markdown(Path::new("lap.csv"), &outcomes);
        let similarity = ((-0.5f64).exp() + 1.0 + 0.0) / 3.0;
        for value in [similarity, 1.0 - similarity] {
            assert!(table.contains(&format!("| 3 | {value:.6} |")), "{table}");
        }
    }

    #[test]
    fn what_cannot_be_scored_is_named() {
        for (text, what) in [
            ("mean,std\n1,2\n", "no column `said`"),
            ("mean,std,said\n30,4,34\n30,4,old\n", "line 3: \"old\", expected years"),
            ("mean,std,said\n30,-4,34\n", "line 2: \"-4\""),
            ("mean,std,said\nNaN,4,34\n", "line 2: \"NaN\""),
            ("mean,std,said\n,,34\n", "no row has a jury"),
        ] {
            let error = format!("{:#}", check(text).unwrap_err());
            assert!(error.contains(what), "{error}");
        }
    }
}
