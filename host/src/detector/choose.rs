//! From which score on something is called a face: by F½ on val scenes, for a box where nobody is disturbs
//! more than a face that is found a moment later.

use std::fmt;

use anyhow::{Context, Result};
use models::detect::{Detector, Face};
use models::geometry::Rect;

use super::scenes::Scene;
use crate::eval_detector::matching::matches;
use crate::eval_detector::tables::IOU_MAIN;
use crate::progress;

/// Scores that are tried, in hundredths.
const TRIED: std::ops::RangeInclusive<u8> = 10..=90;

/// What has so much of the best F½ is nearly as good: about the top the curve is flat, and a higher score drops more of
/// what is wrong.
const NEARLY: f64 = 0.995;

/// What is found from a score on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) score_min: f32,
    /// Faces found, of those wanted.
    pub(super) found: usize,
    pub(super) wanted: usize,
    /// Boxes where no face is.
    pub(super) wrong: usize,
}

/// A box that the detector gave: its score, and whether it is the first to find a wanted face.
struct Told {
    score: f32,
    is_face: bool,
}

impl Choice {
    /// Van Rijsbergen's F of recall and precision, where precision counts twice as much (1979, chapter 7).
    fn f_half(&self) -> f64 {
        let missed = self.wanted - self.found;
        let all = 1.25 * self.found as f64 + 0.25 * missed as f64 + self.wrong as f64;
        1.25 * self.found as f64 / all.max(1.0)
    }
}

/// The score for a detector that reports everything: the highest one with nearly the best F½.
///
/// # Errors
/// The detector fails, or a scene is empty.
pub(super) fn choose(detector: &mut dyn Detector, scenes: &[Scene]) -> Result<Choice> {
    let bar = progress::bar("choose", scenes.len() as u64);
    let mut told = vec![];
    let mut wanted = 0;
    for scene in bar.wrap_iter(scenes.iter()) {
        told.extend(judge(&scene.found_by(detector)?, scene));
        wanted += scene.faces.iter().filter(|face| face.wanted).count();
    }
    bar.finish_and_clear();
    let counted = TRIED.map(|hundredth| count(&told, wanted, f32::from(hundredth) / 100.0));
    pick(counted).context("no scores to try")
}

/// Of what is nearly as good as the best, by F½, that of the highest score.
fn pick(counted: impl Iterator<Item = Choice> + Clone) -> Option<Choice> {
    let best = counted.clone().map(|choice| choice.f_half()).max_by(f64::total_cmp)?;
    counted.filter(|choice| choice.f_half() >= best * NEARLY).last()
}

fn count(told: &[Told], wanted: usize, score_min: f32) -> Choice {
    let sure = told.iter().filter(|told| told.score >= score_min);
    let (found, wrong): (Vec<&Told>, Vec<&Told>) = sure.partition(|told| told.is_face);
    Choice { score_min, found: found.len(), wanted, wrong: wrong.len() }
}

/// Boxes, best first; those on faces that do not count are passed over.
fn judge(boxes: &[Face], scene: &Scene) -> Vec<Told> {
    let truths: Vec<Rect> = scene.faces.iter().map(|face| face.bounds).collect();
    let found = matches(&truths, boxes, IOU_MAIN).found;
    let told = boxes.iter().enumerate().filter_map(|(at, said)| {
        let face = found.iter().position(|&place| place == Some(at));
        let counts = face.is_none_or(|face| scene.faces[face].wanted);
        counts.then_some(Told { score: said.score, is_face: face.is_some() })
    });
    told.collect()
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { score_min, found, wanted, wrong } = self;
        write!(
            f,
            "from {score_min:.2} on {found} of {wanted} faces are found, {wrong} boxes are wrong"
        )
    }
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use models::geometry::{Landmarks, Point};

    use super::super::scenes::SceneFace;
    use super::*;

    fn bounds(left: f32) -> Rect {
        Rect::new(left, 0.0, 10.0, 10.0)
    }

    fn scene() -> Scene {
        let face = |left, wanted| SceneFace {
            bounds: bounds(left),
            landmarks: Landmarks([Point::default(); 5]),
            wanted,
        };
        let faces = vec![face(0.0, true), face(20.0, true), face(40.0, false)];
        Scene { picture: RgbImage::new(64, 64), faces, seed: 0 }
    }

    fn told(boxes: &[(f32, f32)]) -> Vec<Told> {
        let face = |&(left, score)| Face { bounds: bounds(left), score, landmarks: None };
        judge(&boxes.iter().map(face).collect::<Vec<_>>(), &scene())
    }

    #[test]
    fn a_face_is_found_once_and_what_does_not_count_is_passed_over() {
        let told = told(&[(1.0, 0.9), (40.0, 0.8), (0.0, 0.7), (21.0, 0.6), (90.0, 0.3)]);
        let is_face: Vec<bool> = told.iter().map(|told| told.is_face).collect();
        assert_eq!(is_face, [true, false, true, false]);
        let choice = count(&told, 2, 0.5);
        assert_eq!(choice, Choice { score_min: 0.5, found: 2, wanted: 2, wrong: 1 });
    }

    #[test]
    fn of_what_is_nearly_as_good_the_highest_score_is_chosen() {
        let choice = |score_min, found, wrong| Choice { score_min, found, wanted: 1000, wrong };
        let (best, flat, worse) = (choice(0.5, 900, 20), choice(0.6, 890, 20), choice(0.7, 800, 0));
        assert!(flat.f_half() < best.f_half() && worse.f_half() < NEARLY * best.f_half());
        assert_eq!(pick([best, flat, worse].into_iter()), Some(flat));
        assert_eq!(pick([].into_iter()), None);
    }

    #[test]
    fn a_higher_score_is_chosen_where_it_only_drops_what_is_wrong() {
        let told = told(&[(0.0, 0.9), (20.0, 0.6), (90.0, 0.5), (95.0, 0.4)]);
        let f_half = |score_min| count(&told, 2, score_min).f_half();
        assert!(f_half(0.55) > f_half(0.3) && f_half(0.55) > f_half(0.7));
        let three_of_four = Choice { score_min: 0.5, found: 3, wanted: 4, wrong: 1 };
        assert_eq!(three_of_four.f_half(), 0.75, "recall and precision are alike");
    }
}
