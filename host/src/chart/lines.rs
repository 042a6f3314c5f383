//! Lines over a common x axis, such as losses over epochs.

use std::fmt::Write as _;

use super::COLORS;
use super::frame::{Axis, Frame, Key, dot};
use super::scale::nice_range;

/// Up to this many points a line also shows each of them.
const DOTS_MAX: usize = 40;

/// One line; places without a value are bridged.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// x and y; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// What to draw.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    /// Title of the x axis, with its unit.
    pub x: &'a str,
    /// Title of the y axis, with its unit.
    pub y: &'a str,
    /// The lines.
    pub series: Vec<Series>,
    /// A place on the x axis to mark, and what to write there.
    pub mark: Option<(f64, String)>,
}

/// Draws them; an empty string where no line has a point.
pub fn draw(lines: &Lines<'_>) -> String {
    let series: Vec<Series> = lines.series.iter().map(finite).collect();
    let points = || series.iter().flat_map(|series| &series.points);
    if points().next().is_none() {
        return String::new();
    }
    let x_low = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let x_high = points().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
    let x = Axis::new(lines.x, (x_low, x_high.max(x_low + 1.0)), 8);
    let y = Axis::new(lines.y, nice_range(points().map(|point| point.1), 5), 5);
    let mut frame = Frame::new((460.0, 280.0), &x, &y);
    if let Some((at, name)) = &lines.mark {
        mark(&mut frame, *at, name);
    }
    for (at, series) in series.iter().enumerate() {
        let drawing = line(&frame, series, at % COLORS);
        frame.add(&drawing);
    }
    let entries: Vec<(Key, &str)> = series
        .iter()
        .enumerate()
        .map(|(at, s)| (Key::Line(at % COLORS), s.name.as_str()))
        .collect();
    frame.legend(&entries);
    frame.into_svg(&format!("{} over {}", lines.y, lines.x))
}

fn finite(series: &Series) -> Series {
    let points = series.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite());
    Series { name: series.name.clone(), points: points.collect() }
}

fn line(frame: &Frame, series: &Series, color: usize) -> String {
    let mut drawing = format!("<polyline class=\"line c{color}\" points=\"");
    for (x, y) in &series.points {
        let _ = write!(drawing, "{:.1},{:.1} ", frame.x.at(*x), frame.y.at(*y));
    }
    drawing += "\"/>";
    if series.points.len() <= DOTS_MAX {
        for (x, y) in &series.points {
            let hover = format!("{} at {x}: {y:.4}", series.name);
            drawing += &dot((frame.x.at(*x), frame.y.at(*y)), color, &hover);
        }
    }
    drawing
}

/// A dashed upright with its name beside it, on the side that has more room.
fn mark(frame: &mut Frame, at: f64, name: &str) {
    let (x, (top, bottom)) = (frame.x.at(at), frame.top_and_bottom());
    frame.line((x, top), (x, bottom), "mark");
    let right = x > (frame.x.px.0 + frame.x.px.1) / 2.0;
    let (shift, class) = if right { (-6.0, "end halo") } else { (6.0, "halo") };
    let name = super::text((x + shift, top + 12.0), class, name);
    frame.add(&name);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(points: Vec<(f64, f64)>) -> String {
        let series = vec![Series { name: "val <b>".to_owned(), points }];
        draw(&Lines { x: "epoch", y: "loss", series, mark: Some((2.0, "best".to_owned())) })
    }

    #[test]
    fn every_point_is_drawn_and_named() {
        let drawing = lines(vec![(1.0, 3.0), (2.0, 1.5), (3.0, f64::NAN)]);
        assert_eq!(drawing.matches("<circle").count(), 2);
        assert!(drawing.contains("val &lt;b&gt; at 2: 1.5000") && drawing.contains(">best<"));
        assert!(!drawing.contains("NaN") && !drawing.contains("<b>"), "{drawing}");
    }

    #[test]
    fn nothing_to_draw_is_nothing() {
        assert_eq!(lines(vec![]), "");
        assert!(lines(vec![(1.0, 2.0)]).contains("<svg"), "one epoch is a chart already");
    }
}
