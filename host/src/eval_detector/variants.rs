//! Frames made of labelled faces: each face smaller or larger, turned, and darker, at a place drawn by chance.
//!
//! The whole picture is set into the frame and its edge pixels go on to the frame's edges. What is larger
//! than in its picture is blurred, and darkness is without a sensor's noise: these frames tell where a
//! detector's reach ends, not how it does in the dark.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};
use models::crop::{Similarity, warp};
use models::geometry::{Landmarks, Point, Rect};
use models::image::RgbView;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::truth::{Change, Picture, Search, TrueFace, Truth};
use crate::faces::FaceRow;
use crate::files::{read_picture, sha256, write_atomic, write_text};

/// A frame's sides in pixels.
const WIDTH: u16 = 320;
const HEIGHT: u16 = 240;
/// Sizes of upright faces in full light, in pixels.
pub(super) const SIZES: [u16; 9] = [12, 16, 24, 32, 48, 64, 96, 160, 240];
/// The size of turned and of darkened faces.
pub(super) const MIDDLE: u16 = 64;
/// Turns in degrees, clockwise.
pub(super) const TURNS: [u16; 3] = [15, 30, 45];
/// What is left of the light, in percent.
pub(super) const LIGHTS: [u16; 3] = [50, 25, 15];
const JPEG_QUALITY: u8 = 95;

/// Which faces, and where in the frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    pub(super) count: usize,
    pub(super) seed: u64,
}

/// Writes the frames into `folder`, unless those of the same faces and draw are there.
pub(super) fn write(rows: &[FaceRow], folder: &Path, draw: Draw) -> Result<Vec<Picture>> {
    let labelled = |row: &FaceRow| Some((row.path.clone(), row.bounds()?, row.landmarks()?));
    let mut faces: Vec<_> = rows.iter().filter_map(labelled).collect();
    faces.shuffle(&mut ChaCha8Rng::seed_from_u64(draw.seed));
    faces.truncate(draw.count);
    let stamp = sha256(format!("1 {draw:?} {faces:?}").as_bytes());
    let stamp_path = folder.join("made-of");
    let is_there = fs::read_to_string(&stamp_path).is_ok_and(|there| there == stamp);
    let frames = faces.par_iter().enumerate().map(|(at, (path, bounds, landmarks))| {
        let mut rng = ChaCha8Rng::seed_from_u64(draw.seed);
        rng.set_stream(at as u64 + 1);
        let source = (!is_there).then(|| read_picture(path)).transpose()?;
        changes()
            .map(|change| {
                let place = Place::draw(change, bounds, &mut rng);
                let path = folder.join(place.name(at));
                if let Some(source) = &source {
                    let view = RgbView::of(source).context("the picture is empty")?;
                    save(&place.frame(&view), &path)?;
                }
                Ok(place.picture(path, landmarks))
            })
            .collect::<Result<Vec<_>>>()
            .with_context(|| format!("frames of {}", path.display()))
    });
    let frames: Vec<Vec<Picture>> = frames.collect::<Result<_>>()?;
    write_text(&stamp_path, &stamp)?;
    Ok(frames.into_iter().flatten().collect())
}

/// Every change that a face goes through.
fn changes() -> impl Iterator<Item = Change> {
    let full = |size_px| Change { size_px, turn_degrees: 0, light_percent: 100 };
    let turned = TURNS.map(|turn_degrees| Change { turn_degrees, ..full(MIDDLE) });
    let dark = LIGHTS.map(|light_percent| Change { light_percent, ..full(MIDDLE) });
    SIZES.map(full).into_iter().chain(turned).chain(dark)
}

/// Where a changed face lies in its frame.
struct Place {
    change: Change,
    /// Picture pixels → frame pixels.
    onto: Similarity,
    bounds: Rect,
}

impl Place {
    /// A place at which the whole face is in the frame; the middle where it is too large for that.
    fn draw(change: Change, bounds: &Rect, rng: &mut ChaCha8Rng) -> Self {
        let scale = f32::from(change.size_px) / bounds.area().sqrt();
        let turn = f32::from(change.turn_degrees).to_radians();
        let (half_width, half_height) = half_sides(bounds, turn);
        let mut spot = |half: f32, side: u16| {
            let (low, high) = (half * scale, f32::from(side) - half * scale);
            if low < high { rng.random_range(low..high) } else { f32::from(side) / 2.0 }
        };
        let center = Point::new(spot(half_width, WIDTH), spot(half_height, HEIGHT));
        let turned =
            Similarity { a: scale * turn.cos(), b: scale * turn.sin(), shift: Point::default() };
        let from = turned.apply(bounds.center());
        let onto = Similarity { shift: Point::new(center.x - from.x, center.y - from.y), ..turned };
        let (width, height) = (half_width * scale, half_height * scale);
        let bounds = Rect::new(center.x - width, center.y - height, width * 2.0, height * 2.0);
        Self { change, onto, bounds }
    }

    fn name(&self, face: usize) -> String {
        let Change { size_px, turn_degrees, light_percent } = self.change;
        format!("{face:04}-{size_px}px-{turn_degrees}deg-{light_percent}light.jpg")
    }

    /// The frame, from the face's picture.
    ///
    /// # Shapes
    /// - frame: `[240, 320, 3]`, u8, sRGB
    fn frame(&self, picture: &RgbView<'_>) -> RgbImage {
        // `warp` cuts squares: the frame is the middle of one.
        let above = (WIDTH - HEIGHT) / 2;
        let lower = Similarity { a: 1.0, b: 0.0, shift: Point::new(0.0, -f32::from(above)) };
        let back = self.onto.inverse().map(|back| back.after(&lower));
        let square = back.map(|back| warp(picture, &back, WIDTH.into())).unwrap_or_default();
        let mut frame =
            imageops::crop_imm(&square, 0, above.into(), WIDTH.into(), HEIGHT.into()).to_image();
        let light = self.change.light_percent;
        frame.iter_mut().for_each(|byte| *byte = dimmed(*byte, light));
        frame
    }

    fn picture(&self, path: std::path::PathBuf, landmarks: &Landmarks) -> Picture {
        let landmarks = landmarks.map(|point| self.onto.apply(point));
        let truth = Truth::Boxed(vec![TrueFace::new(self.bounds, Some(landmarks))]);
        let change = Some(self.change);
        Picture { search: Search::Frame, change, ..Picture::new(path, "variants", truth) }
    }
}

/// Half the sides of the upright box around the ellipse that fills `bounds`, turned by `turn` radians: a head
/// is nearer an ellipse than a box, whose corners would widen it.
fn half_sides(bounds: &Rect, turn: f32) -> (f32, f32) {
    let (across, down) = (bounds.width / 2.0, bounds.height / 2.0);
    let (sin, cos) = turn.sin_cos();
    ((across * cos).hypot(down * sin), (across * sin).hypot(down * cos))
}

fn dimmed(byte: u8, light_percent: u16) -> u8 {
    let dimmed = (u16::from(byte) * light_percent + 50) / 100;
    u8::try_from(dimmed).unwrap_or(u8::MAX)
}

fn save(frame: &RgbImage, path: &Path) -> Result<()> {
    write_atomic(path, |file| {
        Ok(frame.write_with_encoder(JpegEncoder::new_with_quality(file, JPEG_QUALITY))?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(1)
    }

    fn change(size_px: u16, turn_degrees: u16, light_percent: u16) -> Change {
        Change { size_px, turn_degrees, light_percent }
    }

    #[test]
    fn a_face_gets_the_size_it_was_to_have_and_lies_within_the_frame() {
        let bounds = Rect::new(10.0, -5.0, 80.0, 125.0);
        for size in [12u16, 64, 96] {
            let place = Place::draw(change(size, 0, 100), &bounds, &mut rng());
            assert!((place.bounds.area().sqrt() - f32::from(size)).abs() < 1e-2);
            assert!(place.bounds.left >= 0.0 && place.bounds.top >= 0.0);
            assert!(place.bounds.left + place.bounds.width <= 320.0);
            assert!(place.bounds.top + place.bounds.height <= 240.0);
            let center = place.onto.apply(bounds.center());
            assert!((center.x - place.bounds.center().x).abs() < 1e-3);
        }
        let large = Place::draw(change(240, 0, 100), &bounds, &mut rng());
        assert_eq!(large.bounds.center().y, 120.0);
    }

    #[test]
    fn a_quarter_turn_swaps_the_sides_of_a_box_and_brings_up_to_the_right() {
        let bounds = Rect::new(0.0, 0.0, 20.0, 40.0);
        let (across, down) = half_sides(&bounds, std::f32::consts::FRAC_PI_2);
        assert!((across - 20.0).abs() < 1e-4 && (down - 10.0).abs() < 1e-4);
        let place = Place::draw(change(24, 90, 100), &bounds, &mut rng());
        let top = place.onto.apply(Point::new(10.0, 0.0));
        assert!((top.x - (place.bounds.left + place.bounds.width)).abs() < 1e-2);
    }

    #[test]
    fn the_frame_shows_the_picture_where_the_truth_says() {
        // A red square in a grey picture, its middle at (30, 20).
        let picture = RgbImage::from_fn(64, 48, |x, y| {
            let inside = x.abs_diff(30) < 8 && y.abs_diff(20) < 8;
            Rgb(if inside { [200, 0, 0] } else { [100; 3] })
        });
        let bounds = Rect::new(22.0, 12.0, 16.0, 16.0);
        let place = Place::draw(change(48, 30, 50), &bounds, &mut rng());
        let frame = place.frame(&RgbView::of(&picture).unwrap());
        assert_eq!(frame.dimensions(), (320, 240));
        let at = place.bounds.center();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 320")]
        let pixel = frame.get_pixel(at.x as u32, at.y as u32);
        assert_eq!(pixel.0, [100, 0, 0]);
        assert_eq!(frame.get_pixel(0, 0).0, [50; 3], "the edge goes on");
    }

    #[test]
    fn every_face_is_changed_in_fifteen_ways() {
        assert_eq!(changes().count(), 15);
    }
}
