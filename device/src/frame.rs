//! A frame on its way through the kiosk: as its source gave it, then as pixels.

use std::fmt;
use std::time::Instant;

use image::RgbImage;

/// A frame as its source gave it. It stays compressed until somebody wants to see it.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// What the source gave, and nothing after it.
    pub bytes: Vec<u8>,
    /// How to read them.
    pub encoding: Encoding,
    /// Counts the frames of a source, 1 and up.
    pub number: u64,
    /// When it arrived.
    pub captured: Instant,
}

/// What the bytes of a frame are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A picture file of any kind that [`models::picture`] reads.
    File,
    /// One JPEG as cameras send it, perhaps without its Huffman tables.
    Jpeg,
    /// Pixels in a row.
    Pixels(Layout),
}

/// How uncompressed pixels lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Which bytes make a pixel.
    pub format: PixelFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// From one row of the first plane to the next, in bytes; may be more than a row needs.
    pub stride: u32,
}

/// Which bytes make a pixel. Names as V4L2 has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// 4:2:2, packed: Y U Y V.
    Yuyv,
    /// 4:2:0: a plane of Y, then one of U V pairs.
    Nv12,
    /// 4:2:0: planes of Y, U and V (V4L2's YU12).
    I420,
    /// R G B, a byte each.
    Rgb3,
    /// B G R, a byte each.
    Bgr3,
    /// One byte of light.
    Grey,
}

/// A frame as pixels.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Upright; `[height, width, 3]`, u8, sRGB.
    pub picture: RgbImage,
    /// Its number at the source.
    pub number: u64,
    /// When it arrived.
    pub captured: Instant,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}x{}", self.format, self.width, self.height)
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::I420 => "YU12",
            Self::Rgb3 => "RGB3",
            Self::Bgr3 => "BGR3",
            Self::Grey => "GREY",
        })
    }
}
