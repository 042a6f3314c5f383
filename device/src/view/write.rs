//! Words onto the screen: one line at an edge, or as many as fit an area.

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use super::Painter;
use super::layout::area;
use super::text::Style;
use super::theme::{cap_px, length};

/// Where a line of text goes: an edge of it, and the top of its capitals.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Left(Point),
    Middle(Point),
    Right(Point),
}

impl Painter<'_> {
    /// Writes one line.
    pub(super) fn write(&mut self, anchor: Anchor, text: &str, style: &Style) {
        let width = self.text.width_px(text, style);
        let corner = match anchor {
            Anchor::Left(at) => at,
            Anchor::Middle(at) => at - Point::new(width / 2, 0),
            Anchor::Right(at) => at - Point::new(width, 0),
        };
        let baseline = corner + Point::new(0, cap_px(style.size_px));
        self.text.draw(self.canvas, baseline, text, style);
    }

    /// Writes the longest of `texts` (longest first) that fits into `width`; gives the width used,
    /// 0 where none fits and nothing is written.
    pub(super) fn write_fitting(
        &mut self,
        anchor: Anchor,
        texts: &[impl AsRef<str>],
        style: &Style,
        width: i32,
    ) -> i32 {
        let Some((text, style)) = self.text.fit(texts, style, width) else {
            self.cut += 1;
            return 0;
        };
        self.write(anchor, text, &style);
        self.text.width_px(text, &style)
    }

    /// Writes `text` into `room` from its top, in lines, as large as fits between `style`'s size
    /// and half of it; gives the height used. Only what is too long even then ends with "…".
    pub(super) fn paragraph(&mut self, room: &Rectangle, text: &str, style: &Style) -> i32 {
        let (width, height) = (length(room.size.width), length(room.size.height));
        let smallest = (style.size_px / 2).max(9);
        let set = |size| {
            let style = style.sized(size);
            (style, self.text.wrap(text, &style, width))
        };
        let mut sizes = (smallest..style.size_px).rev();
        let (mut style, mut lines) = set(style.size_px);
        while lines_px(lines.len(), &style) > height
            && let Some(size) = sizes.next()
        {
            (style, lines) = set(size);
        }
        self.cut += usize::from(self.shorten(&mut lines, &style, room));
        for (line, top) in lines.iter().zip((room.top_left.y..).step_by(step_px(&style))) {
            self.write(Anchor::Left(Point::new(room.top_left.x, top)), line, &style);
        }
        lines_px(lines.len(), &style)
    }

    /// The height `text` takes in lines of at most `width` pixels.
    pub(super) fn paragraph_px(&self, text: &str, style: &Style, width: i32) -> i32 {
        lines_px(self.text.wrap(text, style, width).len(), style)
    }

    /// Leaves as many lines as `room` has height for, the last of them ending with "…" where that is not
    /// all; gives whether it is not.
    fn shorten(&self, lines: &mut Vec<String>, style: &Style, room: &Rectangle) -> bool {
        let (width, height) = (length(room.size.width), length(room.size.height));
        let all = lines.len();
        while !lines.is_empty() && lines_px(lines.len(), style) > height {
            lines.pop();
        }
        if lines.len() < all
            && let Some(last) = lines.last_mut()
        {
            while self.text.width_px(&format!("{last}…"), style) > width && last.pop().is_some() {
            }
            last.push('…');
        }
        lines.len() < all
    }
}

/// Each of `texts` with `number` in the place of `{n}`.
pub(super) fn fill(texts: &[String], number: impl std::fmt::Display) -> Vec<String> {
    let number = number.to_string();
    texts.iter().map(|text| text.replace("{n}", &number)).collect()
}

/// The strip of `room` with `height` pixels at its bottom.
pub(super) fn bottom_of(room: &Rectangle, height: i32) -> Rectangle {
    let top = room.top_left.y + length(room.size.height) - height;
    area(room.top_left.x, top, length(room.size.width), height)
}

/// From one line to the next.
fn step_px(style: &Style) -> usize {
    usize::try_from(style.size_px * 27 / 20).unwrap_or(1).max(1)
}

/// From the top of the first line's capitals to below the last one's letters.
fn lines_px(count: usize, style: &Style) -> i32 {
    let steps = i32::try_from(count.saturating_sub(1) * step_px(style)).unwrap_or(i32::MAX / 2);
    steps + style.size_px
}
