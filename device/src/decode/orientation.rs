//! Which way a camera hangs: the one place that turns and mirrors frames.

use std::fmt;
use std::str::FromStr;

use image::RgbImage;
use image::imageops::{rotate90, rotate270};
use serde::{Deserialize, Serialize};

/// How a frame becomes upright: first turned, then mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    /// Clockwise.
    pub rotate: Rotation,
    /// Whether left and right change places.
    pub mirror: Mirror,
}

/// Whether people see themselves as in a mirror.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mirror {
    /// As others see them.
    #[default]
    Off,
    /// As a mirror shows them.
    On,
}

/// A turn clockwise, in quarters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum Rotation {
    /// As it is.
    #[default]
    None,
    /// 90° clockwise.
    Quarter,
    /// 180°.
    Half,
    /// 270° clockwise.
    ThreeQuarters,
}

/// The frame, upright.
pub fn apply(picture: RgbImage, orientation: Orientation) -> RgbImage {
    let mut upright = match orientation.rotate {
        Rotation::None => picture,
        Rotation::Quarter => rotate90(&picture),
        Rotation::Half => turned_over(picture),
        Rotation::ThreeQuarters => rotate270(&picture),
    };
    if orientation.mirror == Mirror::On {
        let row_bytes = 3 * upright.width() as usize;
        // A frame has pixels, but an empty picture has no rows to cut into.
        upright.chunks_exact_mut(row_bytes.max(1)).for_each(reverse_pixels);
    }
    upright
}

fn turned_over(mut picture: RgbImage) -> RgbImage {
    reverse_pixels(&mut picture);
    picture
}

/// Reverses bytes, which is fast, and then the colours of each pixel back.
fn reverse_pixels(pixels: &mut [u8]) {
    pixels.reverse();
    pixels.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
}

impl From<bool> for Mirror {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

impl TryFrom<u16> for Rotation {
    type Error = String;

    fn try_from(degrees: u16) -> Result<Self, String> {
        match degrees {
            0 => Ok(Self::None),
            90 => Ok(Self::Quarter),
            180 => Ok(Self::Half),
            270 => Ok(Self::ThreeQuarters),
            _ => Err(format!("{degrees} is no such turn, expected 0, 90, 180 or 270 degrees")),
        }
    }
}

impl From<Rotation> for u16 {
    fn from(rotation: Rotation) -> Self {
        match rotation {
            Rotation::None => 0,
            Rotation::Quarter => 90,
            Rotation::Half => 180,
            Rotation::ThreeQuarters => 270,
        }
    }
}

impl FromStr for Rotation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let degrees = text.parse::<u16>();
        degrees.map_err(|_| "expected 0, 90, 180 or 270 degrees".to_owned())?.try_into()
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        u16::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// Pixels named by a letter: `ab/cd` are two rows of two.
    fn picture(rows: &str) -> RgbImage {
        let rows: Vec<&[u8]> = rows.split('/').map(str::as_bytes).collect();
        let (width, height) = (rows[0].len(), rows.len());
        let pixel = |x: u32, y: u32| Rgb([rows[y as usize][x as usize], 1, 2]);
        RgbImage::from_fn(u32::try_from(width).unwrap(), u32::try_from(height).unwrap(), pixel)
    }

    fn check(degrees: u16, mirror: bool, expected: &str) {
        let rotate = Rotation::try_from(degrees).unwrap();
        let turned = apply(picture("abc/def"), Orientation { rotate, mirror: mirror.into() });
        assert_eq!(turned, picture(expected), "{degrees} {mirror}");
    }

    #[test]
    fn turns_are_clockwise_and_mirroring_comes_after() {
        check(0, false, "abc/def");
        check(90, false, "da/eb/fc");
        check(180, false, "fed/cba");
        check(270, false, "cf/be/ad");
        check(0, true, "cba/fed");
        check(90, true, "ad/be/cf");
    }

    #[test]
    fn turns_are_written_in_degrees() {
        for text in ["0", "90", "180", "270"] {
            assert_eq!(text.parse::<Rotation>().unwrap().to_string(), text);
        }
        for broken in ["", "45", "-90", "360", "left"] {
            assert!(broken.parse::<Rotation>().is_err(), "{broken}");
        }
    }

    #[test]
    fn an_empty_picture_stays_empty() {
        let mirror = Orientation { mirror: Mirror::On, ..Orientation::default() };
        assert_eq!(apply(RgbImage::new(0, 0), mirror).dimensions(), (0, 0));
    }
}
