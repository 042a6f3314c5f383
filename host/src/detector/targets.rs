//! Which cells of the three grids must tell of a scene's faces, and what.
//!
//! A face belongs to the grids whose stride suits its size, there to the cells near its middle (the
//! centre sampling of FCOS, Tian et al. 2019, with sizes that overlap).

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cells of a grid are few"
)]

use models::geometry::Point;

use super::scenes::SceneFace;

/// Numbers a cell: whether it shows a face (1, 0, or −1 where it does not count), the box's middle, ln of
/// its sides and ten landmarks, all in strides from the cell's centre; and the face's size in strides.
pub(super) const WIDTH: usize = 16;

/// Strides of the grids in pixels, and which sizes of faces (√ of the box's area in pixels) each finds.
pub(super) const GRIDS: [(u32, std::ops::Range<f32>); 3] =
    [(8, 0.0..38.0), (16, 28.0..96.0), (32, 72.0..f32::INFINITY)];

/// So far beyond its range a size neither must be found by a grid nor counts as wrong.
const BEYOND: f32 = 1.4;

/// A face's middle is as far around its centre, as a share of its size, and at most so many strides.
const MIDDLE: (f32, f32) = (0.28, 1.1);

/// Cells of all grids over a scene of `size` pixels.
pub(super) fn cells(size: [u32; 2]) -> usize {
    GRIDS.iter().map(|(stride, _)| (size[0] / stride * (size[1] / stride)) as usize).sum()
}

/// What every cell must tell of a scene of `size` pixels.
///
/// # Shapes
/// - targets: `[cells, WIDTH]`, grid by grid, row by row
pub(super) fn targets(faces: &[SceneFace], size: [u32; 2]) -> Vec<f32> {
    let mut targets = Vec::with_capacity(cells(size) * WIDTH);
    for (stride, sizes) in &GRIDS {
        let (columns, rows) = (size[0] / stride, size[1] / stride);
        let begin = targets.len();
        targets.resize(begin + (columns * rows) as usize * WIDTH, 0.0);
        let grid = Grid { cells: &mut targets[begin..], columns, rows, stride: *stride as f32 };
        grid.fill(faces, sizes);
    }
    targets
}

struct Grid<'a> {
    cells: &'a mut [f32],
    columns: u32,
    rows: u32,
    stride: f32,
}

impl Grid<'_> {
    /// Small faces come last: what stands before a large one is the nearer.
    fn fill(mut self, faces: &[SceneFace], sizes: &std::ops::Range<f32>) {
        let size = |face: &SceneFace| face.bounds.area().sqrt();
        let mut by_size: Vec<&SceneFace> = faces.iter().collect();
        by_size.sort_by(|a, b| size(b).total_cmp(&size(a)));
        for face in by_size {
            let px = size(face);
            let near = sizes.start / BEYOND <= px && px < sizes.end * BEYOND;
            if face.wanted && sizes.contains(&px) {
                self.mark(face, px, 1.0);
            } else if near || !face.wanted {
                self.mark(face, px, -1.0);
            }
        }
    }

    /// Writes a face into the cells of its middle; at least into the one that holds its centre.
    fn mark(&mut self, face: &SceneFace, px: f32, shown: f32) {
        let center = face.bounds.center();
        let (share, most) = MIDDLE;
        let radius = (px * share).min(most * self.stride);
        let radius = if shown < 0.0 { px * 0.5 } else { radius };
        let home = ((center.x / self.stride).floor(), (center.y / self.stride).floor());
        for row in 0..self.rows {
            for column in 0..self.columns {
                let at = Point::new(
                    (column as f32 + 0.5) * self.stride,
                    (row as f32 + 0.5) * self.stride,
                );
                let off = (at.x - center.x).abs().max((at.y - center.y).abs());
                if off <= radius || (column as f32, row as f32) == home {
                    let begin = (row * self.columns + column) as usize * WIDTH;
                    let cell = &mut self.cells[begin..begin + WIDTH];
                    if shown > 0.0 {
                        cell.copy_from_slice(&told(face, at, self.stride));
                    } else if cell[0] == 0.0 {
                        cell[0] = shown;
                    }
                }
            }
        }
    }
}

/// What a cell at `at` tells of a face.
fn told(face: &SceneFace, at: Point, stride: f32) -> [f32; WIDTH] {
    let (bounds, center) = (face.bounds, face.bounds.center());
    let mut told = [1.0; WIDTH];
    told[1] = (center.x - at.x) / stride;
    told[2] = (center.y - at.y) / stride;
    told[3] = (bounds.width / stride).ln();
    told[4] = (bounds.height / stride).ln();
    for (pair, spot) in told[5..15].chunks_exact_mut(2).zip(face.landmarks.0) {
        pair.copy_from_slice(&[(spot.x - at.x) / stride, (spot.y - at.y) / stride]);
    }
    told[15] = bounds.area().sqrt() / stride;
    told
}

#[cfg(test)]
mod tests {
    use models::geometry::{Landmarks, Rect};

    use super::*;

    const SIZE: [u32; 2] = [128, 96];

    fn face(size_px: f32, wanted: bool) -> SceneFace {
        let bounds = Rect::new(60.0 - size_px / 2.0, 44.0 - size_px / 2.0, size_px, size_px);
        let landmarks = Landmarks([Point::new(62.0, 40.0); 5]);
        SceneFace { bounds, landmarks, wanted }
    }

    /// How many cells of each grid show a face, and how many do not count.
    fn counts(faces: &[SceneFace]) -> [(usize, usize); 3] {
        let targets = targets(faces, SIZE);
        let mut begin = 0;
        GRIDS.map(|(stride, _)| {
            let len = (SIZE[0] / stride * (SIZE[1] / stride)) as usize;
            let cells = targets[begin * WIDTH..(begin + len) * WIDTH].chunks(WIDTH);
            begin += len;
            let count = |shown: f32| cells.clone().filter(|cell| cell[0] == shown).count();
            (count(1.0), count(-1.0))
        })
    }

    #[test]
    fn a_face_is_asked_of_the_grids_that_suit_its_size() {
        let asked = |size_px| counts(&[face(size_px, true)]).map(|(shown, _)| shown > 0);
        assert_eq!(asked(14.0), [true, false, false]);
        assert_eq!(asked(32.0), [true, true, false]);
        assert_eq!(asked(80.0), [false, true, true]);
        assert_eq!(asked(250.0), [false, false, true]);
    }

    #[test]
    fn the_smallest_face_has_one_cell_at_least_and_an_unwanted_one_has_none() {
        assert_eq!(counts(&[face(11.0, true)])[0].0, 1);
        let unwanted = counts(&[face(40.0, false)]);
        assert!(unwanted.iter().all(|&(shown, ignored)| shown == 0 && ignored > 0), "{unwanted:?}");
    }

    #[test]
    fn a_cell_tells_of_its_face_in_strides() {
        let targets = targets(&[face(16.0, true)], SIZE);
        let cell = targets.chunks(WIDTH).find(|cell| cell[0] == 1.0).unwrap();
        // The face's centre (60, 44) lies in the middle of the cell of row 5 and column 7.
        assert_eq!(cell[1..3], [0.0, 0.0]);
        assert!((cell[3] - 2f32.ln()).abs() < 1e-6 && (cell[15] - 2.0).abs() < 1e-6);
        assert_eq!(cell[5..7], [0.25, -0.5]);
    }

    #[test]
    fn there_are_as_many_cells_as_the_grids_have() {
        assert_eq!(cells([320, 256]), 40 * 32 + 20 * 16 + 10 * 8);
        assert_eq!(targets(&[], SIZE).len(), cells(SIZE) * WIDTH);
    }
}
