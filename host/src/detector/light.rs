//! What light, lens and transport do to a scene.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: `as` saturates where numbers run over"
)]

use image::RgbImage;
use image::imageops::{FilterType, resize};
use rand::{Rng, RngExt};

use crate::train::damage::packed;
use crate::train::relight::{Light, relight};

/// Brightness, contrast and colour of every scene.
const LIGHT: Light = Light { light: 0.3, noise: 7.0 };

/// Relights a scene; some are dark, unsharp or packed as a poor JPEG as well.
pub(super) fn change(picture: &mut RgbImage, rng: &mut impl Rng) {
    if rng.random_bool(0.2) {
        let (width, height) = picture.dimensions();
        let less: f32 = rng.random_range(0.35..0.8);
        let side = |len: u32| ((len as f32 * less) as u32).max(8);
        let small = resize(picture, side(width), side(height), FilterType::Triangle);
        *picture = resize(&small, width, height, FilterType::Triangle);
    }
    relight(picture, &LIGHT, rng);
    if rng.random_bool(0.2) {
        veil(picture, rng);
    }
    if rng.random_bool(0.22) {
        darken(picture, rng);
    }
    if rng.random_bool(0.12)
        && let Some(packed) = packed(picture, rng.random_range(20..80))
    {
        *picture = packed;
    }
}

/// Light that falls into the lens: everything a little grey.
fn veil(picture: &mut RgbImage, rng: &mut impl Rng) {
    let (kept, grey) = (rng.random_range(0.3..0.8f32), rng.random_range(40.0..200.0f32));
    for value in picture.iter_mut() {
        *value = (f32::from(*value) * kept + grey * (1.0 - kept) + 0.5) as u8;
    }
}

/// Too little light: all dark, and the sensor's noise as strong as ever.
fn darken(picture: &mut RgbImage, rng: &mut impl Rng) {
    let gain = rng.random_range(0.06f32.ln()..0.6f32.ln()).exp();
    let noise = rng.random_range(0.5..4.0f32);
    for value in picture.iter_mut() {
        let grain = rng.random_range(-noise..noise);
        *value = (f32::from(*value) * gain + grain + 0.5) as u8;
    }
}
