//! What the screen says in words: that nobody is there, or that something is wrong.

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use super::Painter;
use super::layout::area;
use super::shape::Brackets;
use super::stack::Stack;
use super::strings::Occasion;
use super::text::Style;
use super::theme::{self, Sizes, length};
use super::write::bottom_of;
use crate::scene::{Notice, Privacy, Scene};

/// Fills the panel when there are no figures to show.
pub(super) fn draw(painter: &mut Painter, stack: &mut Stack, scene: &Scene) {
    let words = painter.words;
    let occasion = match scene.footer.privacy {
        Privacy::LiveNotStored => &words.live,
        Privacy::ReplayFromFiles => &words.files,
    };
    privacy(painter, stack, occasion);
    match &scene.notice {
        Some(Notice::Text(sentence)) => trouble(painter, stack, sentence),
        Some(Notice::Nobody) | None => invitation(painter, stack, occasion),
    }
}

/// A sentence over the bottom of the picture, where the panel is taken by figures.
pub(super) struct Band<'a> {
    pub(super) pane: &'a Rectangle,
    pub(super) sizes: Sizes,
}

impl Band<'_> {
    /// Draws the band with `sentence` in it, at most half as high as the pane.
    pub(super) fn draw(&self, painter: &mut Painter, sentence: &str) {
        let margin = self.sizes.gap * 3 / 2;
        let width = length(self.pane.size.width) - 3 * margin;
        let style = Style::regular(self.sizes.body, theme::BRIGHT);
        let half = length(self.pane.size.height) / 2;
        let height = (painter.paragraph_px(sentence, &style, width) + 2 * margin).min(half);
        let band = bottom_of(self.pane, height);
        painter.canvas.blend_area(&band, theme::INK, 205);
        let bar = area(band.top_left.x, band.top_left.y, margin / 3 + 1, height);
        painter.fill(&bar, theme::ACCENT);
        let corner = band.top_left + Point::new(margin * 3 / 2, margin);
        let room = area(corner.x, corner.y, width, height - margin);
        painter.paragraph(&room, sentence, &style);
    }
}

/// The last lines of the panel: what becomes of the pictures.
fn privacy(painter: &mut Painter, stack: &mut Stack, occasion: &Occasion) {
    let style = Style::regular(stack.sizes.small, theme::DIM);
    let indent = stack.sizes.small * 6 / 5;
    let height = painter.paragraph_px(occasion.privacy, &style, stack.width - indent);
    if height > stack.height() / 2 {
        return;
    }
    let Some(room) = stack.take_bottom(height, stack.sizes.gap) else { return };
    let dot = stack.sizes.small * 2 / 3;
    painter.dot(room.top_left, dot, theme::GOOD);
    let room = area(stack.left + indent, room.top_left.y, stack.width - indent, height);
    painter.paragraph(&room, occasion.privacy, &style);
}

fn invitation(painter: &mut Painter, stack: &mut Stack, occasion: &Occasion) {
    let sizes = stack.sizes;
    let emblem_px = (stack.height() * 2 / 5).min(stack.width / 2);
    if let Some(room) = stack.take_top(emblem_px, sizes.gap * 2) {
        emblem(painter, &area(stack.left, room.top_left.y, emblem_px, emblem_px), &sizes);
    }
    say(painter, stack, occasion.nobody, &Style::bold(sizes.body * 3 / 2, theme::BRIGHT));
    say(painter, stack, occasion.invitation, &Style::regular(sizes.body, theme::DIM));
}

fn trouble(painter: &mut Painter, stack: &mut Stack, sentence: &str) {
    let sizes = stack.sizes;
    if let Some(bar) = stack.take_top(sizes.gap / 2, sizes.gap * 2) {
        let short = area(bar.top_left.x, bar.top_left.y, stack.width / 5, sizes.gap / 2);
        painter.fill(&short, theme::ACCENT);
    }
    say(painter, stack, sentence, &Style::bold(sizes.body * 3 / 2, theme::BRIGHT));
}

/// Writes lines at the top of what is left.
fn say(painter: &mut Painter, stack: &mut Stack, sentence: &str, style: &Style) {
    let room = area(stack.left, stack.top, stack.width, stack.height());
    if !room.is_zero_sized() {
        stack.top += painter.paragraph(&room, sentence, style) + stack.sizes.gap;
    }
}

/// Head and shoulders between the brackets that mark a face.
fn emblem(painter: &mut Painter, square: &Rectangle, sizes: &Sizes) {
    let side = length(square.size.width);
    let Point { x, y } = square.top_left;
    let head = side * 2 / 5;
    painter.dot(Point::new(x + (side - head) / 2, y + side / 6), head, theme::LINE);
    let body = area(x + side / 6, y + side * 31 / 50, side - side / 3, side);
    let seen = area(x, y, side, side * 22 / 25);
    painter.rounded_part(&body, side as f32 / 3.0, &seen, theme::LINE);
    let stroke_px = (sizes.body / 5).max(1);
    painter.brackets(&Brackets { bounds: *square, stroke_px, color: theme::ACCENT }, square);
}
