//! What keeps screens from being seen, what an error of the card means, and when to try again: pure, and time is
//! an argument.

use std::fmt;
use std::time::{Duration, Instant};

use rustix::io::Errno;

/// How often the connector is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it is tried to draw again, where another program does.
const REGAIN_EVERY: Duration = Duration::from_millis(500);

/// Why nothing can be seen now, though the kiosk runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another program is the card's master: it alone draws.
    NotMaster,
    /// There is no display at the connector.
    Unplugged,
}

/// What was asked of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To show the other buffer.
    Flip,
    /// To put the display into a mode.
    SetMode,
    /// What it is, or what is connected to it.
    Tell,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Flip => "flipping pages on",
            Self::SetMode => "setting the mode of",
            Self::Tell => "asking about",
        })
    }
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Wait until the card may be drawn on.
    AwaitMaster,
    /// Put the display into its mode: something has taken it out.
    SetMode,
    /// See whether the display is still there; where it is, end.
    LookForDisplay,
    /// The card is gone: end.
    Gone,
    /// End.
    End,
}

/// What to do about `error`.
pub fn next(asked: Asked, error: Errno) -> Next {
    match (error, asked) {
        (Errno::ACCESS | Errno::PERM, Asked::Flip | Asked::SetMode) => Next::AwaitMaster,
        (Errno::NODEV | Errno::NXIO, _) => Next::Gone,
        // The kernel's way of saying that the CRTC is off, shows something else, or is in another mode.
        (Errno::BUSY | Errno::INVAL | Errno::NOENT | Errno::RANGE, Asked::Flip) => Next::SetMode,
        (_, Asked::SetMode) => Next::LookForDisplay,
        _ => Next::End,
    }
}

/// What to do when there is time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// See whether there is a display at the connector.
    Look,
    /// Try to become the card's master.
    Regain,
}

/// Keeps the trouble, and when something is to be done about it.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    trouble: Option<Trouble>,
    due: Instant,
}

impl Watch {
    /// All is well at `now`.
    pub fn new(now: Instant) -> Self {
        Self { trouble: None, due: now + LOOK_EVERY }
    }

    /// What keeps screens from being seen.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }

    /// Notes at `now` what keeps screens from being seen, or that nothing does; tells whether that is news.
    pub fn set(&mut self, trouble: Option<Trouble>, now: Instant) -> bool {
        self.due = now + self.wait_of(trouble);
        std::mem::replace(&mut self.trouble, trouble) != trouble
    }

    /// What is to be done at `now`; the next such step is due later.
    pub fn step(&mut self, now: Instant) -> Option<Step> {
        if now < self.due {
            return None;
        }
        self.due = now + self.wait_of(self.trouble);
        Some(match self.trouble {
            Some(Trouble::NotMaster) => Step::Regain,
            Some(Trouble::Unplugged) | None => Step::Look,
        })
    }

    fn wait_of(&self, trouble: Option<Trouble>) -> Duration {
        match trouble {
            Some(Trouble::NotMaster) => REGAIN_EVERY,
            Some(Trouble::Unplugged) | None => LOOK_EVERY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do_next() {
        use Asked::{Flip, SetMode, Tell};
        for (asked, error, expected) in [
            (Flip, Errno::ACCESS, Next::AwaitMaster),
            (Flip, Errno::PERM, Next::AwaitMaster),
            (SetMode, Errno::ACCESS, Next::AwaitMaster),
            (Flip, Errno::BUSY, Next::SetMode),
            (Flip, Errno::INVAL, Next::SetMode),
            (SetMode, Errno::INVAL, Next::LookForDisplay),
            (SetMode, Errno::IO, Next::LookForDisplay),
            (Flip, Errno::NODEV, Next::Gone),
            (SetMode, Errno::NODEV, Next::Gone),
            (Tell, Errno::NODEV, Next::Gone),
            (Flip, Errno::IO, Next::End),
            (Tell, Errno::INVAL, Next::End),
        ] {
            assert_eq!(next(asked, error), expected, "{asked:?} {error}");
        }
    }

    #[test]
    fn the_connector_is_looked_at_every_two_seconds() {
        let begun = Instant::now();
        let after = |ms| begun + Duration::from_millis(ms);
        let mut watch = Watch::new(begun);
        assert_eq!((watch.step(after(1999)), watch.step(after(2000))), (None, Some(Step::Look)));
        assert_eq!((watch.step(after(3999)), watch.step(after(9000))), (None, Some(Step::Look)));
        assert!(watch.set(Some(Trouble::Unplugged), after(9000)));
        assert!(!watch.set(Some(Trouble::Unplugged), after(9500)), "it is no news");
        assert_eq!(
            (watch.step(after(11_499)), watch.step(after(11_500))),
            (None, Some(Step::Look))
        );
    }

    #[test]
    fn another_program_s_end_is_awaited_in_shorter_steps() {
        let begun = Instant::now();
        let after = |ms| begun + Duration::from_millis(ms);
        let mut watch = Watch::new(begun);
        assert!(watch.set(Some(Trouble::NotMaster), after(100)));
        assert_eq!((watch.step(after(599)), watch.step(after(600))), (None, Some(Step::Regain)));
        assert_eq!((watch.step(after(601)), watch.step(after(1100))), (None, Some(Step::Regain)));
        assert!(watch.set(None, after(1100)));
        assert_eq!((watch.trouble(), watch.step(after(1600))), (None, None));
    }
}
