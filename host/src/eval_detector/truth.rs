//! Pictures, and what is known of the faces in them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use models::geometry::{Landmarks, Rect};
use serde::Deserialize;

use crate::faces::FaceRow;
use crate::files::pictures_under;
use crate::table::Table;

/// A picture and what is true of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) path: PathBuf,
    /// What the report calls its set.
    pub(super) set: String,
    pub(super) search: Search,
    pub(super) truth: Truth,
    /// How its face was changed, of frames made here.
    pub(super) change: Option<Change>,
    /// Width and height in pixels; 0 until measured.
    pub(super) size_px: [u32; 2],
}

/// How the kiosk looks for faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// In a picture: within a border too, where there seem to be none.
    Still,
    /// In a frame of a camera: once.
    Frame,
}

/// What is known of a picture's faces.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Truth {
    /// Where each is.
    Boxed(Vec<TrueFace>),
    /// How many there are.
    Counted(usize),
}

/// A labelled face, in its picture's pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TrueFace {
    pub(super) bounds: Rect,
    pub(super) landmarks: Option<Landmarks>,
    /// Mean brightness within the box, 0 to 255; 0 until measured.
    pub(super) luma: f32,
}

/// How the face of a frame differs from its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The square root of its box's area, before it was turned.
    pub(super) size_px: u16,
    /// Clockwise.
    pub(super) turn_degrees: u16,
    /// Of its brightness, what is left.
    pub(super) light_percent: u16,
}

impl Picture {
    /// A picture of `set` without changes, yet to be measured.
    pub(super) fn new(path: PathBuf, set: &str, truth: Truth) -> Self {
        let set = set.to_owned();
        Self { path, set, search: Search::Still, truth, change: None, size_px: [0; 2] }
    }

    /// Its labelled faces; none where only their number is known.
    pub(super) fn faces(&self) -> &[TrueFace] {
        match &self.truth {
            Truth::Boxed(faces) => faces,
            Truth::Counted(_) => &[],
        }
    }

    /// How many faces it shows.
    pub(super) fn count(&self) -> usize {
        match &self.truth {
            Truth::Boxed(faces) => faces.len(),
            Truth::Counted(count) => *count,
        }
    }

    /// Whether boxes that are no labelled face are wrong.
    pub(super) fn is_boxed(&self) -> bool {
        matches!(self.truth, Truth::Boxed(_))
    }
}

impl TrueFace {
    pub(super) fn new(bounds: Rect, landmarks: Option<Landmarks>) -> Self {
        Self { bounds, landmarks, luma: 0.0 }
    }

    /// The square root of its box's area, in pixels.
    pub(super) fn size_px(&self) -> f32 {
        self.bounds.area().sqrt()
    }

    /// How far the line through its eyes leans, in degrees from 0 to 180.
    pub(super) fn turn_degrees(&self) -> Option<f32> {
        let [left, right, ..] = self.landmarks?.0;
        Some((right.y - left.y).atan2(right.x - left.x).to_degrees().abs())
    }
}

#[derive(Deserialize)]
struct SceneRow {
    path: String,
    faces: Option<usize>,
    #[serde(default)]
    boxes_left_top_w_h: String,
}

/// The pictures of a CSV below `root`. Rows that say nothing of faces, or whose file is not there, are left out
/// and counted on stderr.
pub(super) fn scenes(csv: &Path, root: &Path) -> Result<Vec<Picture>> {
    let table = Table::open(csv)?;
    let headers = table.headers.clone();
    let rows: Vec<Option<Picture>> = table
        .rows(|record| scene(record.deserialize(Some(&headers))?, root))
        .collect::<Result<_>>()?;
    let (all, pictures) = (rows.len(), rows.into_iter().flatten());
    let there: Vec<Picture> = pictures.filter(|picture| picture.path.is_file()).collect();
    let left_out = all - there.len();
    if left_out > 0 {
        eprintln!("{}: {left_out} of {all} rows have no faces told or no picture", csv.display());
    }
    Ok(there)
}

fn scene(row: SceneRow, root: &Path) -> Result<Option<Picture>> {
    let truth = if !row.boxes_left_top_w_h.is_empty() {
        let boxes: Vec<[f32; 4]> = serde_json::from_str(&row.boxes_left_top_w_h)
            .with_context(|| format!("column boxes_left_top_w_h: {:?}", row.boxes_left_top_w_h))?;
        let boxes = boxes.into_iter().map(|[left, top, width, height]| {
            let bounds = Rect::new(left, top, width, height);
            ensure!(bounds.is_valid(), "a box is {bounds:?}, expected one with an area");
            Ok(TrueFace::new(bounds, None))
        });
        Truth::Boxed(boxes.collect::<Result<_>>()?)
    } else if let Some(count) = row.faces {
        Truth::Counted(count)
    } else {
        return Ok(None);
    };
    let set = row.path.split('/').next().unwrap_or_default();
    Ok(Some(Picture::new(root.join(&row.path), set, truth)))
}

/// The frames of `FOLDER=FACES`.
pub(super) fn clip(choice: &str) -> Result<Vec<Picture>> {
    let parts = choice.rsplit_once('=').and_then(|(dir, count)| Some((dir, count.parse().ok()?)));
    let (folder, count) =
        parts.with_context(|| format!("--clip {choice}: expected FOLDER=FACES"))?;
    let paths = pictures_under(Path::new(folder))?;
    ensure!(!paths.is_empty(), "{folder} holds no picture");
    let frame = |path| Picture {
        search: Search::Frame,
        ..Picture::new(path, "clips", Truth::Counted(count))
    };
    Ok(paths.into_iter().map(frame).collect())
}

/// The pictures of a faces.csv whose face has a box.
pub(super) fn single_faces(rows: &[FaceRow]) -> Vec<Picture> {
    let picture = |row: &FaceRow| {
        let face = TrueFace::new(row.bounds()?, row.landmarks());
        Some(Picture::new(row.path.clone(), "faces", Truth::Boxed(vec![face])))
    };
    rows.iter().filter_map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::geometry::Point;

    fn row(path: &str, faces: Option<usize>, boxes: &str) -> SceneRow {
        SceneRow { path: path.into(), faces, boxes_left_top_w_h: boxes.into() }
    }

    #[test]
    fn a_scene_tells_boxes_or_a_number_or_nothing() {
        let root = Path::new("/d");
        let read = |row| scene(row, root).unwrap();
        let boxed = read(row("scenes/a.jpg", Some(1), "[[1, 2, 3, 4]]")).unwrap();
        assert_eq!((boxed.path, boxed.set.as_str()), ("/d/scenes/a.jpg".into(), "scenes"));
        let face = TrueFace::new(Rect::new(1.0, 2.0, 3.0, 4.0), None);
        assert_eq!(boxed.truth, Truth::Boxed(vec![face]));
        assert_eq!(read(row("noface/b.png", Some(0), "[]")).unwrap().truth, Truth::Boxed(vec![]));
        assert_eq!(read(row("dark/c.jpg", Some(3), "")).unwrap().truth, Truth::Counted(3));
        assert_eq!(read(row("formats/empty.jpg", None, "")), None);
        assert!(scene(row("s/d.jpg", None, "[[1, 2]]"), root).is_err());
        assert!(scene(row("s/d.jpg", None, "[[1, 2, 0, 4]]"), root).is_err());
    }

    #[test]
    fn a_clip_without_a_number_is_refused() {
        assert!(clip("frames").unwrap_err().to_string().contains("FOLDER=FACES"));
        assert!(clip("frames=many").is_err());
    }

    #[test]
    fn a_face_leans_as_its_eyes_do() {
        let mut points = [Point::default(); 5];
        points[1] = Point::new(10.0, -10.0);
        let face = TrueFace::new(Rect::new(0.0, 0.0, 4.0, 9.0), Some(Landmarks(points)));
        assert!((face.turn_degrees().unwrap() - 45.0).abs() < 1e-4);
        assert!((face.size_px() - 6.0).abs() < 1e-6);
    }
}
