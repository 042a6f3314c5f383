//! Finds faces: one trait, its makers, and what they share.

pub mod rustface;
mod scale;
pub mod yunet;

use thiserror::Error;

use crate::geometry::{Landmarks, Rect};
use crate::image::RgbView;
use crate::session::SessionError;
use scale::bordered;

/// Why a detector could not be made or failed.
#[derive(Debug, Error)]
pub enum DetectError {
    /// The bundle holds another kind of model.
    #[error("bundle {name} is no detector: expected a [detector] table")]
    Kind {
        /// The bundle's name.
        name: String,
    },
    /// Its network is refused or did not run.
    #[error("detector: {0}")]
    Session(#[from] SessionError),
    /// The weights built into the program cannot be read.
    #[error("detector: its built-in weights cannot be read: {0}")]
    Weights(String),
    /// The detector broke off on this picture.
    #[error("detector broke off on a picture of {width}x{height} px")]
    Panicked {
        /// The picture's width in pixels.
        width: usize,
        /// The picture's height in pixels.
        height: usize,
    },
}

/// A face in a picture, in that picture's pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// From forehead to chin and from ear to ear; it may reach outside the picture.
    pub bounds: Rect,
    /// How sure the detector is, in [0, 1].
    pub score: f32,
    /// From detectors that find them.
    pub landmarks: Option<Landmarks>,
}

/// Something that finds faces.
pub trait Detector {
    /// The faces in a picture, best score first, each once.
    fn detect(&mut self, picture: &RgbView<'_>) -> Result<Vec<Face>, DetectError>;

    /// Its name, for people.
    fn name(&self) -> &str;
}

/// How wide the border of a second try is, as a share of the picture's longer side.
const BORDER: f32 = 0.2;

/// The faces in a picture; where there seem to be none, it is tried once more within a border.
///
/// Detectors learn faces with something around them and miss one that fills its picture. Of 200
/// tight FairFace crops, the built-in detector found 162 as they are, 161 within a grey border and
/// 169 within one that goes on as the picture's edge does.
pub fn find_faces(
    detector: &mut dyn Detector,
    picture: &RgbView<'_>,
) -> Result<Vec<Face>, DetectError> {
    let faces = detector.detect(picture)?;
    if !faces.is_empty() {
        return Ok(faces);
    }
    let (wider, border_px) = bordered(picture, BORDER);
    let Some(view) = RgbView::of(&wider) else { return Ok(faces) };
    let found = detector.detect(&view)?;
    Ok(found.into_iter().map(|face| moved(&face, -border_px)).collect())
}

fn moved(face: &Face, by_px: f32) -> Face {
    let landmarks = face
        .landmarks
        .map(|landmarks| landmarks.map(|p| crate::geometry::Point::new(p.x + by_px, p.y + by_px)));
    Face { bounds: face.bounds.moved(by_px, by_px), landmarks, ..*face }
}

/// Sorts by score and drops each face that overlaps a better one by more than `iou_max`.
fn suppress(mut faces: Vec<Face>, iou_max: f32) -> Vec<Face> {
    faces.retain(|face| face.bounds.is_valid() && face.score.is_finite());
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Face> = Vec::new();
    for face in faces {
        if kept.iter().all(|better| better.bounds.iou(&face.bounds) <= iou_max) {
            kept.push(face);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;
    use proptest::prelude::*;

    fn face(left: f32, score: f32) -> Face {
        Face { bounds: Rect::new(left, 0.0, 10.0, 10.0), score, landmarks: None }
    }

    /// Finds one face, and only in pictures larger than `0`.
    struct Shy(usize);

    impl Detector for Shy {
        fn detect(&mut self, picture: &RgbView<'_>) -> Result<Vec<Face>, DetectError> {
            Ok(if picture.width() > self.0 { vec![face(20.0, 1.0)] } else { vec![] })
        }

        fn name(&self) -> &str {
            "shy"
        }
    }

    #[test]
    fn the_better_of_two_overlapping_faces_stays() {
        let kept = suppress(vec![face(0.0, 0.5), face(1.0, 0.9), face(30.0, 0.7)], 0.3);
        assert_eq!(kept, [face(1.0, 0.9), face(30.0, 0.7)]);
    }

    #[test]
    fn broken_boxes_and_scores_are_dropped() {
        let flat = Face { bounds: Rect::new(0.0, 0.0, 0.0, 4.0), ..face(0.0, 1.0) };
        assert!(suppress(vec![face(f32::NAN, 1.0), face(0.0, f32::NAN), flat], 0.3).is_empty());
    }

    #[test]
    fn a_picture_without_a_find_is_tried_with_a_border() {
        let picture = RgbImage::new(100, 50);
        let view = RgbView::of(&picture).unwrap();
        assert_eq!(find_faces(&mut Shy(99), &view).unwrap(), [face(20.0, 1.0)]);
        let inside = Face { bounds: Rect::new(0.0, -20.0, 10.0, 10.0), ..face(0.0, 1.0) };
        assert_eq!(find_faces(&mut Shy(100), &view).unwrap(), [inside]);
        assert_eq!(find_faces(&mut Shy(1000), &view).unwrap(), []);
    }

    proptest! {
        #[test]
        fn suppressing_twice_changes_nothing(spots in prop::collection::vec((0f32..60.0, 0f32..1.0), 0..20)) {
            let once = suppress(spots.iter().map(|&(left, score)| face(left, score)).collect(), 0.3);
            prop_assert_eq!(suppress(once.clone(), 0.3), once);
        }
    }
}
