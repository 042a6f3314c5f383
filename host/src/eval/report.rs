//! The scores of one evaluation as a Markdown table, as JSON, and in the bundle's own manifest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use models::bundle::{self, Bundle};
use models::manifest::Quality;
use serde::Serialize;

use super::{Answered, Options};
use crate::faces::GenderMark;
use crate::files::write_text;
use crate::labels::BINS;
use crate::metrics::confusion::Confusion;
use crate::metrics::figure::Figure;
use crate::metrics::measure::{self, Measure};
use crate::metrics::{self, Outcome, Score, label_bin};
use crate::out;

/// Groups smaller than this are left out: their intervals say nothing.
const GROUP_MIN: usize = 20;

/// What NAME.json holds.
#[derive(Serialize)]
struct Report<'a> {
    set: &'a str,
    bundle: &'a str,
    bundle_sha256: &'a str,
    detector: &'a str,
    /// Over all faces.
    score: Score,
    /// The best constant guess on the same faces.
    trivial: Score,
    /// Every measure that the labels allow.
    measures: Vec<Measure>,
    /// Predicted genders by labelled ones.
    confusion: Confusion,
    /// The bundle it was held against, on the same faces.
    against: Option<Against>,
    /// By data set, labelled gender, age bin and race.
    groups: Vec<Group>,
}

/// The scores of some of the faces.
#[derive(Serialize)]
struct Group {
    name: String,
    score: Score,
}

/// How far two bundles' answers to the same faces lie apart.
#[derive(Serialize)]
struct Against {
    score: Score,
    /// Mean |Δ apparent age| in years.
    age_moved_years: f64,
    /// Share of faces whose predicted gender differs.
    gender_changed: f64,
}

/// Prints the table; writes it, and the JSON, where `--out` says so.
pub(super) fn report(
    options: &Options,
    bundle: &Bundle,
    detector: &str,
    answered: &[Answered],
) -> Result<()> {
    let outcomes: Vec<Outcome> = answered.iter().map(Answered::outcome).collect();
    let report = Report {
        set: &options.name,
        bundle: &bundle.manifest().name,
        bundle_sha256: bundle.sha256(),
        detector,
        score: metrics::score(&outcomes),
        trivial: metrics::trivial(&outcomes),
        measures: measure::all(&outcomes),
        confusion: Confusion::of(&outcomes),
        against: options.against.as_ref().map(|_| against(answered)),
        groups: groups(answered),
    };
    let table = markdown(&report);
    out::print(&table)?;
    if let Some(folder) = &options.out {
        let write = |ending: &str, text: &str| {
            let path = folder.join(format!("{}.{ending}", options.name));
            write_text(&path, text)
        };
        write("md", &table)?;
        write("json", &serde_json::to_string_pretty(&report)?)?;
    }
    if options.write_quality {
        write_quality(options, bundle, &report)?;
    }
    Ok(())
}

fn against(answered: &[Answered]) -> Against {
    let outcomes: Vec<Outcome> = answered.iter().map(Answered::other_outcome).collect();
    let pairs: Vec<_> = answered.iter().filter_map(|a| a.answer().zip(a.other())).collect();
    let mean = |sum: f64| sum / pairs.len().max(1) as f64;
    let changed = pairs.iter().filter(|(a, b)| metrics::predicted(*a) != metrics::predicted(*b));
    Against {
        score: metrics::score(&outcomes),
        age_moved_years: mean(
            pairs.iter().map(|(a, b)| f64::from((a.years - b.years).abs())).sum(),
        ),
        gender_changed: mean(changed.count() as f64),
    }
}

/// Data sets first, then genders, ages from young to old, races.
fn groups(answered: &[Answered]) -> Vec<Group> {
    let mut members: BTreeMap<(usize, String), Vec<Outcome>> = BTreeMap::new();
    for one in answered {
        let row = &one.row;
        let gender = row.gender.map(|g| if g == GenderMark::Female { "women" } else { "men" });
        let bin = row.age().map(label_bin);
        let names = [
            (!row.source.is_empty()).then(|| (0, format!("set {}", row.source))),
            gender.map(|gender| (1, format!("labelled {gender}"))),
            bin.map(|bin| (2 + bin, format!("age {}", BINS[bin]))),
            (!row.race.is_empty()).then(|| (2 + BINS.len(), format!("race {}", row.race))),
        ];
        for name in names.into_iter().flatten() {
            members.entry(name).or_default().push(one.outcome());
        }
    }
    let large = members.into_iter().filter(|(_, outcomes)| outcomes.len() >= GROUP_MIN);
    large.map(|((_, name), outcomes)| Group { name, score: metrics::score(&outcomes) }).collect()
}

fn markdown(report: &Report<'_>) -> String {
    let mut text = format!(
        "### {}: bundle `{}` ({}), detector {}\n\n\
         | | faces | found | age bin | within ±1 bin | MAE, years | off the range, years | gender |\n\
         |---|---|---|---|---|---|---|---|\n",
        report.set,
        report.bundle,
        &report.bundle_sha256[..12.min(report.bundle_sha256.len())],
        report.detector
    );
    push_row(&mut text, "**all**", &report.score);
    if let Some(against) = &report.against {
        push_row(&mut text, "held against", &against.score);
    }
    push_row(&mut text, "best constant guess", &report.trivial);
    report.groups.iter().for_each(|group| push_row(&mut text, &group.name, &group.score));
    if report.score.found < 1.0 {
        text +=
            "\nA face that was not found counts as wrong, and in years as the set's median age.\n";
    }
    if let Some(against) = &report.against {
        let (years, changed) = (against.age_moved_years, against.gender_changed * 100.0);
        let _ = write!(
            text,
            "\nBetween the two: mean |Δ apparent age| {years:.3} years, {changed:.2} % of genders changed.\n"
        );
    }
    text
}

fn push_row(text: &mut String, name: &str, score: &Score) {
    let share = |figure: Option<Figure>| cell(figure, 3);
    let years = |figure: Option<Figure>| cell(figure, 2);
    let _ = writeln!(
        text,
        "| {name} | {} | {:.3} | {} | {} | {} | {} | {} |",
        score.faces,
        score.found,
        share(score.bin),
        share(score.bin_within_one),
        years(score.mae_years),
        years(score.edge_mae_years),
        share(score.gender),
    );
}

fn cell(figure: Option<Figure>, digits: usize) -> String {
    figure.map_or_else(
        || "–".to_owned(),
        |f| format!("{:.digits$} ({:.digits$}–{:.digits$})", f.value, f.low, f.high),
    )
}

/// Replaces what the manifest says of this set, and seals the bundle again.
fn write_quality(options: &Options, bundle: &Bundle, report: &Report<'_>) -> Result<()> {
    let mut manifest = bundle.manifest().clone();
    manifest.quality.retain(|quality| quality.set != options.name);
    let figures = [
        ("age bin, share", report.score.bin),
        ("age bin within ±1, share", report.score.bin_within_one),
        ("mean absolute error, years", report.score.mae_years),
        ("gender, share", report.score.gender),
    ];
    manifest.quality.extend(figures.into_iter().filter_map(|(metric, figure)| {
        let figure = figure?;
        Some(Quality {
            set: options.name.clone(),
            metric: metric.to_owned(),
            value: rounded(figure.value),
            low: Some(rounded(figure.low)),
            high: Some(rounded(figure.high)),
            note: Some(format!("{} faces, detector {}", report.score.faces, report.detector)),
        })
    }));
    let path = options.bundle.join("model.toml");
    write_text(&path, &manifest.to_toml())?;
    bundle::seal(&options.bundle).with_context(|| format!("sealing {}", options.bundle.display()))
}

/// To three digits, as the table shows it.
fn rounded(value: f64) -> f32 {
    format!("{value:.3}").parse().unwrap_or(f32::NAN)
}
