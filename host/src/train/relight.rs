//! Light, colour and noise changed by chance.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: `as` saturates where light runs over"
)]

use image::RgbImage;
use rand::{Rng, RngExt};

/// How far chance may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Light {
    /// Of brightness (in half ranges), of contrast and gamma (as powers of e).
    pub(crate) light: f32,
    /// Of the noise in bytes.
    pub(crate) noise: f32,
}

/// Brightness, contrast, gamma, colour and noise.
pub(crate) fn relight(picture: &mut RgbImage, strength: &Light, rng: &mut impl Rng) {
    let mut spread = |reach: f32| rng.random_range(-reach..=reach);
    let (contrast, brightness) = (spread(strength.light).exp(), spread(strength.light) * 128.0);
    let gamma = spread(strength.light).exp();
    let tint: [f32; 3] = std::array::from_fn(|_| spread(strength.light * 0.3).exp());
    let saturation = if rng.random_bool(0.1) { 0.0 } else { rng.random_range(0.6..1.3) };
    let noise = if rng.random_bool(0.3) { rng.random_range(0.0..strength.noise) } else { 0.0 };
    let curve: [f32; 256] = std::array::from_fn(|value| {
        let curved = (value as f32 / 255.0).powf(gamma) * 255.0;
        (curved - 128.0) * contrast + 128.0 + brightness
    });
    for pixel in picture.pixels_mut() {
        let rgb = pixel.0.map(|v| curve[usize::from(v)]);
        let grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        for c in 0..3 {
            let grain = if noise > 0.0 { rng.random_range(-noise..noise) } else { 0.0 };
            pixel.0[c] = ((grey + (rgb[c] - grey) * saturation) * tint[c] + grain + 0.5) as u8;
        }
    }
}
