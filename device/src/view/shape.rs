//! Filled areas, smooth rounded shapes, and the corner brackets around a face.

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use super::Painter;
use super::layout::area;
use super::theme::{self, length, px, side};

/// Corner brackets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brackets {
    /// The box whose corners are marked; the strokes lie on its inside.
    pub(super) bounds: Rectangle,
    pub(super) stroke_px: i32,
    pub(super) color: Rgb888,
}

impl Painter<'_> {
    /// Fills `area` with `color`.
    pub(super) fn fill(&mut self, area: &Rectangle, color: Rgb888) {
        let Ok(()) = self.canvas.fill_solid(area, color);
    }

    /// Fills `area` with its corners rounded by `radius`, edges smooth.
    pub(super) fn rounded(&mut self, area: &Rectangle, radius: f32, color: Rgb888) {
        self.rounded_part(area, radius, area, color);
    }

    /// Fills what `part` shows of `area` with its corners rounded by `radius`.
    pub(super) fn rounded_part(
        &mut self,
        area: &Rectangle,
        radius: f32,
        part: &Rectangle,
        color: Rgb888,
    ) {
        let radius = radius.min(area.size.width.min(area.size.height) as f32 / 2.0);
        for at in area.intersection(part).points() {
            let coverage = (0.5 - beyond_corner(area, radius, at)).clamp(0.0, 1.0);
            let alpha = u8::try_from(px(coverage * 255.0)).unwrap_or(u8::MAX);
            self.canvas.blend(at, color, alpha);
        }
    }

    /// A round spot of `diameter` pixels with its left top corner at `at`.
    pub(super) fn dot(&mut self, at: Point, diameter: i32, color: Rgb888) {
        let area = Rectangle::new(at, Size::new_equal(side(diameter)));
        self.rounded(&area, diameter as f32 / 2.0, color);
    }

    /// Draws corner brackets as far as they lie in `clip`, with a faint shadow around them.
    pub(super) fn brackets(&mut self, brackets: &Brackets, clip: &Rectangle) {
        let strokes = brackets.strokes();
        for stroke in &strokes {
            self.canvas.blend_area(&stroke.offset(1).intersection(clip), theme::INK, 90);
        }
        for stroke in &strokes {
            self.fill(&stroke.intersection(clip), brackets.color);
        }
    }
}

impl Brackets {
    /// Two strokes for each of the four corners.
    fn strokes(&self) -> [Rectangle; 8] {
        let Point { x, y } = self.bounds.top_left;
        let (width, height) = (length(self.bounds.size.width), length(self.bounds.size.height));
        let arm = (width.min(height) / 4).max(self.stroke_px);
        let (right, bottom) = (x.saturating_add(width), y.saturating_add(height));
        let (thick, across, down) = (self.stroke_px, right - arm, bottom - arm);
        let (right, bottom) = (right - thick, bottom - thick);
        [
            area(x, y, arm, thick),
            area(across, y, arm, thick),
            area(x, bottom, arm, thick),
            area(across, bottom, arm, thick),
            area(x, y, thick, arm),
            area(right, y, thick, arm),
            area(x, down, thick, arm),
            area(right, down, thick, arm),
        ]
    }
}

/// How far the middle of pixel `at` lies outside a rounded corner of `area`; negative inside.
fn beyond_corner(area: &Rectangle, radius: f32, at: Point) -> f32 {
    let outside = |middle: f32, start: i32, len: u32| {
        let (low, high) = (start as f32 + radius, start as f32 + len as f32 - radius);
        (low - middle).max(middle - high).max(0.0)
    };
    let dx = outside(at.x as f32 + 0.5, area.top_left.x, area.size.width);
    let dy = outside(at.y as f32 + 0.5, area.top_left.y, area.size.height);
    (dx * dx + dy * dy).sqrt() - radius
}
