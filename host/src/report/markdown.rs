//! The report as Markdown: its tables and sentences, without charts.

use std::fmt::Write as _;

use super::amounts::{amount, interval, named, signed};
use super::runs::Run;
use super::sets::Set;
use super::{Report, page};
use crate::metrics::figure::Figure;
use crate::metrics::groups::Group;
use crate::metrics::measure::Unit;

/// All of it.
pub(super) fn report(report: &Report) -> String {
    let mut text = format!("# {}\n", plain(&report.title));
    report.sets.iter().for_each(|set| push_set(&mut text, set));
    report.runs.iter().for_each(|run| push_run(&mut text, run));
    let _ = write!(text, "\n{}\n\nMade by {}.\n", page::NOTES, report.made_by);
    text
}

fn push_set(text: &mut String, set: &Set) {
    let _ = write!(
        text,
        "\n## {}\n\n{}\n\n| | faces | score | 95 % | best constant guess | it says |\n|---|---|---|---|---|---|\n",
        plain(&set.name),
        set.summary()
    );
    for measure in &set.measures {
        let _ = writeln!(
            text,
            "| {}: {} | {} | {} | {} | {} | {} |",
            page::topic(measure.topic),
            named(measure.name, measure.unit),
            measure.faces,
            amount(Some(measure.figure.value), measure.unit),
            interval(Some(measure.figure), measure.unit),
            amount(measure.guess, measure.unit),
            measure.guess_says,
        );
    }
    *text += "\n### What it is bad at\n\n";
    for sentence in page::bad_at(set) {
        let _ = writeln!(text, "- {}", plain(&sentence));
    }
    *text += "\n### By group\n\n| | faces | found | off, years | bias, years | gender |\n|---|---|---|---|---|---|\n";
    set.groups.iter().for_each(|group| push_group(text, group));
}

fn push_group(text: &mut String, group: &Group) {
    let figure = |figure: Option<Figure>, unit| match figure {
        Some(f) => format!("{} ({})", amount(Some(f.value), unit), interval(figure, unit)),
        None => "–".to_owned(),
    };
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {} |",
        plain(&group.name),
        group.faces,
        amount(Some(group.found), Unit::Proportion),
        figure(group.off_years, Unit::Years),
        signed(group.bias_years.map(|bias| bias.value)),
        figure(group.gender, Unit::Proportion),
    );
}

fn push_run(text: &mut String, run: &Run) {
    let _ = write!(text, "\n## Run {}\n\n{}\n\n", plain(&run.name), run.summary());
    if !run.options.is_empty() {
        *text += "| option | value |\n|---|---|\n";
    }
    for (option, value) in &run.options {
        let _ = writeln!(text, "| {} | {} |", plain(option), plain(value));
    }
}

/// `text` as it may stand in a table's cell.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' => {
                plain.push('\\');
                plain.push(letter);
            }
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_a_table() {
        assert_eq!(plain("a|b\n<i>_c_"), "a\\|b \\<i\\>\\_c\\_");
    }
}
