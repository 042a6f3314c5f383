//! YuNet (Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector"), run from a bundle.
//!
//! The grids and how they are read follow libfacedetection.train and OpenCV's `FaceDetectorYN`.

use image::RgbImage;

use super::{DetectError, Detector, Face, scale, suppress};
use crate::bundle::Bundle;
use crate::geometry::{Landmarks, Point, Rect};
use crate::image::RgbView;
use crate::manifest::{ChannelOrder, DetectorSpec, InputSpec, Precision};
use crate::preprocess::Preprocessor;
use crate::session::{Contract, Options, Session};
use crate::tensor::Tensor;

/// Input pixels a cell of each of the three grids.
const STRIDES: [u32; 3] = [8, 16, 32];

/// A picture is enlarged at most this much: more only blurs.
const ENLARGE_MAX: f32 = 2.0;

/// The detector with its network.
#[derive(Debug)]
pub struct Yunet {
    session: Session,
    preprocessor: Preprocessor,
    spec: DetectorSpec,
    name: String,
}

impl Yunet {
    /// The detector of a bundle, which it takes.
    pub fn open(bundle: Bundle, options: &Options) -> Result<Self, DetectError> {
        let name = bundle.manifest().name.clone();
        let Some(spec) = bundle.manifest().detector.clone() else {
            return Err(DetectError::Kind { name });
        };
        let session = Session::open(bundle.into_network(), &contract(spec.input), options)?;
        let input = InputSpec { order: ChannelOrder::Bgr, mean: [0.0; 3], scale: [1.0; 3] };
        let name = label(&name, spec.input);
        Ok(Self { session, preprocessor: Preprocessor::new(&input), spec, name })
    }

    /// The picture in the left top corner of the network's input, and its scale there.
    fn fit(&self, picture: &RgbView<'_>) -> (RgbImage, f32) {
        let [width, height] = self.spec.input;
        let across = width as f32 / picture.width() as f32;
        let down = height as f32 / picture.height() as f32;
        let factor = across.min(down).min(ENLARGE_MAX);
        let mut canvas = RgbImage::new(width, height);
        image::imageops::replace(&mut canvas, &scale::scaled(picture, factor), 0, 0);
        (canvas, factor)
    }
}

impl Detector for Yunet {
    fn detect(&mut self, picture: &RgbView<'_>) -> Result<Vec<Face>, DetectError> {
        let (canvas, factor) = self.fit(picture);
        let outputs = self.session.run(&self.preprocessor.tensor(&canvas))?;
        let mut faces = Vec::new();
        for (level, stride) in STRIDES.into_iter().enumerate() {
            let columns = self.spec.input[0] / stride;
            let grid = Grid { outputs: &outputs, level, columns, stride: stride as f32 };
            let cells =
                (0..outputs[level].values.len()).filter(|&c| grid.score(c) >= self.spec.score_min);
            faces.extend(cells.map(|cell| grid.face(cell, 1.0 / factor)));
        }
        Ok(suppress(faces, self.spec.nms_iou))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// The bundle's name and its input's size: networks of other sizes find other faces.
fn label(name: &str, [width, height]: [u32; 2]) -> String {
    if width == height { format!("{name}-{width}") } else { format!("{name}-{width}x{height}") }
}

/// Twelve outputs: class, objectness, box and landmarks, each at the three strides.
fn contract([width, height]: [u32; 2]) -> Contract {
    let cells = |stride: u32| (width / stride) as usize * (height / stride) as usize;
    let grids = |depth: usize| STRIDES.map(|stride| vec![1, cells(stride), depth]);
    Contract {
        input: vec![1, 3, height as usize, width as usize],
        outputs: [1, 1, 4, 10].into_iter().flat_map(grids).collect(),
        precision: Precision::F32,
    }
}

/// The four outputs at one stride.
struct Grid<'a> {
    outputs: &'a [Tensor],
    level: usize,
    columns: u32,
    stride: f32,
}

impl Grid<'_> {
    /// √(class · objectness), in [0, 1].
    fn score(&self, cell: usize) -> f32 {
        let share = |output: usize| self.row::<1>(output, cell)[0].clamp(0.0, 1.0);
        (share(0) * share(1)).sqrt()
    }

    /// The face of a cell, in pixels of the picture: `enlarge` times those of the input.
    fn face(&self, cell: usize, enlarge: f32) -> Face {
        let column = (cell % self.columns as usize) as f32;
        let line = (cell / self.columns as usize) as f32;
        let unit = self.stride * enlarge;
        let point = |x: f32, y: f32| Point::new((column + x) * unit, (line + y) * unit);
        let [x, y, width, height] = self.row::<4>(2, cell);
        let (width, height) = (width.exp() * unit, height.exp() * unit);
        let center = point(x, y);
        let spots = self.row::<10>(3, cell);
        Face {
            bounds: Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height),
            score: self.score(cell),
            // The person's right eye comes first: the left one in the picture.
            landmarks: Some(Landmarks(std::array::from_fn(|i| {
                point(spots[2 * i], spots[2 * i + 1])
            }))),
        }
    }

    /// What output `output` (class, objectness, box, landmarks) says of a cell.
    fn row<const N: usize>(&self, output: usize, cell: usize) -> [f32; N] {
        let values = &self.outputs[output * STRIDES.len() + self.level].values;
        std::array::from_fn(|i| values[cell * N + i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_size_of_the_input() {
        assert_eq!(label("yunet", [320, 320]), "yunet-320");
        assert_eq!(label("yunet", [320, 640]), "yunet-320x640");
    }

    #[test]
    fn a_cell_is_read_by_the_paper() {
        let cells = 4;
        let mut outputs: Vec<Tensor> = [1, 1, 1, 1, 1, 1, 4, 4, 4, 10, 10, 10]
            .map(|depth| Tensor { shape: vec![1, cells, depth], values: vec![0.0; cells * depth] })
            .into();
        let (level, cell) = (1, 3);
        outputs[level].values[cell] = 0.5;
        outputs[3 + level].values[cell] = 0.5;
        outputs[6 + level].values[cell * 4..].copy_from_slice(&[0.5, 0.25, 0.0, 2f32.ln()]);
        outputs[9 + level].values[cell * 10..][..2].copy_from_slice(&[-1.0, 1.0]);
        let grid = Grid { outputs: &outputs, level, columns: 2, stride: 16.0 };
        let face = grid.face(cell, 0.5);
        assert_eq!(face.score, 0.5);
        assert_eq!(face.bounds.center(), Point::new(1.5 * 8.0, 1.25 * 8.0));
        assert_eq!(face.bounds.width, 8.0);
        assert!((face.bounds.height - 16.0).abs() < 1e-5);
        assert_eq!(face.landmarks.unwrap().0[0], Point::new(0.0, 16.0));
    }
}
