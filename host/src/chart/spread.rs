//! A mean and a spread for each of a row of groups, around zero.

use super::frame::{Axis, Frame, Key, dot};
use super::scale::{nice_range, nice_ticks};

/// One group.
#[derive(Clone, Debug)]
pub struct Spread {
    /// Its name on the x axis.
    pub name: String,
    /// Where its bar begins.
    pub low: f64,
    /// Where its dot lies.
    pub mean: f64,
    /// Where its bar ends.
    pub high: f64,
    /// How many it is taken over.
    pub count: usize,
}

/// What to draw.
#[derive(Clone, Debug)]
pub struct Spreads<'a> {
    /// Title of the x axis.
    pub x: &'a str,
    /// Title of the y axis, with its unit.
    pub y: &'a str,
    /// What the dots are, and what the bars are.
    pub legend: (&'a str, &'a str),
    /// The groups, from left to right.
    pub groups: Vec<Spread>,
}

/// Draws them; an empty string for no groups.
pub fn draw(spreads: &Spreads<'_>) -> String {
    let groups = &spreads.groups;
    if groups.is_empty() {
        return String::new();
    }
    let middle = |at: usize| at as f64 + 0.5;
    let names = groups.iter().enumerate().map(|(at, group)| (middle(at), group.name.clone()));
    let x = Axis { title: spreads.x, values: (0.0, groups.len() as f64), ticks: names.collect() };
    let ends = groups.iter().flat_map(|g| [g.low, g.mean, g.high]).chain([0.0]);
    let values = nice_range(ends, 6);
    let y = Axis { title: spreads.y, values, ticks: nice_ticks(values, 6) };
    let mut frame = Frame::new((720.0, 300.0), &x, &y);
    let zero = frame.y.at(0.0);
    frame.line((frame.x.px.0, zero), (frame.x.px.1, zero), "axis");
    for (at, group) in groups.iter().enumerate() {
        let x = frame.x.at(middle(at));
        frame.line((x, frame.y.at(group.low)), (x, frame.y.at(group.high)), "range c0");
        let hover = format!(
            "{}: mean {:.1}, from {:.1} to {:.1}, {} faces",
            group.name, group.mean, group.low, group.high, group.count
        );
        let point = dot((x, frame.y.at(group.mean)), 1, &hover);
        frame.add(&point);
    }
    frame.legend(&[(Key::Dot(1), spreads.legend.0), (Key::Range(0), spreads.legend.1)]);
    frame.into_svg(&format!("{} by {}", spreads.y, spreads.x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_its_dot_and_bar() {
        let group = |name: &str, mean| Spread {
            name: name.to_owned(),
            low: mean - 2.0,
            mean,
            high: mean + 2.0,
            count: 7,
        };
        let drawing = draw(&Spreads {
            x: "age",
            y: "error",
            legend: ("mean", "middle 80 %"),
            groups: vec![group("0–2", 1.0), group("3–9", -4.0)],
        });
        assert!(drawing.contains("0–2: mean 1.0, from -1.0 to 3.0, 7 faces"), "{drawing}");
        assert_eq!(drawing.matches("class=\"range c0\"").count(), 3, "two and the legend's");
    }
}
