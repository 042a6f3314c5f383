//! How well a face can be seen: its size, sharpness and direction, without a network.
//!
//! A few hundred pixels of the face are looked at, so that it costs next to nothing beside an estimate.

use models::detect::Face;
use models::geometry::{Landmarks, Rect};
use models::image::RgbView;

/// The shorter side of a box, in pixels, at which a face tells nothing, and from which on it tells all.
const SIZE_PX: (f32, f32) = (20.0, 80.0);

/// Detail (see [`detail`]) of a face too blurred to read, and of a sharp one. Faces of 33 to 85 px have 0.37 to
/// 1.6, blurred by a fortieth of their width (as a Gaussian's σ) 0.13 to 0.28, by a fifteenth 0.02 to 0.09.
const DETAIL: (f32, f32) = (0.04, 0.15);

/// How far off the line between eyes and mouth the nose is, in eye distances, when a face is turned away,
/// and when it looks at the camera.
const TURN: (f32, f32) = (0.45, 0.15);

/// A part below this is what the screen mentions.
const FAIR: f32 = 0.35;

/// Of a detector without landmarks nothing is known, which counts as this much.
const FRONTALITY_UNKNOWN: f32 = 0.8;

/// Samples along each side of a face.
const GRID: usize = 32;

/// How well a face can be seen, by parts; each in [0, 1], 1 is best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// By pixels.
    pub size: f32,
    /// By fine detail beside coarse.
    pub sharpness: f32,
    /// By landmarks; `None` from a detector that finds none.
    pub frontality: Option<f32>,
}

/// What the screen says of how well a face can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing is wrong with it.
    Clear,
    /// It is far away.
    Small,
    /// It moves, or the camera does not see it sharp.
    Blurred,
    /// It looks elsewhere.
    Turned,
}

impl Quality {
    /// How well `face` can be seen in `picture`.
    pub fn of(picture: &RgbView, face: &Face) -> Self {
        let shorter = face.bounds.width.min(face.bounds.height);
        Self {
            size: ramp(shorter, SIZE_PX),
            sharpness: ramp(detail(picture, &face.bounds), DETAIL),
            frontality: face.landmarks.as_ref().map(|landmarks| ramp(turn(landmarks), TURN)),
        }
    }

    /// All parts together, in [0, 1].
    pub fn score(&self) -> f32 {
        self.size * self.sharpness * self.frontality.unwrap_or(FRONTALITY_UNKNOWN)
    }

    /// The worst part, where one is bad.
    pub fn look(&self) -> Look {
        let parts = [
            (self.frontality.unwrap_or(1.0), Look::Turned),
            (self.size, Look::Small),
            (self.sharpness, Look::Blurred),
        ];
        let worst = parts.into_iter().reduce(|a, b| if b.0 < a.0 { b } else { a });
        worst.filter(|worst| worst.0 < FAIR).map_or(Look::Clear, |worst| worst.1)
    }
}

/// 0 up to the first of `ends`, 1 from the second on, straight between; not a number is 0.
fn ramp(value: f32, (from, to): (f32, f32)) -> f32 {
    let share = (value - from) / (to - from);
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

/// Fine detail of a face, whatever its size and light: the variance of the Laplacian over the variance
/// of the brightness itself, both on a grid of [`GRID`] × [`GRID`] samples; 0 where it is not in the picture.
fn detail(picture: &RgbView, bounds: &Rect) -> f32 {
    let grid = luma_grid(picture, bounds);
    let at = |x: usize, y: usize| grid[y * GRID + x];
    let inner = 1..GRID - 1;
    let laplacian = inner.clone().flat_map(|y| {
        inner.clone().map(move |x| {
            at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4.0 * at(x, y)
        })
    });
    let contrast = variance(grid.iter().copied());
    // Below a step of brightness there is nothing but noise.
    if contrast < 1.0 { 0.0 } else { variance(laplacian) / contrast }
}

/// The brightness of the face, row by row; one pixel a sample.
fn luma_grid(picture: &RgbView, bounds: &Rect) -> [f32; GRID * GRID] {
    let columns = samples(bounds.left, bounds.width, picture.width());
    let rows = samples(bounds.top, bounds.height, picture.height());
    let mut grid = [0.0; GRID * GRID];
    for (line, y) in grid.chunks_exact_mut(GRID).zip(rows) {
        let row = picture.row(y);
        for (sample, x) in line.iter_mut().zip(columns) {
            let [r, g, b] = [0, 1, 2].map(|channel| u16::from(row[3 * x + channel]));
            *sample = f32::from((r + 2 * g + b) / 4);
        }
    }
    grid
}

/// The pixels of a side that are looked at, within the picture's `len` (at least 1).
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn samples(start: f32, side: f32, len: usize) -> [usize; GRID] {
    let last = (len - 1) as f32;
    std::array::from_fn(|i| {
        let at = start + side * (i as f32 + 0.5) / GRID as f32;
        at.max(0.0).min(last) as usize
    })
}

fn variance(values: impl Iterator<Item = f32>) -> f32 {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    let mean: f32 = sum / count;
    squares / count - mean * mean
}

/// How far the nose is from the line through the middles of eyes and mouth, in eye distances: 0 from the
/// front, about a half in profile.
fn turn(Landmarks([left_eye, right_eye, nose, left_mouth, right_mouth]): &Landmarks) -> f32 {
    let middle = |a: f32, b: f32| (a + b) / 2.0;
    let eyes = (middle(left_eye.x, right_eye.x), middle(left_eye.y, right_eye.y));
    let mouth = (middle(left_mouth.x, right_mouth.x), middle(left_mouth.y, right_mouth.y));
    let (down_x, down_y) = (mouth.0 - eyes.0, mouth.1 - eyes.1);
    let (nose_x, nose_y) = (nose.x - eyes.0, nose.y - eyes.1);
    let across = (nose_x * down_y - nose_y * down_x).abs() / down_x.hypot(down_y);
    let eye_distance = (right_eye.x - left_eye.x).hypot(right_eye.y - left_eye.y);
    across / eye_distance
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{RgbImage, imageops};
    use models::geometry::Point;

    const BOX: Rect = Rect::new(40.0, 20.0, 100.0, 120.0);

    /// A picture with as much fine as coarse detail, blurred by `sigma_px`.
    fn picture(sigma_px: f32) -> RgbImage {
        let sharp = RgbImage::from_fn(180, 160, |x, y| {
            let (coarse, fine) = ((x / 32 + y / 32) % 2 * 90, (x / 5 + y / 5) % 2 * 60);
            image::Rgb([u8::try_from(40 + coarse + fine).unwrap(); 3])
        });
        if sigma_px > 0.0 { imageops::blur(&sharp, sigma_px) } else { sharp }
    }

    fn quality(picture: &RgbImage, bounds: Rect, landmarks: Option<Landmarks>) -> Quality {
        let face = Face { bounds, score: 0.9, landmarks };
        Quality::of(&RgbView::of(picture).unwrap(), &face)
    }

    /// Eyes 40 px apart and a nose `nose_px` to the right of the middle.
    fn looking(nose_px: f32) -> Option<Landmarks> {
        let at = |x: f32, y: f32| Point::new(90.0 + x, 60.0 + y);
        let nose = at(nose_px, 22.0);
        Some(Landmarks([at(-20.0, 0.0), at(20.0, 0.0), nose, at(-15.0, 45.0), at(15.0, 45.0)]))
    }

    #[test]
    fn a_large_sharp_frontal_face_is_best() {
        let quality = quality(&picture(0.0), BOX, looking(0.0));
        assert_eq!((quality.score(), quality.look()), (1.0, Look::Clear));
    }

    #[test]
    fn blur_is_told_whatever_the_size() {
        assert_eq!(quality(&picture(8.0), BOX, looking(0.0)).look(), Look::Blurred);
        let (mild, strong) = (picture(2.5), picture(5.0));
        let sharpness = |picture| quality(picture, BOX, None).sharpness;
        assert!(
            sharpness(&mild) > sharpness(&strong),
            "{} {}",
            sharpness(&mild),
            sharpness(&strong)
        );
    }

    #[test]
    fn a_nose_beside_the_middle_is_a_face_turned_away() {
        let frontality = |nose_px| quality(&picture(0.0), BOX, looking(nose_px)).frontality;
        assert_eq!(frontality(5.0), Some(1.0));
        assert!(frontality(12.0) < Some(0.6) && frontality(12.0) > Some(0.3));
        assert_eq!(quality(&picture(0.0), BOX, looking(18.0)).look(), Look::Turned);
        assert_eq!(frontality(-12.0), frontality(12.0));
    }

    #[test]
    fn a_small_face_is_asked_to_come_closer() {
        let small = Rect::new(40.0, 20.0, 30.0, 38.0);
        assert_eq!(quality(&picture(0.0), small, looking(0.0)).look(), Look::Small);
    }

    #[test]
    fn without_landmarks_a_face_counts_as_nearly_frontal() {
        let quality = quality(&picture(0.0), BOX, None);
        assert_eq!((quality.score(), quality.look()), (FRONTALITY_UNKNOWN, Look::Clear));
    }

    #[test]
    fn broken_boxes_and_landmarks_are_the_worst_quality_and_no_panic() {
        let same = Some(Landmarks([Point::new(5.0, 5.0); 5]));
        assert_eq!(quality(&picture(0.0), BOX, same).score(), 0.0);
        for bounds in [
            Rect::new(f32::NAN, 0.0, 10.0, 10.0),
            Rect::new(-1e30, -1e30, 3e30, 3e30),
            Rect::new(9000.0, 9000.0, 100.0, 100.0),
        ] {
            let score = quality(&picture(0.0), bounds, looking(0.0)).score();
            assert!((0.0..=1.0).contains(&score), "{bounds:?}: {score}");
        }
    }
}
