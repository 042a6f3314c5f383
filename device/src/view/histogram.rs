//! How probable each year of age is: 101 bins, those near the mean bright, the mean a line.

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use models::age::{AGE_CLASSES, AgeDistribution};

use super::Painter;
use super::layout::area;
use super::text::Style;
use super::theme::{self, Sizes, cap_px, length, px};
use super::write::Anchor;

/// The years written below the bins, and those that a narrow plot has room for.
const TICKS: &[u16] = &[0, 20, 40, 60, 80, 100];
const TICKS_FEW: &[u16] = &[0, 50, 100];

/// The least height that is worth drawing, in pixels.
pub(super) fn height_px_min(sizes: &Sizes) -> i32 {
    sizes.body * 2 + scale_px(sizes)
}

/// Draws the distribution into `room`.
pub(super) fn draw(painter: &mut Painter, room: &Rectangle, sizes: &Sizes, age: &AgeDistribution) {
    let height = length(room.size.height) - scale_px(sizes);
    let plot = area(room.top_left.x, room.top_left.y, length(room.size.width), height);
    if plot.is_zero_sized() {
        return;
    }
    grid(painter, &plot);
    bins(painter, &plot, age);
    let mean = x_of(&plot, age.expected_years());
    let thick = if plot.size.width < 150 { 1 } else { (sizes.body / 8).max(2) };
    painter.fill(&area(mean - thick / 2, plot.top_left.y, thick, height), theme::BRIGHT);
    ticks(painter, &plot, sizes);
}

fn grid(painter: &mut Painter, plot: &Rectangle) {
    let (width, height) = (length(plot.size.width), length(plot.size.height));
    for line in 0..=4 {
        let y = plot.top_left.y + height * line / 4 - line / 4;
        painter.fill(&area(plot.top_left.x, y, width, 1), theme::LINE);
    }
}

/// One bar a year; the topmost pixel of each is as strong as it is full.
fn bins(painter: &mut Painter, plot: &Rectangle, age: &AgeDistribution) {
    let highest = age.probs().iter().copied().fold(0.0, f32::max);
    let (mean, spread) = (age.expected_years(), age.std_years());
    let bottom = plot.rows().end;
    for (year, prob) in (0u16..).zip(age.probs()) {
        let near = (f32::from(year) - mean).abs() <= spread.max(0.5);
        let color = if near { theme::ACCENT } else { theme::ACCENT_DIM };
        let height = plot.size.height as f32 * prob / highest;
        let full = px(height.floor());
        let (left, right) = (edge(plot, year), edge(plot, year + 1));
        painter.fill(&area(left, bottom - full, right - left, full), color);
        faint_row(
            painter,
            &area(left, bottom - full - 1, right - left, 1),
            (color, height.fract()),
        );
    }
}

fn faint_row(painter: &mut Painter, row: &Rectangle, (color, strength): (Rgb888, f32)) {
    let alpha = u8::try_from(px(strength * 255.0)).unwrap_or(u8::MAX);
    painter.canvas.blend_area(row, color, alpha);
}

fn ticks(painter: &mut Painter, plot: &Rectangle, sizes: &Sizes) {
    let style = Style::regular(sizes.small, theme::DIM);
    let tick = (sizes.gap / 3).max(1);
    let top = plot.rows().end + tick + sizes.gap / 2;
    let (left, right) = (plot.columns().start, plot.columns().end);
    // The last two stand closest, as the last one does not reach beyond the plot.
    let all = painter.text.width_px("100 8", &style) < length(plot.size.width) / 5;
    for &year in if all { TICKS } else { TICKS_FEW } {
        let x = x_of(plot, f32::from(year));
        painter.fill(&area(x, plot.rows().end, 1, tick), theme::DIM);
        let text = year.to_string();
        let half = painter.text.width_px(&text, &style) / 2;
        let middle = x.min(right - half).max(left + half);
        painter.write(Anchor::Middle(Point::new(middle, top)), &text, &style);
    }
}

/// The height of the years below the bins.
fn scale_px(sizes: &Sizes) -> i32 {
    (sizes.gap / 3).max(1) + sizes.gap / 2 + cap_px(sizes.small)
}

/// The left edge of the bin of `year`, which may be one past the last.
fn edge(plot: &Rectangle, year: u16) -> i32 {
    let share = f32::from(year) / AGE_CLASSES as f32;
    plot.top_left.x + px(share * plot.size.width as f32)
}

/// The middle of the bin of `years`.
fn x_of(plot: &Rectangle, years: f32) -> i32 {
    let share = (years + 0.5) / AGE_CLASSES as f32;
    plot.top_left.x + px(share * plot.size.width as f32)
}
