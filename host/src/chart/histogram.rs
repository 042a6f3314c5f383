//! Two distributions over one axis: filled bars, and a stepped line over them.

use std::fmt::Write as _;

use super::frame::{Axis, Frame, Key};
use super::rect;
use super::scale::nice_range;

/// What to draw. Both distributions have one value a bar, the bars being equally wide.
#[derive(Clone, Debug)]
pub struct Histogram<'a> {
    /// Title of the x axis, with its unit.
    pub x: &'a str,
    /// Title of the y axis, with its unit.
    pub y: &'a str,
    /// Where the first bar begins and how wide each is.
    pub bars: (f64, f64),
    /// Name and values of the bars.
    pub filled: (&'a str, &'a [f64]),
    /// Name and values of the line.
    pub line: (&'a str, &'a [f64]),
}

/// Draws them.
pub fn draw(histogram: &Histogram<'_>) -> String {
    let (begin, width) = histogram.bars;
    let ((bars_name, bars), (line_name, line)) = (histogram.filled, histogram.line);
    let end = begin + width * bars.len().max(line.len()).max(1) as f64;
    let values = bars.iter().chain(line).copied().chain([0.0]);
    let x = Axis::new(histogram.x, (begin, end), 10);
    let y = Axis::new(histogram.y, nice_range(values, 5), 5);
    let mut frame = Frame::new((720.0, 280.0), &x, &y);
    let left = |frame: &Frame, at: usize| frame.x.at(begin + width * at as f64);
    let floor = frame.y.at(0.0);
    for (at, value) in bars.iter().enumerate() {
        let (from, to, top) = (left(&frame, at), left(&frame, at + 1), frame.y.at(*value));
        frame.add(&rect((from + 0.5, top), (to - from - 1.0, floor - top), "area c0"));
    }
    let mut steps = format!("<polyline class=\"line c1\" points=\"{:.1},{floor:.1} ", frame.x.px.0);
    for (at, value) in line.iter().enumerate() {
        let (from, to, top) = (left(&frame, at), left(&frame, at + 1), frame.y.at(*value));
        let _ = write!(steps, "{from:.1},{top:.1} {to:.1},{top:.1} ");
    }
    let _ = write!(steps, "{:.1},{floor:.1}\"/>", left(&frame, line.len()));
    frame.add(&steps);
    frame.legend(&[(Key::Area(0), bars_name), (Key::Line(1), line_name)]);
    frame.into_svg(&format!("{bars_name} and {line_name} over {}", histogram.x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_value() {
        let drawing = draw(&Histogram {
            x: "age",
            y: "faces",
            bars: (0.0, 5.0),
            filled: ("labelled", &[5.0, 10.0, 0.0]),
            line: ("predicted", &[1.0, 2.0, 3.0]),
        });
        // The plot is 204 px high and stands for 0 to 10 faces.
        assert!(drawing.contains("height=\"102.0\"") && drawing.contains("height=\"204.0\""));
        assert_eq!(drawing.matches("<rect").count(), 3, "two bars and the legend's");
    }
}
