//! How many pixels a frame may have, and how many bytes one needs.

use std::borrow::Cow;

use models::picture::Limits;

use super::DecodeError;
use crate::frame::{Layout, PixelFormat};

/// Refuses a frame without pixels or with too many.
pub(super) fn check(width: u32, height: u32, limits: &Limits) -> Result<(), DecodeError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || width.max(height) > limits.side_px_max || pixels > limits.pixels_max {
        return Err(DecodeError::Size { width, height, limits: *limits });
    }
    Ok(())
}

/// The bytes of a whole frame, whose last row need not be padded.
pub(super) fn needed_bytes(layout: &Layout) -> Result<u64, DecodeError> {
    let (stride, height) = (u64::from(layout.stride), u64::from(layout.height));
    let row = row_bytes(layout);
    if stride < row {
        return Err(DecodeError::Stride { layout: *layout, needed: row });
    }
    let rows = |stride: u64, rows: u64, row: u64| stride * (rows - 1) + row;
    let pairs = height.div_ceil(2);
    Ok(match layout.format {
        PixelFormat::Nv12 => stride * height + rows(stride, pairs, row),
        PixelFormat::I420 => {
            let chroma = u64::from(chroma_stride(layout));
            let last = u64::from(layout.width.div_ceil(2));
            stride * height + chroma * pairs + rows(chroma, pairs, last)
        }
        _ => rows(stride, height, row),
    })
}

/// The frame with its last row padded as the others are: crate `yuv` leaves out a row that is not. Takes less
/// than twice the memory of `bytes`, which has what [`needed_bytes`] says and so has a whole row before
/// the last, except in a single row of YUYV, which is its own stride.
pub(super) fn padded<'a>(bytes: &'a [u8], layout: &Layout) -> Cow<'a, [u8]> {
    let (stride, height) = (layout.stride as usize, layout.height as usize);
    let pairs = height.div_ceil(2);
    let whole = match layout.format {
        PixelFormat::Nv12 => stride * (height + pairs),
        PixelFormat::I420 => stride * height + 2 * chroma_stride(layout) as usize * pairs,
        _ => stride * height,
    };
    if bytes.len() >= whole {
        return bytes.into();
    }
    let mut padded = bytes.to_vec();
    padded.resize(whole, 0);
    padded.into()
}

/// From one row of U or V to the next in I420: half of the luma's, as V4L2 has it.
pub(super) fn chroma_stride(layout: &Layout) -> u32 {
    layout.stride.div_ceil(2)
}

/// What a row of the first plane takes at least. U and V come in pairs, so an odd width is rounded up
/// where a row holds both.
pub(super) fn row_bytes(layout: &Layout) -> u64 {
    let width = u64::from(layout.width);
    match layout.format {
        PixelFormat::Yuyv => 4 * width.div_ceil(2),
        PixelFormat::Nv12 => 2 * width.div_ceil(2),
        PixelFormat::Rgb3 | PixelFormat::Bgr3 => 3 * width,
        PixelFormat::I420 | PixelFormat::Grey => width,
    }
}
