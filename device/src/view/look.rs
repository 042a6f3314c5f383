//! How well the nearest face can be seen, in a line: a dot, and what would help.

use embedded_graphics::prelude::*;

use super::Painter;
use super::notice::occasion;
use super::stack::Stack;
use super::text::Style;
use super::theme::{self, Sizes, cap_px};
use super::write::Anchor;
use crate::quality::Look;
use crate::scene::Privacy;

/// The height of the line in pixels.
pub(super) fn height_px(sizes: &Sizes) -> i32 {
    sizes.body
}

/// Draws the line at the top of `stack`, if there is room.
pub(super) fn draw(painter: &mut Painter, stack: &mut Stack, look: Look, privacy: Privacy) {
    let sizes = stack.sizes;
    let Some(row) = stack.take_top(height_px(&sizes), 0) else { return };
    let words = &occasion(painter.words, privacy).look;
    let (texts, dot_color, color) = match look {
        Look::Clear => (&words.clear, theme::GOOD, theme::DIM),
        Look::Small => (&words.small, theme::ACCENT, theme::BRIGHT),
        Look::Blurred => (&words.blurred, theme::ACCENT, theme::BRIGHT),
        Look::Turned => (&words.turned, theme::ACCENT, theme::BRIGHT),
    };
    let top = row.top_left;
    let dot = cap_px(sizes.body) * 4 / 5;
    let dot_top = top + Point::new(0, (cap_px(sizes.body) - dot) / 2);
    painter.dot(dot_top, dot, dot_color);
    let indent = dot * 5 / 3;
    let at = Anchor::Left(top + Point::new(indent, 0));
    painter.write_fitting(at, texts, &Style::regular(sizes.body, color), stack.width - indent);
}
