//! YUYV: what most USB cameras give uncompressed.

use image::RgbImage;
use yuv::{YuvPackedImage, yuyv422_to_rgb};

use super::{DecodeError, MATRIX, RANGE, size};
use crate::frame::Layout;

pub(super) fn convert(
    bytes: &[u8],
    layout: &Layout,
    picture: &mut RgbImage,
) -> Result<(), DecodeError> {
    let mut layout = *layout;
    if layout.height == 1 {
        layout.stride = 4 * layout.width.div_ceil(2);
    }
    let yuy = &size::padded(bytes, &layout);
    let (width, height) = (layout.width, layout.height);
    let packed = YuvPackedImage { yuy, yuy_stride: layout.stride, width, height };
    Ok(yuyv422_to_rgb(&packed, picture, 3 * width, RANGE, MATRIX)?)
}
