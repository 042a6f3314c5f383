//! What the fake camera sees.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use crate::kiosk::portrait;

/// What a camera gives for one picture.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) bytes: Vec<u8>,
    /// Whether the driver says that the picture is broken.
    pub(crate) error: bool,
}

impl From<Vec<u8>> for Shot {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, error: false }
    }
}

/// A portrait as wide and high as given, cut where it is of another shape.
pub(crate) fn face(name: &str, width: u32, height: u32) -> RgbImage {
    let picture = image::open(portrait(name)).unwrap();
    picture.resize_to_fill(width, height, FilterType::Triangle).to_rgb8()
}

/// The picture moved a little further to the right for each of `count` shots, and back.
pub(crate) fn moving(picture: &RgbImage, count: u32) -> Vec<RgbImage> {
    let (width, height) = picture.dimensions();
    let shift = |n: u32| 2 * n.min(count - n);
    let moved = |n| {
        let mut moved = picture.clone();
        let part = imageops::crop_imm(picture, 0, 0, width - shift(n), height).to_image();
        imageops::replace(&mut moved, &part, shift(n).into(), 0);
        moved
    };
    (0..count).map(moved).collect()
}

/// A picture of one colour.
pub(crate) fn plain(color: [u8; 3], width: u32, height: u32) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb(color))
}

/// As a camera's MJPG.
pub(crate) fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(picture).unwrap();
    bytes
}

/// As a camera's YUYV: two pixels in four bytes, BT.601, black 16 and white 235.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the values are clamped"
)]
pub(crate) fn yuyv(picture: &RgbImage) -> Vec<u8> {
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    let light = |[r, g, b]: [f32; 3]| byte(16.0 + 0.257 * r + 0.504 * g + 0.098 * b);
    let pairs = picture.as_raw().as_chunks::<6>().0;
    let quads = pairs.iter().flat_map(|pair| {
        let [left, right] = [&pair[..3], &pair[3..]].map(|p| [0, 1, 2].map(|c| f32::from(p[c])));
        let [r, g, b] = [0, 1, 2].map(|c| (left[c] + right[c]) / 2.0);
        let blue = byte(128.0 - 0.148 * r - 0.291 * g + 0.439 * b);
        let red = byte(128.0 + 0.439 * r - 0.368 * g - 0.071 * b);
        [light(left), blue, light(right), red]
    });
    quads.collect()
}
