//! NV12: a plane of luma, then one of U V pairs.

use image::RgbImage;
use yuv::{YuvBiPlanarImage, YuvConversionMode, yuv_nv12_to_rgb};

use super::{DecodeError, MATRIX, RANGE, size};
use crate::frame::Layout;

pub(super) fn convert(
    bytes: &[u8],
    layout: &Layout,
    picture: &mut RgbImage,
) -> Result<(), DecodeError> {
    let (width, height, stride) = (layout.width, layout.height, layout.stride);
    let bytes = size::padded(bytes, layout);
    let (y_plane, uv_plane) = bytes.split_at(stride as usize * height as usize);
    let planes =
        YuvBiPlanarImage { y_plane, y_stride: stride, uv_plane, uv_stride: stride, width, height };
    let mode = YuvConversionMode::Balanced;
    Ok(yuv_nv12_to_rgb(&planes, picture, 3 * width, RANGE, MATRIX, mode)?)
}
