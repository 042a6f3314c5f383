//! Points, boxes and landmarks, all in pixels of the picture they were found in.
//!
//! The origin is the picture's top left corner, x grows to the right and y down; the centre of the
//! first pixel is at (0.5, 0.5).

use serde::{Deserialize, Serialize};

/// A position in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: f32,
    /// Pixels from the top edge.
    pub y: f32,
}

impl Point {
    /// The point at (`x`, `y`).
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }
}

/// An axis-aligned box; it may reach outside its picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge in pixels.
    pub left: f32,
    /// Top edge in pixels.
    pub top: f32,
    /// Width in pixels.
    pub width: f32,
    /// Height in pixels.
    pub height: f32,
}

impl Rect {
    /// The box with its left top corner at (`left`, `top`).
    pub const fn new(left: f32, top: f32, width: f32, height: f32) -> Self {
        Self { left, top, width, height }
    }

    /// The middle of the box.
    pub fn center(&self) -> Point {
        Point::new(self.left + self.width / 2.0, self.top + self.height / 2.0)
    }

    /// The area in square pixels, 0 for a box turned inside out.
    pub fn area(&self) -> f32 {
        self.width.max(0.0) * self.height.max(0.0)
    }

    /// Whether all four numbers are finite and both sides longer than nothing.
    pub fn is_valid(&self) -> bool {
        [self.left, self.top, self.width, self.height].iter().all(|v| v.is_finite())
            && self.width > 0.0
            && self.height > 0.0
    }

    /// The box moved by (`dx`, `dy`) pixels.
    pub fn moved(&self, dx: f32, dy: f32) -> Self {
        Self { left: self.left + dx, top: self.top + dy, ..*self }
    }

    /// The box with all four numbers multiplied by `factor`.
    pub fn scaled(&self, factor: f32) -> Self {
        Self::new(self.left * factor, self.top * factor, self.width * factor, self.height * factor)
    }

    /// Intersection over union with `other`, in [0, 1]; 0 where both are empty.
    pub fn iou(&self, other: &Self) -> f32 {
        let shared = self.shared(other);
        let union = self.area() + other.area() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }

    /// The area that both cover.
    pub fn shared(&self, other: &Self) -> f32 {
        let width =
            (self.left + self.width).min(other.left + other.width) - self.left.max(other.left);
        let height =
            (self.top + self.height).min(other.top + other.height) - self.top.max(other.top);
        width.max(0.0) * height.max(0.0)
    }
}

/// Five face landmarks; left and right as one sees them in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Landmarks(
    /// Left eye, right eye, tip of the nose, left and right corner of the mouth.
    pub [Point; 5],
);

impl Landmarks {
    /// Whether all ten numbers are finite.
    pub fn is_valid(&self) -> bool {
        self.0.iter().all(|p| p.x.is_finite() && p.y.is_finite())
    }

    /// The landmarks after `f` has moved each.
    pub fn map(&self, f: impl FnMut(Point) -> Point) -> Self {
        Self(self.0.map(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rects() -> impl Strategy<Value = Rect> {
        (-50f32..50.0, -50f32..50.0, 0f32..80.0, 0f32..80.0)
            .prop_map(|(l, t, w, h)| Rect::new(l, t, w, h))
    }

    #[test]
    fn half_of_a_box_has_half_its_iou() {
        let whole = Rect::new(0.0, 0.0, 10.0, 10.0);
        assert_eq!(whole.iou(&Rect::new(0.0, 0.0, 5.0, 10.0)), 0.5);
        assert_eq!(whole.iou(&Rect::new(10.0, 0.0, 5.0, 10.0)), 0.0);
    }

    #[test]
    fn empty_boxes_share_nothing() {
        assert_eq!(Rect::default().iou(&Rect::default()), 0.0);
    }

    proptest! {
        #[test]
        fn iou_is_symmetric_and_bounded(a in rects(), b in rects()) {
            let iou = a.iou(&b);
            prop_assert!((0.0..=1.0001).contains(&iou));
            prop_assert!((iou - b.iou(&a)).abs() < 1e-6);
        }
    }
}
