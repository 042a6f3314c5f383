//! Where frames come from: one trait, and its makers.

pub mod camera;
pub mod child;
pub mod device;
pub mod exec;
pub mod files;
pub mod format;
pub mod lines;
pub mod mjpeg;
pub mod offer;
pub mod pace;
pub mod pattern;
pub mod pictures;
pub mod pipe;
pub mod player;
pub mod recording;
pub mod settings;
pub mod silence;
pub mod spec;
pub mod splitter;
pub mod stdin;
#[cfg(feature = "v4l2")]
pub mod v4l2;
pub mod y4m;

use std::fmt;
use std::time::Duration;

use crate::frame::Encoded;

/// Something that gives frames, one after the other.
pub trait FrameSource: Send {
    /// The next frame, waiting for it for at most about `patience`.
    ///
    /// # Errors
    /// Where the source can give no more as it is; it may be opened again.
    fn next_frame(&mut self, patience: Duration) -> Result<Next, SourceError>;

    /// What it is, for people: its name, format, size and rate.
    fn description(&self) -> String;
}

/// What [`FrameSource::next_frame`] came back with.
#[derive(Debug)]
pub enum Next {
    /// A frame.
    Frame(Encoded),
    /// The patience was over first; there may be one later.
    Nothing,
    /// The source has come to its end.
    End,
}

/// Why a source cannot be used.
#[derive(Debug)]
pub struct SourceError {
    /// What the screen tells people.
    pub trouble: Trouble,
    /// What the log tells whoever looks after the kiosk.
    pub error: anyhow::Error,
}

/// What is wrong with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is not there.
    Missing,
    /// It was there, and went away.
    Lost,
    /// It is there and gives nothing.
    Silent,
    /// It is there and gives what cannot be used.
    Unusable,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl std::error::Error for SourceError {}

impl Trouble {
    /// This trouble, for this reason.
    pub fn because(self, error: impl Into<anyhow::Error>) -> SourceError {
        SourceError { trouble: self, error: error.into() }
    }
}
