//! What a panel shows, kept, so that only what differs is sent: pure.

use std::ops::RangeInclusive;

/// A window costs three commands and their line: this many rows between two of them are sent along instead.
const GAP_ROWS: usize = 2;

/// The pixels that a panel shows.
///
/// # Shapes
/// - pixels: `[height, width]`, RGB565; `None` where nobody knows what it shows
#[derive(Debug)]
pub(super) struct Shadow {
    width: usize,
    pixels: Vec<Option<u16>>,
}

/// Pixels that differ, and those between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) columns: RangeInclusive<usize>,
    pub(super) rows: RangeInclusive<usize>,
}

impl Shadow {
    /// Of a panel that shows anything.
    pub(super) fn unknown(width: usize, height: usize) -> Self {
        Self { width, pixels: vec![None; width * height] }
    }

    /// Takes `pixels`, a whole picture, for what is shown from now on, and tells where it differs.
    pub(super) fn update(&mut self, pixels: &[u16]) -> Vec<Window> {
        let mut windows: Vec<Window> = Vec::new();
        let rows = self.pixels.chunks_mut(self.width).zip(pixels.chunks(self.width));
        for (y, (shown, row)) in rows.enumerate() {
            let Some(columns) = update_row(shown, row) else { continue };
            match windows.last_mut().filter(|window| y - window.rows.end() <= GAP_ROWS + 1) {
                Some(window) => window.take_in(columns, y),
                None => windows.push(Window { columns, rows: y..=y }),
            }
        }
        windows
    }

    /// The pixels of a window, row by row.
    pub(super) fn pixels<'a>(&'a self, window: &'a Window) -> impl Iterator<Item = u16> + 'a {
        let rows = window.rows.clone().map(move |y| &self.pixels[y * self.width..][..self.width]);
        rows.flat_map(move |row| row[window.columns.clone()].iter().map(|pixel| pixel.unwrap_or(0)))
    }
}

impl Window {
    fn take_in(&mut self, columns: RangeInclusive<usize>, row: usize) {
        let (first, last) = self.columns.clone().into_inner();
        self.columns = first.min(*columns.start())..=last.max(*columns.end());
        self.rows = *self.rows.start()..=row;
    }
}

/// The first and the last pixel of a row that differ.
fn update_row(shown: &mut [Option<u16>], row: &[u16]) -> Option<RangeInclusive<usize>> {
    let mut differ = None;
    for (x, (shown, &pixel)) in shown.iter_mut().zip(row).enumerate() {
        if *shown != Some(pixel) {
            *shown = Some(pixel);
            let first = differ.as_ref().map_or(x, |range: &RangeInclusive<usize>| *range.start());
            differ = Some(first..=x);
        }
    }
    differ
}

/// A pixel as panels take it: the highest five, six and five bits.
pub(super) fn rgb565([red, green, blue]: [u8; 3]) -> u16 {
    let bits = |value: u8, count: u32| u16::from(value) >> (8 - count);
    bits(red, 5) << 11 | bits(green, 6) << 5 | bits(blue, 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The windows that change one picture into another; `#` and `.` are pixels.
    fn check(
        before: &[&str],
        after: &[&str],
        expected: &[(RangeInclusive<usize>, RangeInclusive<usize>)],
    ) {
        let pixels = |rows: &[&str]| -> Vec<u16> {
            rows.iter().flat_map(|row| row.bytes().map(|byte| u16::from(byte == b'#'))).collect()
        };
        let mut shadow = Shadow::unknown(before[0].len(), before.len());
        shadow.update(&pixels(before));
        let windows = shadow.update(&pixels(after));
        let found: Vec<_> = windows.iter().map(|w| (w.columns.clone(), w.rows.clone())).collect();
        assert_eq!(found, expected);
        let all = Window { columns: 0..=before[0].len() - 1, rows: 0..=before.len() - 1 };
        assert!(shadow.pixels(&all).eq(pixels(after)));
    }

    #[test]
    fn nothing_is_sent_of_what_is_shown_already() {
        check(&["#.", ".#"], &["#.", ".#"], &[]);
    }

    #[test]
    fn what_differs_is_sent_with_what_lies_between() {
        check(&["....", "....", "...."], &["....", ".#.#", "..#."], &[(1..=3, 1..=2)]);
    }

    #[test]
    fn rows_far_from_each_other_are_sent_apart_and_near_ones_together() {
        check(
            &["..", "..", "..", "..", "..", "..", "..", ".."],
            &["#.", "..", "..", ".#", "..", "..", "..", "#."],
            &[(0..=1, 0..=3), (0..=0, 7..=7)],
        );
    }

    #[test]
    fn the_first_picture_is_sent_whole_be_it_black() {
        let mut shadow = Shadow::unknown(3, 2);
        assert_eq!(shadow.update(&[0; 6]), [Window { columns: 0..=2, rows: 0..=1 }]);
    }

    #[test]
    fn colours_keep_their_highest_bits() {
        let colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0x12, 0x34, 0x56]];
        assert_eq!(colors.map(rgb565), [0xF800, 0x07E0, 0x001F, 0x11AA]);
    }
}
