//! How good a bundle is for whom: age bands by gender, and by race where the labels have it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::labels::BINS;
use crate::metrics::groups::{signed_off_years, word};
use crate::metrics::{label_bin, predicted};
use crate::predictions::Prediction;

/// Groups of fewer faces are shown without figures: they would say nothing.
const GROUP_MIN: usize = 20;
/// How many of the weakest groups are named.
const WEAKEST: usize = 5;

/// What is told of a group.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    faces: usize,
    off_years: f64,
    bias_years: f64,
    right: usize,
}

/// Adds the tables of these faces, and their weakest groups.
pub(super) fn push(text: &mut String, rows: &[Prediction]) {
    let band = |row: &Prediction| row.age().map(|age| BINS[label_bin(age)].to_string());
    let gender = |row: &Prediction| row.gender.map(|gender| word(gender).to_owned());
    let race = |row: &Prediction| (!row.race.is_empty()).then(|| row.race.clone());
    push_table(text, "Age by labelled gender", rows, band, gender);
    push_table(text, "Race by labelled gender", rows, race, gender);
    push_table(text, "Race by age", rows, race, band);
    push_weakest(text, rows);
}

/// One row for each group of `row_of`, one column for each of `column_of`; nothing where a label is missing.
fn push_table(
    text: &mut String,
    title: &str,
    rows: &[Prediction],
    row_of: impl Fn(&Prediction) -> Option<String>,
    column_of: impl Fn(&Prediction) -> Option<String>,
) {
    let mut sums: BTreeMap<(Rank, Rank), Sum> = BTreeMap::new();
    for row in rows {
        let Some((line, column)) = row_of(row).zip(column_of(row)) else { continue };
        sums.entry((Rank::of(line), Rank::of(column))).or_default().add(row);
    }
    if sums.is_empty() {
        return;
    }
    let columns: Vec<Rank> = distinct(sums.keys().map(|key| &key.1));
    let names: Vec<&str> = columns.iter().map(|column| column.1.as_str()).collect();
    let _ = write!(
        text,
        "\n### {title}\n\nEach cell: faces · years off the label (bias) · right genders.\n\n| | {} |\n|---|{}\n",
        names.join(" | "),
        "---|".repeat(columns.len())
    );
    for line in distinct(sums.keys().map(|key| &key.0)) {
        let cell = |column: &Rank| sums.get(&(line.clone(), column.clone())).map(Sum::cell);
        let cells: Vec<String> =
            columns.iter().map(|c| cell(c).unwrap_or_else(|| "–".into())).collect();
        let _ = writeln!(text, "| {} | {} |", line.1, cells.join(" | "));
    }
}

/// The groups by age, gender and race together whose ages, and whose genders, are told worst.
fn push_weakest(text: &mut String, rows: &[Prediction]) {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for row in rows {
        if let (Some(age), Some(gender)) = (row.age(), row.gender) {
            let race = if row.race.is_empty() { String::new() } else { format!("{}, ", row.race) };
            let name = format!("{race}{}, {}", word(gender), BINS[label_bin(age)]);
            sums.entry(name).or_default().add(row);
        }
    }
    sums.retain(|_, sum| sum.faces >= GROUP_MIN);
    let mut worst: Vec<(&String, &Sum)> = sums.iter().collect();
    *text += "\n### Where it fails\n\n";
    let mut list = |title: &str, badness: fn(&Sum) -> f64, told: fn(&Sum) -> String| {
        worst.sort_by(|a, b| badness(b.1).total_cmp(&badness(a.1)));
        let named = worst.iter().take(WEAKEST);
        let named = named.map(|(name, sum)| format!("{name} ({}, {} faces)", told(sum), sum.faces));
        let _ = writeln!(text, "- {title}: {}.", named.collect::<Vec<_>>().join("; "));
    };
    list("Ages told worst", Sum::off, |sum| format!("{:.1} years off", sum.off()));
    list(
        "Genders told worst",
        |sum| -sum.right(),
        |sum| format!("{:.0} % right", sum.right() * 100.0),
    );
}

/// Sorts ages as numbers and all else by letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank(u32, String);

impl Rank {
    fn of(name: String) -> Self {
        let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
        Self(digits.parse().unwrap_or(0), name)
    }
}

fn distinct<'a>(ranks: impl Iterator<Item = &'a Rank>) -> Vec<Rank> {
    ranks.cloned().collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

impl Sum {
    fn add(&mut self, row: &Prediction) {
        let outcome = row.outcome();
        let off = signed_off_years(&outcome).unwrap_or(0.0);
        self.faces += 1;
        self.off_years += off.abs();
        self.bias_years += off;
        let right = outcome.answer.zip(row.gender).is_some_and(|(a, label)| predicted(a) == label);
        self.right += usize::from(right);
    }

    fn off(&self) -> f64 {
        self.off_years / self.faces as f64
    }

    fn right(&self) -> f64 {
        self.right as f64 / self.faces as f64
    }

    fn cell(&self) -> String {
        if self.faces < GROUP_MIN {
            return format!("{} faces", self.faces);
        }
        let bias = self.bias_years / self.faces as f64;
        format!("{} · {:.1} ({bias:+.1}) · {:.0} %", self.faces, self.off(), self.right() * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::GenderMark;

    fn faces(count: usize, lo: u8, years: f32, race: &str) -> Vec<Prediction> {
        let one = Prediction {
            path: "a".into(),
            age_lo: Some(lo),
            age_hi: Some(lo + 9),
            gender: Some(GenderMark::Female),
            race: race.to_owned(),
            source: String::new(),
            apparent_mean: None,
            apparent_std: None,
            found: true,
            years: Some(years),
            dominant: Some(lo),
            label_prob: Some(0.5),
            female: Some(0.9),
            std_years: Some(5.0),
        };
        vec![one; count]
    }

    #[test]
    fn each_group_has_its_cell_and_small_ones_no_figures() {
        let mut rows = faces(30, 20, 33.0, "blue");
        rows.extend(faces(3, 20, 25.0, "green"));
        let mut text = String::new();
        push(&mut text, &rows);
        assert!(text.contains("| blue | 30 · 4.0 (+4.0) · 100 % |\n| green | 3 faces |"), "{text}");
        assert!(text.contains("| 20–29 | 33 · 3.6 (+3.6) · 100 % |"), "{text}");
        assert!(text.contains("Ages told worst: blue, female, 20–29 (4.0 years off, 30 faces)."));
    }

    #[test]
    fn ages_are_in_the_order_of_years() {
        let ranks = ["10–19", "3–9", "70–100"].map(|name| Rank::of(name.to_owned()));
        let sorted = distinct(ranks.iter());
        assert_eq!(
            sorted.iter().map(|r| r.1.as_str()).collect::<Vec<_>>(),
            ["3–9", "10–19", "70–100"]
        );
    }
}
