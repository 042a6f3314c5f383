//! Room in the panel, given out from the top and from the bottom until nothing is left.

use embedded_graphics::primitives::Rectangle;

use super::layout::area;
use super::theme::{Sizes, length};

/// The part of the panel nothing has been drawn on yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stack {
    pub(super) left: i32,
    pub(super) width: i32,
    pub(super) top: i32,
    pub(super) bottom: i32,
    pub(super) sizes: Sizes,
}

impl Stack {
    /// All of `panel` but its margins.
    pub(super) fn of(panel: &Rectangle) -> Self {
        let sizes = Sizes::of(panel);
        let margin = sizes.gap * 3 / 2;
        Self {
            left: panel.top_left.x + margin,
            width: length(panel.size.width) - 2 * margin,
            top: panel.top_left.y + margin,
            bottom: panel.top_left.y + length(panel.size.height) - margin,
            sizes,
        }
    }

    /// The height that is left.
    pub(super) fn height(&self) -> i32 {
        self.bottom - self.top
    }

    /// Takes `height` pixels from the top, and `gap` below them; `None` where there is no room.
    pub(super) fn take_top(&mut self, height: i32, gap: i32) -> Option<Rectangle> {
        let part = self.part(self.top, height)?;
        self.top += height + gap;
        Some(part)
    }

    /// Takes `height` pixels from the bottom, and `gap` above them; `None` where there is no room.
    pub(super) fn take_bottom(&mut self, height: i32, gap: i32) -> Option<Rectangle> {
        let part = self.part(self.bottom - height, height)?;
        self.bottom -= height + gap;
        Some(part)
    }

    fn part(&self, top: i32, height: i32) -> Option<Rectangle> {
        let fits = self.width > 0 && height > 0 && height <= self.height();
        fits.then(|| area(self.left, top, self.width, height))
    }
}
