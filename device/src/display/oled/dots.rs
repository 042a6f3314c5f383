//! A picture of one colour as an SSD1306 holds it: pure.

use std::ops::RangeInclusive;

use crate::canvas::Canvas;

/// Dots in a row.
pub const COLUMNS: u8 = 128;
/// Rows of bytes, each of which is eight dots below each other.
pub const PAGES: u8 = 8;

const WIDTH: usize = COLUMNS as usize;

/// Lit or not.
///
/// # Shapes
/// - pages: `[8, 128]`, u8, the lowest bit is the uppermost dot
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dots([[u8; WIDTH]; PAGES as usize]);

impl Default for Dots {
    /// None is lit.
    fn default() -> Self {
        Self([[0; WIDTH]; PAGES as usize])
    }
}

impl Dots {
    /// A canvas of 128 x 64 pixels: what is at least half as bright as white is lit.
    pub fn of(canvas: &Canvas) -> Self {
        let mut dots = Self::default();
        let rows = canvas.as_rgb().chunks_exact(3 * WIDTH);
        for (y, row) in rows.take(8 * usize::from(PAGES)).enumerate() {
            for (byte, color) in dots.0[y / 8].iter_mut().zip(row.as_chunks().0) {
                *byte |= u8::from(is_bright(*color)) << (y % 8);
            }
        }
        dots
    }

    /// The bytes of a page.
    pub fn page(&self, page: u8) -> &[u8] {
        &self.0[usize::from(page)]
    }

    /// Where it differs from what is `shown`, if that is known: pages, and the columns of each.
    pub fn changes(&self, shown: Option<&Self>) -> Vec<(u8, RangeInclusive<u8>)> {
        let columns = |page: u8| -> Option<RangeInclusive<u8>> {
            let Some(shown) = shown else { return Some(0..=COLUMNS - 1) };
            let (new, old) = (self.page(page), shown.page(page));
            let differs = |column: &u8| new[usize::from(*column)] != old[usize::from(*column)];
            Some((0..COLUMNS).find(differs)?..=(0..COLUMNS).rfind(differs)?)
        };
        (0..PAGES).filter_map(|page| Some((page, columns(page)?))).collect()
    }
}

/// Brightness by the weights of BT.601, in 256ths.
fn is_bright([red, green, blue]: [u8; 3]) -> bool {
    77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue) >= 128 * 256
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::pixelcolor::Rgb888;
    use embedded_graphics::prelude::*;

    fn lit(at: &[(i32, i32)]) -> Dots {
        let mut canvas = Canvas::new(128, 64);
        for &(x, y) in at {
            Pixel(Point::new(x, y), Rgb888::WHITE).draw(&mut canvas).unwrap();
        }
        Dots::of(&canvas)
    }

    #[test]
    fn eight_rows_are_a_row_of_bytes_with_the_uppermost_lowest() {
        let dots = lit(&[(0, 0), (0, 7), (127, 8), (5, 63)]);
        assert_eq!((dots.page(0)[0], dots.page(1)[127], dots.page(7)[5]), (0x81, 0x01, 0x80));
        assert_eq!(dots.0.as_flattened().iter().filter(|&&byte| byte != 0).count(), 3);
    }

    #[test]
    fn only_columns_that_differ_are_told_and_all_of_what_nobody_knows() {
        let (before, after) = (lit(&[(3, 3), (9, 20)]), lit(&[(3, 3), (7, 20), (9, 21)]));
        assert_eq!(after.changes(Some(&before)), [(2, 7..=9)]);
        assert_eq!(after.changes(Some(&after)), []);
        assert_eq!(after.changes(None).len(), 8);
    }

    #[test]
    fn what_is_half_as_bright_as_white_is_lit() {
        assert!(is_bright([128; 3]) && !is_bright([127; 3]));
        assert!(is_bright([0, 255, 0]) && !is_bright([255, 0, 0]) && !is_bright([0, 0, 255]));
    }
}
