//! YuNet (Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector"), as a family of networks.
//!
//! The grids and how they are read follow libfacedetection.train and OpenCV's `FaceDetectorYN`.

use super::Face;
use super::networked::{Decode, row};
use crate::geometry::{Landmarks, Point, Rect};
use crate::tensor::Tensor;

/// Input pixels a cell of each of the three grids.
const STRIDES: [u32; 3] = [8, 16, 32];

/// How the outputs for an input of this width and height are read.
pub(super) struct Yunet {
    input: [u32; 2],
}

impl Yunet {
    /// Of an input of this width and height in pixels, multiples of 32.
    pub(super) fn new(input: [u32; 2]) -> Self {
        Self { input }
    }
}

impl Decode for Yunet {
    /// Twelve: class, objectness, box and landmarks, each at the three strides.
    fn shapes(&self) -> Vec<Vec<usize>> {
        let [width, height] = self.input;
        let cells = |stride: u32| (width / stride) as usize * (height / stride) as usize;
        let grids = |depth: usize| STRIDES.map(|stride| vec![1, cells(stride), depth]);
        [1, 1, 4, 10].into_iter().flat_map(grids).collect()
    }

    fn faces(&self, outputs: &[Tensor], score_min: f32) -> Vec<Face> {
        let mut faces = Vec::new();
        for (level, stride) in STRIDES.into_iter().enumerate() {
            let grid =
                Grid { outputs, level, columns: self.input[0] / stride, stride: stride as f32 };
            let cells = 0..outputs[level].values.len();
            let sure = cells.filter(|&cell| grid.score(cell) >= score_min);
            faces.extend(sure.map(|cell| grid.face(cell)));
        }
        faces
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

    fn face(&self, cell: usize) -> Face {
        let column = (cell % self.columns as usize) as f32;
        let line = (cell / self.columns as usize) as f32;
        let point =
            |x: f32, y: f32| Point::new((column + x) * self.stride, (line + y) * self.stride);
        let [x, y, width, height] = self.row::<4>(2, cell);
        let (width, height) = (width.exp() * self.stride, height.exp() * self.stride);
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
        row(&self.outputs[output * STRIDES.len() + self.level], cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let face = grid.face(cell);
        assert_eq!(face.score, 0.5);
        assert_eq!(face.bounds.center(), Point::new(1.5 * 16.0, 1.25 * 16.0));
        assert_eq!(face.bounds.width, 16.0);
        assert!((face.bounds.height - 32.0).abs() < 1e-5);
        assert_eq!(face.landmarks.unwrap().0[0], Point::new(0.0, 32.0));
    }
}
