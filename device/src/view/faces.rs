//! Marks each face in the picture: corner brackets and a tag with its number.

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use super::Painter;
use super::layout::{Layout, area};
use super::pane::Pane;
use super::shape::Brackets;
use super::text::Style;
use super::theme::{self, Sizes, cap_px, length};
use super::write::Anchor;
use crate::scene::Person;

/// From this many faces on, tags are small.
const CROWD: usize = 5;

/// Marks all `people`, `nearest` in the accent colour and above the others.
pub(super) fn draw(
    painter: &mut Painter,
    pane: &Pane,
    people: &[Person],
    nearest: Option<&Person>,
) {
    let sizes = Sizes::of(&Layout::of(painter.canvas.size()).panel);
    let is_nearest = |person: &Person| nearest.is_some_and(|n| std::ptr::eq(n, person));
    let mut people: Vec<&Person> = people.iter().filter(|p| p.bounds.is_valid()).collect();
    people.sort_by_key(|person| !is_nearest(person));
    let color = |person| if is_nearest(person) { theme::ACCENT } else { theme::BRIGHT };
    for person in people.iter().rev() {
        let bounds = pane.map(&person.bounds);
        let shorter = length(bounds.size.width.min(bounds.size.height));
        let stroke_px = (shorter / 24).clamp(2, (sizes.body / 4).max(2));
        painter.brackets(&Brackets { bounds, stroke_px, color: color(person) }, &pane.area);
    }
    let size = if people.len() < CROWD { sizes.body } else { sizes.small };
    let mut taken = Vec::new();
    for person in &people {
        let tag = Tag::new(painter, &label(person, people.len()), size);
        if let Some(place) = tag.place(&pane.map(&person.bounds), &pane.area, &taken) {
            painter.rounded(&place, size as f32 / 5.0, color(person));
            tag.write(painter, &place);
            taken.push(place);
        }
    }
}

/// The number, and the age where several faces have to be told apart.
fn label(person: &Person, people: usize) -> String {
    match &person.reading {
        Some(reading) if people > 1 => {
            format!("{} · {}", person.number, reading.years)
        }
        _ => person.number.to_string(),
    }
}

struct Tag {
    text: String,
    style: Style,
    size: Size,
}

impl Tag {
    fn new(painter: &Painter, text: &str, size_px: i32) -> Self {
        let style = Style::bold(size_px, theme::INK);
        let width = painter.text.width_px(text, &style) + size_px * 3 / 4;
        let height = cap_px(size_px) + size_px * 2 / 3;
        Self {
            text: text.to_owned(),
            style,
            size: Size::new(theme::side(width), theme::side(height)),
        }
    }

    /// A place beside the box `face` that lies inside `pane` and on none of `taken`; above the face
    /// if that can be. `None` where the face is not seen or there is no such place.
    fn place(&self, face: &Rectangle, pane: &Rectangle, taken: &[Rectangle]) -> Option<Rectangle> {
        if face.intersection(pane).is_zero_sized() {
            return None;
        }
        let (width, height) = (length(self.size.width), length(self.size.height));
        let Point { x: left, y: top } = face.top_left;
        let right = left.saturating_add(length(face.size.width)).saturating_sub(width);
        let bottom = top.saturating_add(length(face.size.height));
        let (above, below) = (top.saturating_sub(height + 3), bottom.saturating_add(3));
        let corners = [
            (left, above),
            (right, above),
            (left, below),
            (right, below),
            (left, top),
            (right, top),
            (left, bottom - height),
            (right, bottom - height),
        ];
        let (pane_right, pane_bottom) = (pane.columns().end, pane.rows().end);
        let mut places = corners.into_iter().map(|(x, y)| {
            let x = x.min(pane_right - width).max(pane.top_left.x);
            area(x, y, width, height)
        });
        places.find(|place| {
            let inside = place.intersection(pane) == *place && place.rows().end <= pane_bottom;
            inside && taken.iter().all(|other| other.intersection(place).is_zero_sized())
        })
    }

    fn write(&self, painter: &mut Painter, place: &Rectangle) {
        let middle = place.top_left.x + length(self.size.width) / 2;
        let top = place.top_left.y + (length(self.size.height) - cap_px(self.style.size_px)) / 2;
        painter.write(Anchor::Middle(Point::new(middle, top)), &self.text, &self.style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANE: Rectangle = Rectangle::new(Point::zero(), Size::new(100, 100));

    fn tag() -> Tag {
        let style = Style::bold(10, theme::INK);
        Tag { text: "1".into(), style, size: Size::new(20, 10) }
    }

    #[test]
    fn a_tag_stands_above_its_face_where_there_is_room() {
        assert_eq!(tag().place(&area(30, 40, 30, 30), &PANE, &[]), Some(area(30, 27, 20, 10)));
        assert_eq!(tag().place(&area(30, 5, 30, 30), &PANE, &[]), Some(area(30, 38, 20, 10)));
        assert_eq!(tag().place(&area(-9, 0, 200, 100), &PANE, &[]), Some(area(0, 0, 20, 10)));
    }

    #[test]
    fn tags_do_not_cover_each_other() {
        let face = area(30, 40, 30, 30);
        let mut taken = Vec::new();
        while let Some(place) = tag().place(&face, &PANE, &taken) {
            assert!(taken.iter().all(|t: &Rectangle| t.intersection(&place).is_zero_sized()));
            taken.push(place);
        }
        assert!(taken.len() >= 4, "{taken:?}");
    }

    #[test]
    fn a_face_that_is_not_seen_has_no_tag() {
        assert_eq!(tag().place(&area(200, 0, 30, 30), &PANE, &[]), None);
        assert_eq!(tag().place(&area(0, 0, 30, 30), &area(0, 0, 5, 5), &[]), None);
    }
}
