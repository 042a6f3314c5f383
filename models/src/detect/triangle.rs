//! Scales a picture with a triangle as filter: bilinear where it grows, the mean over all pixels where it
//! shrinks. In whole numbers and rows first, so that the slow part is a plain loop over bytes; within a
//! step of brightness of what `image::imageops` makes with `FilterType::Triangle`, in an eighth of its time.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures in memory are positive and far below 2³¹, means of bytes are bytes"
)]

use image::RgbImage;

use crate::image::RgbView;

/// The weights of a pixel sum to this.
const ONE: u32 = 1 << 14;

/// Between the two passes a byte has this many bits more.
const EXTRA_BITS: u32 = 8;

/// Which pixels along an axis make one of the result, and how much each counts.
struct Taps {
    start: usize,
    weights: Vec<u32>,
}

/// `picture` at `width` × `height` pixels, each at least 1.
pub(super) fn scaled(picture: &RgbView<'_>, width: u32, height: u32) -> RgbImage {
    let columns = taps(picture.width(), width);
    let mut sums = vec![0u32; picture.width() * 3];
    let mut pixels = Vec::with_capacity(columns.len() * height as usize * 3);
    for taps in taps(picture.height(), height) {
        sums.fill(ONE >> (EXTRA_BITS + 1));
        for (y, &weight) in (taps.start..).zip(&taps.weights) {
            let row = picture.row(y);
            sums.iter_mut().zip(row).for_each(|(sum, &byte)| *sum += weight * u32::from(byte));
        }
        sums.iter_mut().for_each(|sum| *sum /= ONE >> EXTRA_BITS);
        pixels.extend(columns.iter().flat_map(|taps| mixed(&sums, taps)));
    }
    RgbImage::from_raw(width, height, pixels).expect("a row was made for each pixel of the height")
}

/// One pixel of the result.
fn mixed(row: &[u32], taps: &Taps) -> [u8; 3] {
    let mut sums = [ONE << EXTRA_BITS >> 1; 3];
    let pixels = row[taps.start * 3..].chunks_exact(3);
    for (pixel, &weight) in pixels.zip(&taps.weights) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += value * weight;
        }
    }
    sums.map(|sum| (sum / (ONE << EXTRA_BITS)) as u8)
}

/// The taps of each of `to` pixels made of `from`.
fn taps(from: usize, to: u32) -> Vec<Taps> {
    let ratio = from as f32 / to as f32;
    let reach = ratio.max(1.0);
    let tap = |i: u32| {
        let middle = (i as f32 + 0.5) * ratio;
        let start = ((middle - reach).floor().max(0.0) as usize).min(from - 1);
        let end = ((middle + reach).ceil() as usize).clamp(start + 1, from);
        let weight = |pixel: usize| (1.0 - (pixel as f32 + 0.5 - middle).abs() / reach).max(0.0);
        Taps { start, weights: whole(&(start..end).map(weight).collect::<Vec<_>>()) }
    };
    (0..to).map(tap).collect()
}

/// `weights` as whole numbers that sum to [`ONE`]; what rounding leaves goes to the largest.
fn whole(weights: &[f32]) -> Vec<u32> {
    let sum: f32 = weights.iter().sum();
    let mut whole: Vec<u32> =
        weights.iter().map(|weight| (weight / sum * ONE as f32).round() as u32).collect();
    let total: u32 = whole.iter().sum();
    if let Some(largest) = whole.iter_mut().max() {
        *largest = (*largest + ONE).saturating_sub(total);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::imageops::{self, FilterType};
    use proptest::prelude::*;

    fn noise(width: u32, height: u32, seed: u32) -> RgbImage {
        let mut state = seed | 1;
        RgbImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgb([state >> 24, state >> 16, state >> 8].map(|value| value as u8))
        })
    }

    proptest! {
        #[test]
        fn it_is_what_the_library_makes(
            from in (1u32..90, 1u32..90),
            to in (1u32..90, 1u32..90),
            seed in any::<u32>(),
        ) {
            let picture = noise(from.0, from.1, seed);
            let ours = scaled(&RgbView::of(&picture).unwrap(), to.0, to.1);
            let theirs = imageops::resize(&picture, to.0, to.1, FilterType::Triangle);
            prop_assert_eq!(ours.dimensions(), theirs.dimensions());
            let pairs = ours.as_raw().iter().zip(theirs.as_raw());
            let most = pairs.map(|(a, b)| a.abs_diff(*b)).max();
            prop_assert!(most <= Some(1), "{:?}", most);
        }
    }

    #[test]
    fn white_stays_white_and_black_black() {
        for byte in [0, 255] {
            let picture = RgbImage::from_pixel(640, 480, image::Rgb([byte; 3]));
            let small = scaled(&RgbView::of(&picture).unwrap(), 321, 17);
            assert!(small.as_raw().iter().all(|&value| value == byte));
        }
    }
}
