//! What `kiosk` prints of a picture: JSON for programs, a table for people.
//!
//! The JSON is documented in the README and stable: fields are added, never renamed or removed.

use std::process::ExitCode;
use std::time::Duration;

use models::detect::Face;
use models::estimator::Estimate;
use models::gender::GenderLabel;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Times};

pub mod followed;
pub mod table;

/// How a command that did its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was well.
    Good,
    /// The output names what was not.
    Bad,
    /// The same, with an exit status of its own.
    Status(u8),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Good => Self::SUCCESS,
            Outcome::Bad => Self::FAILURE,
            Outcome::Status(status) => Self::from(status),
        }
    }
}

/// Whether the 101 probabilities are reported beside the figures read from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Only the figures.
    Figures,
    /// All of it.
    Distribution,
}

/// One line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The picture's path.
    pub source: String,
    /// What was found, or why nothing could be.
    #[serde(flatten)]
    pub result: PictureResult,
}

/// What was found in a picture, or why there is no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PictureResult {
    /// It was read, and its screen written where one was asked for.
    Answer(PictureReport),
    /// One of them failed.
    Error {
        /// Why, in words.
        error: String,
    },
}

/// What was found in a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureReport {
    /// Of the upright picture.
    pub width_px: u32,
    /// Of the upright picture.
    pub height_px: u32,
    /// The largest first.
    pub faces: Vec<FaceReport>,
    /// How long it took.
    pub timing_ms: Timing,
}

/// One face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceReport {
    /// Left, top, width and height in pixels of the upright picture; may reach outside it.
    pub box_px: [f32; 4],
    /// How sure the detector is, in [0, 1].
    pub score: f32,
    /// `[x, y]` of left eye, right eye (as one sees them), nose, left and right corner of the mouth.
    pub landmarks_px: Option<[[f32; 2]; 5]>,
    /// The expected value of the age distribution, 0 to 100.
    pub apparent_age_years: f32,
    /// Its standard deviation.
    pub age_std_years: f32,
    /// The single most probable age.
    pub dominant_age_years: u8,
    /// The probability of each age from 0 to 100 years; 101 numbers that sum to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_probs: Option<Vec<f32>>,
    /// The predicted gender.
    pub gender: GenderReport,
}

/// A predicted gender.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenderReport {
    /// Its probability; the two sum to 1.
    pub female: f32,
    /// Its probability.
    pub male: f32,
    /// The more probable one, or `unsure`.
    pub label: GenderLabel,
}

/// Milliseconds, to a hundredth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// From the file's bytes to pixels.
    pub decode: f64,
    /// Finding all faces.
    pub detect: f64,
    /// Reading all faces.
    pub estimate: f64,
}

impl Report {
    /// The report on the picture `source`.
    pub fn new(source: String, result: &anyhow::Result<Answer>, detail: Detail) -> Self {
        let result = match result {
            Ok(answer) => PictureResult::Answer(PictureReport::new(answer, detail)),
            Err(error) => PictureResult::Error { error: one_line(&format!("{error:#}")) },
        };
        Self { source, result }
    }
}

/// Libraries write some of their messages over several lines.
fn one_line(message: &str) -> String {
    let lines: Vec<_> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

impl PictureReport {
    fn new(answer: &Answer, detail: Detail) -> Self {
        let face = |(face, estimate): &(Face, Estimate)| {
            FaceReport::new(face, estimate, GenderReport::new(answer, estimate), detail)
        };
        Self {
            width_px: answer.picture.width(),
            height_px: answer.picture.height(),
            faces: answer.people.iter().map(face).collect(),
            timing_ms: Timing::new(&answer.times),
        }
    }
}

impl FaceReport {
    fn new(face: &Face, estimate: &Estimate, gender: GenderReport, detail: Detail) -> Self {
        let (bounds, age) = (&face.bounds, &estimate.age);
        Self {
            box_px: [bounds.left, bounds.top, bounds.width, bounds.height],
            score: face.score,
            landmarks_px: face.landmarks.map(|landmarks| landmarks.0.map(|p| [p.x, p.y])),
            apparent_age_years: age.expected_years(),
            age_std_years: age.std_years(),
            dominant_age_years: age.dominant_years(),
            age_probs: (detail == Detail::Distribution).then(|| age.probs().to_vec()),
            gender,
        }
    }
}

impl GenderReport {
    fn new(answer: &Answer, estimate: &Estimate) -> Self {
        let gender = &estimate.gender;
        Self {
            female: gender.female(),
            male: gender.male(),
            label: gender.label(answer.gender_sure_min),
        }
    }
}

impl Timing {
    fn new(times: &Times) -> Self {
        let ms = |time: Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
        Self { decode: ms(times.decode), detect: ms(times.detect), estimate: ms(times.estimate) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;
    use models::age::AgeDistribution;
    use models::gender::Gender;
    use models::geometry::{Landmarks, Point, Rect};

    fn answer(landmarks: Option<Landmarks>) -> Answer {
        let bounds = Rect::new(1.5, -2.0, 30.0, 40.0);
        let certain = std::array::from_fn(|year| if year == 34 { 1.0 } else { 0.0 });
        let age = AgeDistribution::from_weights(&certain);
        let estimate = Estimate { age: age.unwrap(), gender: Gender::from_log_odds(0.0).unwrap() };
        Answer {
            picture: RgbImage::new(64, 48),
            people: vec![(Face { bounds, score: 0.5, landmarks }, estimate)],
            gender_sure_min: 0.7,
            times: Times { decode: Duration::from_micros(1234), ..Times::default() },
        }
    }

    /// The schema in the README: whoever changes this line breaks programs that read ours.
    #[test]
    fn the_json_is_the_documented_one() {
        let eyes = Landmarks([Point::new(1.0, 2.5); 5]);
        for (landmarks, text) in
            [(None, "null"), (Some(eyes), "[[1.0,2.5],[1.0,2.5],[1.0,2.5],[1.0,2.5],[1.0,2.5]]")]
        {
            let report = Report::new("a.jpg".into(), &Ok(answer(landmarks)), Detail::Figures);
            let expected = [
                r#"{"source":"a.jpg","width_px":64,"height_px":48,"faces":[{"box_px":[1.5,-2.0,30.0,40.0],"#,
                r#""score":0.5,"landmarks_px":"#,
                text,
                r#","apparent_age_years":34.0,"age_std_years":0.0,"dominant_age_years":34,"#,
                r#""gender":{"female":0.5,"male":0.5,"label":"unsure"}}],"#,
                r#""timing_ms":{"decode":1.23,"detect":0.0,"estimate":0.0}}"#,
            ];
            let expected = expected.concat();
            let json = serde_json::to_string(&report).unwrap();
            assert_eq!(json, expected);
            assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
        }
    }

    #[test]
    fn the_distribution_is_added_only_when_asked_for() {
        let report = Report::new("a.jpg".into(), &Ok(answer(None)), Detail::Distribution);
        let PictureResult::Answer(picture) = report.result else { panic!("{report:?}") };
        assert_eq!(picture.faces[0].age_probs.as_ref().unwrap().len(), 101);
    }

    #[test]
    fn an_error_is_one_line_with_its_whole_chain() {
        let error = anyhow::anyhow!("in\n\n  ner\r\n").context("outer");
        let report = Report::new("a.jpg".into(), &Err(error), Detail::Figures);
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(json, r#"{"source":"a.jpg","error":"outer: in ner"}"#);
    }
}
