//! Which part of the screen is whose.

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use super::theme::{length, px, side};

/// The three parts of the screen; they share no pixel and leave none out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Where the picture is.
    pub(super) pane: Rectangle,
    /// Where the figures are.
    pub(super) panel: Rectangle,
    /// The line at the bottom.
    pub(super) footer: Rectangle,
}

impl Layout {
    /// The parts of a screen of `size`: pane beside panel, or above it where the screen is on end.
    pub(super) fn of(size: Size) -> Self {
        let (width, height) = (length(size.width), length(size.height));
        let footer = px(width.min(height) as f32 * 0.075).max(18).min(height / 4);
        let body = height - footer;
        let (pane, panel) = if width > height {
            let split = px(width as f32 * 0.61);
            (area(0, 0, split, body), area(split, 0, width - split, body))
        } else {
            let split = px(body as f32 * 0.52);
            (area(0, 0, width, split), area(0, split, width, body - split))
        };
        Self { pane, panel, footer: area(0, body, width, footer) }
    }
}

/// The rectangle with its left top corner at (`left`, `top`).
pub(super) fn area(left: i32, top: i32, width: i32, height: i32) -> Rectangle {
    Rectangle::new(Point::new(left, top), Size::new(side(width), side(height)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_screen_has_the_picture_left_of_the_figures() {
        let layout = Layout::of(Size::new(800, 480));
        assert_eq!(layout.pane, area(0, 0, 488, 444));
        assert_eq!(layout.panel, area(488, 0, 312, 444));
        assert_eq!(layout.footer, area(0, 444, 800, 36));
    }

    #[test]
    fn a_screen_on_end_has_the_picture_above_the_figures() {
        let layout = Layout::of(Size::new(480, 800));
        assert_eq!(layout.pane, area(0, 0, 480, 397));
        assert_eq!(layout.panel, area(0, 397, 480, 367));
    }

    #[test]
    fn the_parts_cover_any_screen_once() {
        for (width, height) in [(0, 0), (1, 1), (2, 1), (1, 9), (97, 33), (320, 240), (1280, 720)] {
            let layout = Layout::of(Size::new(width, height));
            let sizes = [layout.pane.size, layout.panel.size, layout.footer.size];
            let pixels: u32 = sizes.iter().map(|s| s.width * s.height).sum();
            assert_eq!(pixels, width * height, "{width}x{height}: {layout:?}");
        }
    }
}
