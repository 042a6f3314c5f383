//! Finds faces: one trait, its makers, and what they share.

mod grid;
mod networked;
mod priors;
mod refine;
mod retinaface;
#[cfg(test)]
mod said;
mod scale;
mod ssd;
mod suppress;
mod triangle;
mod yunet;

use thiserror::Error;

use crate::bundle::{Bundle, BundleError};
use crate::geometry::{Landmarks, Point, Rect};
use crate::image::RgbView;
use crate::session::{Options, SessionError};
use networked::Networked;
use scale::{bordered, scaled};

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
    #[error("running the detector")]
    Session(#[from] SessionError),
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

/// The detector of a bundle, which it takes.
pub fn open(bundle: Bundle, options: &Options) -> Result<Box<dyn Detector + Send>, DetectError> {
    Ok(Box::new(Networked::open(bundle, options)?))
}

/// The bundle of the detector that is part of the program: `finder`, our own.
///
/// # Errors
/// None in a program whose tests passed: it is checked as a bundle in a folder is.
pub fn embedded() -> Result<Bundle, BundleError> {
    Bundle::from_memory(&[
        ("SHA256SUMS", include_bytes!("../bundles/finder/SHA256SUMS")),
        ("model.toml", include_bytes!("../bundles/finder/model.toml")),
        ("finder.onnx", include_bytes!("../bundles/finder/finder.onnx")),
        ("finder-refine.onnx", include_bytes!("../bundles/finder/finder-refine.onnx")),
    ])
}

/// The logistic function: from a logit to a score in [0, 1].
fn logistic(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// How wide the border of a second try is, as a share of the picture's longer side.
const BORDER: f32 = 0.2;

/// The longer side to which a picture is shrunk before it gets its border: twice what the built-in
/// detector works on.
const BORDERED_PX_MAX: f32 = 1600.0;

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
    if faces.is_empty() { find_within_border(detector, picture) } else { Ok(faces) }
}

/// The faces in a picture with a border around it, in pixels of the picture as it was.
pub fn find_within_border(
    detector: &mut dyn Detector,
    picture: &RgbView<'_>,
) -> Result<Vec<Face>, DetectError> {
    let shrink = (BORDERED_PX_MAX / picture.width().max(picture.height()) as f32).min(1.0);
    let shrunk = (shrink < 1.0).then(|| scaled(picture, shrink));
    let inner = shrunk.as_ref().and_then(RgbView::of).unwrap_or(*picture);
    let (wider, border_px) = bordered(&inner, BORDER);
    let Some(view) = RgbView::of(&wider) else { return Ok(Vec::new()) };
    let found = detector.detect(&view)?;
    Ok(found.into_iter().map(|face| without_border(&face, border_px, 1.0 / shrink)).collect())
}

/// A face in a bordered picture, in the picture that was shrunk to lie within the border.
fn without_border(face: &Face, border_px: f32, enlarge: f32) -> Face {
    let inner = |p: Point| Point::new((p.x - border_px) * enlarge, (p.y - border_px) * enlarge);
    let bounds = face.bounds.moved(-border_px, -border_px).scaled(enlarge);
    Face { bounds, landmarks: face.landmarks.map(|landmarks| landmarks.map(inner)), ..*face }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

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
    fn a_picture_without_a_find_is_tried_with_a_border() {
        let picture = RgbImage::new(100, 50);
        let view = RgbView::of(&picture).unwrap();
        assert_eq!(find_faces(&mut Shy(99), &view).unwrap(), [face(20.0, 1.0)]);
        let inside = Face { bounds: Rect::new(0.0, -20.0, 10.0, 10.0), ..face(0.0, 1.0) };
        assert_eq!(find_faces(&mut Shy(100), &view).unwrap(), [inside]);
        assert_eq!(find_faces(&mut Shy(1000), &view).unwrap(), []);
    }

    /// Notes the size of every picture it is shown, and finds a face in the second.
    #[derive(Default)]
    struct Noting(Vec<(usize, usize)>);

    impl Detector for Noting {
        fn detect(&mut self, picture: &RgbView<'_>) -> Result<Vec<Face>, DetectError> {
            self.0.push((picture.width(), picture.height()));
            let landmarks = Some(Landmarks([Point::new(420.0, 320.0); 5]));
            let face = Face { landmarks, ..face(420.0, 1.0) };
            Ok(if self.0.len() == 2 { vec![face] } else { vec![] })
        }

        fn name(&self) -> &str {
            "noting"
        }
    }

    #[test]
    fn a_long_picture_is_shrunk_before_it_gets_a_border() {
        let picture = RgbImage::new(16_384, 1);
        let mut noting = Noting::default();
        find_faces(&mut noting, &RgbView::of(&picture).unwrap()).unwrap();
        assert_eq!(noting.0, [(16_384, 1), (2240, 641)]);
    }

    #[test]
    fn a_face_within_a_border_is_told_in_pixels_of_the_picture() {
        let picture = RgbImage::new(3200, 1600);
        let found = find_faces(&mut Noting::default(), &RgbView::of(&picture).unwrap()).unwrap();
        assert_eq!(found[0].bounds, Rect::new(200.0, -640.0, 20.0, 20.0));
        assert_eq!(found[0].landmarks, Some(Landmarks([Point::new(200.0, 0.0); 5])));
    }
}
