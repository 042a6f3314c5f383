//! GREY: one byte of light, of the full range.

use image::RgbImage;

use super::DecodeError;
use crate::frame::Layout;

pub(super) fn convert(
    bytes: &[u8],
    layout: &Layout,
    picture: &mut RgbImage,
) -> Result<(), DecodeError> {
    let width = layout.width as usize;
    for (from, to) in bytes.chunks(layout.stride as usize).zip(picture.chunks_exact_mut(3 * width))
    {
        for (light, pixel) in from.iter().zip(to.chunks_exact_mut(3)) {
            pixel.fill(*light);
        }
    }
    Ok(())
}
