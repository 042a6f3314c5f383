//! This project's own detector: one convolution at each of three strides says of every cell whether a face
//! is there, where its box is and where its landmarks are.
//!
//! # Shapes
//! For each stride of 8, 16 and 32, `[1, 15, height / stride, width / stride]`, f32; with `c` a cell's
//! centre, `((column + 0.5) · stride, (row + 0.5) · stride)`, its channels are
//! - 0: the score's logit
//! - 1–2: from `c` to the box's centre, x and y, in strides
//! - 3–4: ln(width / stride), ln(height / stride)
//! - 5–14: from `c` to each of the five landmarks, x and y, in strides

use super::networked::Decode;
use super::{Face, logistic};
use crate::geometry::{Landmarks, Point, Rect};
use crate::tensor::Tensor;

/// Input pixels a cell of each of the three grids.
const STRIDES: [u32; 3] = [8, 16, 32];

/// What is said of a cell: score, box, landmarks.
const CHANNELS: usize = 1 + 4 + 10;

/// How the outputs for an input of this width and height are read.
pub(super) struct Grid {
    input: [u32; 2],
}

impl Grid {
    /// Of an input of this width and height in pixels, multiples of 32.
    pub(super) fn new(input: [u32; 2]) -> Self {
        Self { input }
    }

    fn columns_and_rows(&self, stride: u32) -> [usize; 2] {
        self.input.map(|side| (side / stride) as usize)
    }
}

impl Decode for Grid {
    fn shapes(&self) -> Vec<Vec<usize>> {
        let shape = |stride| {
            let [columns, rows] = self.columns_and_rows(stride);
            vec![1, CHANNELS, rows, columns]
        };
        STRIDES.map(shape).into()
    }

    fn faces(&self, outputs: &[Tensor], score_min: f32) -> Vec<Face> {
        let levels = outputs.iter().zip(STRIDES).map(|(output, stride)| {
            let [columns, rows] = self.columns_and_rows(stride);
            let (values, cells) = (output.values.as_slice(), columns * rows);
            Level { values, cells, columns, stride: stride as f32 }
        });
        levels.flat_map(|level| level.faces(score_min)).collect()
    }
}

/// The output at one stride.
struct Level<'a> {
    values: &'a [f32],
    cells: usize,
    columns: usize,
    stride: f32,
}

impl Level<'_> {
    fn faces(&self, score_min: f32) -> Vec<Face> {
        let sure = |&cell: &usize| self.score(cell) >= score_min;
        (0..self.cells).filter(sure).map(|cell| self.face(cell)).collect()
    }

    fn at(&self, channel: usize, cell: usize) -> f32 {
        self.values[channel * self.cells + cell]
    }

    /// In [0, 1].
    fn score(&self, cell: usize) -> f32 {
        logistic(self.at(0, cell))
    }

    fn face(&self, cell: usize) -> Face {
        let center = self.point(1, cell);
        let [width, height] = [3, 4].map(|channel| self.at(channel, cell).exp() * self.stride);
        Face {
            bounds: Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height),
            score: self.score(cell),
            landmarks: Some(Landmarks(std::array::from_fn(|i| self.point(5 + 2 * i, cell)))),
        }
    }

    /// The point that is as far from the cell's centre as `channel` and the next one say.
    fn point(&self, channel: usize, cell: usize) -> Point {
        let [column, row] = [cell % self.columns, cell / self.columns].map(|at| at as f32 + 0.5);
        let [x, y] = [self.at(channel, cell), self.at(channel + 1, cell)];
        Point::new((column + x) * self.stride, (row + y) * self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::said;
    use crate::image::RgbView;
    use image::RgbImage;

    const TABLE: &str = r#"
        [detector]
        family = "grid"
        input = [64, 32]
        score_min = 0.5
        nms_iou = 0.3
        [detector.pixels]
        order = "rgb"
        mean = [128, 128, 128]
        scale = [0.015625, 0.015625, 0.015625]
    "#;

    /// Outputs for an input of 64×32 px in which no cell holds a face.
    fn nothing(grid: &Grid) -> Vec<Tensor> {
        let empty = |shape: Vec<usize>| {
            let len = shape.iter().product();
            Tensor { shape, values: vec![-20.0; len] }
        };
        grid.shapes().into_iter().map(empty).collect()
    }

    /// Lets one cell of one output say `channels`.
    fn put(output: &mut Tensor, [column, row]: [usize; 2], channels: [f32; CHANNELS]) {
        let [rows, columns] = [output.shape[2], output.shape[3]];
        for (channel, value) in channels.into_iter().enumerate() {
            output.values[(channel * rows + row) * columns + column] = value;
        }
    }

    #[test]
    fn there_is_a_grid_for_each_stride() {
        let shapes = Grid::new([64, 32]).shapes();
        assert_eq!(shapes, [[1, 15, 4, 8], [1, 15, 2, 4], [1, 15, 1, 2]]);
    }

    #[test]
    fn a_cell_is_read_from_its_centre_in_strides() {
        let grid = Grid::new([64, 32]);
        let mut outputs = nothing(&grid);
        let mut said = [0.0; CHANNELS];
        said[0] = 3f32.ln();
        (said[1], said[2]) = (0.25, -0.5);
        (said[3], said[4]) = (2f32.ln(), 4f32.ln());
        (said[5], said[6]) = (-1.0, 1.0);
        (said[13], said[14]) = (1.0, 2.0);
        put(&mut outputs[1], [3, 1], said);
        let faces = grid.faces(&outputs, 0.5);
        assert_eq!(faces.len(), 1);
        // The cell's centre is (56, 24), its stride 16.
        let Face { bounds, score, landmarks } = &faces[0];
        assert!((score - 0.75).abs() < 1e-6, "{score}");
        assert_eq!(bounds.center(), Point::new(60.0, 16.0));
        assert!((bounds.width - 32.0).abs() < 1e-4 && (bounds.height - 64.0).abs() < 1e-4);
        let Landmarks(points) = landmarks.unwrap();
        assert_eq!((points[0], points[1]), (Point::new(40.0, 40.0), Point::new(56.0, 24.0)));
        assert_eq!(points[4], Point::new(72.0, 56.0));
    }

    #[test]
    fn only_cells_that_score_enough_are_faces() {
        let grid = Grid::new([64, 32]);
        let mut outputs = nothing(&grid);
        for (column, logit) in [-0.1, 0.0, f32::NAN, f32::INFINITY].into_iter().enumerate() {
            let mut said = [0.0; CHANNELS];
            said[0] = logit;
            put(&mut outputs[0], [column, 0], said);
        }
        let scores: Vec<f32> = grid.faces(&outputs, 0.5).iter().map(|face| face.score).collect();
        assert_eq!(scores, [0.5, 1.0]);
    }

    #[test]
    fn a_bundle_of_this_family_finds_faces_in_pixels_of_the_picture() {
        let grid = Grid::new([64, 32]);
        let mut outputs = nothing(&grid);
        let mut face = [0.0; CHANNELS];
        face[0] = 4.0;
        put(&mut outputs[2], [0, 0], face);
        face[0] = 2.0;
        face[1] = 0.125;
        put(&mut outputs[2], [1, 0], face);
        (face[1], face[3]) = (0.0, 90.0);
        put(&mut outputs[1], [0, 0], face);
        let mut detector = said::open(TABLE, [32, 64], &outputs).unwrap();
        let picture = RgbImage::new(128, 64);
        let faces = detector.detect(&RgbView::of(&picture).unwrap()).unwrap();
        let bounds: Vec<Rect> = faces.iter().map(|face| face.bounds).collect();
        // The picture is twice as large as the input; the box e⁹⁰ strides wide is none.
        let first = Rect::new(0.0, 0.0, 64.0, 64.0);
        assert_eq!(bounds, [first, first.moved(72.0, 0.0)]);
        assert_eq!(detector.name(), "said-64x32");
    }

    #[test]
    fn a_network_with_other_outputs_is_refused_with_both_shapes() {
        let outputs = nothing(&Grid::new([64, 64]));
        let refusal = said::open(TABLE, [32, 64], &outputs).err().unwrap();
        let crate::detect::DetectError::Session(refusal) = refusal else { panic!("{refusal}") };
        let expected = "output 0 is [1, 15, 8, 8], the manifest says [1, 15, 4, 8]";
        assert_eq!(refusal.to_string(), expected);
    }

    #[test]
    fn numbers_that_are_none_make_no_face_and_no_trouble() {
        let picture = RgbImage::new(7, 5);
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 88.0] {
            let mut outputs = nothing(&Grid::new([64, 32]));
            outputs.iter_mut().for_each(|output| output.values.fill(value));
            let mut detector = said::open(TABLE, [32, 64], &outputs).unwrap();
            assert_eq!(detector.detect(&RgbView::of(&picture).unwrap()).unwrap(), [], "{value}");
        }
    }
}
