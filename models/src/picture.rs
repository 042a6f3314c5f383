//! From the bytes of a picture file to upright 8-bit RGB, within limits.

mod jpeg;

use std::io::Cursor;
use std::panic::catch_unwind;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage};
use thiserror::Error;

/// Why a picture was refused.
#[derive(Debug, Error)]
pub enum PictureError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Some other kind of file.
    #[error("expected a JPEG, PNG, WebP or BMP picture, found {found}")]
    Format {
        /// What the first bytes say.
        found: String,
    },
    /// More pixels than the limits allow.
    #[error(
        "picture is {width}x{height} px, expected at most {} px a side and {} in all",
        limits.side_px_max, limits.pixels_max
    )]
    TooLarge {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// What is allowed.
        limits: Limits,
    },
    /// The file ends before the picture does.
    #[error("the {format} picture is cut off: its end is missing")]
    Truncated {
        /// Its format's name.
        format: &'static str,
    },
    /// The bytes make no picture: what the decoder says, in one line.
    #[error("the picture cannot be decoded: {0}")]
    Broken(String),
    /// The decoder broke off.
    #[error("the picture cannot be decoded: its decoder panicked")]
    Panicked,
}

impl From<ImageError> for PictureError {
    /// Keeps the text alone: an [`ImageError`] repeats its source, and some decoders break lines.
    fn from(error: ImageError) -> Self {
        let text = error.to_string();
        Self::Broken(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// How large a picture may be, so that a small file cannot ask for all memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest a side may be, in pixels.
    pub side_px_max: u32,
    /// The most pixels there may be.
    pub pixels_max: u64,
}

impl Default for Limits {
    /// 16,384 px a side, 64 million in all.
    fn default() -> Self {
        Self { side_px_max: 16_384, pixels_max: 64_000_000 }
    }
}

/// Decodes a picture file, upright and in colour.
///
/// The format is told by the bytes, not by a name. EXIF's orientation is applied, 16 bits become 8,
/// grey, palette and CMYK become RGB, and what is transparent shows white.
///
/// # Shapes
/// - picture: `[height, width, 3]`, u8, sRGB
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, PictureError> {
    catch_unwind(|| decode_unguarded(bytes, limits)).unwrap_or(Err(PictureError::Panicked))
}

fn decode_unguarded(bytes: &[u8], limits: &Limits) -> Result<RgbImage, PictureError> {
    let format = format_of(bytes)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(decoder_limits(limits));
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits.side_px_max || pixels > limits.pixels_max {
        return Err(PictureError::TooLarge { width, height, limits: *limits });
    }
    if format == ImageFormat::Jpeg && !jpeg::is_complete(bytes) {
        return Err(PictureError::Truncated { format: "JPEG" });
    }
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(on_white(picture))
}

fn format_of(bytes: &[u8]) -> Result<ImageFormat, PictureError> {
    if bytes.is_empty() {
        return Err(PictureError::Empty);
    }
    match image::guess_format(bytes) {
        Ok(format) if format.reading_enabled() => Ok(format),
        Ok(format) => Err(PictureError::Format { found: format!("{format:?}") }),
        Err(_) => Err(PictureError::Format { found: "something else".to_owned() }),
    }
}

/// The sides are checked by [`decode`] itself, whose message names them.
fn decoder_limits(limits: &Limits) -> image::Limits {
    let mut decoder = image::Limits::no_limits();
    // A 16-bit picture with alpha takes 8 bytes a pixel; decoders need some more to work in.
    decoder.max_alloc = Some(limits.pixels_max.saturating_mul(8).saturating_add(1 << 20));
    decoder
}

/// 8-bit RGB; where the picture is transparent, white shows through.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, alpha] = picture.get_pixel(x, y).0.map(u32::from);
        let mix = |shade: u32| (shade * alpha + 255 * (255 - alpha) + 127) / 255;
        image::Rgb([r, g, b].map(|shade| u8::try_from(mix(shade)).expect("a mean of bytes")))
    })
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "test patterns may wrap")]
mod tests {
    use super::*;
    use image::{Rgb, Rgba, RgbaImage};
    use proptest::prelude::*;

    fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn refusal(bytes: &[u8]) -> String {
        decode(bytes, &Limits::default()).unwrap_err().to_string()
    }

    #[test]
    fn one_pixel_is_a_picture_in_every_format() {
        let pixel = RgbImage::from_pixel(1, 1, Rgb([200, 100, 50]));
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Jpeg] {
            let picture = decode(&encoded(pixel.clone(), format), &Limits::default()).unwrap();
            assert_eq!(picture.dimensions(), (1, 1));
            let [r, g, b] = picture.get_pixel(0, 0).0;
            assert!(r.abs_diff(200) < 4 && g.abs_diff(100) < 4 && b.abs_diff(50) < 4, "{format:?}");
        }
    }

    #[test]
    fn what_is_transparent_shows_white() {
        let mut picture = RgbaImage::from_pixel(2, 1, Rgba([10, 20, 30, 0]));
        picture.put_pixel(1, 0, Rgba([0, 255, 100, 128]));
        let decoded = decode(&encoded(picture, ImageFormat::Png), &Limits::default()).unwrap();
        assert_eq!(decoded.as_raw(), &[255, 255, 255, 127, 255, 177]);
    }

    #[test]
    fn sixteen_bits_become_eight() {
        let deep = image::ImageBuffer::<Rgb<u16>, _>::from_pixel(1, 1, Rgb([0, 32_768, 65_535]));
        let bytes = encoded(DynamicImage::ImageRgb16(deep), ImageFormat::Png);
        assert_eq!(decode(&bytes, &Limits::default()).unwrap().as_raw(), &[0, 128, 255]);
    }

    #[test]
    fn a_header_that_claims_too_much_is_refused_unread() {
        let small = RgbImage::new(3, 3);
        let mut png = encoded(small.clone(), ImageFormat::Png);
        let claim = 65_535u32;
        png[16..20].copy_from_slice(&claim.to_be_bytes());
        png[20..24].copy_from_slice(&claim.to_be_bytes());
        let crc = png_crc(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        let mut bmp = encoded(small, ImageFormat::Bmp);
        bmp[18..22].copy_from_slice(&claim.to_le_bytes());
        bmp[22..26].copy_from_slice(&claim.to_le_bytes());
        for bytes in [png, bmp] {
            let refusal = refusal(&bytes);
            assert!(
                refusal.starts_with("picture is 65535x65535 px, expected at most 16384"),
                "{refusal}"
            );
        }
    }

    #[test]
    fn other_files_are_refused_by_what_they_are() {
        assert_eq!(refusal(b""), "the file is empty");
        assert!(refusal(b"hello").contains("found something else"));
        assert!(refusal(b"GIF89a\x01\0\x01\0").contains("found Gif"));
    }

    #[test]
    #[allow(clippy::cast_possible_truncation, reason = "any byte will do")]
    fn a_picture_that_is_cut_off_is_an_error() {
        let picture =
            RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 4) as u8, (y * 4) as u8, (x * y) as u8]));
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Jpeg] {
            let bytes = encoded(picture.clone(), format);
            for share in [4, 2] {
                let cut = decode(&bytes[..bytes.len() * (share - 1) / share], &Limits::default());
                assert!(cut.is_err(), "{format:?} without its last 1/{share}");
            }
        }
    }

    #[test]
    fn what_a_decoder_says_becomes_one_line() {
        let said = image::error::DecodingError::new(
            image::error::ImageFormatHint::Name("X".into()),
            "bad\n  marker\n",
        );
        let refusal = PictureError::from(ImageError::Decoding(said));
        assert!(refusal.to_string().ends_with("bad marker"), "{refusal}");
        assert!(std::error::Error::source(&refusal).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_damaged_picture_never_panics(at in 0usize..600, with in any::<u8>(), jpeg in any::<bool>()) {
            let format = if jpeg { ImageFormat::Jpeg } else { ImageFormat::Png };
            let mut bytes = encoded(RgbImage::from_pixel(9, 9, Rgb([9, 99, 199])), format);
            let at = at % bytes.len();
            bytes[at] = with;
            let panicked = matches!(decode(&bytes, &Limits::default()), Err(PictureError::Panicked));
            prop_assert!(!panicked);
        }
    }

    fn png_crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |c, _| {
                if c & 1 == 1 { (c >> 1) ^ 0xEDB8_8320 } else { c >> 1 }
            })
        })
    }
}
