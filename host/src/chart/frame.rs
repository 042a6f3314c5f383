//! What charts with two axes have in common: grid, ticks, axis titles, legend.

use super::scale::{Scale, nice_ticks};
use super::{svg, text, text_width};

/// Room for the y axis' numbers and title, right edge, top with legend, bottom with title; pixels.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;

/// One axis: its title with the unit, its values from low to high, and what it names of them.
pub(super) struct Axis<'a> {
    pub(super) title: &'a str,
    pub(super) values: (f64, f64),
    pub(super) ticks: Vec<(f64, String)>,
}

impl<'a> Axis<'a> {
    /// An axis that names about `count` round values.
    pub(super) fn new(title: &'a str, values: (f64, f64), count: u32) -> Self {
        Self { title, values, ticks: nice_ticks(values, count) }
    }
}

/// How a series is drawn, and so what stands for it in the legend.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Line(usize),
    Area(usize),
    Dot(usize),
    Range(usize),
}

/// A drawing with axes; its inside is added by the chart.
pub(super) struct Frame {
    size: (f64, f64),
    pub(super) x: Scale,
    pub(super) y: Scale,
    body: String,
}

impl Frame {
    pub(super) fn new(size: (f64, f64), x: &Axis<'_>, y: &Axis<'_>) -> Self {
        let (right, bottom) = (size.0 - RIGHT, size.1 - BOTTOM);
        let mut frame = Self {
            size,
            x: Scale { values: x.values, px: (LEFT, right) },
            y: Scale { values: y.values, px: (bottom, TOP) },
            body: String::new(),
        };
        for (value, name) in &y.ticks {
            let at = frame.y.at(*value);
            frame.line((LEFT, at), (right, at), "grid");
            frame.body += &text((LEFT - 8.0, at + 4.0), "muted end", name);
        }
        for (value, name) in &x.ticks {
            frame.body += &text((frame.x.at(*value), bottom + 17.0), "muted mid", name);
        }
        frame.line((LEFT, bottom), (right, bottom), "axis");
        frame.body += &text(((LEFT + right) / 2.0, size.1 - 8.0), "title mid", x.title);
        let middle = (TOP + bottom) / 2.0;
        let turned = text((0.0, 0.0), "title mid", y.title);
        frame.body +=
            &format!("<g transform=\"translate(14 {middle:.1}) rotate(-90)\">{turned}</g>");
        frame
    }

    /// The pixel rows of the plot's top and bottom.
    pub(super) fn top_and_bottom(&self) -> (f64, f64) {
        (self.y.px.1, self.y.px.0)
    }

    pub(super) fn add(&mut self, drawing: &str) {
        self.body += drawing;
    }

    pub(super) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        self.body += &format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>"
        );
    }

    /// Names of the series, in a row above the plot.
    pub(super) fn legend(&mut self, entries: &[(Key, &str)]) {
        let mut x = LEFT;
        for (key, name) in entries {
            let (from, to) = ((x, 14.0), (x + 16.0, 14.0));
            match key {
                Key::Line(color) => self.line(from, to, &format!("line c{color}")),
                Key::Area(color) => {
                    self.body += &super::rect((x, 8.0), (16.0, 11.0), &format!("area c{color}"));
                }
                Key::Dot(color) => self.body += &dot((x + 8.0, 14.0), *color, ""),
                Key::Range(color) => {
                    self.line((x + 5.0, 14.0), (x + 12.0, 14.0), &format!("range c{color}"));
                }
            }
            self.body += &text((x + 22.0, 18.0), "", name);
            x += 22.0 + text_width(name) + 18.0;
        }
    }

    pub(super) fn into_svg(self, alt: &str) -> String {
        svg(self.size, alt, &self.body)
    }
}

/// A dot that shows `hover` under the pointer.
pub(super) fn dot((x, y): (f64, f64), color: usize, hover: &str) -> String {
    let hover = super::escape(hover);
    format!(
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" class=\"dot c{color}\"><title>{hover}</title></circle>"
    )
}
