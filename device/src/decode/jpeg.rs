//! JPEG as cameras send it: strict, so that half a picture is an error, and complete with the Huffman
//! tables that many cameras leave out.

use image::RgbImage;
use models::picture::Limits;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::{DecodeError, huffman, size};

/// More scans than any encoder makes would only keep the decoder busy.
const SCANS_MAX: usize = 64;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, DecodeError> {
    let bytes = huffman::completed(bytes);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes[..]), options(limits));
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let side = |px: usize| u32::try_from(px).unwrap_or(u32::MAX);
    size::check(side(width), side(height), limits)?;
    let pixels = decoder.decode().map_err(broken)?;
    RgbImage::from_raw(side(width), side(height), pixels)
        .ok_or_else(|| DecodeError::Broken("the decoder gave no RGB".to_owned()))
}

fn options(limits: &Limits) -> DecoderOptions {
    let side_px_max = limits.side_px_max as usize;
    DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(side_px_max)
        .set_max_height(side_px_max)
        .jpeg_set_max_scans(SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB)
}

/// In one line: some of its messages break theirs.
fn broken(error: DecodeErrors) -> DecodeError {
    let text = format!("{error:?}");
    DecodeError::Broken(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "test patterns may wrap")]
mod tests {
    use super::*;
    use image::{GrayImage, ImageFormat, Luma, Rgb};
    use proptest::prelude::*;
    use std::io::Cursor;

    const LIMITS: Limits = Limits { side_px_max: 128, pixels_max: 10_000 };

    fn camera_frame() -> Vec<u8> {
        let shades = |x: u32, y: u32| Rgb([(x * 4) as u8, (y * 4) as u8, (x ^ y) as u8]);
        encoded(RgbImage::from_fn(64, 48, shades).into())
    }

    fn encoded(picture: image::DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_frame_without_huffman_tables_is_the_same_picture() {
        let whole = camera_frame();
        let bare = huffman::tests::without_tables(&whole);
        assert!(bare.len() + 400 < whole.len());
        assert_eq!(decode(&bare, &LIMITS).unwrap(), decode(&whole, &LIMITS).unwrap());
    }

    #[test]
    fn grey_frames_become_rgb() {
        let grey = encoded(GrayImage::from_pixel(16, 8, Luma([77])).into());
        let picture = decode(&grey, &LIMITS).unwrap();
        assert_eq!(picture.dimensions(), (16, 8));
        let [r, g, b] = picture.get_pixel(3, 3).0;
        assert!(r.abs_diff(77) < 3 && r == g && g == b, "{r} {g} {b}");
    }

    #[test]
    fn a_frame_that_is_cut_off_is_an_error_and_zeros_after_it_are_none() {
        let mut whole = camera_frame();
        for part in [2, whole.len() / 2, whole.len() * 3 / 4] {
            assert!(decode(&whole[..part], &LIMITS).is_err(), "{part} bytes");
        }
        let picture = decode(&whole, &LIMITS).unwrap();
        whole.extend([0; 999]);
        assert_eq!(decode(&whole, &LIMITS).unwrap(), picture);
    }

    #[test]
    fn a_frame_beyond_the_limits_is_refused() {
        let frame = camera_frame();
        for limits in [
            Limits { side_px_max: 63, pixels_max: 10_000 },
            Limits { side_px_max: 128, pixels_max: 64 * 48 - 1 },
        ] {
            assert!(decode(&frame, &limits).is_err(), "{limits:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn a_damaged_frame_never_panics(
            changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
            cut_percent in 0usize..200,
            bare in any::<bool>(),
        ) {
            let whole = camera_frame();
            let mut bytes = if bare { huffman::tests::without_tables(&whole) } else { whole };
            for (at, with) in changes {
                let at = at % bytes.len();
                bytes[at] = with;
            }
            bytes.truncate(bytes.len() * cut_percent / 100);
            let _ = decode(&bytes, &LIMITS);
        }
    }
}
