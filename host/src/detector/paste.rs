//! Part of one picture laid over another: turned, scaled, and seen through a soft mask.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: every value is within its range before it is cast"
)]

use image::{Rgb, RgbImage};
use models::crop::{Similarity, bilinear};
use models::geometry::Point;
use models::image::RgbView;

/// A picture and its halves, quarters, …: what lies far away is read from a small one.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    halves: Vec<RgbImage>,
}

/// What of a patch is laid over, in pixels of the patch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mask {
    /// All of it, with hard edges.
    Whole,
    /// An ellipse that fades out over its outer `fade`, a share of its radii.
    Ellipse {
        /// Its middle.
        center: Point,
        /// Half of its width and half of its height.
        radii: (f32, f32),
        /// In (0, 1].
        fade: f32,
    },
}

/// How a patch's colours change on the way: `byte · gain + lift`, each a channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tone {
    pub(super) gain: [f32; 3],
    pub(super) lift: f32,
}

impl Tone {
    /// Colours as they are.
    pub(super) const PLAIN: Self = Self { gain: [1.0; 3], lift: 0.0 };
}

impl Patch {
    /// A patch of `picture`, which has at least one pixel.
    pub(super) fn new(picture: RgbImage) -> Self {
        let mut halves = vec![picture];
        while let Some(last) = halves.last().filter(|last| last.width().min(last.height()) >= 8) {
            halves.push(halved(last));
        }
        Self { halves }
    }

    /// The patch seen in a mirror.
    pub(super) fn mirrored(&self) -> Self {
        Self { halves: self.halves.iter().map(image::imageops::flip_horizontal).collect() }
    }

    /// The picture at full size.
    pub(super) fn picture(&self) -> &RgbImage {
        &self.halves[0]
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (f32, f32) {
        let (width, height) = self.halves[0].dimensions();
        (width as f32, height as f32)
    }

    /// The half that has about one pixel for each step of `scale` pixels.
    fn at_scale(&self, scale: f32) -> (&RgbImage, f32) {
        let level = (scale.max(1.0).log2().round() as usize).min(self.halves.len() - 1);
        (&self.halves[level], 0.5f32.powi(level as i32))
    }
}

/// Canvas pixels → patch pixels, where `center` of the canvas shows `middle` of the patch, each canvas pixel is
/// `scale` patch pixels, and the patch is turned clockwise by `turn` radians.
pub(super) fn turned_about(middle: Point, center: Point, scale: f32, turn: f32) -> Similarity {
    let (a, b) = (scale * turn.cos(), -scale * turn.sin());
    let from = Similarity { a, b, shift: Point::default() }.apply(center);
    Similarity { a, b, shift: Point::new(middle.x - from.x, middle.y - from.y) }
}

/// Lays `patch` over `canvas`, where `place` takes canvas pixels to patch pixels.
pub(super) fn paste(
    canvas: &mut RgbImage,
    patch: &Patch,
    place: &Similarity,
    mask: Mask,
    tone: &Tone,
) {
    let Some(back) = place.inverse() else { return };
    let (picture, factor) = patch.at_scale(place.scale());
    let Some(picture) = RgbView::of(picture) else { return };
    let (columns, rows) = reach(&back, mask, patch.size(), canvas.dimensions());
    for y in rows {
        for x in columns.clone() {
            let at = place.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5));
            let cover = mask.cover(at, patch.size());
            if cover > 0.0 {
                let seen = bilinear(&picture, Point::new(at.x * factor, at.y * factor));
                let under = canvas.get_pixel_mut(x, y);
                for ((under, seen), gain) in under.0.iter_mut().zip(seen).zip(tone.gain) {
                    let (over, below) = (seen * gain + tone.lift, f32::from(*under));
                    *under = (below + (over.clamp(0.0, 255.0) - below) * cover + 0.5) as u8;
                }
            }
        }
    }
}

impl Mask {
    /// How much of the patch shows at a point of it, in [0, 1].
    fn cover(self, at: Point, (width, height): (f32, f32)) -> f32 {
        if at.x < 0.0 || at.y < 0.0 || at.x >= width || at.y >= height {
            return 0.0;
        }
        match self {
            Self::Whole => 1.0,
            Self::Ellipse { center, radii, fade } => {
                let (x, y) = ((at.x - center.x) / radii.0, (at.y - center.y) / radii.1);
                ((1.0 - x.hypot(y)) / fade).clamp(0.0, 1.0)
            }
        }
    }
}

/// The canvas pixels that a mask can reach.
fn reach(
    back: &Similarity,
    mask: Mask,
    (width, height): (f32, f32),
    (canvas_width, canvas_height): (u32, u32),
) -> (std::ops::Range<u32>, std::ops::Range<u32>) {
    let (center, radius) = match mask {
        Mask::Whole => (Point::new(width / 2.0, height / 2.0), width.hypot(height) / 2.0),
        Mask::Ellipse { center, radii, .. } => (center, radii.0.max(radii.1)),
    };
    let (middle, radius) = (back.apply(center), radius * back.scale());
    let along = |at: f32, len: u32| {
        let end = ((at + radius).ceil().max(0.0) as u32).min(len);
        ((at - radius).floor().max(0.0) as u32).min(end)..end
    };
    (along(middle.x, canvas_width), along(middle.y, canvas_height))
}

/// Each pixel the mean of four; an odd last row or column is dropped.
fn halved(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    RgbImage::from_fn(width / 2, height / 2, |x, y| {
        let at = |dx, dy| picture.get_pixel(2 * x + dx, 2 * y + dy).0.map(u16::from);
        let four = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
        Rgb([0, 1, 2].map(|c| ((four.iter().map(|p| p[c]).sum::<u16>() + 2) / 4) as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(side: u32, value: u8) -> RgbImage {
        RgbImage::from_pixel(side, side, Rgb([value; 3]))
    }

    /// Canvas pixels to patch pixels: `scale` patch pixels each, the patch's corner at (`x`, `y`).
    fn place(scale: f32, x: f32, y: f32) -> Similarity {
        Similarity { a: scale, b: 0.0, shift: Point::new(-x * scale, -y * scale) }
    }

    #[test]
    fn a_whole_patch_lies_where_it_is_placed_and_nowhere_else() {
        let mut canvas = plain(20, 10);
        let patch = Patch::new(plain(16, 200));
        paste(&mut canvas, &patch, &place(2.0, 4.0, 6.0), Mask::Whole, &Tone::PLAIN);
        for (x, y, pixel) in canvas.enumerate_pixels() {
            let inside = (4..12).contains(&x) && (6..14).contains(&y);
            assert_eq!(pixel.0[0], if inside { 200 } else { 10 }, "{x} {y}");
        }
    }

    #[test]
    fn an_ellipse_fades_from_its_middle_to_its_rim() {
        let mut canvas = plain(20, 0);
        let patch = Patch::new(plain(20, 200));
        let center = Point::new(10.0, 10.0);
        let mask = Mask::Ellipse { center, radii: (8.0, 4.0), fade: 0.5 };
        let tone = Tone { gain: [0.5; 3], lift: 20.0 };
        paste(&mut canvas, &patch, &place(1.0, 0.0, 0.0), mask, &tone);
        let row: Vec<u8> = (10..20).map(|x| canvas.get_pixel(x, 10).0[0]).collect();
        assert!(row[0] == 120 && row[9] == 0 && row.is_sorted_by(|a, b| a >= b), "{row:?}");
        assert_eq!(canvas.get_pixel(10, 15).0[0], 0, "the ellipse is half as high as wide");
    }

    #[test]
    fn what_is_laid_outside_changes_nothing() {
        let mut canvas = plain(8, 10);
        let patch = Patch::new(plain(4, 200));
        for (x, y) in [(-50.0, 0.0), (0.0, 90.0), (f32::NAN, 0.0)] {
            paste(&mut canvas, &patch, &place(1.0, x, y), Mask::Whole, &Tone::PLAIN);
        }
        assert_eq!(canvas, plain(8, 10));
    }

    #[test]
    fn a_small_copy_is_read_from_a_half() {
        let checks =
            RgbImage::from_fn(32, 32, |x, y| Rgb([if (x + y) % 2 == 0 { 0 } else { 200 }; 3]));
        let mut canvas = plain(8, 10);
        paste(&mut canvas, &Patch::new(checks), &place(4.0, 0.0, 0.0), Mask::Whole, &Tone::PLAIN);
        assert!(canvas.pixels().all(|p| p.0[0].abs_diff(100) <= 1));
    }
}
