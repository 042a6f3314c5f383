//! A display by the kernel's mode setting (DRM/KMS): `/dev/dri/card0`, without X or Wayland.
//!
//! Only one program may draw on a card at a time: its master. Where another is, and where the cable is pulled, the
//! kiosk runs on unseen and tries again; a card that is gone ends it. When it is dropped, the display is as it was.

pub mod card;
pub mod choice;
pub mod screen;
pub mod spec;
pub mod survey;
pub mod trouble;

use std::io;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use embedded_graphics::geometry::Size;
use rustix::io::Errno;

use super::fb::light::Lights;
use super::fb::told;
use super::{Display, check_size};
use crate::canvas::Canvas;
use screen::{Flipped, Screen};
use spec::DrmSpec;
use trouble::{Asked, Next, Step, Trouble, Watch};

/// Where cards are.
const DIR: &str = "/dev/dri";

/// A display of a graphics card.
pub struct Drm {
    screen: Screen,
    watch: Watch,
    is_asleep: bool,
    lights: Lights,
}

impl Drm {
    /// Opens the card that `spec` names, else the first that has a display, and shows black where it may.
    ///
    /// # Errors
    /// Why none can be used. That another program draws on it is none: it is waited for.
    pub fn open(spec: &DrmSpec) -> Result<Self> {
        let screen = match &spec.device {
            Some(path) => Screen::open(path, spec.size)
                .with_context(|| format!("the graphics card {}", path.display()))?,
            None => first(Path::new(DIR), spec.size)?,
        };
        let (now, lights) = (Instant::now(), Lights::find(Path::new("/")));
        lights.revive();
        let mut opened = Self { screen, watch: Watch::new(now), is_asleep: false, lights };
        opened.regain(now)?;
        Ok(opened)
    }
}

/// The first card in `dir` with a display.
fn first(dir: &Path, size: Option<Size>) -> Result<Screen> {
    let mut reasons = Vec::new();
    for path in card::paths(dir) {
        match Screen::open(&path, size) {
            Ok(screen) => return Ok(screen),
            Err(error) => reasons.push(format!("{}: {error:#}", path.display())),
        }
    }
    ensure!(!reasons.is_empty(), "there is no graphics card in {}", dir.display());
    bail!("no graphics card has a display that can be used; {}", reasons.join("; "))
}

impl Display for Drm {
    fn size_px(&self) -> Size {
        self.screen.size()
    }

    fn present(&mut self, canvas: &Canvas) -> Result<()> {
        check_size(canvas, self.screen.size())?;
        let now = Instant::now();
        self.settle(now)?;
        self.screen.draw(canvas)?;
        if self.is_asleep || self.watch.trouble().is_some() {
            return Ok(());
        }
        self.screen.flip().or_else(|error| self.cope(Asked::Flip, error, now))
    }

    fn tend(&mut self, now: Instant) -> Result<()> {
        match self.watch.step(now) {
            Some(Step::Look) => self.look(now),
            Some(Step::Regain) => self.regain(now),
            None => Ok(()),
        }
    }

    fn sleep(&mut self) -> Result<()> {
        let now = Instant::now();
        self.settle(now)?;
        self.is_asleep = true;
        told(self.lights.turn_off());
        self.show(now)
    }

    fn wake(&mut self) -> Result<()> {
        self.is_asleep = false;
        told(self.lights.turn_on());
        self.show(Instant::now())
    }

    fn description(&self) -> String {
        let (card, Size { width, height }) = (self.screen.card(), self.screen.size());
        let (path, driver) = (card.path().display(), card.driver());
        let (connector, rate) = (self.screen.connector(), self.screen.rate_hz());
        let unseen = match self.watch.trouble() {
            Some(Trouble::NotMaster) => "; not seen: another program draws on it",
            Some(Trouble::Unplugged) => "; not seen: no display is connected",
            None => "",
        };
        format!("{path} ({driver}), {connector}, {width} x {height} at {rate} Hz{unseen}")
    }
}

impl Drm {
    /// Waits for the flip that is under way: while it is, neither buffer may be drawn on.
    fn settle(&mut self, now: Instant) -> Result<()> {
        match self.screen.settle() {
            Ok(Flipped::Yes) => Ok(()),
            Ok(Flipped::Late) => {
                ensure!(!self.is_plugged(now)?, "{} flipped no page for a second", self.name());
                self.note(Trouble::Unplugged, now);
                Ok(())
            }
            Err(error) => self.cope(Asked::Tell, error, now),
        }
    }

    /// Puts the display into its mode, or off while it is asleep, unless something keeps it from that.
    fn show(&mut self, now: Instant) -> Result<()> {
        if self.watch.trouble() == Some(Trouble::NotMaster) {
            return Ok(());
        }
        let done = if self.is_asleep { self.screen.turn_off() } else { self.screen.set_mode() };
        match done {
            Ok(()) => {
                if self.watch.set(None, now) {
                    log::info!("the screen is seen again on {}", self.name());
                }
                Ok(())
            }
            Err(error) => self.cope(Asked::SetMode, error, now),
        }
    }

    /// Sees whether the display is still there, or there again, and shows what should be.
    fn look(&mut self, now: Instant) -> Result<()> {
        if !self.is_plugged(now)? {
            self.note(Trouble::Unplugged, now);
            return Ok(());
        }
        match self.screen.is_shown() {
            _ if self.watch.trouble() == Some(Trouble::Unplugged) => self.show(now),
            // A picture that stands still is not flipped, and no error tells that another program has drawn.
            Ok(false) if !self.is_asleep => self.regain(now),
            Ok(_) => Ok(()),
            Err(error) => self.cope(Asked::Tell, error, now),
        }
    }

    /// Becomes the card's master, and shows what was drawn meanwhile.
    fn regain(&mut self, now: Instant) -> Result<()> {
        let is_master = self.screen.card().become_master();
        let is_master = match is_master {
            Ok(true) => true,
            Ok(false) => self.open_again()?,
            Err(error) => return self.cope(Asked::Tell, error, now),
        };
        if !is_master {
            self.note(Trouble::NotMaster, now);
            return Ok(());
        }
        let is_news = self.watch.set(None, now);
        if is_news {
            log::info!("the other program has let go of {}", self.screen.card().path().display());
        }
        self.show(now)
    }

    /// Who may not ask to be the master is it where he opens a card that has none. Tells whether that is so.
    fn open_again(&mut self) -> Result<bool> {
        let (path, size) = (self.screen.card().path(), self.screen.size());
        let Ok(card) = card::Card::open(path) else { return Ok(false) };
        if !card.become_master().unwrap_or(false) {
            return Ok(false);
        }
        let path = path.to_owned();
        drop(card);
        let again = Screen::open(&path, Some(size));
        let mut again = again.with_context(|| format!("the graphics card {}", path.display()))?;
        again.draw_as(&mut self.screen);
        self.screen = again;
        Ok(self.screen.card().become_master().unwrap_or(false))
    }

    fn is_plugged(&mut self, now: Instant) -> Result<bool> {
        match self.screen.is_plugged() {
            Ok(is_plugged) => Ok(is_plugged),
            Err(error) => self.cope(Asked::Tell, error, now).map(|()| false),
        }
    }

    /// Does what an error asks for.
    fn cope(&mut self, asked: Asked, error: io::Error, now: Instant) -> Result<()> {
        let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
        match trouble::next(asked, errno) {
            Next::AwaitMaster => self.note(Trouble::NotMaster, now),
            Next::SetMode => return self.show(now),
            Next::LookForDisplay if self.screen.is_plugged().is_ok_and(|plugged| !plugged) => {
                self.note(Trouble::Unplugged, now);
            }
            Next::Gone => {
                let path = self.screen.card().path().display();
                return Err(anyhow!(error).context(format!("the graphics card {path} is gone")));
            }
            Next::LookForDisplay | Next::End => {
                return Err(anyhow!(error).context(format!("{asked} {}", self.name())));
            }
        }
        Ok(())
    }

    /// Tells news of what keeps screens from being seen.
    fn note(&mut self, trouble: Trouble, now: Instant) {
        if !self.watch.set(Some(trouble), now) {
            return;
        }
        let path = self.screen.card().path().display();
        match trouble {
            Trouble::NotMaster if self.screen.was_shown() => log::warn!(
                "another program has taken {path}: nothing is seen until it lets go; trying again twice a second"
            ),
            Trouble::NotMaster => log::warn!(
                "the desktop or another program draws on {path}: nothing is seen until it ends \
                 (docs/displays.md says how to end it); trying again twice a second"
            ),
            Trouble::Unplugged => log::warn!(
                "no display is connected to {} of {path}: looking for it every 2 s",
                self.screen.connector()
            ),
        }
    }

    fn name(&self) -> String {
        format!("{} of {}", self.screen.connector(), self.screen.card().path().display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn where_no_card_can_be_used_each_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let error = first(dir.path(), None).err().unwrap().to_string();
        assert_eq!(error, format!("there is no graphics card in {}", dir.path().display()));
        for name in ["card0", "card1"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let error = first(dir.path(), None).err().unwrap().to_string();
        assert_eq!(
            error.matches("it does not answer as a graphics card does").count(),
            2,
            "{error}"
        );
        assert!(error.contains("card1: "), "{error}");
    }

    #[test]
    fn a_card_that_is_named_is_named_in_what_is_wrong_with_it() {
        let spec = "drm:/dev/dri/no-such-card".parse().unwrap();
        let error = format!("{:#}", Drm::open(&spec).err().unwrap());
        let expected = "the graphics card /dev/dri/no-such-card: there is none: its driver is not";
        assert!(error.starts_with(expected), "{error}");
    }
}
