//! Where the picture lies in its pane.
//!
//! It fills the pane, and what does not fit is cut off evenly at both sides. No face is cut off for
//! that: the window moves just so far that all are seen, and where that is not enough the picture
//! shrinks towards showing all of itself between dark bars. Both go by the boxes without a jump, so
//! that the picture stays calm when people move.

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use models::geometry::Rect;
use models::image::RgbView;

use super::Painter;
use super::layout::area;
use super::resize::{Axis, resize};
use super::theme::px;
use crate::scene::Person;

/// Room around a face that should be seen too, as a share of its sides: a box goes from the forehead
/// to the chin and from ear to ear, and above it there are hair and the tag.
const MARGIN_ABOVE: f32 = 0.5;
const MARGIN: f32 = 0.2;

/// The place of a picture on the screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pane {
    /// The pixels of the screen that show the picture.
    pub(super) area: Rectangle,
    /// Screen pixels a picture pixel.
    scale: f32,
    /// Where the picture's left top corner would be on the screen.
    left: f32,
    top: f32,
}

impl Pane {
    /// Places a picture like `frame` in `pane` so that all `people` are seen.
    pub(super) fn of(pane: &Rectangle, frame: &RgbView, people: &[Person]) -> Self {
        let frame = Extent { x: frame.width() as f32, y: frame.height() as f32 };
        let room = Extent { x: pane.size.width.max(1) as f32, y: pane.size.height.max(1) as f32 };
        let (x, y) = spans(people, &frame);
        let (wide, high) = (room.x / frame.x, room.y / frame.y);
        let faces = (room.x / x.len()).min(room.y / y.len());
        let scale = wide.max(high).min(faces).max(wide.min(high));
        let left = pane.top_left.x as f32 + start(room.x, frame.x, scale, &x);
        let top = pane.top_left.y as f32 + start(room.y, frame.y, scale, &y);
        let shown = Self { area: *pane, scale, left, top };
        let mut picture = shown.map(&Rect::new(0.0, 0.0, frame.x, frame.y));
        picture.size = picture.size.component_max(Size::new_equal(1));
        Self { area: picture.intersection(pane), ..shown }
    }

    /// A box of the picture on the screen.
    pub(super) fn map(&self, bounds: &Rect) -> Rectangle {
        let moved = bounds.scaled(self.scale).moved(self.left, self.top);
        let (left, top) = (px(moved.left), px(moved.top));
        area(left, top, px(moved.left + moved.width) - left, px(moved.top + moved.height) - top)
    }
}

/// Draws the picture in its place.
pub(super) fn draw(painter: &mut Painter, pane: &Pane, frame: &RgbView) {
    let Rectangle { top_left, size } = pane.area;
    let axis = |start: i32, picture: f32, len| Axis {
        scale: pane.scale,
        origin: (start as f32 - picture) / pane.scale,
        len,
    };
    let x = axis(top_left.x, pane.left, size.width);
    let y = axis(top_left.y, pane.top, size.height);
    let pixels = resize(frame, x, y);
    let (width, height) = (size.width as usize, size.height as usize);
    if let Some(picture) = RgbView::new(&pixels, width, height, width * 3) {
        painter.canvas.blit(&picture, top_left);
    }
}

struct Extent {
    x: f32,
    y: f32,
}

/// From the first to the last thing that must be seen along an axis, in picture pixels.
struct Span {
    low: f32,
    high: f32,
}

impl Span {
    fn len(&self) -> f32 {
        (self.high - self.low).max(1.0)
    }
}

/// What all faces take, along both axes; of nobody, the middle of the picture.
fn spans(people: &[Person], frame: &Extent) -> (Span, Span) {
    let picture = Rect::new(0.0, 0.0, frame.x, frame.y);
    let seen = |bounds: &Rect| bounds.is_valid() && bounds.iou(&picture) > 0.0;
    let boxes: Vec<Rect> = people.iter().map(|p| p.bounds).filter(seen).collect();
    let span = |side: f32, margin: f32, ends: fn(&Rect) -> (f32, f32)| {
        let ends = boxes.iter().map(|bounds| {
            let (low, len) = ends(bounds);
            (low - margin * len, low + len + MARGIN * len)
        });
        let (low, high) =
            ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((side / 2.0, side / 2.0));
        Span { low: low.clamp(0.0, side), high: high.clamp(0.0, side) }
    };
    let x = span(frame.x, MARGIN, |b| (b.left, b.width));
    (x, span(frame.y, MARGIN_ABOVE, |b| (b.top, b.height)))
}

/// Where the picture begins, in screen pixels from the pane's edge.
fn start(room: f32, frame: f32, scale: f32, seen: &Span) -> f32 {
    let window = room / scale;
    let centered = (frame - window) / 2.0;
    if window >= frame {
        return -centered * scale;
    }
    let moved = centered.min(seen.low).max(seen.high - window);
    -moved.max(0.0).min(frame - window) * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANE: Rectangle = Rectangle::new(Point::zero(), Size::new(100, 100));

    fn shown(width: usize, height: usize, boxes: &[Rect]) -> Pane {
        let pixels = vec![0; width * height * 3];
        let frame = RgbView::new(&pixels, width, height, width * 3).unwrap();
        let person = |&bounds| Person { bounds, number: 1, reading: None, look: None };
        Pane::of(&PANE, &frame, &boxes.iter().map(person).collect::<Vec<_>>())
    }

    fn is_seen(pane: &Pane, bounds: &Rect) -> bool {
        let mapped = pane.map(bounds);
        mapped.intersection(&pane.area) == mapped
    }

    #[test]
    fn without_faces_a_wide_picture_is_cut_evenly() {
        let pane = shown(400, 200, &[]);
        assert_eq!(pane.area, PANE);
        assert_eq!(pane.map(&Rect::new(100.0, 0.0, 200.0, 200.0)), PANE);
    }

    #[test]
    fn the_window_moves_to_a_face_at_the_edge() {
        let face = Rect::new(350.0, 50.0, 40.0, 60.0);
        let pane = shown(400, 200, &[face]);
        assert_eq!(pane.area, PANE);
        assert!(is_seen(&pane, &face), "{:?}", pane.map(&face));
    }

    #[test]
    fn faces_at_both_edges_are_seen_between_bars() {
        let faces = [Rect::new(0.0, 50.0, 40.0, 60.0), Rect::new(360.0, 50.0, 40.0, 60.0)];
        let pane = shown(400, 200, &faces);
        assert_eq!(pane.area.size, Size::new(100, 50));
        assert!(faces.iter().all(|face| is_seen(&pane, face)));
    }

    #[test]
    fn boxes_outside_the_picture_or_broken_do_no_harm() {
        for bounds in [
            Rect::new(-900.0, -900.0, 10.0, 10.0),
            Rect::new(-1e30, -1e30, 3e30, 3e30),
            Rect::new(f32::NAN, 0.0, 1.0, 1.0),
            Rect::new(0.0, 0.0, -1.0, 1.0),
        ] {
            let pane = shown(400, 200, &[bounds]);
            assert!(!pane.area.is_zero_sized(), "{bounds:?}");
        }
    }
}
