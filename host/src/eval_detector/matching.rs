//! Which of the boxes that were found is which true face, and how far its landmarks are off.

use models::detect::Face;
use models::geometry::{Landmarks, Point, Rect};

/// What became of the true faces of a picture and of the boxes found in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Matches {
    /// For each true face the place of the box that is it.
    pub(crate) found: Vec<Option<usize>>,
    /// Boxes that are no true face, or a second one on the same.
    pub(super) beside: usize,
}

/// Box after box, the best score first, takes the free true face that it overlaps most, if by at least
/// `iou_min`: as PASCAL VOC counts (Everingham et al. 2010).
pub(crate) fn matches(truths: &[Rect], boxes: &[Face], iou_min: f32) -> Matches {
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|&a, &b| boxes[b].score.total_cmp(&boxes[a].score));
    let mut found = vec![None; truths.len()];
    for at in order {
        let iou = |truth: usize| truths[truth].iou(&boxes[at].bounds);
        let free = (0..truths.len()).filter(|&truth| found[truth].is_none());
        let near = free.filter(|&truth| iou(truth) >= iou_min);
        if let Some(truth) = near.max_by(|&a, &b| iou(a).total_cmp(&iou(b))) {
            found[truth] = Some(at);
        }
    }
    let beside = boxes.len() - found.iter().flatten().count();
    Matches { found, beside }
}

/// The mean distance of the five points from where they are, in distances of the true eyes; `None` where
/// those are in one place.
pub(super) fn landmark_error(truth: &Landmarks, said: &Landmarks) -> Option<f64> {
    let eyes = distance(truth.0[0], truth.0[1]);
    let sum: f32 = truth.0.iter().zip(&said.0).map(|(a, b)| distance(*a, *b)).sum();
    (eyes > 0.0).then(|| f64::from(sum / 5.0 / eyes))
}

fn distance(a: Point, b: Point) -> f32 {
    (a.x - b.x).hypot(a.y - b.y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, score: f32) -> Face {
        Face { bounds: Rect::new(left, 0.0, 10.0, 10.0), score, landmarks: None }
    }

    #[test]
    fn the_surer_box_takes_the_face_and_the_other_lies_beside() {
        let truths = [Rect::new(0.0, 0.0, 10.0, 10.0)];
        // IoU 8/12 and 1; the first is the surer one.
        let matched = matches(&truths, &[face(2.0, 0.9), face(0.0, 0.8)], 0.4);
        assert_eq!(matched, Matches { found: vec![Some(0)], beside: 1 });
    }

    #[test]
    fn a_box_between_two_faces_takes_the_nearer_one() {
        let truths = [Rect::new(0.0, 0.0, 10.0, 10.0), Rect::new(6.0, 0.0, 10.0, 10.0)];
        // IoU with the first 6/14, with the second 8/12.
        let matched = matches(&truths, &[face(4.0, 0.9)], 0.4);
        assert_eq!(matched, Matches { found: vec![None, Some(0)], beside: 0 });
    }

    #[test]
    fn an_overlap_of_exactly_the_threshold_counts_and_less_does_not() {
        let truths = [Rect::new(0.0, 0.0, 10.0, 10.0)];
        let half = Face { bounds: Rect::new(0.0, 0.0, 10.0, 5.0), ..face(0.0, 1.0) };
        assert_eq!(matches(&truths, std::slice::from_ref(&half), 0.5).beside, 0);
        assert_eq!(matches(&truths, &[half], 0.51).beside, 1);
    }

    #[test]
    fn every_box_on_a_picture_without_faces_lies_beside() {
        let matched = matches(&[], &[face(0.0, 0.5), face(30.0, 0.5)], 0.4);
        assert_eq!(matched, Matches { found: vec![], beside: 2 });
    }

    #[test]
    fn landmarks_are_off_in_distances_of_the_eyes() {
        let truth = Landmarks([(0., 0.), (10., 0.), (5., 5.), (2., 9.), (8., 9.)].map(point));
        // The nose is 5 px off, the right mouth corner 10 px: 15 px over five points, 10 px between the eyes.
        let said = Landmarks([(0., 0.), (10., 0.), (8., 9.), (2., 9.), (8., 19.)].map(point));
        assert!((landmark_error(&truth, &said).unwrap() - 0.3).abs() < 1e-6);
        assert_eq!(landmark_error(&Landmarks([Point::default(); 5]), &said), None);
    }

    fn point((x, y): (f32, f32)) -> Point {
        Point::new(x, y)
    }
}
