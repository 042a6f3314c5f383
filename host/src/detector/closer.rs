//! What the net that looks once more learns from: crops around what a detector found in scenes.

use image::RgbImage;
use models::crop::{Similarity, warp};
use models::detect::Face;
use models::geometry::{Landmarks, Point, Rect};
use models::image::RgbView;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::paste::turned_about;
use super::scenes::{Scene, SceneFace};
use crate::contract;
use crate::net::refine::CHANNELS;

/// What overlaps a face by at least this is that face.
const FACE_IOU_MIN: f32 = 0.4;
/// What shares more than this of itself with a face, or of the face, without being it does not count.
const NONE_SHARED_MAX: f32 = 0.3;
/// Landmark errors of a face in profile, whose eyes are close together, count in at least this share of half a crop.
const EYES_MIN: f32 = 0.2;
/// How often each face is looked at, every time from a little beside.
const LOOKS: usize = 4;
/// How far a crop is moved, in its sides, scaled, as a logarithm, and turned, in radians, beyond what the detector
/// itself is off.
const SHAKE: (f32, f32, f32) = (0.04, 0.1, 0.1);

/// What must be told of a crop: what [`CHANNELS`] tell, with 1 or 0 for the logit; and the distance of the eyes, in
/// halves of the crop's side.
pub(super) const WIDTH: usize = CHANNELS + 1;

/// The crops of a scene, and what must be told of each.
pub(super) fn looks(scene: &Scene, found: &[Face]) -> Vec<(RgbImage, [f32; WIDTH])> {
    let Some(view) = RgbView::of(&scene.picture) else { return vec![] };
    let mut rng = ChaCha8Rng::seed_from_u64(scene.seed);
    let spec = contract::refine_crop();
    let look = |face: &Face| {
        let truth = truth(scene, &face.bounds)?;
        let place = spec.place(&face.bounds, face.landmarks.as_ref());
        let place = shaken(&place, spec.size_px, &mut rng);
        let into = place.inverse()?;
        let told = truth.map_or([0.0; WIDTH], |face| tell(&face.landmarks, &into, spec.size_px));
        Some((warp(&view, &place, spec.size_px), told))
    };
    found.iter().flat_map(|face| std::iter::repeat_n(face, LOOKS)).filter_map(look).collect()
}

/// The face that a box is, or that it is none; `None` where that does not count.
fn truth<'s>(scene: &'s Scene, bounds: &Rect) -> Option<Option<&'s SceneFace>> {
    let iou = |face: &SceneFace| face.bounds.iou(bounds);
    let nearest = scene.faces.iter().max_by(|a, b| iou(a).total_cmp(&iou(b)));
    let is_face = |face: &&SceneFace| iou(face) >= FACE_IOU_MIN;
    if let Some(face) = nearest.filter(is_face) {
        return face.wanted.then_some(Some(face));
    }
    let touches = |face: &SceneFace| {
        let smaller = face.bounds.area().min(bounds.area());
        face.bounds.shared(bounds) > NONE_SHARED_MAX * smaller
    };
    (!scene.faces.iter().any(touches)).then_some(None)
}

/// The place of a crop, as if the detector had been off a little more.
fn shaken(place: &Similarity, size_px: u32, rng: &mut impl Rng) -> Similarity {
    let mut by = |most: f32| rng.random_range(-most..=most);
    let (moved, scaled, turned) = SHAKE;
    let half = size_px as f32 / 2.0;
    let middle = Point::new(half, half);
    let beside = Point::new(half + by(moved) * 2.0 * half, half + by(moved) * 2.0 * half);
    place.after(&turned_about(beside, middle, by(scaled).exp(), by(turned)))
}

/// What must be told of a crop that shows a face with these landmarks.
fn tell(landmarks: &Landmarks, into: &Similarity, size_px: u32) -> [f32; WIDTH] {
    let half = size_px as f32 / 2.0;
    let Landmarks(seen) = landmarks.map(|p| {
        let seen = into.apply(p);
        Point::new(seen.x / half - 1.0, seen.y / half - 1.0)
    });
    let mut told = [1.0; WIDTH];
    for (pair, spot) in told[1..CHANNELS].chunks_exact_mut(2).zip(seen) {
        pair.copy_from_slice(&[spot.x, spot.y]);
    }
    let eyes = (seen[0].x - seen[1].x).hypot(seen[0].y - seen[1].y);
    told[WIDTH - 1] = eyes.max(EYES_MIN);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A face of 40×40 px around (60, 60), and one that is too small to be asked for.
    fn scene() -> Scene {
        let face = |bounds: Rect, wanted| {
            let Point { x, y } = bounds.center();
            let spots = [(-8.0, -8.0), (8.0, -8.0), (0.0, 2.0), (-6.0, 10.0), (6.0, 10.0)];
            let landmarks = Landmarks(spots.map(|(right, below)| Point::new(x + right, y + below)));
            SceneFace { bounds, landmarks, wanted }
        };
        let faces = vec![
            face(Rect::new(40.0, 40.0, 40.0, 40.0), true),
            face(Rect::new(10.0, 10.0, 8.0, 8.0), false),
        ];
        Scene { picture: RgbImage::new(128, 128), faces, seed: 7 }
    }

    fn found(bounds: Rect) -> Face {
        Face { bounds, score: 0.5, landmarks: None }
    }

    #[test]
    fn what_is_between_a_face_and_none_is_not_learnt_from() {
        let scene = scene();
        let learnt = |left, top, side| {
            let looks = looks(&scene, &[found(Rect::new(left, top, side, side))]);
            looks.first().map(|(_, target)| target[0])
        };
        assert_eq!(learnt(44.0, 42.0, 40.0), Some(1.0), "a face");
        assert_eq!(learnt(85.0, 85.0, 40.0), Some(0.0), "none");
        assert_eq!(learnt(55.0, 55.0, 40.0), None, "half of one");
        assert_eq!(learnt(45.0, 45.0, 12.0), None, "a part of one");
        assert_eq!(learnt(10.0, 10.0, 8.0), None, "one that is not asked for");
    }

    #[test]
    fn every_look_is_another_and_the_same_again() {
        let (scene, face) = (scene(), [found(Rect::new(42.0, 38.0, 40.0, 40.0))]);
        let targets = || looks(&scene, &face).into_iter().map(|(_, told)| told).collect::<Vec<_>>();
        assert_eq!(targets().len(), LOOKS);
        assert_ne!(targets()[0], targets()[1]);
        assert_eq!(targets(), targets());
    }

    #[test]
    fn a_crop_tells_where_in_it_the_landmarks_are() {
        let face = &scene().faces[0];
        // A crop of 80 px is 40 px of the picture wide, around (60, 60).
        let place = Similarity { a: 0.5, b: 0.0, shift: Point::new(40.0, 40.0) };
        let told = tell(&face.landmarks, &place.inverse().unwrap(), 80);
        let expected = [1.0, -0.4, -0.4, 0.4, -0.4, 0.0, 0.1, -0.3, 0.5, 0.3, 0.5, 0.8];
        assert!(told.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{told:?}");
        let profile = Landmarks([face.landmarks.0[0]; 5]);
        assert_eq!(tell(&profile, &place.inverse().unwrap(), 80)[WIDTH - 1], EYES_MIN);
    }

    #[test]
    fn a_shaken_crop_is_a_little_beside() {
        let place = Similarity { a: 2.0, b: 0.0, shift: Point::default() };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..50 {
            let shaken = shaken(&place, 64, &mut rng);
            let middle = shaken.apply(Point::new(32.0, 32.0));
            assert!(
                (middle.x - 64.0).abs().max((middle.y - 64.0).abs()) <= 2.0 * 64.0 * SHAKE.0 + 1e-3
            );
            assert!((shaken.scale() / 2.0).ln().abs() <= SHAKE.1 + 1e-3);
            assert!((shaken.b / shaken.a).atan().abs() <= SHAKE.2 + 1e-3);
        }
    }
}
