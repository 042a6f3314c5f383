//! Pictures made to fit a detector: scaled, and widened by a border.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures in memory are positive and far below 2³¹"
)]

use image::{Rgb, RgbImage};

use super::triangle;
use crate::image::RgbView;

/// The picture scaled by `scale`, each side at least 1 px; averaged where it shrinks.
pub(super) fn scaled(picture: &RgbView<'_>, scale: f32) -> RgbImage {
    let side = |len: usize| ((len as f32 * scale).round() as u32).max(1);
    resized(picture, side(picture.width()), side(picture.height()))
}

/// The picture at `width` × `height` pixels, each at least 1; averaged where it shrinks.
pub(super) fn resized(picture: &RgbView<'_>, width: u32, height: u32) -> RgbImage {
    let (from_width, from_height) = (picture.width() as u32, picture.height() as u32);
    if (from_width, from_height) == (width, height) {
        return to_image(picture);
    }
    triangle::scaled(picture, width, height)
}

/// The picture within a border into which its edge pixels go on, and the border's width in pixels.
pub(super) fn bordered(picture: &RgbView<'_>, share: f32) -> (RgbImage, f32) {
    let longer = picture.width().max(picture.height());
    let border = (longer as f32 * share).ceil() as usize;
    let inside = |at: u32, len: usize| (at as usize).saturating_sub(border).min(len - 1);
    let side = |len: usize| (len + 2 * border) as u32;
    let wider = RgbImage::from_fn(side(picture.width()), side(picture.height()), |x, y| {
        let (x, y) = (inside(x, picture.width()), inside(y, picture.height()));
        let row = picture.row(y);
        Rgb([row[3 * x], row[3 * x + 1], row[3 * x + 2]])
    });
    (wider, border as f32)
}

fn to_image(picture: &RgbView<'_>) -> RgbImage {
    let (width, height) = (picture.width(), picture.height());
    let pixels: Vec<u8> = (0..height).flat_map(|y| picture.row(y)).copied().collect();
    RgbImage::from_raw(width as u32, height as u32, pixels).expect("rows hold 3 bytes a pixel")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_goes_on_as_the_edge_does() {
        let picture = RgbImage::from_raw(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let (wider, border_px) = bordered(&RgbView::of(&picture).unwrap(), 0.5);
        assert_eq!((wider.dimensions(), border_px), ((4, 3), 1.0));
        for y in 0..3 {
            let row: Vec<u8> = (0..4).flat_map(|x| wider.get_pixel(x, y).0).collect();
            assert_eq!(row, [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
        }
    }

    #[test]
    fn shrinking_averages() {
        let checks = RgbImage::from_fn(64, 64, |x, y| image::Rgb([((x + y) % 2 * 200) as u8; 3]));
        let small = scaled(&RgbView::of(&checks).unwrap(), 0.25);
        assert_eq!(small.dimensions(), (16, 16));
        assert!(small.pixels().all(|p| p.0[0].abs_diff(100) < 8));
    }
}
