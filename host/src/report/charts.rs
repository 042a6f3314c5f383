//! The charts of a report: what each shows, worked out from a set or a run.

use super::runs::Run;
use crate::chart::histogram::{self, Histogram};
use crate::chart::lines::{self, Lines, Series};
use crate::chart::matrix::{self, Cell, Matrix};
use crate::chart::spread::{self, Spread, Spreads};
use crate::faces::AgeRange;
use crate::labels::{BINS, bin_of};
use crate::metrics::confusion::{self, Confusion};
use crate::metrics::groups::signed_off_years;
use crate::metrics::{Outcome, label_bin, spread as label_spread};

/// A bar of the age histogram covers this many years.
const BAR_YEARS: usize = 5;

/// Labelled and predicted ages; ranges count in equal shares for each of their years.
pub(super) fn ages(outcomes: &[Outcome]) -> String {
    let both = outcomes.iter().filter_map(|o| Some((o.age?, o.answer?)));
    let (labels, answers): (Vec<AgeRange>, Vec<_>) = both.unzip();
    if labels.is_empty() {
        return String::new();
    }
    let mut predicted = [0.0; 101];
    for answer in &answers {
        predicted[year(answer.years)] += 1.0;
    }
    let labelled = label_spread(&labels).map(|share| share * labels.len() as f64);
    histogram::draw(&Histogram {
        x: "age, years",
        y: "faces per 5 years",
        bars: (0.0, BAR_YEARS as f64),
        filled: ("labelled", &bars(&labelled)),
        line: ("predicted", &bars(&predicted)),
    })
}

/// The class of an age, 0 to 100.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped first")]
fn year(years: f32) -> usize {
    years.clamp(0.0, 100.0).floor() as usize
}

fn bars(years: &[f64]) -> Vec<f64> {
    years.chunks(BAR_YEARS).map(|bar| bar.iter().sum()).collect()
}

/// Predicted age bins by labelled ones, each row in per cent.
pub(super) fn bins(outcomes: &[Outcome]) -> String {
    let mut counts = [[0usize; BINS.len()]; BINS.len()];
    for (label, answer) in outcomes.iter().filter_map(|o| Some((o.age?, o.answer?))) {
        counts[label_bin(label)][bin_of(answer.years)] += 1;
    }
    let rows = BINS.iter().zip(&counts).filter(|(_, row)| row.iter().sum::<usize>() > 0);
    let (names, rows): (Vec<String>, Vec<&[usize; BINS.len()]>) =
        rows.map(|(bin, row)| (bin.to_string(), row)).unzip();
    if rows.is_empty() {
        return String::new();
    }
    let columns: Vec<String> = BINS.iter().map(ToString::to_string).collect();
    let cells = names.iter().zip(rows).map(|(name, row)| {
        let sum: usize = row.iter().sum();
        let cells =
            columns.iter().zip(row).map(|(column, count)| bin_cell((name, column), *count, sum));
        cells.collect()
    });
    let cells = cells.collect();
    matrix::draw(&Matrix {
        rows_title: "labelled age",
        columns_title: "predicted age; per cent of each row",
        rows: names,
        columns,
        cells,
        cell_width_px: 46.0,
    })
}

fn bin_cell((label, predicted): (&str, &str), count: usize, sum: usize) -> Cell {
    let share = count as f64 / sum as f64;
    Cell {
        strength: share,
        text: if count == 0 { String::new() } else { format!("{:.0}", share * 100.0) },
        hover: format!("labelled {label}, predicted {predicted}: {count} of {sum} faces"),
    }
}

/// Error by labelled age bin: mean, and where the middle 80 % lie.
pub(super) fn errors(outcomes: &[Outcome]) -> String {
    let of_bin = |bin: usize| {
        let members = outcomes.iter().filter(|o| o.age.is_some_and(|age| label_bin(age) == bin));
        let mut errors: Vec<f64> = members.filter_map(signed_off_years).collect();
        errors.sort_by(f64::total_cmp);
        let last = errors.len().checked_sub(1)?;
        Some(Spread {
            name: BINS[bin].to_string(),
            low: errors[last / 10],
            mean: errors.iter().sum::<f64>() / errors.len() as f64,
            high: errors[last - last / 10],
            count: errors.len(),
        })
    };
    spread::draw(&Spreads {
        x: "labelled age, years",
        y: "predicted − labelled, years",
        legend: ("mean", "middle 80 % of the faces"),
        groups: (0..BINS.len()).filter_map(of_bin).collect(),
    })
}

/// Predicted genders by labelled ones, in faces.
pub(super) fn genders(confusion: &Confusion) -> String {
    if confusion.faces() == 0 {
        return String::new();
    }
    let missed = confusion.female.not_found + confusion.male.not_found > 0;
    let mut columns = vec!["female".to_owned(), "male".to_owned()];
    columns.extend(missed.then(|| "no face found".to_owned()));
    let row = |name: &str, row: &confusion::Row| {
        let sum = row.female + row.male + row.not_found;
        let said = ["predicted female", "predicted male", "no face found"];
        let cells = [row.female, row.male, row.not_found].into_iter().zip(said);
        let cells = cells.take(if missed { 3 } else { 2 });
        cells.map(|(count, said)| gender_cell((name, said), count, sum)).collect()
    };
    let cells = vec![row("female", &confusion.female), row("male", &confusion.male)];
    matrix::draw(&Matrix {
        rows_title: "labelled",
        columns_title: "predicted; faces, and per cent of each row",
        rows: vec!["female".to_owned(), "male".to_owned()],
        columns,
        cells,
        cell_width_px: 110.0,
    })
}

fn gender_cell((label, said): (&str, &str), count: usize, sum: usize) -> Cell {
    let share = if sum == 0 { 0.0 } else { count as f64 / sum as f64 };
    Cell {
        strength: share,
        text: format!("{count}  ({:.1} %)", share * 100.0),
        hover: format!("labelled {label}, {said}: {count} of {sum} faces"),
    }
}

/// Title and chart of whatever the run's log holds.
pub(super) fn run(run: &Run) -> Vec<(&'static str, String)> {
    let column =
        |name: &str, column: &str| Series { name: name.to_owned(), points: run.log.points(column) };
    let mark = run.chosen_epoch.map(|epoch| (epoch, format!("kept: epoch {epoch}")));
    let draw = |y, series: Vec<Series>| {
        let series = series.into_iter().filter(|series| !series.points.is_empty()).collect();
        lines::draw(&Lines { x: "epoch", y, series, mark: mark.clone() })
    };
    let charts = [
        ("Loss", draw("loss", vec![column("train", "train_loss"), column("val", "val_loss")])),
        (
            "Age error on val",
            draw("years off the label", vec![column("val", "val_age_edge_years")]),
        ),
        (
            "Right on val",
            draw(
                "share of faces",
                vec![column("gender", "val_gender"), column("age", "val_age_exact")],
            ),
        ),
    ];
    charts.into_iter().filter(|chart| !chart.1.is_empty()).collect()
}

/// The val losses of several runs in one chart.
pub(super) fn val_losses(runs: &[Run]) -> String {
    let series = runs
        .iter()
        .map(|run| Series { name: run.name.clone(), points: run.log.points("val_loss") });
    lines::draw(&Lines { x: "epoch", y: "val loss", series: series.collect(), mark: None })
}
