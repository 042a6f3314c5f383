//! The second look at what a detector found: each face closer, by a network of its own.

use super::{Face, logistic};
use crate::crop::warp;
use crate::geometry::{Landmarks, Point};
use crate::image::RgbView;
use crate::manifest::Precision;
use crate::manifest::detector::RefineSpec;
use crate::preprocess::Preprocessor;
use crate::session::{Contract, Options, Session, SessionError};

/// At most so many faces of a picture are looked at, those of the best scores: a detector that sees faces everywhere
/// must not hold up the program.
pub(super) const LOOKS_MAX: usize = 64;

/// What is said of a face: score, landmarks.
const CHANNELS: usize = 1 + 10;

/// The network that looks once more.
pub(super) struct Refine {
    session: Session,
    spec: RefineSpec,
}

impl Refine {
    /// With the network of a bundle.
    pub(super) fn open(
        network: Vec<u8>,
        spec: RefineSpec,
        precision: Precision,
        options: &Options,
    ) -> Result<Self, SessionError> {
        let side = spec.crop.size_px as usize;
        let contract =
            Contract { input: vec![1, 3, side, side], outputs: vec![vec![1, CHANNELS]], precision };
        Ok(Self { session: Session::open(network, &contract, options)?, spec })
    }

    /// `face` as it looks from close by too; `None` where that is no face.
    ///
    /// Landmarks are the mean of both looks: the second's alone are as far off as the first's, and in other directions
    /// (on 1,330 faces of FairFace's val part 0.084 and 0.085 eye distances where upright, their mean 0.077).
    pub(super) fn look(
        &mut self,
        picture: &RgbView<'_>,
        face: &Face,
        preprocessor: &Preprocessor,
    ) -> Result<Option<Face>, SessionError> {
        // However sure the second look were, the mean would not be enough.
        if face.score.sqrt() < self.spec.score_min {
            return Ok(None);
        }
        let crop = &self.spec.crop;
        let place = crop.place(&face.bounds, face.landmarks.as_ref());
        let close = warp(picture, &place, crop.size_px);
        let outputs = self.session.run(&preprocessor.tensor(&close))?;
        let said = &outputs[0].values;
        let score = (face.score * logistic(said[0])).sqrt();
        let half = crop.size_px as f32 / 2.0;
        let seen = |i: usize| {
            let [x, y] = [said[1 + 2 * i], said[2 + 2 * i]];
            place.apply(Point::new(half + x * half, half + y * half))
        };
        let mean = |i: usize| {
            let seen = seen(i);
            let first = face.landmarks.map_or(seen, |Landmarks(first)| first[i]);
            Point::new(f32::midpoint(first.x, seen.x), f32::midpoint(first.y, seen.y))
        };
        let landmarks = Some(Landmarks(std::array::from_fn(mean))).filter(Landmarks::is_valid);
        let is_face = score >= self.spec.score_min;
        Ok(is_face.then_some(Face { score, landmarks, ..*face }))
    }
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::detect::said;
    use crate::tensor::Tensor;

    const TABLE: &str = r#"
        [detector]
        family = "grid"
        input = [64, 32]
        score_min = 0.25
        nms_iou = 0.3
        [detector.pixels]
        order = "rgb"
        mean = [128, 128, 128]
        scale = [0.015625, 0.015625, 0.015625]
        [detector.refine]
        score_min = 0.5
        [detector.refine.crop]
        size_px = 32
        template = [[0.25, 0.25], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0.75, 0.75]]
        box_scale = 2.0
        box_shift_y = 0.0
    "#;

    /// What is found in a picture of 128×64 px, where the first network sees a face of 32×32 px around (32, 32) whose
    /// eyes are 32 px apart, with a score of 0.8, and another one around (96, 32), with 0.5; and of each the second
    /// says this.
    fn found(again: [f32; CHANNELS]) -> Vec<Face> {
        let spots = [[-0.25, -0.25], [0.25, -0.25], [0.0, 0.0], [-0.25, 0.25], [0.25, 0.25]];
        let side = -(2f32.ln());
        let face: Vec<f32> =
            [0.0, 0.0, side, side].into_iter().chain(spots.into_iter().flatten()).collect();
        let outputs = [[4, 8], [2, 4], [1, 2]].map(|[rows, columns]| {
            let mut values = vec![-20.0; 15 * rows * columns];
            if rows == 1 {
                values[..2].copy_from_slice(&[4f32.ln(), 0.0]);
                values.splice(2.., face.iter().flat_map(|&value| [value; 2]));
            }
            Tensor { shape: vec![1, 15, rows, columns], values }
        });
        let again = Tensor { shape: vec![1, CHANNELS], values: again.into() };
        let mut detector = said::refined(TABLE, [32, 64], &outputs, (32, again)).unwrap();
        let picture = RgbImage::new(128, 64);
        detector.detect(&RgbView::of(&picture).unwrap()).unwrap()
    }

    #[test]
    fn a_face_is_the_mean_of_both_looks() {
        // The crop lies so that the first network's landmarks are on the template: a pixel of it is two of the picture's.
        let mut again = [0.0; CHANNELS];
        again[0] = 4f32.ln();
        (again[1], again[2]) = (-0.5, 0.25);
        let [left, right] = &found(again)[..] else { panic!("two faces") };
        assert!((left.score - 0.8).abs() < 1e-6, "{}", left.score);
        assert!((right.score - 0.4f32.sqrt()).abs() < 1e-6, "{}", right.score);
        assert_eq!(left.bounds.center(), Point::new(32.0, 32.0));
        let Landmarks(points) = left.landmarks.unwrap();
        let near = |p: Point, x: f32, y: f32| (p.x - x).abs() < 1e-3 && (p.y - y).abs() < 1e-3;
        assert!(near(points[0], 16.0, 28.0) && near(points[4], 40.0, 40.0), "{points:?}");
    }

    #[test]
    fn what_is_no_face_from_close_by_is_none() {
        let surely = |logit| found([logit; CHANNELS]).len();
        // √(0.8 · 0.5) is enough, √(0.5 · 0.47) is not.
        assert_eq!([surely(2.0), surely(-0.1), surely(-1.0)], [2, 1, 0]);
        assert_eq!(found([f32::NAN; CHANNELS]), []);
        for broken in [f32::INFINITY, f32::MAX] {
            assert!(found([broken; CHANNELS]).iter().all(|face| face.landmarks.is_none()));
        }
    }

    #[test]
    fn a_second_network_of_another_shape_is_refused() {
        let nothing = |[rows, columns]: [usize; 2]| {
            let shape = vec![1, 15, rows, columns];
            Tensor { values: vec![0.0; 15 * rows * columns], shape }
        };
        let outputs = [[4, 8], [2, 4], [1, 2]].map(nothing);
        let again = Tensor { shape: vec![1, 15], values: vec![0.0; 15] };
        let refusal = said::refined(TABLE, [32, 64], &outputs, (32, again)).err().unwrap();
        let crate::detect::DetectError::Session(refusal) = refusal else { panic!("{refusal}") };
        assert_eq!(refusal.to_string(), "output 0 is [1, 15], the manifest says [1, 11]");
    }
}
