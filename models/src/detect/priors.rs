//! Prior boxes (also "anchors" or "default boxes"): the fixed boxes from which an SSD tells those it sees
//! (Liu et al. 2016, "SSD: Single Shot MultiBox Detector", equation 2).

use crate::geometry::{Point, Rect};
use crate::manifest::detector::Priors;

/// A square, or what clipping left of it, in pixels of the input.
struct Prior {
    center: Point,
    width: f32,
    height: f32,
}

/// The boxes of one network, in the order of its outputs.
pub(super) struct PriorBoxes {
    boxes: Vec<Prior>,
    variances: [f32; 2],
}

impl PriorBoxes {
    /// Those of an input of this width and height in pixels: for each stride, row, column and size one.
    pub(super) fn new(spec: &Priors, input: [u32; 2]) -> Self {
        let levels = spec.strides.iter().zip(&spec.min_sizes);
        let boxes = levels.flat_map(|(&stride, sizes)| {
            let [columns, rows] = input.map(|side| side.div_ceil(stride));
            let cells =
                (0..rows).flat_map(move |row| (0..columns).map(move |column| [column, row]));
            cells.flat_map(move |cell| sizes.iter().map(move |&size| prior(cell, stride, size)))
        });
        let limits = input.map(|side| if spec.clip { side as f32 } else { f32::INFINITY });
        Self {
            boxes: boxes.map(|prior| prior.clipped(limits)).collect(),
            variances: spec.variances,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.boxes.len()
    }

    /// The box that output `at` tells, in pixels of the input.
    pub(super) fn bounds(&self, at: usize, [x, y, width, height]: [f32; 4]) -> Rect {
        let center = self.point(at, [x, y]);
        let [width, height] = [width, height].map(|offset| (offset * self.variances[1]).exp());
        let (width, height) = (width * self.boxes[at].width, height * self.boxes[at].height);
        Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height)
    }

    /// The point that output `at` tells, in pixels of the input.
    pub(super) fn point(&self, at: usize, [x, y]: [f32; 2]) -> Point {
        let Prior { center, width, height } = &self.boxes[at];
        let [x, y] = [x, y].map(|offset| offset * self.variances[0]);
        Point::new(center.x + x * width, center.y + y * height)
    }
}

impl Prior {
    /// With centre and sides no larger than the input, as some training code has them.
    fn clipped(self, [right, bottom]: [f32; 2]) -> Self {
        let center = Point::new(self.center.x.min(right), self.center.y.min(bottom));
        Self { center, width: self.width.min(right), height: self.height.min(bottom) }
    }
}

fn prior([column, row]: [u32; 2], stride: u32, size: f32) -> Prior {
    let center = |at: u32| (at as f32 + 0.5) * stride as f32;
    Prior { center: Point::new(center(column), center(row)), width: size, height: size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priors(clip: bool) -> PriorBoxes {
        let min_sizes = vec![vec![10.0, 20.0], vec![80.0]];
        let spec = Priors { strides: vec![16, 32], min_sizes, variances: [0.1, 0.2], clip };
        PriorBoxes::new(&spec, [64, 40])
    }

    #[test]
    fn there_is_one_for_each_stride_row_column_and_size() {
        let priors = priors(false);
        // ⌈40 / 16⌉ rows of 4 cells with two sizes, ⌈40 / 32⌉ rows of 2 cells with one.
        assert_eq!(priors.len(), 3 * 4 * 2 + 2 * 2);
        let at = |i| priors.bounds(i, [0.0; 4]);
        assert_eq!(at(0), Rect::new(3.0, 3.0, 10.0, 10.0));
        assert_eq!(at(1), Rect::new(-2.0, -2.0, 20.0, 20.0));
        assert_eq!(at(2).center(), Point::new(24.0, 8.0));
        assert_eq!(at(8).center(), Point::new(8.0, 24.0));
        assert_eq!(at(24), Rect::new(-24.0, -24.0, 80.0, 80.0));
    }

    #[test]
    fn a_box_is_told_in_shares_of_its_prior_and_variances() {
        let bounds = priors(false).bounds(1, [1.0, -5.0, 5.0 * 2f32.ln(), 0.0]);
        // Its centre is (8, 8), its side 20: moved by 2 and −10, and twice as wide.
        assert_eq!(bounds.center(), Point::new(10.0, -2.0));
        assert!((bounds.width - 40.0).abs() < 1e-4 && (bounds.height - 20.0).abs() < 1e-4);
        assert_eq!(priors(false).point(1, [1.0, -5.0]), Point::new(10.0, -2.0));
    }

    #[test]
    fn clipped_priors_are_no_larger_than_the_input() {
        let bounds = priors(true).bounds(26, [0.0; 4]);
        // Its centre would be (16, 48), its sides 80.
        assert_eq!(bounds, Rect::new(-16.0, 20.0, 64.0, 40.0));
    }
}
