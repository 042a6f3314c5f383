//! I420: planes of luma, U and V; what Y4M holds and V4L2 calls YU12.

use image::RgbImage;
use yuv::{YuvPlanarImage, yuv420_to_rgb};

use super::{DecodeError, MATRIX, RANGE, size};
use crate::frame::Layout;

pub(super) fn convert(
    bytes: &[u8],
    layout: &Layout,
    picture: &mut RgbImage,
) -> Result<(), DecodeError> {
    let (width, height, y_stride) = (layout.width, layout.height, layout.stride);
    let chroma = size::chroma_stride(layout);
    let bytes = size::padded(bytes, layout);
    let (y_plane, rest) = bytes.split_at(y_stride as usize * height as usize);
    let (u_plane, v_plane) = rest.split_at(chroma as usize * height.div_ceil(2) as usize);
    let planes = YuvPlanarImage {
        y_plane,
        y_stride,
        u_plane,
        u_stride: chroma,
        v_plane,
        v_stride: chroma,
        width,
        height,
    };
    Ok(yuv420_to_rgb(&planes, picture, 3 * width, RANGE, MATRIX)?)
}
