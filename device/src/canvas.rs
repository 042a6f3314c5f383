//! The picture of one screen: RGB888 in memory, drawn on by embedded-graphics and by fast paths.
//!
//! Everything is drawn here first and handed to a display as a whole, so that no display has to be
//! drawn on pixel by pixel. Whatever reaches outside the canvas is left out.

use std::convert::Infallible;
use std::ops::Range;

use embedded_graphics::Pixel;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use models::image::RgbView;

/// A picture of one screen.
///
/// # Shapes
/// - pixels: `[height, width, 3]`, u8, sRGB, rows without gaps
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    size: Size,
    pixels: Vec<u8>,
}

/// How much of each pixel of a box a shape covers, such as a letter.
///
/// # Shapes
/// - coverage: `[len / width, width]`, u8, 0 = not at all, 255 = fully
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a> {
    /// Pixels in a row.
    pub width: usize,
    /// Row after row.
    pub coverage: &'a [u8],
}

impl Canvas {
    /// A black canvas of `width` × `height` pixels.
    pub fn new(width: u32, height: u32) -> Self {
        let bytes = width as usize * height as usize * 3;
        Self { size: Size::new(width, height), pixels: vec![0; bytes] }
    }

    /// All pixels, `[height, width, 3]`.
    pub fn as_rgb(&self) -> &[u8] {
        &self.pixels
    }

    /// Copies `picture` with its left top corner to `at`, unscaled, row by row.
    pub fn blit(&mut self, picture: &RgbView, at: Point) {
        let area = Rectangle::new(at, size_of(picture));
        let Some((columns, rows)) = self.clip(&area) else { return };
        let (left, top) = (columns.start - at.x, rows.start - at.y);
        let bytes = index(left) * 3..(index(left) + columns.len()) * 3;
        for (source_y, y) in (index(top)..).zip(rows) {
            self.row_mut(y, &columns).copy_from_slice(&picture.row(source_y)[bytes.clone()]);
        }
    }

    /// Mixes `color` into the pixels under `mask`, whose left top corner is at `at`.
    pub fn blend_mask(&mut self, mask: Mask, at: Point, color: Rgb888) {
        if mask.width == 0 {
            return;
        }
        for (row, y) in mask.coverage.chunks_exact(mask.width).zip(at.y..) {
            for (&alpha, x) in row.iter().zip(at.x..) {
                self.blend(Point::new(x, y), color, alpha);
            }
        }
    }

    /// Mixes `color` into every pixel of `area`; `alpha` 255 is all of it, 0 none.
    pub fn blend_area(&mut self, area: &Rectangle, color: Rgb888, alpha: u8) {
        let Some((columns, rows)) = self.clip(area) else { return };
        for y in rows {
            let row = self.row_mut(y, &columns);
            row.chunks_exact_mut(3).for_each(|pixel| mix(pixel, color, alpha));
        }
    }

    /// Mixes `color` into one pixel; `alpha` 255 is all of it, 0 none.
    pub fn blend(&mut self, at: Point, color: Rgb888, alpha: u8) {
        if alpha > 0
            && let Some(pixel) = self.pixel_mut(at)
        {
            mix(pixel, color, alpha);
        }
    }

    fn pixel_mut(&mut self, at: Point) -> Option<&mut [u8]> {
        let (x, y) = (u32::try_from(at.x).ok()?, u32::try_from(at.y).ok()?);
        let inside = x < self.size.width && y < self.size.height;
        let start = (y as usize * self.size.width as usize + x as usize) * 3;
        inside.then(|| &mut self.pixels[start..start + 3])
    }

    /// The columns and rows of `area` that lie on the canvas; `None` where there are none.
    fn clip(&self, area: &Rectangle) -> Option<(Range<i32>, Range<i32>)> {
        let visible = area.intersection(&self.bounding_box());
        (!visible.is_zero_sized()).then(|| (visible.columns(), visible.rows()))
    }

    /// The bytes of some columns of row `y`, which must lie on the canvas.
    fn row_mut(&mut self, y: i32, columns: &Range<i32>) -> &mut [u8] {
        let start = index(y) * self.size.width as usize + index(columns.start);
        &mut self.pixels[start * 3..(start + columns.len()) * 3]
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(at, color) in pixels {
            if let Some(pixel) = self.pixel_mut(at) {
                pixel.copy_from_slice(&bytes(color));
            }
        }
        Ok(())
    }

    fn fill_contiguous<I>(&mut self, area: &Rectangle, colors: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Rgb888>,
    {
        let mut colors = colors.into_iter();
        if area.intersection(&self.bounding_box()) != *area {
            return self.draw_iter(area.points().zip(colors).map(|(at, color)| Pixel(at, color)));
        }
        for y in area.rows() {
            let row = self.row_mut(y, &area.columns());
            for (pixel, color) in row.chunks_exact_mut(3).zip(&mut colors) {
                pixel.copy_from_slice(&bytes(color));
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Rgb888) -> Result<(), Infallible> {
        let Some((columns, rows)) = self.clip(area) else { return Ok(()) };
        let color = bytes(color);
        for y in rows {
            self.row_mut(y, &columns).as_chunks_mut().0.fill(color);
        }
        Ok(())
    }
}

/// The size of a picture in pixels.
#[allow(clippy::cast_possible_truncation, reason = "pictures are limited to 16 thousand a side")]
pub fn size_of(picture: &RgbView) -> Size {
    Size::new(picture.width() as u32, picture.height() as u32)
}

/// A coordinate that clipping has made non-negative, as an index.
#[allow(clippy::cast_sign_loss, reason = "clipped coordinates are not negative")]
fn index(coordinate: i32) -> usize {
    coordinate as usize
}

fn bytes(color: Rgb888) -> [u8; 3] {
    [color.r(), color.g(), color.b()]
}

fn mix(pixel: &mut [u8], color: Rgb888, alpha: u8) {
    for (below, above) in pixel.iter_mut().zip(bytes(color)) {
        let sum = u32::from(*below) * u32::from(255 - alpha) + u32::from(above) * u32::from(alpha);
        // At most (255 * 255 + 127) / 255 = 255.
        *below = u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb888 = Rgb888::new(255, 0, 0);

    /// The red channel, a row a string: `#` 255, `+` between, `.` 0.
    fn rows(canvas: &Canvas) -> Vec<String> {
        let sign = |p: &[u8]| match p[0] {
            255 => '#',
            0 => '.',
            _ => '+',
        };
        let row_bytes = canvas.size().width as usize * 3;
        canvas.as_rgb().chunks(row_bytes).map(|row| row.chunks(3).map(sign).collect()).collect()
    }

    #[test]
    fn a_box_reaching_outside_is_clipped() {
        let mut canvas = Canvas::new(4, 3);
        let area = Rectangle::new(Point::new(2, -5), Size::new(9, 7));
        canvas.fill_solid(&area, RED).unwrap();
        assert_eq!(rows(&canvas), ["..##", "..##", "...."]);
    }

    #[test]
    fn contiguous_colours_keep_their_places_when_clipped() {
        let area = Rectangle::new(Point::new(-1, 1), Size::new(3, 2));
        let colors = [RED, Rgb888::BLACK, RED, RED, RED, Rgb888::BLACK];
        let mut canvas = Canvas::new(3, 2);
        canvas.fill_contiguous(&area, colors).unwrap();
        assert_eq!(rows(&canvas), ["...", ".#."]);
        let mut inside = Canvas::new(3, 2);
        inside.fill_contiguous(&Rectangle::new(Point::zero(), Size::new(3, 2)), colors).unwrap();
        assert_eq!(rows(&inside), ["#.#", "##."]);
    }

    #[test]
    fn a_picture_is_copied_where_it_fits() {
        let red = [255, 0, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0];
        let picture = RgbView::new(&red, 2, 2, 6).unwrap();
        for (at, expected) in [
            (Point::new(1, 0), [".#..", ".##."]),
            (Point::new(-1, 1), ["....", "...."]),
            (Point::new(3, -1), ["...#", "...."]),
            (Point::new(9, 9), ["....", "...."]),
        ] {
            let mut canvas = Canvas::new(4, 2);
            canvas.blit(&picture, at);
            assert_eq!(rows(&canvas), expected, "at {at}");
        }
    }

    #[test]
    fn half_covered_pixels_are_mixed() {
        let mut canvas = Canvas::new(3, 1);
        canvas.blend_mask(Mask { width: 3, coverage: &[0, 128, 255] }, Point::zero(), RED);
        assert_eq!(rows(&canvas), [".+#"]);
        assert_eq!(canvas.as_rgb()[3], 128);
        canvas.blend_mask(Mask { width: 0, coverage: &[] }, Point::new(i32::MAX, 0), RED);
    }

    #[test]
    fn an_empty_canvas_can_be_drawn_on() {
        let mut canvas = Canvas::new(0, 0);
        canvas.clear(RED).unwrap();
        canvas.blend(Point::zero(), RED, 9);
        assert!(canvas.as_rgb().is_empty());
    }
}
