//! The table for people: a line a face, written as soon as its picture is read.

use std::io::{self, Write};

use models::gender::GenderLabel;

use super::{FaceReport, PictureResult, Report};

/// Longer paths are shown by their ends.
const SOURCE_CHARS_MAX: usize = 48;

/// A table whose first column is as wide as the longest source.
#[derive(Debug)]
pub struct Table {
    source_chars: usize,
    pictures: usize,
    faces: usize,
    errors: usize,
}

impl Table {
    /// A table for pictures with these sources.
    pub fn new<'a>(sources: impl Iterator<Item = &'a str>) -> Self {
        let longest = sources.map(|source| source.chars().count()).max().unwrap_or(0);
        let source_chars = longest.clamp("SOURCE".len(), SOURCE_CHARS_MAX);
        Self { source_chars, pictures: 0, faces: 0, errors: 0 }
    }

    /// The head, below a line on the models.
    pub fn head(&self, models: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{models}")?;
        let figures = "FACE  APPARENT AGE  MOST LIKELY  PREDICTED GENDER  BOX x, y, w, h (px)";
        writeln!(out, "{:width$}  {figures}", "SOURCE", width = self.source_chars)
    }

    /// The lines of one picture.
    pub fn rows(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let source = self.cell(&report.source);
        match &report.result {
            PictureResult::Error { error } => {
                self.errors += 1;
                writeln!(out, "{source}     -  {}", printable(error))
            }
            PictureResult::Answer(picture) => {
                self.pictures += 1;
                self.faces += picture.faces.len();
                if picture.faces.is_empty() {
                    writeln!(out, "{source}     -  nobody found")?;
                }
                for (number, face) in (1..).zip(&picture.faces) {
                    writeln!(out, "{source}  {}", row(number, face))?;
                }
                Ok(())
            }
        }
    }

    /// The last line.
    pub fn foot(&self, out: &mut dyn Write) -> io::Result<()> {
        let (faces, pictures) = (count(self.faces, "face"), count(self.pictures, "picture"));
        let errors = match self.errors {
            0 => String::new(),
            errors => format!("; {}", count(errors, "error")),
        };
        writeln!(
            out,
            "{faces} in {pictures}{errors}. Guesses from looks: any of them can be wrong."
        )
    }

    fn cell(&self, source: &str) -> String {
        let source = printable(source);
        let (chars, width) = (source.chars().count(), self.source_chars);
        if chars <= width {
            return format!("{source:width$}");
        }
        let end: String = source.chars().skip(chars + 1 - width).collect();
        format!("…{end}")
    }
}

fn row(number: u32, face: &FaceReport) -> String {
    let (age, std) = (face.apparent_age_years, face.age_std_years);
    let gender = match face.gender.label {
        GenderLabel::Female => percent("female", face.gender.female),
        GenderLabel::Male => percent("male", face.gender.male),
        GenderLabel::Unsure => "unsure".to_owned(),
    };
    let [x, y, w, h] = face.box_px;
    let age = format!("{age:5.1} ± {std:<4.1}");
    let dominant = face.dominant_age_years;
    format!("{number:>4}  {age}  {dominant:>11}  {gender:16}  {x:.0}, {y:.0}, {w:.0}, {h:.0}")
}

fn percent(label: &str, share: f32) -> String {
    format!("{label:6} {:3.0} %", share * 100.0)
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// A file name may hold what steers a terminal; it is shown, not obeyed.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{GenderReport, PictureReport, Timing};

    fn report(source: &str, faces: usize) -> Report {
        let face = FaceReport {
            box_px: [12.4, -3.0, 99.6, 120.0],
            score: 0.9,
            landmarks_px: None,
            apparent_age_years: 36.44,
            age_std_years: 7.1,
            dominant_age_years: 34,
            age_probs: None,
            gender: GenderReport { female: 0.93, male: 0.07, label: GenderLabel::Female },
        };
        let picture = PictureReport {
            width_px: 640,
            height_px: 480,
            faces: vec![face; faces],
            timing_ms: Timing::default(),
        };
        Report { source: source.into(), result: PictureResult::Answer(picture) }
    }

    #[test]
    fn every_face_is_a_line_under_its_heading() {
        let sources = ["a.jpg", "\u{1b}[2Jb.jpg", "c.jpg"];
        let mut out = Vec::new();
        let mut table = Table::new(sources.iter().copied());
        table.head("faces: x", &mut out).unwrap();
        table.rows(&report(sources[0], 2), &mut out).unwrap();
        table.rows(&report(sources[1], 0), &mut out).unwrap();
        let error = PictureResult::Error { error: "the file is empty".into() };
        table.rows(&Report { result: error, ..report(sources[2], 0) }, &mut out).unwrap();
        table.foot(&mut out).unwrap();
        let expected = "\
faces: x
SOURCE     FACE  APPARENT AGE  MOST LIKELY  PREDICTED GENDER  BOX x, y, w, h (px)
a.jpg         1   36.4 ± 7.1            34  female  93 %      12, -3, 100, 120
a.jpg         2   36.4 ± 7.1            34  female  93 %      12, -3, 100, 120
\u{fffd}[2Jb.jpg     -  nobody found
c.jpg         -  the file is empty
2 faces in 2 pictures; 1 error. Guesses from looks: any of them can be wrong.
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn long_paths_are_shown_by_their_ends() {
        let source = format!("{}/face.jpg", "long/".repeat(50));
        let cell = Table::new([source.as_str()].into_iter()).cell(&source);
        assert_eq!(cell.chars().count(), SOURCE_CHARS_MAX);
        assert!(cell.starts_with('…') && cell.ends_with("/face.jpg"));
    }
}
