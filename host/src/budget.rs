//! Stage `budget`: how much worse a rounded net answers than the exact one, and whether that is allowed.
//!
//! Every figure is a mean over the same faces, answered twice, so that its interval is that of the
//! difference and not of two scores.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use crate::files::write_text;
use crate::labels::edge_distance;
use crate::metrics::figure::{Figure, mean};
use crate::metrics::{Answer, predicted};
use crate::out;
use crate::predictions::{self, Prediction};

/// How much worse the rounded net may be.
#[derive(Clone, Copy, Debug, PartialEq, clap::Args)]
pub struct Budget {
    /// By how many years the mean distance to the labelled range's nearest edge may grow.
    #[arg(long, default_value_t = 0.1)]
    pub edge_years_max: f64,
    /// By how many points (hundredths of all faces) right genders may become fewer.
    #[arg(long, default_value_t = 0.5)]
    pub gender_points_max: f64,
    /// How many years the apparent age may move, on average.
    #[arg(long, default_value_t = 0.25)]
    pub moved_years_max: f64,
}

/// What is held against what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// predictions.csv of the exact net, as `eval` and `predict` write it.
    #[arg(long)]
    exact: PathBuf,
    /// predictions.csv of the rounded net, on the same faces.
    #[arg(long)]
    rounded: PathBuf,
    #[command(flatten)]
    budget: Budget,
    /// Folder for budget.json and budget.md; the table is printed either way.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What rounding cost.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Faces that both nets answered.
    pub faces: usize,
    /// Faces that only one of them answered.
    pub left_out: usize,
    /// One a figure.
    pub lines: Vec<Line>,
}

/// One figure of the cost.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What it is, with its unit.
    pub name: &'static str,
    /// What was found, with its bootstrap 95 % interval.
    pub found: Figure,
    /// What is allowed.
    pub allowed: f64,
}

/// Compares two files of predictions, prints the table and fails past the budget.
///
/// # Errors
/// Files that cannot be read or share no face; a figure past its budget, by its name.
pub fn run(options: &Options) -> Result<()> {
    let (exact, rounded) =
        (predictions::read(&options.exact)?, predictions::read(&options.rounded)?);
    let cost = cost(&exact, &rounded, &options.budget)?;
    report(&cost, options.out.as_deref())
}

/// Prints the cost, writes it where a folder is given, and fails past the budget.
pub(crate) fn report(cost: &Cost, folder: Option<&Path>) -> Result<()> {
    let table = cost.table();
    out::print(&table)?;
    if let Some(folder) = folder {
        write_text(&folder.join("budget.md"), &table)?;
        write_text(&folder.join("budget.json"), &serde_json::to_string_pretty(cost)?)?;
    }
    cost.within()
}

/// What rounding cost, on the faces that both nets answered.
///
/// # Errors
/// There is no such face, none is labelled for a figure, or a picture stands twice in a list.
pub fn cost(exact: &[Prediction], rounded: &[Prediction], budget: &Budget) -> Result<Cost> {
    ensure_once(rounded)?;
    let by_path: HashMap<&Path, &Prediction> =
        rounded.iter().map(|one| (one.path.as_path(), one)).collect();
    ensure_once(exact)?;
    let both = exact.iter().filter_map(|one| Some((one, *by_path.get(one.path.as_path())?)));
    let pairs: Vec<Pair> = both.filter_map(|(exact, rounded)| Pair::of(exact, rounded)).collect();
    ensure!(!pairs.is_empty(), "no face is answered in both: expected the same pictures");
    let answered = |list: &[Prediction]| list.iter().filter(|one| one.found).count();
    let left_out = answered(exact) + answered(rounded) - 2 * pairs.len();
    let line = |name, figure: &dyn Fn(&Pair<'_>) -> Option<f64>, allowed| {
        let found = mean(pairs.iter().filter_map(figure));
        let found = found.with_context(|| format!("{name}: no face is labelled for it"))?;
        Ok(Line { name, found, allowed })
    };
    let lines = [
        line(
            "further off the labelled range, years",
            &|pair| pair.edge_years(),
            budget.edge_years_max,
        ),
        line("fewer right genders, points", &|pair| pair.gender_points(), budget.gender_points_max),
        line("mean |Δ apparent age|, years", &|pair| pair.moved_years(), budget.moved_years_max),
    ];
    let lines = lines.into_iter().collect::<Result<_>>()?;
    Ok(Cost { faces: pairs.len(), left_out, lines })
}

/// Refuses a list in which a picture stands twice: which of its faces belong together is not told.
fn ensure_once(list: &[Prediction]) -> Result<()> {
    let mut seen = HashSet::new();
    let again = list.iter().find(|one| !seen.insert(one.path.as_path()));
    again.map_or(Ok(()), |one| {
        bail!("{} stands twice, expected a face a picture", one.path.display())
    })
}

/// One face, answered twice.
struct Pair<'a> {
    label: &'a Prediction,
    exact: Answer,
    rounded: Answer,
}

impl<'a> Pair<'a> {
    fn of(exact: &'a Prediction, rounded: &Prediction) -> Option<Self> {
        let (a, b) = (exact.outcome().answer?, rounded.outcome().answer?);
        Some(Self { label: exact, exact: a, rounded: b })
    }

    fn edge_years(&self) -> Option<f64> {
        let range = self.label.age()?;
        let off = |answer: &Answer| f64::from(edge_distance(answer.years, range));
        Some(off(&self.rounded) - off(&self.exact))
    }

    fn gender_points(&self) -> Option<f64> {
        let label = self.label.gender?;
        let right = |answer| f64::from(u8::from(predicted(answer) == label));
        Some(100.0 * (right(self.exact) - right(self.rounded)))
    }

    #[allow(clippy::unnecessary_wraps, reason = "the other figures may have no label")]
    fn moved_years(&self) -> Option<f64> {
        Some(f64::from((self.exact.years - self.rounded.years).abs()))
    }
}

impl Cost {
    /// As a Markdown table.
    pub fn table(&self) -> String {
        let mut text = format!(
            "### What rounding cost, {} faces answered by both\n\n\
             | | found | bootstrap 95 % | allowed |\n|---|--:|--:|--:|\n",
            self.faces
        );
        for Line { name, found: Figure { value, low, high }, allowed } in &self.lines {
            let name = name.replace('|', "\\|");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {name} | {value:.3} | {low:.3} to {high:.3} | {allowed} |");
        }
        if self.left_out > 0 {
            let _ = writeln!(
                text,
                "\n{} faces that only one of them answered are left out.",
                self.left_out
            );
        }
        text
    }

    /// Fails where a figure is past its budget.
    ///
    /// # Errors
    /// Each such figure's name, what was found and what is allowed.
    pub fn within(&self) -> Result<()> {
        let past = self.lines.iter().filter(|line| line.found.value > line.allowed);
        let told = past.map(|line| {
            format!("{}: found {:.3}, allowed {}", line.name, line.found.value, line.allowed)
        });
        let told: Vec<String> = told.collect();
        if !told.is_empty() {
            bail!("past the budget: {}", told.join("; "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget =
        Budget { edge_years_max: 0.1, gender_points_max: 0.5, moved_years_max: 0.25 };

    /// Predictions of faces labelled 20–29 and female: apparent ages and probabilities of *female*.
    fn said(answers: &[(f32, f32)]) -> Vec<Prediction> {
        let rows = answers
            .iter()
            .enumerate()
            .map(|(k, (years, female))| format!("{k}.jpg,20,29,F,1,{years},25,0.5,{female}\n"));
        let head = "path,age_lo,age_hi,gender,found,years,dominant,label_prob,female\n";
        let text: String = std::iter::once(head.to_owned()).chain(rows).collect();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().map(Result::unwrap).collect()
    }

    fn check(exact: &[(f32, f32)], rounded: &[(f32, f32)]) -> (Vec<f64>, Result<()>) {
        let cost = cost(&said(exact), &said(rounded), &BUDGET).unwrap();
        (cost.lines.iter().map(|line| line.found.value).collect(), cost.within())
    }

    #[test]
    fn the_same_answers_cost_nothing() {
        let (found, verdict) = check(&[(25.0, 0.9), (40.0, 0.1)], &[(25.0, 0.9), (40.0, 0.1)]);
        assert_eq!(found, [0.0; 3]);
        verdict.unwrap();
    }

    #[test]
    fn each_figure_past_its_budget_is_named_with_what_was_found_and_what_is_allowed() {
        // One of two is 2 years further off the range and says the other gender.
        let (found, verdict) = check(&[(25.0, 0.9), (30.0, 0.9)], &[(25.0, 0.9), (32.0, 0.4)]);
        assert_eq!(found, [1.0, 50.0, 1.0]);
        assert_eq!(
            verdict.unwrap_err().to_string(),
            "past the budget: further off the labelled range, years: found 1.000, allowed 0.1; \
             fewer right genders, points: found 50.000, allowed 0.5; \
             mean |Δ apparent age|, years: found 1.000, allowed 0.25"
        );
    }

    #[test]
    fn ages_that_move_but_get_no_worse_are_noticed_all_the_same() {
        let (found, verdict) = check(&[(22.0, 0.9)], &[(28.0, 0.9)]);
        assert_eq!(found, [0.0, 0.0, 6.0]);
        assert!(verdict.unwrap_err().to_string().starts_with("past the budget: mean |Δ"));
    }

    #[test]
    fn other_faces_are_refused_and_single_ones_counted() {
        let (one, two) = (said(&[(25.0, 0.9)]), said(&[(25.0, 0.9), (30.0, 0.9)]));
        let cost_of_both = cost(&one, &two, &BUDGET).unwrap();
        assert_eq!((cost_of_both.faces, cost_of_both.left_out), (1, 1));
        assert!(cost_of_both.table().contains("1 faces that only one of them answered"));
        let error = cost(&one, &two[1..], &BUDGET).unwrap_err().to_string();
        assert!(error.starts_with("no face is answered in both"), "{error}");
    }

    #[test]
    fn a_figure_that_no_face_is_labelled_for_and_a_face_that_stands_twice_are_refused() {
        let mut unlabelled = said(&[(25.0, 0.9)]);
        unlabelled[0].gender = None;
        let error = cost(&unlabelled, &unlabelled, &BUDGET).err().unwrap().to_string();
        assert_eq!(error, "fewer right genders, points: no face is labelled for it");
        let one = said(&[(25.0, 0.9)]);
        let twice = [one.clone(), one.clone()].concat();
        for (exact, rounded) in [(&one, &twice), (&twice, &one)] {
            let error = cost(exact, rounded, &BUDGET).err().unwrap().to_string();
            assert_eq!(error, "0.jpg stands twice, expected a face a picture");
        }
    }
}
