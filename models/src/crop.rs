//! From a face in a picture to the square crop that a network reads.
//!
//! With landmarks, the crop is turned and scaled so that they fall on the manifest's template; with
//! only a box, it is the upright square around it. Both are one [`Similarity`], and one function
//! ([`warp`]) cuts either, the same bytes on every machine.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: every value is within its range before it is cast"
)]

use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::geometry::{Landmarks, Point, Rect};
use crate::image::RgbView;

/// Where a face lies in its crop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CropSpec {
    /// Side of the crop in pixels.
    pub size_px: u32,
    /// The five [`Landmarks`] as shares `[x, y]` of the side.
    pub template: [[f32; 2]; 5],
    /// Side of a crop cut from a box alone ÷ the square root of the box's area.
    pub box_scale: f32,
    /// How far below the box's centre the middle of such a crop lies, in box heights.
    pub box_shift_y: f32,
}

/// Turns, scales and moves, but never shears: crop pixels → picture pixels.
///
/// `x' = a·x − b·y + shift.x`, `y' = b·x + a·y + shift.y`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Scale × cosine of the turn.
    pub a: f32,
    /// Scale × sine of the turn, clockwise as seen.
    pub b: f32,
    /// Where the crop's left top corner falls.
    pub shift: Point,
}

impl Similarity {
    /// The point of the picture under the crop's `p`.
    pub fn apply(&self, p: Point) -> Point {
        Point::new(
            self.a * p.x - self.b * p.y + self.shift.x,
            self.b * p.x + self.a * p.y + self.shift.y,
        )
    }

    /// First `inner`, then `self`.
    pub fn after(&self, inner: &Self) -> Self {
        Self {
            a: self.a * inner.a - self.b * inner.b,
            b: self.b * inner.a + self.a * inner.b,
            shift: self.apply(inner.shift),
        }
    }

    /// Picture pixels → crop pixels; `None` where the scale is 0.
    pub fn inverse(&self) -> Option<Self> {
        let square = self.a * self.a + self.b * self.b;
        let turned = Self { a: self.a / square, b: -self.b / square, shift: Point::default() };
        let origin = turned.apply(self.shift);
        (square > 0.0).then_some(Self { shift: Point::new(-origin.x, -origin.y), ..turned })
    }

    /// Picture pixels a crop pixel.
    pub fn scale(&self) -> f32 {
        self.a.hypot(self.b)
    }

    /// The least-squares fit that brings `from` onto `to` (Umeyama 1991, without reflection).
    fn fit(from: &[Point; 5], to: &[Point; 5]) -> Self {
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut dot, mut cross, mut square) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let (px, py) = (p.x - from_mean.x, p.y - from_mean.y);
            let (qx, qy) = (q.x - to_mean.x, q.y - to_mean.y);
            dot += px * qx + py * qy;
            cross += px * qy - py * qx;
            square += px * px + py * py;
        }
        let turn = Self { a: dot / square, b: cross / square, shift: Point::default() };
        let moved = turn.apply(from_mean);
        Self { shift: Point::new(to_mean.x - moved.x, to_mean.y - moved.y), ..turn }
    }
}

impl CropSpec {
    /// Where the crop of a face lies in its picture: by its landmarks, or by its box alone.
    ///
    /// Landmarks that are all in one place, or not finite, are passed over for the box.
    pub fn place(&self, bounds: &Rect, landmarks: Option<&Landmarks>) -> Similarity {
        let aligned = landmarks.filter(|l| l.is_valid()).map(|l| self.place_landmarks(l));
        aligned.filter(|s| s.scale() > 1e-3).unwrap_or_else(|| self.place_box(bounds))
    }

    /// Cuts the crop of a face out of its picture.
    ///
    /// # Shapes
    /// - crop: `[size_px, size_px, 3]`, u8, sRGB, row-major
    pub fn cut(
        &self,
        picture: &RgbView<'_>,
        bounds: &Rect,
        landmarks: Option<&Landmarks>,
    ) -> RgbImage {
        warp(picture, &self.place(bounds, landmarks), self.size_px)
    }

    /// Where the upright square around a box lies.
    pub fn place_box(&self, bounds: &Rect) -> Similarity {
        let side = bounds.area().sqrt().max(1.0) * self.box_scale;
        let center = bounds.center();
        let middle_y = center.y + self.box_shift_y * bounds.height;
        Similarity {
            a: side / self.size_px as f32,
            b: 0.0,
            shift: Point::new(center.x - side / 2.0, middle_y - side / 2.0),
        }
    }

    fn place_landmarks(&self, landmarks: &Landmarks) -> Similarity {
        let size = self.size_px as f32;
        Similarity::fit(&self.template.map(|[x, y]| Point::new(x * size, y * size)), &landmarks.0)
    }
}

/// Cuts the square of `size_px` pixels that `place` lays over the picture.
///
/// Bilinear between pixels; a crop pixel as wide as n picture pixels (rounded, at most 16) is the mean
/// of n×n samples. Outside the picture its edge pixels go on.
///
/// # Shapes
/// - crop: `[size_px, size_px, 3]`, u8, sRGB, row-major
pub fn warp(picture: &RgbView<'_>, place: &Similarity, size_px: u32) -> RgbImage {
    let samples = place.scale().round().clamp(1.0, 16.0) as u32;
    let step = 1.0 / samples as f32;
    let weight = step * step;
    RgbImage::from_fn(size_px, size_px, |x, y| {
        let mut sum = [0.5f32; 3];
        for j in 0..samples {
            for i in 0..samples {
                let inside = |whole: u32, part: u32| whole as f32 + (part as f32 + 0.5) * step;
                let sample = bilinear(picture, place.apply(Point::new(inside(x, i), inside(y, j))));
                (0..3).for_each(|c| sum[c] += sample[c] * weight);
            }
        }
        image::Rgb(sum.map(|v| v as u8))
    })
}

/// The colour at a point of a picture, mixed of the four pixels around it; outside, its edge pixels go on.
///
/// # Shapes
/// - colour: `[3]`, f32, 0 to 255, in the picture's order
pub fn bilinear(picture: &RgbView<'_>, at: Point) -> [f32; 3] {
    let (left, right, fx) = neighbours(at.x, picture.width());
    let (above, below, fy) = neighbours(at.y, picture.height());
    let (upper, lower) = (picture.row(above), picture.row(below));
    std::array::from_fn(|c| {
        let mix = |row: &[u8]| {
            let (l, r) = (f32::from(row[left * 3 + c]), f32::from(row[right * 3 + c]));
            l + (r - l) * fx
        };
        let (u, l) = (mix(upper), mix(lower));
        u + (l - u) * fy
    })
}

/// The two pixels beside `at` and how near the second one is.
fn neighbours(at: f32, len: usize) -> (usize, usize, f32) {
    let last = len - 1;
    let at = (at - 0.5).clamp(0.0, last as f32);
    let first = (at as usize).min(last);
    (first, (first + 1).min(last), at - first as f32)
}

fn mean(points: &[Point; 5]) -> Point {
    let sum = points.iter().fold(Point::default(), |s, p| Point::new(s.x + p.x, s.y + p.y));
    Point::new(sum.x / 5.0, sum.y / 5.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(size_px: u32) -> CropSpec {
        CropSpec {
            size_px,
            template: [[0.32, 0.36], [0.68, 0.36], [0.5, 0.56], [0.35, 0.75], [0.65, 0.75]],
            box_scale: 1.0,
            box_shift_y: 0.0,
        }
    }

    /// A picture in which red tells x and green tells y.
    fn ramp(side: u32) -> RgbImage {
        RgbImage::from_fn(side, side, |x, y| image::Rgb([x as u8, y as u8, 7]))
    }

    #[test]
    fn the_identity_cuts_the_same_bytes() {
        let picture = ramp(32);
        let whole = Rect::new(0.0, 0.0, 32.0, 32.0);
        assert_eq!(spec(32).cut(&RgbView::of(&picture).unwrap(), &whole, None), picture);
    }

    #[test]
    fn halving_averages_four_pixels() {
        let picture = ramp(64);
        let half =
            spec(32).cut(&RgbView::of(&picture).unwrap(), &Rect::new(0.0, 0.0, 64.0, 64.0), None);
        // Pixels 4 and 5 average to 4.5, which rounds up.
        assert_eq!(half.get_pixel(2, 3).0, [5, 7, 7]);
    }

    #[test]
    fn landmarks_fall_on_the_template() {
        let spec = spec(100);
        let turned = Similarity { a: 1.2, b: 0.9, shift: Point::new(31.0, -12.0) };
        let landmarks =
            Landmarks(spec.template.map(|[x, y]| turned.apply(Point::new(x * 100.0, y * 100.0))));
        let place = spec.place(&Rect::default(), Some(&landmarks));
        assert!((place.a - turned.a).abs() < 1e-4 && (place.b - turned.b).abs() < 1e-4);
        assert!((place.shift.x - 31.0).abs() < 1e-2 && (place.shift.y + 12.0).abs() < 1e-2);
    }

    #[test]
    fn useless_landmarks_fall_back_to_the_box() {
        let bounds = Rect::new(10.0, 10.0, 20.0, 20.0);
        for broken in [Point::new(5.0, 5.0), Point::new(f32::NAN, 5.0)] {
            assert_eq!(
                spec(32).place(&bounds, Some(&Landmarks([broken; 5]))),
                spec(32).place_box(&bounds)
            );
        }
    }

    #[test]
    fn beyond_the_picture_its_edge_goes_on() {
        let picture = ramp(8);
        let crop =
            spec(8).cut(&RgbView::of(&picture).unwrap(), &Rect::new(-100.0, 4.0, 8.0, 8.0), None);
        assert_eq!(crop.get_pixel(3, 0).0[0], 0);
        assert_eq!(crop.get_pixel(3, 7).0[1], 7);
    }

    proptest! {
        #[test]
        fn an_inverse_undoes_and_any_place_can_be_cut(
            a in -40f32..40.0, b in -40f32..40.0, x in -1e4f32..1e4, y in -1e4f32..1e4,
        ) {
            let place = Similarity { a, b, shift: Point::new(x, y) };
            prop_assume!(place.scale() > 0.1);
            let back = place.inverse().unwrap().after(&place);
            prop_assert!((back.a - 1.0).abs() < 1e-3 && back.b.abs() < 1e-3);
            let picture = ramp(5);
            prop_assert_eq!(warp(&RgbView::of(&picture).unwrap(), &place, 4).dimensions(), (4, 4));
        }
    }
}
