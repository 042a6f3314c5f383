//! Plays what is stored as if a camera gave it: at a rate, once or over and over.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::pace::Pace;
use super::splitter::Piece;
use super::{FrameSource, Next, SourceError, Trouble};
use crate::frame::Encoded;

/// Where neither the command line nor the recording says a rate: that of most cameras.
const FPS_DEFAULT: f64 = 30.0;

/// Frames that are there already, in their order.
pub trait Reel: Send {
    /// The next frame; `None` after the last.
    ///
    /// # Errors
    /// Where what follows cannot be read.
    fn next_piece(&mut self) -> Result<Option<Piece>, SourceError>;

    /// Goes back to the first frame.
    ///
    /// # Errors
    /// Where that cannot be read again.
    fn rewind(&mut self) -> Result<(), SourceError>;

    /// Its own rate in frames a second, where it has one; asked after the first frame.
    fn fps(&self) -> Option<f64>;

    /// What it is, for people.
    fn description(&self) -> String;
}

/// How a reel is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playing {
    /// How fast.
    pub speed: Speed,
    /// What follows the last frame.
    pub end: Ending,
}

/// How fast frames follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As the recording says, or 30 a second.
    Own,
    /// This many a second.
    Fps(f64),
    /// As fast as they are asked for.
    Unpaced,
}

/// What follows the last frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing.
    Once,
    /// The first one.
    Loop,
}

/// A reel at its pace.
#[derive(Debug)]
pub struct Player<R> {
    reel: R,
    playing: Playing,
    pace: Option<Pace>,
    number: u64,
    in_this_pass: u64,
}

impl<R: Reel> Player<R> {
    /// Plays `reel` from its first frame.
    pub fn new(reel: R, playing: Playing) -> Self {
        Self { reel, playing, pace: None, number: 0, in_this_pass: 0 }
    }

    fn next_piece(&mut self) -> Result<Option<Piece>, SourceError> {
        if let Some(piece) = self.reel.next_piece()? {
            return Ok(Some(piece));
        }
        if self.in_this_pass == 0 {
            let error = anyhow!("{}: expected frames, found none", self.reel.description());
            return Err(Trouble::Unusable.because(error));
        }
        if self.playing.end == Ending::Once {
            return Ok(None);
        }
        self.in_this_pass = 0;
        self.reel.rewind()?;
        self.next_piece()
    }

    fn new_pace(&self) -> Pace {
        match self.playing.speed {
            Speed::Own => Pace::new(self.reel.fps().unwrap_or(FPS_DEFAULT)),
            Speed::Fps(fps) => Pace::new(fps),
            Speed::Unpaced => Pace::new(f64::INFINITY),
        }
    }
}

impl<R: Reel> FrameSource for Player<R> {
    fn next_frame(&mut self, patience: Duration) -> Result<Next, SourceError> {
        let wait = self.pace.map_or(Duration::ZERO, |pace| pace.wait(Instant::now()));
        thread::sleep(wait.min(patience));
        if wait > patience {
            return Ok(Next::Nothing);
        }
        let Some(Piece { bytes, encoding }) = self.next_piece()? else { return Ok(Next::End) };
        let captured = Instant::now();
        let mut pace = self.pace.unwrap_or_else(|| self.new_pace());
        pace.given(captured);
        self.pace = Some(pace);
        self.in_this_pass += 1;
        self.number += 1;
        Ok(Next::Frame(Encoded { bytes, encoding, number: self.number, captured }))
    }

    fn description(&self) -> String {
        self.reel.description()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Encoding;

    /// So many frames a pass; from the second pass on, one less.
    #[derive(Debug)]
    struct Shrinking {
        frames: u8,
        given: u8,
    }

    impl Reel for Shrinking {
        fn next_piece(&mut self) -> Result<Option<Piece>, SourceError> {
            let piece = Piece { bytes: vec![self.given], encoding: Encoding::File };
            let more = self.given < self.frames;
            self.given += u8::from(more);
            Ok(more.then_some(piece))
        }

        fn rewind(&mut self) -> Result<(), SourceError> {
            (self.frames, self.given) = (self.frames - 1, 0);
            Ok(())
        }

        fn fps(&self) -> Option<f64> {
            Some(0.01)
        }

        fn description(&self) -> String {
            "a reel".into()
        }
    }

    fn player(frames: u8, speed: Speed, end: Ending) -> Player<Shrinking> {
        Player::new(Shrinking { frames, given: 0 }, Playing { speed, end })
    }

    /// The frames' numbers and bytes, and how it went on.
    fn played(mut player: Player<Shrinking>) -> (Vec<(u64, u8)>, String) {
        let mut frames = Vec::new();
        loop {
            match player.next_frame(Duration::ZERO) {
                Ok(Next::Frame(frame)) => frames.push((frame.number, frame.bytes[0])),
                other => {
                    return (frames, format!("{:?}", other.map_err(|error| error.to_string())));
                }
            }
        }
    }

    #[test]
    fn a_reel_is_played_once_and_numbered_from_one() {
        let (frames, end) = played(player(2, Speed::Unpaced, Ending::Once));
        assert_eq!((frames.as_slice(), end.as_str()), (&[(1, 0), (2, 1)][..], "Ok(End)"));
    }

    #[test]
    fn a_loop_goes_on_counting_until_a_pass_is_empty() {
        let (frames, end) = played(player(2, Speed::Unpaced, Ending::Loop));
        assert_eq!(frames, [(1, 0), (2, 1), (3, 0)]);
        assert!(end.contains("a reel: expected frames, found none"), "{end}");
    }

    #[test]
    fn the_reels_own_rate_holds_back_the_second_frame() {
        let (frames, end) = played(player(9, Speed::Own, Ending::Once));
        assert_eq!((frames.len(), end.as_str()), (1, "Ok(Nothing)"));
        let (frames, _) = played(player(9, Speed::Fps(1e-3), Ending::Once));
        assert_eq!(frames.len(), 1);
    }
}
