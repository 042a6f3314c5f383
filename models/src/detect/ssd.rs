//! Single-shot detectors without landmarks, such as UltraFace (Linzaer 2019, "Ultra-Light-Fast-Generic-Face-
//! Detector-1MB"): a score and a box for each of many places.
//!
//! # Shapes
//! With `n` the number of boxes, in the order that the manifest says:
//! - scores: `[1, n, 2]`, f32, probabilities of background and face
//! - boxes: `[1, n, 4]`, f32: left, top, right and bottom as shares of the input; or, where the manifest has
//!   priors, x, y, width and height from those

use super::Face;
use super::networked::{Decode, row};
use super::priors::PriorBoxes;
use crate::geometry::Rect;
use crate::manifest::detector::{DetectorSpec, Output};
use crate::tensor::Tensor;

/// How a network tells its boxes.
enum Boxes {
    /// This many, by their corners.
    Corners(usize),
    /// By what they differ from priors.
    Offsets(PriorBoxes),
}

/// How the outputs of such a network are read.
pub(super) struct Ssd {
    outputs: Vec<Output>,
    boxes: Boxes,
    input: [f32; 2],
}

impl Ssd {
    /// Of a checked manifest.
    pub(super) fn new(spec: &DetectorSpec) -> Self {
        let boxes = match &spec.priors {
            Some(priors) => Boxes::Offsets(PriorBoxes::new(priors, spec.input)),
            None => Boxes::Corners(spec.corners.unwrap_or_default() as usize),
        };
        let input = spec.input.map(|side| side as f32);
        Self { outputs: spec.outputs.clone(), boxes, input }
    }

    fn bounds(&self, at: usize, told: [f32; 4]) -> Rect {
        match &self.boxes {
            Boxes::Offsets(priors) => priors.bounds(at, told),
            Boxes::Corners(_) => {
                let [left, top, right, bottom] = told;
                let [across, down] = self.input;
                let (width, height) = ((right - left) * across, (bottom - top) * down);
                Rect::new(left * across, top * down, width, height)
            }
        }
    }
}

impl Decode for Ssd {
    fn shapes(&self) -> Vec<Vec<usize>> {
        let boxes = match &self.boxes {
            Boxes::Corners(count) => *count,
            Boxes::Offsets(priors) => priors.len(),
        };
        shapes(&self.outputs, boxes)
    }

    fn faces(&self, outputs: &[Tensor], score_min: f32) -> Vec<Face> {
        let boxes = pick(outputs, &self.outputs, Output::Boxes);
        let scores = pick(outputs, &self.outputs, Output::Scores);
        let bounds = |at| self.bounds(at, row(boxes, at));
        let face = |(at, score)| Face { bounds: bounds(at), score, landmarks: None };
        sure(scores, score_min).map(face).collect()
    }
}

/// The shapes of the outputs of a network that tells this many boxes.
pub(super) fn shapes(outputs: &[Output], boxes: usize) -> Vec<Vec<usize>> {
    let depth = |output: &Output| match output {
        Output::Scores => 2,
        Output::Boxes => 4,
        Output::Landmarks => 10,
    };
    outputs.iter().map(|output| vec![1, boxes, depth(output)]).collect()
}

/// The output that is `wanted`, of those that the manifest names in the graph's order.
pub(super) fn pick<'a>(outputs: &'a [Tensor], names: &[Output], wanted: Output) -> &'a Tensor {
    let place = names.iter().position(|&name| name == wanted);
    &outputs[place.expect("a manifest is refused where it does not name each output once")]
}

/// Where the probability of a face is at least `score_min`, and that probability, at most 1.
pub(super) fn sure(scores: &Tensor, score_min: f32) -> impl Iterator<Item = (usize, f32)> {
    let faces = scores.values.iter().skip(1).step_by(2).enumerate();
    let sure = faces.filter(move |&(_, &score)| score >= score_min);
    sure.map(|(at, score)| (at, score.min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Detector, said};
    use crate::image::RgbView;
    use image::RgbImage;

    const CORNERS: &str = r#"
        [detector]
        family = "ssd"
        input = [64, 32]
        fit = "stretch"
        score_min = 0.5
        nms_iou = 0.3
        outputs = ["scores", "boxes"]
        corners = 3
        [detector.pixels]
        order = "rgb"
        mean = [127, 127, 127]
        scale = [0.0078125, 0.0078125, 0.0078125]
    "#;

    fn tensor(shape: [usize; 3], values: &[f32]) -> Tensor {
        Tensor::new(shape, values.to_vec()).unwrap()
    }

    fn detect(detector: &mut dyn Detector) -> Vec<Face> {
        let picture = RgbImage::new(128, 128);
        detector.detect(&RgbView::of(&picture).unwrap()).unwrap()
    }

    #[test]
    fn corners_are_shares_of_the_stretched_picture() {
        let scores = tensor([1, 3, 2], &[0.9, 0.1, 0.25, 0.75, 0.0, 1.0]);
        let told = [0.0, 0.0, 1.0, 1.0, 0.25, 0.5, 0.5, 0.75, 0.5, 0.5, 0.25, 1.0];
        let boxes = tensor([1, 3, 4], &told);
        let mut detector = said::open(CORNERS, [32, 64], &[scores, boxes]).unwrap();
        // The first is background and the third turned inside out.
        let bounds = Rect::new(32.0, 64.0, 32.0, 32.0);
        let expected = Face { bounds, score: 0.75, landmarks: None };
        assert_eq!(detect(detector.as_mut()), [expected]);
    }

    #[test]
    fn offsets_are_from_priors_and_outputs_in_the_order_of_the_manifest() {
        let priors =
            "[detector.priors]\nstrides = [32]\nmin_sizes = [[16]]\nvariances = [0.1, 0.2]";
        let table = CORNERS
            .replace("corners = 3", "")
            .replace(r#"["scores", "boxes"]"#, r#"["boxes", "scores"]"#);
        let scores = tensor([1, 2, 2], &[1.0, 0.0, 0.0, 1.0]);
        let boxes = tensor([1, 2, 4], &[0.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0]);
        let table = format!("{table}\n{priors}");
        let mut detector = said::open(&table, [32, 64], &[boxes, scores]).unwrap();
        // The second prior's centre is (48, 16), its side 16: moved by half of it.
        let bounds = Rect::new(2.0 * 48.0, 4.0 * 8.0, 2.0 * 16.0, 4.0 * 16.0);
        assert_eq!(detect(detector.as_mut()), [Face { bounds, score: 1.0, landmarks: None }]);
    }

    #[test]
    fn a_network_of_another_number_of_boxes_is_refused() {
        let outputs = [tensor([1, 2, 2], &[0.0; 4]), tensor([1, 2, 4], &[0.0; 8])];
        let refusal = said::open(CORNERS, [32, 64], &outputs).err().unwrap();
        let source = std::error::Error::source(&refusal).unwrap().to_string();
        assert_eq!(source, "output 0 is [1, 2, 2], the manifest says [1, 3, 2]");
    }

    #[test]
    fn numbers_that_are_none_make_no_face_and_no_trouble() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            let outputs = [tensor([1, 3, 2], &[value; 6]), tensor([1, 3, 4], &[value; 12])];
            let mut detector = said::open(CORNERS, [32, 64], &outputs).unwrap();
            assert_eq!(detect(detector.as_mut()), [], "{value}");
        }
    }
}
