//! What the screen says in words: that nobody is there, or that something is wrong.

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use super::Painter;
use super::layout::area;
use super::shape::Brackets;
use super::stack::Stack;
use super::text::Style;
use super::theme::{self, Sizes, length};
use super::write::bottom_of;
use crate::language::{Occasion, Statement, Strings};
use crate::scene::{Notice, Privacy, Scene};
use crate::source::Trouble;

/// Fills the panel when there are no figures to show.
pub(super) fn draw(painter: &mut Painter, stack: &mut Stack, scene: &Scene) {
    let words = painter.words;
    let occasion = occasion(words, scene.footer.privacy);
    match &scene.notice {
        None => {
            privacy(painter, stack, occasion);
            invitation(painter, stack, occasion);
        }
        Some(notice) => match statement(words, notice) {
            Some(statement) => trouble(painter, stack, &statement.title, &statement.detail),
            None => trouble(painter, stack, &in_a_line(words, notice), ""),
        },
    }
}

/// The words for pictures from there.
pub(super) fn occasion(words: &Strings, privacy: Privacy) -> &Occasion {
    match privacy {
        Privacy::LiveNotStored => &words.live,
        Privacy::ReplayFromFiles => &words.files,
    }
}

/// What is to be said beside figures, in a line or two.
pub(super) fn in_a_line(words: &Strings, notice: &Notice) -> String {
    match (statement(words, notice), notice) {
        (Some(statement), _) => format!("{}. {}", statement.title, statement.detail),
        (None, Notice::Text(sentence)) => sentence.clone(),
        (None, _) => String::new(),
    }
}

/// What is to be said in two or three words.
pub(super) fn title(words: &Strings, notice: &Notice) -> String {
    statement(words, notice).map_or_else(|| in_a_line(words, notice), |it| it.title.clone())
}

/// The words for a notice that has some.
fn statement<'w>(words: &'w Strings, notice: &Notice) -> Option<&'w Statement> {
    Some(match notice {
        Notice::Camera(Trouble::Missing) => &words.camera_missing,
        Notice::Camera(Trouble::Lost) => &words.camera_lost,
        Notice::Camera(Trouble::Silent) => &words.camera_silent,
        Notice::Camera(Trouble::Unusable) => &words.camera_unusable,
        Notice::NoModel => &words.no_model,
        Notice::StandIn => &words.stand_in,
        Notice::Paused => &words.paused,
        Notice::Hot => &words.hot,
        Notice::Text(_) => return None,
    })
}

/// Fills the pane when there is no picture to show: a camera, crossed out. The last picture is not kept on
/// the screen, where it would show people who have long gone.
pub(super) fn no_picture(painter: &mut Painter, pane: &Rectangle) {
    let (width, height) = (length(pane.size.width), length(pane.size.height));
    let unit = width.min(height) / 16;
    let middle = pane.top_left + Point::new(width / 2, height / 2);
    let part = |left: i32, top: i32, width: i32, height: i32| {
        area(middle.x + left * unit, middle.y + top * unit, width * unit, height * unit)
    };
    let radius = unit as f32;
    painter.rounded(&part(-2, -3, 3, 2), radius / 2.0, theme::LINE);
    painter.rounded(&part(-4, -2, 8, 5), radius, theme::LINE);
    painter.dot(middle + Point::new(-unit * 3 / 2, -unit), unit * 3, theme::BARS);
    painter.dot(middle + Point::new(-unit, -unit / 2), unit * 2, theme::LINE);
    for step in -5 * unit..5 * unit {
        let stroke = (unit / 3).max(2);
        let at = middle + Point::new(step, -step * 4 / 5);
        painter.fill(&area(at.x, at.y - stroke, 1, 3 * stroke), theme::BARS);
        painter.fill(&area(at.x, at.y, 1, stroke), theme::ACCENT);
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
    let height = painter.paragraph_px(&occasion.privacy, &style, stack.width - indent);
    if height > stack.height() / 2 {
        return;
    }
    let Some(room) = stack.take_bottom(height, stack.sizes.gap) else { return };
    let dot = stack.sizes.small * 2 / 3;
    painter.dot(room.top_left, dot, theme::GOOD);
    let room = area(stack.left + indent, room.top_left.y, stack.width - indent, height);
    painter.paragraph(&room, &occasion.privacy, &style);
}

/// The emblem takes what the words leave.
fn invitation(painter: &mut Painter, stack: &mut Stack, occasion: &Occasion) {
    let sizes = stack.sizes;
    let title = Style::bold(sizes.body * 3 / 2, theme::BRIGHT);
    let text = Style::regular(sizes.body, theme::DIM);
    let words_px = painter.paragraph_px(&occasion.nobody, &title, stack.width)
        + painter.paragraph_px(&occasion.invitation, &text, stack.width)
        + sizes.gap * 3;
    let emblem_px = (stack.height() * 2 / 5).min(stack.width / 2).min(stack.height() - words_px);
    if emblem_px > sizes.body * 2
        && let Some(room) = stack.take_top(emblem_px, sizes.gap * 2)
    {
        emblem(painter, &area(stack.left, room.top_left.y, emblem_px, emblem_px), &sizes);
    }
    say(painter, stack, &occasion.nobody, &title);
    say(painter, stack, &occasion.invitation, &text);
}

fn trouble(painter: &mut Painter, stack: &mut Stack, title: &str, detail: &str) {
    let sizes = stack.sizes;
    if let Some(bar) = stack.take_top(sizes.gap / 2, sizes.gap * 2) {
        let short = area(bar.top_left.x, bar.top_left.y, stack.width / 5, sizes.gap / 2);
        painter.fill(&short, theme::ACCENT);
    }
    say(painter, stack, title, &Style::bold(sizes.body * 3 / 2, theme::BRIGHT));
    say(painter, stack, detail, &Style::regular(sizes.body, theme::DIM));
}

/// Writes lines at the top of what is left.
fn say(painter: &mut Painter, stack: &mut Stack, sentence: &str, style: &Style) {
    let room = area(stack.left, stack.top, stack.width, stack.height());
    if !room.is_zero_sized() && !sentence.is_empty() {
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
