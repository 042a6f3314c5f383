//! The predicted gender: the word, a bar of both shares, both percentages.

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use models::gender::GenderLabel;

use super::Painter;
use super::layout::area;
use super::stack::Stack;
use super::text::Style;
use super::theme::{self, Sizes, cap_px, length, px};
use super::write::{Anchor, fill};
use crate::language::Strings;
use crate::scene::Reading;

/// The height of the block in pixels.
pub(super) fn height_px(sizes: &Sizes) -> i32 {
    cap_px(sizes.body) + sizes.gap + bar_px(sizes) + sizes.gap * 4 / 5 + sizes.small
}

/// Draws the block at the top of `stack`, if there is room.
pub(super) fn draw(painter: &mut Painter, stack: &mut Stack, reading: &Reading) {
    let sizes = stack.sizes;
    let Some(block) = stack.take_top(height_px(&sizes), sizes.gap) else { return };
    let label = reading.label;
    title(painter, &block, &sizes, label);
    let top = block.top_left.y + cap_px(sizes.body) + sizes.gap;
    let bar = area(stack.left, top, stack.width, bar_px(&sizes));
    shares(painter, &bar, reading.gender.female(), label);
    let female = px(reading.gender.female() * 100.0);
    let top = bar.rows().end + sizes.gap * 4 / 5;
    let words = painter.words;
    let style =
        |own| Style::regular(sizes.small, if label == own { theme::BRIGHT } else { theme::DIM });
    let texts = fill(&words.woman_share, female);
    let left = Anchor::Left(Point::new(stack.left, top));
    let room = stack.width * 3 / 5;
    let used = painter.write_fitting(left, &texts, &style(GenderLabel::Female), room);
    let texts = fill(&words.man_share, 100 - female);
    let right = Anchor::Right(Point::new(stack.left + stack.width, top));
    painter.write_fitting(right, &texts, &style(GenderLabel::Male), stack.width - used - 4);
}

/// The word for a label.
pub(super) fn word(words: &'static Strings, label: GenderLabel) -> &'static str {
    match label {
        GenderLabel::Female => &words.woman,
        GenderLabel::Male => &words.man,
        GenderLabel::Unsure => &words.unsure,
    }
}

fn title(painter: &mut Painter, block: &Rectangle, sizes: &Sizes, label: GenderLabel) {
    let words = painter.words;
    let width = length(block.size.width);
    let right = Anchor::Right(block.top_left + Point::new(width, 0));
    let style = Style::bold(sizes.body, color(label));
    let used = painter.write_fitting(right, &[word(words, label)], &style, width);
    let style = Style::regular(sizes.body, theme::DIM);
    let left = Anchor::Left(block.top_left);
    painter.write_fitting(left, &words.predicted_gender, &style, width - used - sizes.gap);
}

/// A round-ended bar: the share of *female* from the left, of *male* from the right, a gap between.
fn shares(painter: &mut Painter, bar: &Rectangle, female: f32, label: GenderLabel) {
    let (left, width) = (bar.top_left.x, length(bar.size.width));
    let (radius, gap) = (bar.size.height as f32 / 2.0, (length(bar.size.height) / 6).max(1));
    let split = left + px(width as f32 * female);
    let part = |from: i32, to: i32| area(from, bar.top_left.y, to - from, length(bar.size.height));
    let shade = |own| if label == own { color(own) } else { theme::LINE };
    let unsure = label == GenderLabel::Unsure;
    let female = if unsure { dimmed(theme::FEMALE) } else { shade(GenderLabel::Female) };
    let male = if unsure { dimmed(theme::MALE) } else { shade(GenderLabel::Male) };
    painter.rounded_part(bar, radius, &part(left, split - gap), female);
    painter.rounded_part(bar, radius, &part(split + gap, left + width), male);
}

fn color(label: GenderLabel) -> Rgb888 {
    match label {
        GenderLabel::Female => theme::FEMALE,
        GenderLabel::Male => theme::MALE,
        GenderLabel::Unsure => theme::BRIGHT,
    }
}

/// Half way to the colour of the panel.
fn dimmed(color: Rgb888) -> Rgb888 {
    let mean = |a: u8, b: u8| a.midpoint(b);
    let panel = theme::PANEL;
    Rgb888::new(mean(color.r(), panel.r()), mean(color.g(), panel.g()), mean(color.b(), panel.b()))
}

fn bar_px(sizes: &Sizes) -> i32 {
    (sizes.body * 3 / 4).max(4)
}
