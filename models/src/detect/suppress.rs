//! One face for each face: of the boxes that a network gives around it, the best one stays.

use super::Face;
use crate::geometry::{Landmarks, Point, Rect};

/// Of more boxes than this the worst are passed over, as OpenCV's `FaceDetectorYN` does: a network that
/// sees faces everywhere must not hold up the program.
const BOXES_MAX: usize = 5000;

/// Boxes that overlap the best one by more than this tell of the same face.
const SAME_IOU_MIN: f32 = 0.5;

/// How much more the better boxes of a face count: the power of a score that is its weight.
const BLEND_POWER: i32 = 2;

/// A box of which more than this lies inside a better one is a part of that face: training lays nothing over
/// more than a third of a face.
const PART_MAX: f32 = 0.45;

/// Sorts by score and drops each face that overlaps a better one by more than `iou_max`, and what is broken.
pub(super) fn suppress(faces: Vec<Face>, iou_max: f32) -> Vec<Face> {
    best(&sorted(faces), |better, face| better.iou(face) > iou_max)
}

/// As [`suppress`], of those of at least `score_min`; but parts of a better face are dropped too, and where a kept
/// face is and where its landmarks are is the mean of what all boxes of the same face tell, weighed by their scores
/// (BlazeFace: Bazarevsky et al. 2019, section 4.1).
pub(super) fn blend(faces: Vec<Face>, score_min: f32, iou_max: f32) -> Vec<Face> {
    let faces = sorted(faces);
    let sure = faces.partition_point(|face| face.score >= score_min);
    let is_told = |better: &Rect, face: &Rect| {
        let smaller = better.area().min(face.area());
        better.iou(face) > iou_max || better.shared(face) > PART_MAX * smaller
    };
    best(&faces[..sure], is_told).iter().map(|best| mean(best, &faces)).collect()
}

/// What is whole, best score first.
fn sorted(mut faces: Vec<Face>) -> Vec<Face> {
    let whole = |face: &Face| face.bounds.is_valid() && face.bounds.area().is_finite();
    faces.retain(|face| whole(face) && face.score.is_finite());
    faces.iter_mut().for_each(|face| face.landmarks = face.landmarks.filter(Landmarks::is_valid));
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    faces.truncate(BOXES_MAX);
    faces
}

/// Those of which no better one tells already.
fn best(sorted: &[Face], is_told: impl Fn(&Rect, &Rect) -> bool) -> Vec<Face> {
    let mut kept: Vec<Face> = Vec::new();
    for face in sorted {
        if !kept.iter().any(|better| is_told(&better.bounds, &face.bounds)) {
            kept.push(face.clone());
        }
    }
    kept
}

/// The face of `best` as all of `faces` tell it that overlap it by much, and tell landmarks where it does.
fn mean(best: &Face, faces: &[Face]) -> Face {
    let same = |face: &&Face| {
        face.bounds.iou(&best.bounds) > SAME_IOU_MIN
            && face.landmarks.is_some() == best.landmarks.is_some()
    };
    let same: Vec<&Face> = faces.iter().filter(same).collect();
    let weight = |face: &Face| face.score.powi(BLEND_POWER);
    let all: f32 = same.iter().map(|face| weight(face)).sum();
    if same.len() < 2 || all <= 0.0 {
        return best.clone();
    }
    let mean = |of: &dyn Fn(&Face) -> f32| {
        same.iter().map(|face| weight(face) / all * of(face)).sum::<f32>()
    };
    let spot = |i: usize, axis: fn(&Point) -> f32| {
        mean(&|face| face.landmarks.map_or(0.0, |Landmarks(points)| axis(&points[i])))
    };
    Face {
        bounds: Rect {
            left: mean(&|face| face.bounds.left),
            top: mean(&|face| face.bounds.top),
            width: mean(&|face| face.bounds.width),
            height: mean(&|face| face.bounds.height),
        },
        score: best.score,
        landmarks: best.landmarks.map(|_| {
            Landmarks(std::array::from_fn(|i| Point::new(spot(i, |p| p.x), spot(i, |p| p.y))))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn face(left: f32, score: f32) -> Face {
        Face { bounds: Rect::new(left, 0.0, 10.0, 10.0), score, landmarks: None }
    }

    fn marked(left: f32, score: f32) -> Face {
        let landmarks = Some(Landmarks([Point::new(left + 5.0, 5.0); 5]));
        Face { landmarks, ..face(left, score) }
    }

    #[test]
    fn the_better_of_two_overlapping_faces_stays() {
        let kept = suppress(vec![face(0.0, 0.5), face(1.0, 0.9), face(30.0, 0.7)], 0.3);
        assert_eq!(kept, [face(1.0, 0.9), face(30.0, 0.7)]);
    }

    #[test]
    fn broken_boxes_and_scores_are_dropped() {
        let flat = Face { bounds: Rect::new(0.0, 0.0, 0.0, 4.0), ..face(0.0, 1.0) };
        let vast = Face { bounds: Rect::new(0.0, 0.0, 1e30, 1e30), ..face(0.0, 1.0) };
        let broken = vec![face(f32::NAN, 1.0), face(0.0, f32::NAN), flat, vast];
        assert!(suppress(broken, 0.3).is_empty());
    }

    #[test]
    fn broken_landmarks_are_dropped_and_the_face_stays() {
        let landmarks = Some(Landmarks([Point::new(1.0, f32::INFINITY); 5]));
        assert_eq!(suppress(vec![Face { landmarks, ..face(0.0, 1.0) }], 0.3), [face(0.0, 1.0)]);
    }

    #[test]
    fn of_too_many_boxes_the_best_stay() {
        let many = (0..20_000u16).map(|i| face(f32::from(i) * 11.0, f32::from(i)));
        let kept = suppress(many.collect(), 0.3);
        assert_eq!((kept.len(), kept[0].score), (BOXES_MAX, 19_999.0));
    }

    #[test]
    fn boxes_of_one_face_are_blended_by_their_scores() {
        // Of squares of ten columns, two apart share 8/12 of their area; six apart 4/16.
        let half_as_sure = vec![marked(2.0, 0.25); 4];
        let told = [vec![marked(0.0, 0.5)], half_as_sure, vec![marked(6.0, 0.25)]].concat();
        assert_eq!(blend(told.clone(), 0.2, 0.2), [marked(1.0, 0.5)], "a quarter each");
        assert_eq!(blend(told, 0.5, 0.3), [marked(1.0, 0.5)], "what would not do alone counts");
    }

    #[test]
    fn a_face_alone_and_one_without_landmarks_stay_as_they_are() {
        let faces = vec![face(0.0, 0.75), marked(1.0, 0.5), marked(40.0, 0.0), marked(41.0, 0.0)];
        assert_eq!(blend(faces, 0.0, 0.3), [face(0.0, 0.75), marked(40.0, 0.0)]);
    }

    #[test]
    fn a_part_of_a_better_face_is_dropped() {
        let part = Face { bounds: Rect::new(0.0, 0.0, 4.0, 4.0), ..face(0.0, 0.5) };
        let beside = Face { bounds: Rect::new(8.0, 0.0, 4.0, 4.0), ..face(0.0, 0.5) };
        let faces = vec![face(0.0, 0.75), part.clone()];
        assert_eq!(blend(faces.clone(), 0.2, 0.3), [face(0.0, 0.75)]);
        assert_eq!(suppress(faces, 0.3), [face(0.0, 0.75), part]);
        let half = Face { bounds: beside.bounds.moved(0.4, 0.0), ..beside };
        assert_eq!(blend(vec![face(0.0, 0.75), half.clone()], 0.2, 0.3), [face(0.0, 0.75), half]);
    }

    proptest! {
        #[test]
        fn suppressing_twice_changes_nothing(spots in prop::collection::vec((0f32..60.0, 0f32..1.0), 0..20)) {
            let once = suppress(spots.iter().map(|&(left, score)| face(left, score)).collect(), 0.3);
            prop_assert_eq!(suppress(once.clone(), 0.3), once);
        }

        #[test]
        fn faces_of_one_size_are_blended_as_many_as_are_kept(spots in prop::collection::vec((0f32..60.0, 0f32..1.0), 0..20)) {
            let faces: Vec<Face> = spots.iter().map(|&(left, score)| marked(left, score)).collect();
            let scores = |faces: Vec<Face>| faces.iter().map(|face| face.score).collect::<Vec<_>>();
            // Of squares of one size, what shares 0.45 of a side has an IoU of 0.29.
            prop_assert_eq!(scores(blend(faces.clone(), 0.0, 0.29)), scores(suppress(faces, 0.29)));
        }
    }
}
