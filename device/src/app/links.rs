//! What the kiosk's threads share: the mailboxes between them, the wish to stop, and meters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::follow::seen::Seen;
use crate::frame::{Encoded, Frame};
use crate::language::Language;
use crate::latest::Latest;
use crate::source::Trouble;
use crate::stop::Stop;

use super::fault::Fault;
use super::meters::Meters;

/// Everything that more than one thread touches.
#[derive(Debug, Default)]
pub struct Links {
    /// From the camera to whoever decodes.
    pub encoded: Latest<Encoded>,
    /// From whoever decodes to the vision.
    pub frames: Latest<Arc<Frame>>,
    /// From the vision to the screen.
    pub seen: Latest<Seen>,
    /// Everybody's end.
    pub stop: Stop,
    /// Counters.
    pub meters: Meters,
    /// What is wrong, where something is.
    pub state: State,
    /// What people in front of it have asked for.
    pub wishes: Wishes,
    /// What is to go wrong, in a test.
    pub fault: Fault,
}

/// What is wrong at the moment, for the screen.
#[derive(Debug, Default)]
pub struct State {
    camera: Mutex<Option<Trouble>>,
    no_model: AtomicBool,
    stand_in: AtomicBool,
    hot: AtomicBool,
    temperature_c: AtomicU32,
}

impl State {
    /// What is wrong with the camera.
    pub fn camera(&self) -> Option<Trouble> {
        *self.camera.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is wrong with the camera, or that nothing is.
    pub fn set_camera(&self, trouble: Option<Trouble>) {
        *self.camera.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Whether the models could not be opened.
    pub fn has_no_model(&self) -> bool {
        self.no_model.load(Ordering::Relaxed)
    }

    /// Says that the models could not be opened.
    pub fn set_no_model(&self) {
        self.no_model.store(true, Ordering::Relaxed);
    }

    /// Whether a model stands in for an installed one.
    pub fn has_stand_in(&self) -> bool {
        self.stand_in.load(Ordering::Relaxed)
    }

    /// Says that a model stands in for an installed one.
    pub fn set_stand_in(&self) {
        self.stand_in.store(true, Ordering::Relaxed);
    }

    /// Whether the board is too hot.
    pub fn is_hot(&self) -> bool {
        self.hot.load(Ordering::Relaxed)
    }

    /// The temperature of the hottest zone in degrees Celsius, where the board tells.
    pub fn temperature_c(&self) -> Option<f32> {
        match f32::from_bits(self.temperature_c.load(Ordering::Relaxed)) {
            0.0 => None,
            celsius => Some(celsius),
        }
    }

    /// Says how hot the hottest zone is, and whether that is too hot.
    pub fn set_temperature(&self, celsius: f32, hot: bool) {
        self.temperature_c.store(celsius.to_bits(), Ordering::Relaxed);
        self.hot.store(hot, Ordering::Relaxed);
    }
}

/// What people have asked for by the button.
#[derive(Debug, Default)]
pub struct Wishes {
    paused: AtomicBool,
    languages_on: AtomicUsize,
}

impl Wishes {
    /// Whether nobody is to be looked at.
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Pauses, or goes on.
    pub fn pause_or_go_on(&self) {
        self.paused.fetch_xor(true, Ordering::Relaxed);
    }

    /// The language, where `first` was spoken at the start.
    pub fn language(&self, first: Language) -> Language {
        first.later(self.languages_on.load(Ordering::Relaxed))
    }

    /// Speaks the next language.
    pub fn next_language(&self) {
        self.languages_on.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_come_round() {
        let wishes = Wishes::default();
        wishes.pause_or_go_on();
        assert!(wishes.is_paused());
        wishes.pause_or_go_on();
        assert!(!wishes.is_paused());
        assert_eq!(wishes.language(Language::De), Language::De);
        wishes.next_language();
        assert_eq!(wishes.language(Language::De), Language::En);
        wishes.next_language();
        assert_eq!(wishes.language(Language::De), Language::De);
    }
}
