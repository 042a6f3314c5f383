//! The faces that were told worst, as small pictures: only where they are asked for.

use std::path::Path;

use anyhow::Result;
use image::codecs::jpeg::JpegEncoder;

use crate::files::read_picture;
use crate::metrics::groups::{signed_off_years, word};
use crate::metrics::{Outcome, predicted};
use crate::predictions::Prediction;

/// A thumbnail's longer side in pixels.
const SIDE_PX: u32 = 96;

/// Faces on a sheet.
const FACES_MAX: usize = 24;

/// Whether the worst faces are shown.
#[derive(Clone, Copy)]
pub(super) enum Worst {
    Hidden,
    Shown,
}

/// A row of pictures under a title.
pub(super) struct Sheet {
    pub(super) title: &'static str,
    pub(super) faces: Vec<Face>,
}

/// A picture and what is written below it.
pub(super) struct Face {
    /// A JPEG as a data URI; `None` where the picture cannot be read.
    pub(super) uri: Option<String>,
    pub(super) caption: String,
}

/// The ages furthest off, and the wrong genders that were most certain.
pub(super) fn sheets(rows: &[Prediction]) -> Vec<Sheet> {
    let age = |o: &Outcome| signed_off_years(o).map(f64::abs).filter(|off| *off > 0.0);
    let sheets = [
        Sheet { title: "Ages furthest off", faces: worst(rows, age) },
        Sheet { title: "Most certain of the wrong gender", faces: worst(rows, wrong_certainty) },
    ];
    sheets.into_iter().filter(|sheet| !sheet.faces.is_empty()).collect()
}

fn wrong_certainty(o: &Outcome) -> Option<f64> {
    let (label, answer) = (o.gender?, o.answer?);
    let certainty = answer.female.max(1.0 - answer.female);
    (predicted(answer) != label).then_some(f64::from(certainty))
}

/// The faces with the highest `badness`, worst first.
fn worst(rows: &[Prediction], badness: impl Fn(&Outcome) -> Option<f64>) -> Vec<Face> {
    let bad = rows.iter().filter_map(|row| Some((badness(&row.outcome())?, row)));
    let mut bad: Vec<_> = bad.collect();
    bad.sort_by(|a, b| b.0.total_cmp(&a.0));
    bad.truncate(FACES_MAX);
    bad.into_iter().map(|(_, row)| face(row)).collect()
}

fn face(row: &Prediction) -> Face {
    let uri = thumbnail(&row.path).map_err(|error| {
        eprintln!("report: no picture of {}: {error:#}", row.path.display());
    });
    Face { uri: uri.ok(), caption: caption(row) }
}

fn caption(row: &Prediction) -> String {
    let label = row.age().map(|age| age.to_string());
    let gender = row.gender.map(word);
    let label: Vec<String> = label.into_iter().chain(gender.map(str::to_owned)).collect();
    let (years, female) = (row.years.unwrap_or(0.0), row.female.unwrap_or(0.0));
    let (said, percent) = if female >= 0.5 { ("female", female) } else { ("male", 1.0 - female) };
    format!("{} → {years:.0}, {said} {:.0} %", label.join(", "), percent * 100.0)
}

/// The whole picture at most [`SIDE_PX`] long, as a JPEG data URI.
fn thumbnail(path: &Path) -> Result<String> {
    let picture = image::DynamicImage::ImageRgb8(read_picture(path)?);
    let small = picture.thumbnail(SIDE_PX, SIDE_PX).into_rgb8();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 80).encode_image(&small)?;
    Ok(format!("data:image/jpeg;base64,{}", base64(&jpeg)))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let six = (bits >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= three.len() { char::from(LETTERS[six]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10.
    #[test]
    fn bytes_become_the_letters_of_the_rfc() {
        for (bytes, letters) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), letters);
        }
    }
}
