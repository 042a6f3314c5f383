//! What is measured of the pictures themselves: their size, and how bright each face is.

use anyhow::{Context, Result};
use image::RgbImage;
use models::geometry::Rect;
use rayon::prelude::*;

use super::truth::{Picture, Truth};
use crate::files::read_picture;

/// Reads every picture and notes its size and its faces' brightness.
pub(super) fn fill(pictures: &mut [Picture]) -> Result<()> {
    pictures.par_iter_mut().try_for_each(|picture| {
        let pixels = read_picture(&picture.path)
            .with_context(|| format!("reading {}", picture.path.display()))?;
        picture.size_px = [pixels.width(), pixels.height()];
        if let Truth::Boxed(faces) = &mut picture.truth {
            faces.iter_mut().for_each(|face| face.luma = luma_within(&pixels, &face.bounds));
        }
        Ok(())
    })
}

/// Mean brightness by ITU-R BT.601 of the pixels within a box, 0 to 255; 0 where the box lies outside.
fn luma_within(picture: &RgbImage, bounds: &Rect) -> f32 {
    let (columns, rows) = (
        span(bounds.left, bounds.width, picture.width()),
        span(bounds.top, bounds.height, picture.height()),
    );
    let count = columns.len() * rows.len();
    let pixels = rows.flat_map(|y| columns.clone().map(move |x| picture.get_pixel(x, y).0));
    let luma =
        |[r, g, b]: [u8; 3]| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    let mean = pixels.map(luma).sum::<f64>() / count.max(1) as f64;
    #[allow(clippy::cast_possible_truncation, reason = "a brightness needs no more digits")]
    let mean = mean as f32;
    mean
}

/// The whole pixels of `[start, start + len)` within a side of `side` pixels.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both ends lie within the picture's side"
)]
fn span(start: f32, len: f32, side: u32) -> std::ops::Range<u32> {
    let within = |at: f32| at.round().clamp(0.0, side as f32) as u32;
    within(start)..within(start + len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn brightness_is_that_of_the_part_of_the_box_that_shows() {
        let picture = RgbImage::from_fn(4, 4, |x, _| Rgb([if x < 2 { 10 } else { 200 }; 3]));
        let luma = |left, width| luma_within(&picture, &Rect::new(left, -2.0, width, 9.0));
        assert!((luma(-5.0, 7.0) - 10.0).abs() < 1e-3);
        assert!((luma(1.0, 2.0) - 105.0).abs() < 1e-3);
        assert_eq!(luma(9.0, 3.0), 0.0);
    }
}
