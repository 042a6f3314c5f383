//! What cameras send, by the four letters that V4L2 has for it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::frame::PixelFormat;
use crate::text::held_as_text;

/// Four characters that name a format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FourCc(pub [u8; 4]);

/// A format that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum CameraFormat {
    /// One JPEG a frame.
    Jpeg,
    /// Pixels.
    Pixels(PixelFormat),
}

/// All of them, the one that is taken first first. Compressed frames come first: USB 2 carries
/// uncompressed ones at full rate only up to VGA, and only those that are shown are decoded. After them
/// what costs least to decode; GREY last, since it has no colour.
pub const CAMERA_FORMATS: [CameraFormat; 7] = [
    CameraFormat::Jpeg,
    CameraFormat::Pixels(PixelFormat::Yuyv),
    CameraFormat::Pixels(PixelFormat::Nv12),
    CameraFormat::Pixels(PixelFormat::I420),
    CameraFormat::Pixels(PixelFormat::Rgb3),
    CameraFormat::Pixels(PixelFormat::Bgr3),
    CameraFormat::Pixels(PixelFormat::Grey),
];

impl CameraFormat {
    /// The format of this name, if it can be decoded.
    pub fn of(fourcc: FourCc) -> Option<Self> {
        match &fourcc.0 {
            // Some drivers call single JPEGs so; UVC's are MJPG.
            b"JPEG" => Some(Self::Jpeg),
            _ => CAMERA_FORMATS.into_iter().find(|format| format.fourcc() == fourcc),
        }
    }

    /// V4L2's name of it.
    pub fn fourcc(self) -> FourCc {
        FourCc(*match self {
            Self::Jpeg => b"MJPG",
            Self::Pixels(PixelFormat::Yuyv) => b"YUYV",
            Self::Pixels(PixelFormat::Nv12) => b"NV12",
            Self::Pixels(PixelFormat::I420) => b"YU12",
            Self::Pixels(PixelFormat::Rgb3) => b"RGB3",
            Self::Pixels(PixelFormat::Bgr3) => b"BGR3",
            Self::Pixels(PixelFormat::Grey) => b"GREY",
        })
    }

    /// Its place among [`CAMERA_FORMATS`].
    pub fn rank(self) -> usize {
        CAMERA_FORMATS.iter().position(|format| *format == self).unwrap_or(CAMERA_FORMATS.len())
    }
}

impl FourCc {
    /// Whether this is what an image sensor gives before anything was made of it: a Bayer pattern
    /// (`BG10`, `pRAA`, `RGGB`, …), or Raspberry Pi 5's compressed one (`PC1B`).
    pub fn is_raw_sensor(self) -> bool {
        match self.0 {
            [b'B' | b'G' | b'R', b'A' | b'B' | b'G', b'1', b'0' | b'2' | b'4' | b'6'] => true,
            [b'p', b'B' | b'G' | b'g' | b'R', b'A', b'A'] => true,
            [b'p', b'B' | b'G' | b'g' | b'R', b'C' | b'E', b'C' | b'E'] => true,
            [b'P', b'C', b'1', _] => true,
            _ => [b"BA81", b"GBRG", b"GRBG", b"RGGB", b"BYR2"].contains(&&self.0),
        }
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // A big-endian format has the highest bit of the last character set.
        let text: String = self.0.map(|byte| char::from(byte & 0x7F)).into_iter().collect();
        f.pad(text.replace(|c: char| !c.is_ascii_graphic(), " ").trim_end())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CameraFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.fourcc().fmt(f)
    }
}

impl FromStr for CameraFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = CAMERA_FORMATS.into_iter().find(|format| {
            let name = format.to_string();
            name.eq_ignore_ascii_case(text)
        });
        found.ok_or_else(|| {
            let names = CAMERA_FORMATS.map(|format| format.to_string()).join(", ");
            format!("{text:?} is no format of frames, expected one of {names}")
        })
    }
}

held_as_text!(CameraFormat);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_name_that_leads_back_to_it() {
        for (rank, format) in CAMERA_FORMATS.into_iter().enumerate() {
            assert_eq!(CameraFormat::of(format.fourcc()), Some(format));
            assert_eq!(format.to_string().to_lowercase().parse(), Ok(format));
            assert_eq!(format.rank(), rank);
            assert!(!format.fourcc().is_raw_sensor(), "{format}");
        }
        assert_eq!(CameraFormat::of(FourCc(*b"H264")), None);
        let error = "H264".parse::<CameraFormat>().unwrap_err();
        assert!(
            error.ends_with("expected one of MJPG, YUYV, NV12, YU12, RGB3, BGR3, GREY"),
            "{error}"
        );
    }

    #[test]
    fn raw_sensors_are_known_by_their_formats() {
        for name in
            [b"BG10", b"GB12", b"BA10", b"RG16", b"pBAA", b"pgAA", b"pRCC", b"RGGB", b"PC1B"]
        {
            assert!(FourCc(*name).is_raw_sensor(), "{}", FourCc(*name));
        }
        for name in [b"H264", b"HEVC", b"Y16 ", b"UYVY", b"BGR4", b"Z16 "] {
            assert!(!FourCc(*name).is_raw_sensor(), "{}", FourCc(*name));
        }
    }

    #[test]
    fn a_name_is_printable_whatever_it_holds() {
        assert_eq!(FourCc([b'Y', b'1', b'6', b' ' | 0x80]).to_string(), "Y16");
        assert_eq!(FourCc([0x1B, b'[', b'3', 0xFF]).to_string(), " [3");
    }
}
