//! report.md and report.json.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::Options;
use super::answers::Column;
use super::tables::{self, Data, Table};
use super::truth::Picture;
use crate::faces::Part;
use crate::files::{sha256_of, write_text};
use crate::metrics::figure::Figure;
use crate::out;

/// What a reader must know.
const NOTES: &str = "\
A box is a face from an overlap (IoU) of 0.4 on; in brackets are bootstrap 95 % intervals, pictures drawn anew.
Boxes beside the faces are those that are no labelled face; in pictures of the set `faces` some are other
people's. Pictures are searched as `kiosk analyze` does, within a border too where none is found, frames (clips,
variants) once, as `kiosk run` does; other programs as they do. Of the set `faces`, boxes and landmarks are
YuNet's at 640 x 640 px, to which YuNet is near by birth. `variants` are frames of 320 x 240 px made of those
faces: the picture set in at a place drawn by chance, its edges going on; sizes are the square root of the box's
area; faces larger than in their picture are blurred, turned ones have the box of an ellipse, and dark ones no
sensor's noise.
";

/// What report.json holds.
#[derive(Serialize)]
struct Report<'a> {
    made_by: String,
    /// Of scenes.csv and faces.csv.
    scenes_sha256: Option<String>,
    faces_sha256: Option<String>,
    part: Option<Part>,
    clips: &'a [String],
    variants: usize,
    seed: u64,
    iou: f32,
    detectors: Vec<Detector<'a>>,
    sets: Vec<Set<'a>>,
    tables: Vec<Table>,
}

#[derive(Serialize)]
struct Detector<'a> {
    name: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct Set<'a> {
    name: &'a str,
    pictures: usize,
    faces: usize,
}

/// Prints the tables and writes both files.
pub(super) fn write(options: &Options, pictures: &[Picture], columns: &[Column]) -> Result<()> {
    let hash = |path: &Option<std::path::PathBuf>| path.as_deref().map(sha256_of).transpose();
    let report = Report {
        made_by: format!("trainer {}, eval-detector", env!("CARGO_PKG_VERSION")),
        scenes_sha256: hash(&options.scenes)?,
        faces_sha256: hash(&options.faces)?,
        part: options.part,
        clips: &options.clips,
        variants: options.variants,
        seed: options.seed,
        iou: tables::IOU_MAIN,
        detectors: columns
            .iter()
            .map(|column| Detector { name: &column.name, sha256: &column.sha256 })
            .collect(),
        sets: tables::sets(pictures).into_iter().map(|name| set(name, pictures)).collect(),
        tables: tables::all(Data { pictures, columns }),
    };
    let text = markdown(&report);
    out::print(&text)?;
    write_text(&options.out.join("report.md"), &text)?;
    write_text(&options.out.join("report.json"), &serde_json::to_string_pretty(&report)?)
}

fn set<'a>(name: &'a str, pictures: &[Picture]) -> Set<'a> {
    let of_set = || pictures.iter().filter(|picture| picture.set == name);
    Set { name, pictures: of_set().count(), faces: of_set().map(Picture::count).sum() }
}

fn markdown(report: &Report<'_>) -> String {
    let mut text = format!("# Detectors side by side\n\n{NOTES}\n");
    let sets = report.sets.iter();
    let sets = sets.map(|set| format!("{} {} ({} faces)", set.pictures, set.name, set.faces));
    let _ = writeln!(text, "Pictures: {}.", sets.collect::<Vec<_>>().join(", "));
    report.tables.iter().for_each(|table| push_table(&mut text, table, &report.detectors));
    text
}

fn push_table(text: &mut String, table: &Table, detectors: &[Detector<'_>]) {
    let names = detectors.iter().map(|detector| detector.name).collect::<Vec<_>>().join(" | ");
    let rule = "---|".repeat(detectors.len());
    let _ = write!(text, "\n## {}\n\n| | of | {names} |\n|---|---|{rule}\n", table.title);
    for row in &table.rows {
        let count = row.count.map_or("–".to_owned(), |count| count.to_string());
        let cells = row.cells.iter().map(cell).collect::<Vec<_>>().join(" | ");
        let _ = writeln!(text, "| {} | {count} | {cells} |", row.name);
    }
}

fn cell(figure: &Option<Figure>) -> String {
    let text = |f: &Figure| format!("{:.3} ({:.3}–{:.3})", f.value, f.low, f.high);
    figure.as_ref().map_or_else(|| "–".to_owned(), text)
}
