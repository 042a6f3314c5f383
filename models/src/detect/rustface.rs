//! SeetaFace (Wu et al. 2016, "Funnel-Structured Cascade for Multi-View Face Detection with
//! Alignment-Awareness"), by the crate `rustface`: the default that needs no file.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::RgbImage;
use rustface::{FaceInfo, ImageData, Model};

use super::suppress::suppress;
use super::{DetectError, Detector, Face, scale};
use crate::geometry::Rect;
use crate::image::RgbView;

/// SeetaFace's frontal model (BSD-2-Clause; the licence lies beside it).
const WEIGHTS: &[u8] = include_bytes!("../../assets/seeta_fd_frontal_v1.0.bin");

/// The picture's longer side while it is searched: the time grows with its square, and the smallest
/// face that is found spans [`WINDOW_PX`] of it.
const WORKING_PX: f32 = 800.0;

/// A picture is enlarged at most this much: more only blurs.
const ENLARGE_MAX: f32 = 2.0;

/// The cascade's window.
const WINDOW_PX: u32 = 40;

/// Scale from one step of the search to the next.
const PYRAMID_STEP: f32 = 0.8;

/// The cascade's own score from which a window counts as a face.
const CASCADE_SCORE_MIN: f64 = 2.0;

/// Of two boxes whose IoU is above this, only the better one stays.
const NMS_IOU: f32 = 0.3;

/// The detector; it looks at brightness only and finds no landmarks.
pub struct RustFace {
    model: Model,
}

impl RustFace {
    /// The detector with the weights that are part of the program.
    pub fn embedded() -> Result<Self, DetectError> {
        let model = catch_unwind(|| rustface::read_model(WEIGHTS));
        let model = model.map_err(|_| DetectError::Weights("its reader panicked".to_owned()))?;
        Ok(Self { model: model.map_err(|e| DetectError::Weights(e.to_string()))? })
    }

    fn search(&self, grey: &[u8], width: u32, height: u32) -> Vec<FaceInfo> {
        let mut cascade = rustface::create_detector_with_model(self.model.clone());
        cascade.set_score_thresh(CASCADE_SCORE_MIN);
        cascade.set_pyramid_scale_factor(PYRAMID_STEP);
        cascade.detect(&ImageData::new(grey, width, height))
    }
}

impl Detector for RustFace {
    fn detect(&mut self, picture: &RgbView<'_>) -> Result<Vec<Face>, DetectError> {
        let longer = picture.width().max(picture.height()) as f32;
        let factor = (WORKING_PX / longer).min(ENLARGE_MAX);
        let working = scale::scaled(picture, factor);
        let (width, height) = working.dimensions();
        if width.min(height) < WINDOW_PX {
            return Ok(Vec::new());
        }
        let grey = luma(&working);
        let found = catch_unwind(AssertUnwindSafe(|| self.search(&grey, width, height)));
        let (width, height) = (picture.width(), picture.height());
        let found = found.map_err(|_| DetectError::Panicked { width, height })?;
        let faces = found.iter().map(|info| face(info, 1.0 / factor)).collect();
        Ok(suppress(faces, NMS_IOU))
    }

    fn name(&self) -> &str {
        "rustface"
    }
}

/// Brightness by ITU-R BT.601, as the cascade was trained on.
fn luma(picture: &RgbImage) -> Vec<u8> {
    let weighted = |p: &image::Rgb<u8>| {
        let [r, g, b] = p.0.map(u32::from);
        (299 * r + 587 * g + 114 * b + 500) / 1000
    };
    picture.pixels().map(|p| u8::try_from(weighted(p)).expect("a mean of bytes")).collect()
}

fn face(info: &FaceInfo, enlarge: f32) -> Face {
    let square = info.bbox();
    let side = square.width() as f32;
    let square = Rect::new(square.x() as f32, square.y() as f32, side, side).scaled(enlarge);
    // The cascade's score has no upper end; half of the faces of the FairFace archive reach 15.
    #[allow(clippy::cast_possible_truncation, reason = "a share needs no more digits")]
    let score = (1.0 - (-info.score() / 10.0).exp()) as f32;
    Face { bounds: normalised(&square), score, landmarks: None }
}

/// The cascade's square as a box from forehead to chin and from ear to ear.
///
/// Medians over the 318 of 396 FairFace training faces that it found once, against YuNet's boxes.
fn normalised(square: &Rect) -> Rect {
    const WIDTH: f32 = 0.885;
    const HEIGHT: f32 = 1.155;
    const DOWN: f32 = 0.01;
    let (center, side) = (square.center(), square.width);
    let (width, height) = (WIDTH * side, HEIGHT * side);
    let top = center.y + DOWN * side - height / 2.0;
    Rect::new(center.x - width / 2.0, top, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_becomes_a_taller_box_around_the_same_face() {
        let bounds = normalised(&Rect::new(10.0, 20.0, 100.0, 100.0));
        assert!((bounds.width - 88.5).abs() < 1e-3 && (bounds.height - 115.5).abs() < 1e-3);
        assert!((bounds.center().x - 60.0).abs() < 1e-3 && (bounds.center().y - 71.0).abs() < 1e-3);
    }

    #[test]
    fn grey_is_as_bright_as_it_looks() {
        let picture = RgbImage::from_raw(2, 1, vec![255, 255, 255, 0, 255, 0]).unwrap();
        assert_eq!(luma(&picture), [255, 150]);
    }

    #[test]
    fn a_picture_without_faces_or_too_small_for_one_gives_none() {
        let mut detector = RustFace::embedded().unwrap();
        for (width, height) in [(1, 1), (19, 500), (90, 60)] {
            let picture = RgbImage::from_pixel(width, height, image::Rgb([90, 120, 60]));
            assert_eq!(detector.detect(&RgbView::of(&picture).unwrap()).unwrap(), []);
        }
    }
}
