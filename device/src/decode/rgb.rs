//! RGB3 and BGR3: nothing to convert, but padding to leave out.

use image::RgbImage;

use super::DecodeError;
use crate::frame::Layout;

pub(super) fn convert_rgb(
    bytes: &[u8],
    layout: &Layout,
    picture: &mut RgbImage,
) -> Result<(), DecodeError> {
    let row_bytes = 3 * layout.width as usize;
    for (from, to) in bytes.chunks(layout.stride as usize).zip(picture.chunks_mut(row_bytes)) {
        to.copy_from_slice(&from[..row_bytes]);
    }
    Ok(())
}

pub(super) fn convert_bgr(
    bytes: &[u8],
    layout: &Layout,
    picture: &mut RgbImage,
) -> Result<(), DecodeError> {
    convert_rgb(bytes, layout, picture)?;
    picture.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
    Ok(())
}
