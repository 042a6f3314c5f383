//! One training picture: a stored crop moved, turned, zoomed, relit, blurred and damaged by chance.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: `as` saturates where light runs over"
)]

use image::RgbImage;
use models::crop::{Similarity, warp};
use models::geometry::Point;
use rand::{Rng, RngExt};

use super::damage::damage;
use super::relight::{Light, relight};
use crate::crops::Crops;

/// How far chance may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strength {
    turn_degrees: f32,
    zoom: f32,
    shift: f32,
    light: Light,
    blur_share: f64,
}

/// Small changes for crops cut by landmarks, which lie well.
const ALIGNED: Strength = Strength {
    turn_degrees: 8.0,
    zoom: 0.08,
    shift: 0.03,
    light: Light { light: 0.25, noise: 6.0 },
    blur_share: 0.3,
};

/// Larger ones for crops cut by the box alone, which differs from detector to detector.
const BOXED: Strength = Strength { turn_degrees: 12.0, zoom: 0.15, shift: 0.07, ..ALIGNED };

/// Cuts crop `at`, changed by chance: half of the time by landmarks, half by the box alone; mirrored half
/// of the time; damaged in the given share of all times.
///
/// # Shapes
/// - picture: `[size_px, size_px, 3]`, u8, sRGB
pub(super) fn draw(crops: &Crops, at: usize, damaged: f64, rng: &mut impl Rng) -> RgbImage {
    let size_px = crops.size_px();
    let (place, strength) = if rng.random_bool(0.5) {
        (crops.aligned(size_px), ALIGNED)
    } else {
        (crops.rows[at].box_place(), BOXED)
    };
    let place = place.after(&jitter(size_px, &strength, rng));
    let mut picture = cut(
        crops,
        at,
        &place,
        size_px,
        rng.random_bool(strength.blur_share).then(|| rng.random_range(0.3..0.9)),
    );
    if rng.random_bool(0.5) {
        image::imageops::flip_horizontal_in_place(&mut picture);
    }
    relight(&mut picture, &strength.light, rng);
    if damaged > 0.0 && rng.random_bool(damaged) {
        damage(&mut picture, rng);
    }
    picture
}

/// Cuts `place`; with `resolution` below 1, through so many fewer pixels: a far or unsharp face.
fn cut(
    crops: &Crops,
    at: usize,
    place: &Similarity,
    size_px: u32,
    resolution: Option<f32>,
) -> RgbImage {
    let Some(resolution) = resolution else {
        return warp(&crops.view(at), place, size_px);
    };
    let small_px = (size_px as f32 * resolution).round().max(8.0);
    let widen = Similarity { a: size_px as f32 / small_px, b: 0.0, shift: Point::default() };
    let small = warp(&crops.view(at), &place.after(&widen), small_px as u32);
    image::imageops::resize(&small, size_px, size_px, image::imageops::FilterType::Triangle)
}

/// A chance similarity around the crop's middle.
fn jitter(size_px: u32, strength: &Strength, rng: &mut impl Rng) -> Similarity {
    let mut spread = |reach: f32| rng.random_range(-reach..=reach);
    let turn = spread(strength.turn_degrees).to_radians();
    let zoom = spread(strength.zoom).exp();
    let (dx, dy) = (spread(strength.shift), spread(strength.shift));
    let (a, b) = (zoom * turn.cos(), zoom * turn.sin());
    let size = size_px as f32;
    let middle = size / 2.0;
    let shift = Point::new(
        middle - (a * middle - b * middle) + dx * size,
        middle - (b * middle + a * middle) + dy * size,
    );
    Similarity { a, b, shift }
}
