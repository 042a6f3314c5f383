//! What `kiosk replay` prints of a frame: one line of JSON on the faces that its screen shows.

use models::gender::GenderLabel;
use serde::Serialize;

use super::{GenderReport, Timing, one_line};
use crate::answer::Times;
use crate::follow::seen::{Followed, Seen};

/// One line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrameReport {
    /// The picture's path.
    pub source: String,
    /// The number of the frame, 1 and up.
    pub frame: u64,
    /// What was seen, or why nothing could be.
    #[serde(flatten)]
    pub result: FrameResult,
}

/// What was seen in a frame, or why there is no answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FrameResult {
    /// It was read and its screen written.
    Seen(SeenReport),
    /// One of them failed.
    Error {
        /// Why, in words.
        error: String,
    },
}

/// What was seen in a frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeenReport {
    /// Of the upright picture.
    pub width_px: u32,
    /// Of the upright picture.
    pub height_px: u32,
    /// The largest first.
    pub faces: Vec<FollowedReport>,
    /// How long it took.
    pub timing_ms: Timing,
}

/// One face that is followed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FollowedReport {
    /// Its number on the screen.
    pub number: u32,
    /// Left, top, width and height in pixels of the upright picture; may reach outside it.
    pub box_px: [f32; 4],
    /// How sure the detector was when it found it last, in [0, 1].
    pub score: f32,
    /// As they were found last: left eye, right eye, nose, left and right corner of the mouth.
    pub landmarks_px: Option<[[f32; 2]; 5]>,
    /// The age on the screen; like all that follow `null` until the screen shows figures.
    pub shown_age_years: Option<u8>,
    /// The expected value of the averaged age distribution, 0 to 100.
    pub apparent_age_years: Option<f32>,
    /// Its standard deviation.
    pub age_std_years: Option<f32>,
    /// The single most probable age.
    pub dominant_age_years: Option<u8>,
    /// The averaged prediction, and the label on the screen.
    pub gender: Option<GenderReport>,
}

impl FrameReport {
    /// The report on frame `frame`, the picture `source`.
    pub fn new(source: String, frame: u64, result: anyhow::Result<SeenReport>) -> Self {
        let result = match result {
            Ok(seen) => FrameResult::Seen(seen),
            Err(error) => FrameResult::Error { error: one_line(&format!("{error:#}")) },
        };
        Self { source, frame, result }
    }
}

impl SeenReport {
    /// The report on what was seen in a picture of `size_px` (width, height).
    pub fn new(seen: &Seen, size_px: (u32, u32), times: &Times) -> Self {
        let mut faces: Vec<_> = seen.people.iter().map(FollowedReport::new).collect();
        let area = |face: &FollowedReport| face.box_px[2] * face.box_px[3];
        faces.sort_by(|a, b| area(b).total_cmp(&area(a)));
        let (width_px, height_px) = size_px;
        Self { width_px, height_px, faces, timing_ms: Timing::new(times) }
    }
}

impl FollowedReport {
    fn new(followed: &Followed) -> Self {
        let (person, face) = (&followed.person, &followed.face);
        let reading = person.reading.as_ref();
        let bounds = &person.bounds;
        Self {
            number: person.number,
            box_px: [bounds.left, bounds.top, bounds.width, bounds.height],
            score: face.score,
            landmarks_px: face.landmarks.map(|landmarks| landmarks.0.map(|p| [p.x, p.y])),
            shown_age_years: reading.map(|reading| reading.years),
            apparent_age_years: reading.map(|reading| reading.age.expected_years()),
            age_std_years: reading.map(|reading| reading.age.std_years()),
            dominant_age_years: reading.map(|reading| reading.age.dominant_years()),
            gender: reading.map(|reading| gender(reading.gender.female(), reading.label)),
        }
    }
}

fn gender(female: f32, label: GenderLabel) -> GenderReport {
    GenderReport { female, male: 1.0 - female, label }
}
