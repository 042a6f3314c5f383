//! A borrowed 8-bit RGB picture: what every detector and crop reads.

use image::RgbImage;

/// Pixels of a picture, borrowed.
///
/// # Shapes
/// - pixels: `[height, width, 3]`, u8, sRGB, rows `stride` bytes apart
#[derive(Clone, Copy, Debug)]
pub struct RgbView<'a> {
    pixels: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
}

impl<'a> RgbView<'a> {
    /// A view of `height` rows of `width` RGB pixels, each row `stride` bytes after the last.
    ///
    /// `None` where a side is 0, `stride` is shorter than a row or `pixels` shorter than the picture.
    pub fn new(pixels: &'a [u8], width: usize, height: usize, stride: usize) -> Option<Self> {
        let row = width.checked_mul(3)?;
        let len = stride.checked_mul(height.checked_sub(1)?)?.checked_add(row)?;
        (width > 0 && stride >= row && pixels.len() >= len).then_some(Self {
            pixels,
            width,
            height,
            stride,
        })
    }

    /// A view of a whole picture; `None` where a side of it is 0.
    pub fn of(picture: &'a RgbImage) -> Option<Self> {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        Self::new(picture.as_raw(), width, height, width * 3)
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Row `y`: `3 * width` bytes.
    ///
    /// # Panics
    /// Where `y` is not below the height.
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.pixels[y * self.stride..][..self.width * 3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_never_reaches_past_its_pixels() {
        let bytes = [0u8; 2 * 8 - 2];
        assert!(RgbView::new(&bytes, 2, 2, 8).is_some(), "the last row needs no padding");
        assert!(RgbView::new(&bytes, 2, 3, 8).is_none());
        assert!(RgbView::new(&bytes, 3, 1, 8).is_none());
        assert!(RgbView::new(&bytes, 0, 1, 8).is_none());
        assert!(RgbView::new(&bytes, usize::MAX, 1, 8).is_none());
    }

    #[test]
    fn rows_start_at_their_stride() {
        let bytes: Vec<u8> = (0..16).collect();
        let view = RgbView::new(&bytes, 2, 2, 8).unwrap();
        assert_eq!(view.row(1), &[8, 9, 10, 11, 12, 13]);
    }
}
