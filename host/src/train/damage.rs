//! What spoils pictures outside data sets: something before the face, and strong compression.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: `as` saturates where numbers run over"
)]

use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};
use rand::{Rng, RngExt};

/// Longest side of what is covered, as a share of the picture's: a hand, a scarf, a phone.
const COVER_MAX: f32 = 0.45;
/// The worst quality that is still seen in streams.
const JPEG_QUALITY_MIN: u8 = 15;

/// Covers a part of `picture` (random erasing, Zhong et al. 2020), or packs it as a poor JPEG.
pub(super) fn damage(picture: &mut RgbImage, rng: &mut impl Rng) {
    if rng.random_bool(0.5) {
        cover(picture, rng);
    } else if let Some(packed) = packed(picture, rng.random_range(JPEG_QUALITY_MIN..70)) {
        *picture = packed;
    }
}

/// One colour, or noise, over a rectangle.
fn cover(picture: &mut RgbImage, rng: &mut impl Rng) {
    let (width, height) = picture.dimensions();
    let mut part = |len: u32| {
        let covered = (len as f32 * rng.random_range(0.1..COVER_MAX)) as u32;
        let begin = rng.random_range(0..=len - covered);
        begin..begin + covered
    };
    let (columns, rows) = (part(width), part(height));
    let colour: [u8; 3] = rng.random();
    let grainy = rng.random_bool(0.3);
    for y in rows {
        for x in columns.clone() {
            picture.put_pixel(x, y, Rgb(if grainy { rng.random() } else { colour }));
        }
    }
}

/// `picture` after a JPEG of that quality, 1 to 100; `None` where the codec refuses it.
pub(crate) fn packed(picture: &RgbImage, quality: u8) -> Option<RgbImage> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture).ok()?;
    Some(image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).ok()?.into_rgb8())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// A soft slope of grey, and how many of its 2,304 pixels a seed changes.
    fn changed(seed: u64) -> usize {
        let whole = RgbImage::from_fn(48, 48, |x, y| Rgb([(2 * x + 2 * y) as u8; 3]));
        let mut picture = whole.clone();
        damage(&mut picture, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(picture.dimensions(), whole.dimensions());
        picture.pixels().zip(whole.pixels()).filter(|(a, b)| a != b).count()
    }

    #[test]
    fn some_pictures_are_covered_in_part_and_some_are_coarser_all_over() {
        let counts: Vec<usize> = (0..40).map(changed).collect();
        assert!(counts.iter().all(|&n| n > 0), "{counts:?}");
        let covered = counts.iter().filter(|&&n| n <= 22 * 22).count();
        assert!((10..=30).contains(&covered), "{counts:?}");
    }

    #[test]
    fn a_poor_jpeg_stays_the_same_picture() {
        let whole = RgbImage::from_fn(48, 48, |x, y| Rgb([(2 * x + 2 * y) as u8; 3]));
        let packed = packed(&whole, JPEG_QUALITY_MIN).unwrap();
        let off = packed.as_raw().iter().zip(whole.as_raw()).map(|(a, b)| a.abs_diff(*b));
        assert!(off.clone().any(|off| off > 0) && off.max() < Some(24));
    }
}
