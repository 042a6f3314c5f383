//! Which of the boxes found now is which of those expected.

use models::geometry::Rect;

/// Boxes that overlap at least this much (IoU) may be the same face.
const IOU_MIN: f32 = 0.2;

/// Boxes that overlap less may be the same face while their middles are no further apart than this
/// share of their size.
const DISTANCE_MAX: f32 = 0.9;

/// And while neither is larger than the other by more than this factor, by the side.
const GROWTH_MAX: f32 = 1.6;

/// For each of `found` the index of the box of `expected` that it belongs to; no index twice.
///
/// The pair that fits best comes first. With a few faces in a picture that hardly ever differs from the
/// best sum over all pairs, and it is explained in a line.
pub fn assign(expected: &[Rect], found: &[Rect]) -> Vec<Option<usize>> {
    let mut pairs = Vec::new();
    for (f, found) in found.iter().enumerate() {
        for (e, expected) in expected.iter().enumerate() {
            pairs.extend(affinity(expected, found).map(|affinity| (affinity, e, f)));
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut matches, mut taken) = (vec![None; found.len()], vec![false; expected.len()]);
    for (_, e, f) in pairs {
        if !taken[e] && matches[f].is_none() {
            matches[f] = Some(e);
            taken[e] = true;
        }
    }
    matches
}

/// How well two boxes fit: above 1 for those that overlap enough, up to 1 for those that are only near;
/// `None` for what cannot be the same face.
fn affinity(a: &Rect, b: &Rect) -> Option<f32> {
    let iou = a.iou(b);
    if iou >= IOU_MIN {
        return Some(1.0 + iou);
    }
    let (size_a, size_b) = (a.area().sqrt(), b.area().sqrt());
    let (from, to) = (a.center(), b.center());
    let distance = (from.x - to.x).hypot(from.y - to.y) / (0.5 * (size_a + size_b));
    let alike = size_a <= size_b * GROWTH_MAX && size_b <= size_a * GROWTH_MAX;
    (alike && distance <= DISTANCE_MAX).then_some(1.0 - distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: f32) -> Rect {
        Rect::new(left, 0.0, 50.0, 50.0)
    }

    #[test]
    fn the_best_overlap_wins_whatever_the_order() {
        let expected = [at(0.0), at(30.0)];
        assert_eq!(assign(&expected, &[at(28.0), at(2.0)]), [Some(1), Some(0)]);
        assert_eq!(assign(&expected, &[at(16.0)]), [Some(1)], "nearer to the second");
    }

    #[test]
    fn what_overlaps_goes_before_what_is_only_near() {
        assert_eq!(assign(&[at(0.0)], &[at(44.0), at(20.0)]), [None, Some(0)]);
        assert_eq!(assign(&[at(0.0)], &[at(44.0)]), [Some(0)]);
    }

    #[test]
    fn what_is_far_or_of_another_size_is_another_face() {
        assert_eq!(assign(&[at(0.0)], &[at(50.0)]), [None]);
        let small = Rect::new(40.0, 0.0, 20.0, 20.0);
        assert_eq!(assign(&[at(0.0)], &[small]), [None]);
        assert_eq!(assign(&[], &[at(0.0)]), [None]);
        assert_eq!(assign(&[at(0.0)], &[]), []);
    }
}
