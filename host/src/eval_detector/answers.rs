//! What each detector says of each picture: asked here, or read from another program's JSON.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use models::bundle::Bundle;
use models::detect::{self, Detector, Face};
use models::geometry::{Landmarks, Point, Rect};
use models::image::RgbView;
use models::manifest::detector::Fit;
use models::session;
use rayon::prelude::*;
use serde::Deserialize;

use super::truth::{Picture, Search};
use crate::files::{read_picture, sha256};
use crate::progress;

/// A picture that keeps its shape is enlarged at most so much.
const ENLARGE_MAX: f32 = 2.0;

/// A detector and its answers: a column of the tables.
pub(super) struct Column {
    pub(super) name: String,
    /// SHA-256 of the bundle or of the file of answers.
    pub(super) sha256: String,
    pub(super) input: Input,
    /// For each picture the faces found in it.
    pub(super) found: Vec<Vec<Face>>,
}

/// What a detector scales a picture to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Input {
    /// It fits into so many pixels across and down.
    Within([f32; 2]),
    /// It becomes so many pixels wide and high, whatever its shape.
    Stretched([f32; 2]),
    /// Not told.
    Unknown,
}

impl Input {
    /// Network pixels a picture pixel; of the two where it is stretched, the geometric mean.
    pub(super) fn scale(self, [width, height]: [u32; 2]) -> Option<f32> {
        let (width, height) = (width as f32, height as f32);
        match self {
            Self::Within([across, down]) => {
                Some((across / width).min(down / height).min(ENLARGE_MAX))
            }
            Self::Stretched([across, down]) => Some((across / width * down / height).sqrt()),
            Self::Unknown => None,
        }
    }
}

/// Asks the detector that `choice` names.
pub(super) fn ask(choice: &str, pictures: &[Picture]) -> Result<Column> {
    let (name, place) = choice.split_once('=').map_or((None, choice), |(n, p)| (Some(n), p));
    // Opened once here so that a broken bundle is one error and not one a thread.
    let Opened { detector, sha256, input } = open(place)?;
    let name = name.unwrap_or(detector.name()).to_owned();
    let bar = progress::bar("detect", pictures.len() as u64);
    let found = pictures.par_iter().map_init(
        || open(place).map(|opened| opened.detector),
        |detector, picture| {
            bar.inc(1);
            let detector = detector.as_mut().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            Ok(find(detector.as_mut(), picture).unwrap_or_else(|error| {
                eprintln!("{}: {error:#}", picture.path.display());
                vec![]
            }))
        },
    );
    let found = found.collect::<Result<_>>()?;
    bar.finish_and_clear();
    Ok(Column { name, sha256, input, found })
}

struct Opened {
    detector: Box<dyn Detector>,
    sha256: String,
    input: Input,
}

/// Opens `embedded`, or the bundle in the folder `place`.
fn open(place: &str) -> Result<Opened> {
    let bundle =
        if place == "embedded" { detect::embedded()? } else { Bundle::open(Path::new(place))? };
    let sha256 = bundle.sha256().to_owned();
    let spec = bundle.manifest().detector.as_ref().context("the bundle holds no detector")?;
    let sides = spec.input.map(|side| side as f32);
    let input = match spec.fit {
        Fit::Letterbox => Input::Within(sides),
        Fit::Stretch => Input::Stretched(sides),
    };
    let detector = detect::open(bundle, &session::Options::default())?;
    Ok(Opened { detector, sha256, input })
}

fn find(detector: &mut dyn Detector, picture: &Picture) -> Result<Vec<Face>> {
    let pixels = read_picture(&picture.path)?;
    let view = RgbView::of(&pixels).context("the picture is empty")?;
    Ok(match picture.search {
        Search::Still => detect::find_faces(detector, &view)?,
        Search::Frame => detector.detect(&view)?,
    })
}

/// One line of the kiosk's JSON: what is needed of it.
#[derive(Deserialize)]
struct Line {
    source: PathBuf,
    #[serde(default)]
    faces: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    box_px: [f32; 4],
    score: f32,
    #[serde(default)]
    landmarks_px: Option<[[f32; 2]; 5]>,
}

impl From<Said> for Face {
    fn from(said: Said) -> Self {
        let [left, top, width, height] = said.box_px;
        let landmarks =
            said.landmarks_px.map(|points| Landmarks(points.map(|[x, y]| Point::new(x, y))));
        Self { bounds: Rect::new(left, top, width, height), score: said.score, landmarks }
    }
}

/// Reads the answers of another program.
///
/// # Errors
/// A file that cannot be read or is no such JSON, or a picture that it leaves out.
pub(super) fn read(choice: &str, pictures: &[Picture]) -> Result<Column> {
    let (name, path) = choice.split_once('=').map_or((None, choice), |(n, p)| (Some(n), p));
    let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    let stem = || Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let found = parse(&text, pictures).with_context(|| format!("reading {path}"))?;
    let name = name.map_or_else(stem, str::to_owned);
    Ok(Column { name, sha256: sha256(text.as_bytes()), input: Input::Unknown, found })
}

fn parse(text: &str, pictures: &[Picture]) -> Result<Vec<Vec<Face>>> {
    let lines = text.lines().enumerate().map(|(at, line)| {
        let line: Line = serde_json::from_str(line).with_context(|| format!("line {}", at + 1))?;
        Ok((line.source, line.faces.into_iter().map(Face::from).collect()))
    });
    let mut lines: HashMap<PathBuf, Vec<Face>> = lines.collect::<Result<_>>()?;
    let take = |picture: &Picture| {
        let path = &picture.path;
        lines.remove(path).with_context(|| format!("it says nothing of {}", path.display()))
    };
    pictures.iter().map(take).collect()
}

#[cfg(test)]
mod tests {
    use super::super::truth::Truth;
    use super::*;

    fn picture(path: &str) -> Picture {
        Picture::new(path.into(), "scenes", Truth::Counted(1))
    }

    #[test]
    fn the_kiosk_s_json_is_read_whether_or_not_it_has_landmarks() {
        let text = "{\"source\":\"b.jpg\",\"error\":\"no picture\"}\n\
            {\"source\":\"a.jpg\",\"width_px\":9,\"faces\":[\
            {\"box_px\":[1,2,3,4],\"score\":0.5,\"landmarks_px\":null,\"age\":3},\
            {\"box_px\":[1,2,3,4],\"score\":0.4,\"landmarks_px\":[[0,1],[2,3],[4,5],[6,7],[8,9]]}]}";
        let found = parse(text, &[picture("a.jpg"), picture("b.jpg")]).unwrap();
        assert_eq!((found[0].len(), found[1].len()), (2, 0));
        assert_eq!(found[0][0].bounds, Rect::new(1.0, 2.0, 3.0, 4.0));
        assert_eq!(found[0][1].landmarks.unwrap().0[4], Point::new(8.0, 9.0));
    }

    #[test]
    fn a_picture_that_is_left_out_and_a_line_that_is_no_json_are_named() {
        let error = parse("{\"source\":\"a.jpg\"}", &[picture("b.jpg")]).unwrap_err();
        assert_eq!(error.to_string(), "it says nothing of b.jpg");
        let error = parse("{\"source\":\"a.jpg\"}\nhello", &[]).unwrap_err();
        assert_eq!(error.to_string(), "line 2");
    }

    #[test]
    fn a_picture_that_keeps_its_shape_is_enlarged_at_most_twice() {
        let within = Input::Within([320.0, 240.0]);
        assert_eq!(within.scale([640, 960]), Some(0.25));
        assert_eq!(within.scale([128, 96]), Some(2.0));
        assert_eq!(Input::Stretched([320.0, 240.0]).scale([160, 30]), Some(4.0));
        assert_eq!(Input::Unknown.scale([1, 1]), None);
    }
}
