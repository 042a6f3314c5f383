//! RetinaFace (Deng et al. 2020, "RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild") as the
//! exports of biubug6/Pytorch_Retinaface have it: an SSD by priors that tells five landmarks too.
//!
//! # Shapes
//! With `n` the number of priors, in the order that the manifest says:
//! - scores: `[1, n, 2]`, f32, probabilities of background and face
//! - boxes: `[1, n, 4]`, f32: x, y, width and height from a prior
//! - landmarks: `[1, n, 10]`, f32: x and y of each from a prior's centre, the left eye in the picture first

use super::Face;
use super::networked::{Decode, row};
use super::priors::PriorBoxes;
use super::ssd::{pick, shapes, sure};
use crate::geometry::Landmarks;
use crate::manifest::detector::{DetectorSpec, Output};
use crate::tensor::Tensor;

/// How the outputs of such a network are read.
pub(super) struct Retinaface {
    outputs: Vec<Output>,
    priors: PriorBoxes,
}

impl Retinaface {
    /// Of a checked manifest.
    pub(super) fn new(spec: &DetectorSpec) -> Self {
        let priors = spec.priors.as_ref().expect("a manifest of this family is refused without");
        Self { outputs: spec.outputs.clone(), priors: PriorBoxes::new(priors, spec.input) }
    }

    fn landmarks(&self, at: usize, told: [f32; 10]) -> Landmarks {
        Landmarks(std::array::from_fn(|i| self.priors.point(at, [told[2 * i], told[2 * i + 1]])))
    }
}

impl Decode for Retinaface {
    fn shapes(&self) -> Vec<Vec<usize>> {
        shapes(&self.outputs, self.priors.len())
    }

    fn faces(&self, outputs: &[Tensor], score_min: f32) -> Vec<Face> {
        let [scores, boxes, landmarks] = [Output::Scores, Output::Boxes, Output::Landmarks]
            .map(|wanted| pick(outputs, &self.outputs, wanted));
        let face = |(at, score)| Face {
            bounds: self.priors.bounds(at, row(boxes, at)),
            score,
            landmarks: Some(self.landmarks(at, row(landmarks, at))),
        };
        sure(scores, score_min).map(face).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::said;
    use crate::geometry::{Point, Rect};
    use crate::image::RgbView;
    use image::RgbImage;

    const TABLE: &str = r#"
        [detector]
        family = "retinaface"
        input = [64, 32]
        score_min = 0.5
        nms_iou = 0.4
        outputs = ["boxes", "scores", "landmarks"]
        [detector.pixels]
        order = "bgr"
        mean = [104, 117, 123]
        scale = [1, 1, 1]
        [detector.priors]
        strides = [16, 32]
        min_sizes = [[10], [20]]
        variances = [0.1, 0.2]
    "#;

    /// Ten priors, all of them background but the last.
    fn outputs() -> [Tensor; 3] {
        let zeros = |depth| Tensor { shape: vec![1, 10, depth], values: vec![0.0; 10 * depth] };
        let [boxes, mut scores, mut landmarks] = [4, 2, 10].map(zeros);
        scores.values[19] = 0.875;
        landmarks.values[90] = -5.0;
        landmarks.values[91] = 2.5;
        [boxes, scores, landmarks]
    }

    #[test]
    fn a_face_is_told_from_its_prior_in_pixels_of_the_picture() {
        let mut detector = said::open(TABLE, [32, 64], &outputs()).unwrap();
        let picture = RgbImage::new(128, 64);
        let faces = detector.detect(&RgbView::of(&picture).unwrap()).unwrap();
        assert_eq!((faces.len(), faces[0].score), (1, 0.875));
        // The last prior's centre is (48, 16), its side 20; the picture is twice as large.
        assert_eq!(faces[0].bounds, Rect::new(76.0, 12.0, 40.0, 40.0));
        let Landmarks(points) = faces[0].landmarks.unwrap();
        assert_eq!((points[0], points[1]), (Point::new(76.0, 42.0), Point::new(96.0, 32.0)));
    }

    #[test]
    fn numbers_that_are_none_make_no_face_and_no_trouble() {
        let picture = RgbImage::new(5, 9);
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            let mut outputs = outputs();
            outputs.iter_mut().for_each(|output| output.values.fill(value));
            let mut detector = said::open(TABLE, [32, 64], &outputs).unwrap();
            assert_eq!(detector.detect(&RgbView::of(&picture).unwrap()).unwrap(), [], "{value}");
        }
    }
}
