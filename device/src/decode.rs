//! From the bytes of a frame to upright pixels: pure functions that believe no size.

mod grey;
mod huffman;
mod i420;
mod jpeg;
mod nv12;
pub mod orientation;
mod rgb;
mod size;
mod yuyv;

use std::fmt;
use std::panic::catch_unwind;

use image::RgbImage;
use models::picture::{self, Limits, PictureError};
use yuv::{YuvRange, YuvStandardMatrix};

use crate::frame::{Encoded, Encoding, Layout, PixelFormat};
use orientation::Orientation;

/// USB cameras give BT.601's matrix and its limited range (16 to 235) where they say nothing else: their
/// class's colour descriptor defaults to it, and few send one. So do the programs that write Y4M.
const RANGE: YuvRange = YuvRange::Limited;
const MATRIX: YuvStandardMatrix = YuvStandardMatrix::Bt601;

/// Why a frame could not be decoded.
#[derive(Debug)]
pub enum DecodeError {
    /// More pixels than the limits allow, or none.
    Size {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// What is allowed.
        limits: Limits,
    },
    /// Rows that do not fit between one and the next.
    Stride {
        /// How the pixels were said to lie.
        layout: Layout,
        /// What a row needs, in bytes.
        needed: u64,
    },
    /// Fewer bytes than the frame needs.
    Short {
        /// How the pixels were said to lie.
        layout: Layout,
        /// What the frame has, in bytes.
        found: usize,
        /// What it needs, in bytes.
        needed: u64,
    },
    /// The bytes of a picture file make no picture.
    Picture(PictureError),
    /// The bytes make no picture: what the decoder says.
    Broken(String),
    /// The decoder broke off.
    Panicked,
}

/// Decodes a frame and turns it upright.
///
/// Nothing larger than `limits` is ever allocated, whatever the bytes claim.
///
/// # Shapes
/// - picture: `[height, width, 3]`, u8, sRGB
///
/// # Errors
/// Where the bytes make no frame of their kind; the next one may be good again.
pub fn decode(
    encoded: &Encoded,
    limits: &Limits,
    orientation: Orientation,
) -> Result<RgbImage, DecodeError> {
    let pixels = catch_unwind(|| match encoded.encoding {
        Encoding::File => picture::decode(&encoded.bytes, limits).map_err(DecodeError::Picture),
        Encoding::Jpeg => jpeg::decode(&encoded.bytes, limits),
        Encoding::Pixels(layout) => decode_pixels(&encoded.bytes, layout, limits),
    });
    let picture = pixels.unwrap_or(Err(DecodeError::Panicked))?;
    Ok(orientation::apply(picture, orientation))
}

/// What a row of the first plane takes at least, in bytes, whatever the stride.
pub fn row_bytes(layout: &Layout) -> u64 {
    size::row_bytes(layout)
}

fn decode_pixels(bytes: &[u8], layout: Layout, limits: &Limits) -> Result<RgbImage, DecodeError> {
    size::check(layout.width, layout.height, limits)?;
    let needed = size::needed_bytes(&layout)?;
    if (bytes.len() as u64) < needed {
        return Err(DecodeError::Short { layout, found: bytes.len(), needed });
    }
    let mut picture = RgbImage::new(layout.width, layout.height);
    match layout.format {
        PixelFormat::Yuyv => yuyv::convert(bytes, &layout, &mut picture),
        PixelFormat::Nv12 => nv12::convert(bytes, &layout, &mut picture),
        PixelFormat::I420 => i420::convert(bytes, &layout, &mut picture),
        PixelFormat::Rgb3 => rgb::convert_rgb(bytes, &layout, &mut picture),
        PixelFormat::Bgr3 => rgb::convert_bgr(bytes, &layout, &mut picture),
        PixelFormat::Grey => grey::convert(bytes, &layout, &mut picture),
    }
    .map(|()| picture)
}

impl From<yuv::YuvError> for DecodeError {
    fn from(error: yuv::YuvError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Size { width, height, limits } => write!(
                f,
                "the frame is {width}x{height} px, expected 1 to {} px a side and at most {} in all",
                limits.side_px_max, limits.pixels_max
            ),
            Self::Stride { layout, needed } => {
                write!(f, "rows of {layout} need {needed} bytes, the layout has {}", layout.stride)
            }
            Self::Short { layout, found, needed } => {
                write!(f, "the frame has {found} bytes, {layout} needs {needed}")
            }
            Self::Picture(error) => error.fmt(f),
            Self::Broken(reason) => write!(f, "the frame cannot be decoded: {reason}"),
            Self::Panicked => f.write_str("the frame cannot be decoded: its decoder panicked"),
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Shown by the text already.
            Self::Picture(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Instant;

    const FORMATS: [PixelFormat; 6] = [
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::I420,
        PixelFormat::Rgb3,
        PixelFormat::Bgr3,
        PixelFormat::Grey,
    ];

    fn decoded(encoding: Encoding, bytes: Vec<u8>) -> Result<RgbImage, DecodeError> {
        let encoded = Encoded { bytes, encoding, number: 1, captured: Instant::now() };
        decode(&encoded, &Limits { side_px_max: 64, pixels_max: 1024 }, Orientation::default())
    }

    fn pixels(format: PixelFormat, width: u32, height: u32, stride: u32) -> Encoding {
        Encoding::Pixels(Layout { format, width, height, stride })
    }

    /// The pixel at (x, y), each part within 2 of what is expected.
    fn check(picture: &RgbImage, (x, y): (u32, u32), expected: [u8; 3]) {
        let found = picture.get_pixel(x, y).0;
        let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2);
        assert!(near, "({x}, {y}) is {found:?}, expected {expected:?}");
    }

    #[test]
    fn yuyv_pixels_share_colours_in_pairs_and_rows_may_be_padded() {
        // Red and black share their colour samples; then a row of white.
        let rows = [[81, 90, 16, 240, 9, 9], [235, 128, 235, 128, 9, 9]].concat();
        let picture = decoded(pixels(PixelFormat::Yuyv, 2, 2, 6), rows).unwrap();
        check(&picture, (0, 0), [254, 0, 0]);
        check(&picture, (0, 1), [255, 255, 255]);
        check(&picture, (1, 1), [255, 255, 255]);
    }

    #[test]
    fn planes_of_nv12_and_i420_begin_after_padded_rows() {
        let luma = [[145, 145, 0, 0], [145, 145, 0, 0]].concat();
        let green = |chroma: &[u8]| [luma.as_slice(), chroma].concat();
        let nv12 = decoded(pixels(PixelFormat::Nv12, 2, 2, 4), green(&[54, 34])).unwrap();
        let i420 = decoded(pixels(PixelFormat::I420, 2, 2, 4), green(&[54, 0, 34])).unwrap();
        for picture in [nv12, i420] {
            check(&picture, (0, 0), [0, 255, 0]);
            check(&picture, (1, 1), [0, 255, 0]);
        }
    }

    #[test]
    fn every_pixel_is_decoded_whatever_the_size_and_the_padding() {
        for format in FORMATS {
            for (width, height) in (1..7).flat_map(|w| (1..7).map(move |h| (w, h))) {
                for stride in [24, 37] {
                    let encoding = pixels(format, width, height, stride);
                    let Encoding::Pixels(layout) = encoding else { unreachable!() };
                    let needed = usize::try_from(size::needed_bytes(&layout).unwrap()).unwrap();
                    let picture = decoded(encoding, vec![200; needed]).unwrap();
                    let dark = picture.pixels().filter(|pixel| pixel.0[0] < 100).count();
                    assert_eq!(dark, 0, "{layout}, stride {stride}");
                }
            }
        }
    }

    #[test]
    fn rgb_bgr_and_grey_are_taken_as_they_are() {
        let row = vec![1, 2, 3, 0, 4, 5, 6];
        let rgb = decoded(pixels(PixelFormat::Rgb3, 1, 2, 4), row.clone()).unwrap();
        assert_eq!(rgb.as_raw(), &[1, 2, 3, 4, 5, 6]);
        let bgr = decoded(pixels(PixelFormat::Bgr3, 1, 2, 4), row).unwrap();
        assert_eq!(bgr.as_raw(), &[3, 2, 1, 6, 5, 4]);
        let grey = decoded(pixels(PixelFormat::Grey, 2, 1, 2), vec![0, 255]).unwrap();
        assert_eq!(grey.as_raw(), &[0, 0, 0, 255, 255, 255]);
    }

    #[test]
    fn one_byte_too_few_is_an_error_that_says_how_many_are_needed() {
        for format in FORMATS {
            for (width, height) in [(2, 2), (3, 3), (5, 1), (1, 1)] {
                let encoding = pixels(format, width, height, 24);
                let Encoding::Pixels(layout) = encoding else { unreachable!() };
                let needed = usize::try_from(size::needed_bytes(&layout).unwrap()).unwrap();
                decoded(encoding, vec![128; needed]).unwrap();
                let error = decoded(encoding, vec![128; needed - 1]).unwrap_err().to_string();
                let expected = format!("the frame has {} bytes", needed - 1);
                assert!(error.starts_with(&expected), "{error}");
                assert!(error.ends_with(&format!("needs {needed}")), "{error}");
            }
        }
    }

    #[test]
    fn what_claims_too_much_is_refused_before_memory_is_taken() {
        for (width, height) in [(0, 1), (1, 0), (65, 1), (1, 65), (64, 64), (u32::MAX, u32::MAX)] {
            let error = decoded(pixels(PixelFormat::Grey, width, height, u32::MAX), Vec::new());
            assert!(matches!(error, Err(DecodeError::Size { .. })), "{width}x{height}");
        }
        let narrow = decoded(pixels(PixelFormat::Rgb3, 4, 4, 11), vec![0; 99]);
        assert!(matches!(narrow, Err(DecodeError::Stride { needed: 12, .. })), "{narrow:?}");
    }

    #[test]
    fn a_picture_file_is_told_by_its_bytes() {
        let mut png = std::io::Cursor::new(Vec::new());
        RgbImage::new(3, 2).write_to(&mut png, image::ImageFormat::Png).unwrap();
        assert_eq!(decoded(Encoding::File, png.into_inner()).unwrap().dimensions(), (3, 2));
        let error = decoded(Encoding::File, Vec::new()).unwrap_err().to_string();
        assert_eq!(error, "the file is empty");
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_layout_give_a_picture_of_that_size_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..512),
            format in proptest::sample::select(FORMATS.to_vec()),
            sides in prop_oneof![(0u32..20, 0u32..20), (any::<u32>(), any::<u32>())],
            stride in prop_oneof![0u32..70, any::<u32>()],
        ) {
            match decoded(pixels(format, sides.0, sides.1, stride), bytes) {
                Ok(picture) => prop_assert_eq!(picture.dimensions(), sides),
                Err(error) => prop_assert!(!matches!(error, DecodeError::Panicked)),
            }
        }
    }
}
