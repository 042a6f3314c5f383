//! What one screen has to say, as plain data: people, a notice, the footer.
//!
//! The pipeline makes a [`Scene`], the view draws it; neither knows the other.

use std::time::Duration;

use models::age::AgeDistribution;
use models::estimator::Estimate;
use models::gender::{Gender, GenderLabel};
use models::geometry::Rect;

use crate::quality::Look;
use crate::source::Trouble;

/// Everything the view needs beside the picture itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// The faces in the picture, in any order.
    pub people: Vec<Person>,
    /// What the screen says in words, where there is something to say.
    pub notice: Option<Notice>,
    /// The line at the bottom.
    pub footer: Footer,
}

/// One face.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Where it is, in pixels of the picture; may reach outside it.
    pub bounds: Rect,
    /// The number by which the screen tells it from the others, 1 and up.
    pub number: u32,
    /// What was predicted; `None` until there is an estimate.
    pub reading: Option<Reading>,
    /// How well the face can be seen; `None` where nobody judged that.
    pub look: Option<Look>,
}

/// What was predicted for one face.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// How probable each apparent age is.
    pub age: AgeDistribution,
    /// The apparent age that is shown, in years.
    pub years: u8,
    /// Its standard deviation that is shown, in years.
    pub spread_years: u8,
    /// How probable each predicted gender is.
    pub gender: Gender,
    /// What is shown of it.
    pub label: GenderLabel,
}

impl Reading {
    /// What a single look says; a gender less probable than `gender_sure_min` is unsure.
    pub fn of(estimate: &Estimate, gender_sure_min: f32) -> Self {
        let (age, gender) = (estimate.age.clone(), estimate.gender);
        Self {
            years: whole(age.expected_years()),
            spread_years: whole(age.std_years()),
            label: gender.label(gender_sure_min),
            age,
            gender,
        }
    }
}

/// A number of years from 0 to 255, rounded.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub fn whole(years: f32) -> u8 {
    years.round() as u8
}

/// Something the screen says in words. That nobody is there, a scene without people says by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// There is no picture, for this reason.
    Camera(Trouble),
    /// There is no network to guess with.
    NoModel,
    /// Another model stands in for an installed one that is refused.
    StandIn,
    /// Nobody is looked at, since somebody pressed the button.
    Paused,
    /// The board is too hot and works more slowly.
    Hot,
    /// Any sentence.
    Text(String),
}

impl Notice {
    /// Whether it stands in the place of all figures, and not beside them.
    pub fn takes_the_panel(&self) -> bool {
        matches!(self, Self::Camera(_) | Self::NoModel | Self::Paused)
    }
}

/// The line at the bottom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Footer {
    /// What happens to the pictures.
    pub privacy: Privacy,
    /// How long finding and estimating the faces of this picture took.
    pub latency: Option<Duration>,
    /// Pictures a second.
    pub fps: Option<f32>,
    /// Of the processor.
    pub temperature_c: Option<f32>,
}

/// What happens to the pictures; the footer says it, so it must be true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privacy {
    /// They come from a camera, stay in memory and are forgotten.
    LiveNotStored,
    /// They were read from files, and screens made of them may be written to files. The default, as it
    /// promises least.
    #[default]
    ReplayFromFiles,
}
