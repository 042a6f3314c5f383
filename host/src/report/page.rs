//! The report as one HTML page.

mod groups;
mod scores;

use std::fmt::Write as _;

use super::runs::Run;
use super::sets::Set;
use super::weak::GROUP_MIN;
use super::{Report, charts, pictures};
use crate::chart::{self, escape};
use crate::metrics::measure::Topic;

const STYLE: &str = include_str!("page/style.css");

/// How the figures are to be read.
pub(super) const NOTES: &str = "Beside each score stand its bootstrap 95 % interval (1000 resamples of \
    the faces) and what the best constant guess gets on the same faces. A face that was not found counts \
    as wrong; in years it is off as far as the set's median age. Years off a labelled range are counted \
    from its nearest edge.";

/// All of it.
pub(super) fn page(report: &Report) -> String {
    let title = escape(&report.title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{}{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
        chart::STYLE
    );
    if !report.sets.is_empty() {
        push_headline(&mut html, &report.sets);
    }
    if !report.runs.is_empty() {
        push_runs(&mut html, &report.runs);
    }
    report.sets.iter().for_each(|set| push_set(&mut html, set));
    let _ = write!(
        html,
        "<footer><p>{NOTES}</p><p>Made by {}.</p></footer>\n</body>\n</html>\n",
        escape(&report.made_by)
    );
    html
}

/// A topic in words.
pub(super) fn topic(topic: Topic) -> &'static str {
    match topic {
        Topic::Age => "Apparent age",
        Topic::Jury => "Apparent age, by a jury",
        Topic::Gender => "Predicted gender",
    }
}

/// What to write under "what it is bad at".
pub(super) fn bad_at(set: &Set) -> Vec<String> {
    if set.bad_at.is_empty() {
        return vec![format!(
            "No group of {GROUP_MIN} faces or more is clearly worse than the whole."
        )];
    }
    set.bad_at.clone()
}

fn push_headline(html: &mut String, sets: &[Set]) {
    *html += "<section>\n<h2>Scores</h2>\n";
    for set in sets {
        let (name, summary) = (escape(&set.name), escape(&set.summary()));
        let _ = writeln!(html, "<p><strong>{name}</strong>: {summary}</p>");
    }
    *html += &scores::table(sets);
    *html += "</section>\n";
}

fn push_runs(html: &mut String, runs: &[Run]) {
    *html += "<section>\n<h2>Training</h2>\n";
    if runs.len() > 1 {
        push_figures(html, &[("Val loss of all runs", charts::val_losses(runs))]);
    }
    for run in runs {
        let (name, summary) = (escape(&run.name), escape(&run.summary()));
        let _ = writeln!(html, "<h3>{name}</h3>\n<p>{summary}</p>");
        push_figures(html, &charts::run(run));
        push_options(html, run);
    }
    *html += "</section>\n";
}

fn push_options(html: &mut String, run: &Run) {
    if run.options.is_empty() {
        return;
    }
    *html += "<dl class=\"options\">\n";
    for (option, value) in &run.options {
        let (option, value) = (escape(option), escape(value));
        let _ = writeln!(html, "<div><dt>{option}</dt><dd>{value}</dd></div>");
    }
    *html += "</dl>\n";
}

fn push_set(html: &mut String, set: &Set) {
    let _ = writeln!(html, "<section>\n<h2>{}</h2>", escape(&set.name));
    push_figures(
        html,
        &[
            ("Ages, labelled and predicted", charts::ages(&set.outcomes)),
            ("Error by labelled age", charts::errors(&set.outcomes)),
            ("Age bins", charts::bins(&set.outcomes)),
            ("Genders", charts::genders(&set.confusion)),
        ],
    );
    *html += "<h3>What it is bad at</h3>\n<ul>\n";
    for sentence in bad_at(set) {
        let _ = writeln!(html, "<li>{}</li>", escape(&sentence));
    }
    *html += "</ul>\n";
    *html += &groups::tables(&set.groups);
    set.sheets.iter().for_each(|sheet| push_sheet(html, sheet));
    *html += "</section>\n";
}

/// Charts side by side where there is room; those that are empty are left out.
fn push_figures(html: &mut String, figures: &[(&str, String)]) {
    *html += "<div class=\"figures\">\n";
    for (title, svg) in figures.iter().filter(|figure| !figure.1.is_empty()) {
        let _ = writeln!(html, "<figure><figcaption>{title}</figcaption>\n{svg}</figure>");
    }
    *html += "</div>\n";
}

fn push_sheet(html: &mut String, sheet: &pictures::Sheet) {
    let _ = writeln!(html, "<h3>{}</h3>\n<div class=\"sheet\">", sheet.title);
    for face in &sheet.faces {
        let caption = escape(&face.caption);
        let picture = face.uri.as_ref().map_or_else(
            || "<span>no picture</span>".to_owned(),
            |uri| format!("<img src=\"{uri}\" alt=\"{caption}\">"),
        );
        let _ = writeln!(html, "<figure>{picture}<figcaption>{caption}</figcaption></figure>");
    }
    *html += "</div>\n";
}
