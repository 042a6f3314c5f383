//! The people beside the nearest one, a line each.

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use super::Painter;
use super::gender;
use super::stack::Stack;
use super::text::Style;
use super::theme::{self, Sizes, cap_px, length};
use super::write::{Anchor, fill};
use crate::scene::Person;

/// Draws a line for each of `others` (nearest first) at the bottom of `stack`, as many as `room`
/// pixels hold; where that is not all, the last line says how many more there are.
pub(super) fn draw(painter: &mut Painter, stack: &mut Stack, others: &[&Person], room: i32) {
    let line = line_px(&stack.sizes);
    let lines = usize::try_from(room / line).unwrap_or(0).min(others.len());
    if lines == 0 {
        return;
    }
    let left_out = if lines < others.len() { others.len() - lines + 1 } else { 0 };
    if left_out > 0
        && let Some(row) = stack.take_bottom(line, 0)
    {
        let texts = fill(&painter.words.more, left_out);
        let style = Style::regular(stack.sizes.small, theme::DIM);
        let top = row.top_left + Point::new(0, line - cap_px(stack.sizes.small));
        painter.write_fitting(Anchor::Left(top), &texts, &style, stack.width);
    }
    let mut shown = others[..others.len() - left_out].to_vec();
    shown.sort_by_key(|person| person.number);
    for person in shown.iter().rev() {
        let Some(row) = stack.take_bottom(line, 0) else { break };
        draw_one(painter, &row, &stack.sizes, person);
    }
    let rule = stack.take_bottom(1, stack.sizes.gap);
    rule.inspect(|rule| painter.fill(rule, theme::LINE));
}

/// The height of a line in pixels.
pub(super) fn line_px(sizes: &Sizes) -> i32 {
    sizes.body * 7 / 5
}

/// The number, the apparent age and the predicted gender of one person.
fn draw_one(painter: &mut Painter, row: &Rectangle, sizes: &Sizes, person: &Person) {
    let words = painter.words;
    let top = row.top_left + Point::new(0, line_px(sizes) - cap_px(sizes.body));
    let width = length(row.size.width);
    let bold = Style::bold(sizes.body, theme::BRIGHT);
    let number = [person.number.to_string()];
    painter.write_fitting(Anchor::Left(top), &number, &bold, width / 4);
    let column = sizes.body * 8 / 5;
    let right = Anchor::Right(top + Point::new(width, 0));
    let dim = Style::regular(sizes.body, theme::DIM);
    let Some(reading) = &person.reading else {
        painter.write_fitting(right, &words.looking, &dim, width - column);
        return;
    };
    let ages = [format!("{} ± {}", reading.years, reading.spread_years), reading.years.to_string()];
    let style = Style::regular(sizes.body, theme::BRIGHT);
    let at = Anchor::Left(top + Point::new(column, 0));
    let used = column + painter.write_fitting(at, &ages, &style, width - column) + sizes.gap;
    let word = gender::word(words, reading.label);
    painter.write_fitting(right, &[word], &dim, width - used);
}
