//! What one screen has to say, as plain data: people, a notice, the footer.
//!
//! The pipeline makes a [`Scene`], the view draws it; neither knows the other.

use std::time::Duration;

use models::age::AgeDistribution;
use models::gender::Gender;
use models::geometry::Rect;

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
}

/// What was predicted for one face.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// How probable each apparent age is.
    pub age: AgeDistribution,
    /// How probable each predicted gender is.
    pub gender: Gender,
    /// Below this probability the predicted gender is called unsure, in [0.5, 1].
    pub gender_sure_min: f32,
}

/// Something the screen says in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nobody is in the picture. A scene without people says so by itself.
    Nobody,
    /// Any sentence, such as that the camera is gone.
    Text(String),
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
