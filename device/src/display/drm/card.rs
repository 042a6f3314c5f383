//! A card under `/dev/dri`: opened, asked, and turned into plain data.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use drm::control::{self, Device as _, Event, ModeFlags, ModeTypeFlags, connector, crtc};
use drm::{Device as _, DriverCapability};
use embedded_graphics::geometry::Size;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::choice::{Busy, Connector, Feed, Mode, Plugged};
use crate::numbered;
use crate::source::pipe;

/// An open card. Its master, if no other program was when it was opened.
#[derive(Debug)]
pub struct Card {
    path: PathBuf,
    file: File,
}

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl drm::Device for Card {}
impl control::Device for Card {}

/// A connector: what it says, and what the kernel calls it and its modes.
#[derive(Clone, Debug)]
pub struct Socket {
    /// What it says.
    pub told: Connector,
    /// Its handle.
    pub handle: connector::Handle,
    /// The modes of `told`, in the same order.
    pub modes: Vec<control::Mode>,
    /// What feeds it now.
    pub fed_by: Option<crtc::Handle>,
}

/// What a card drives.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// Its connectors.
    pub sockets: Vec<Socket>,
    /// Its CRTCs, which [`Feed::index`] counts.
    pub crtcs: Vec<crtc::Handle>,
}

/// The cards in `dir` (`/dev/dri`), by their numbers.
pub fn paths(dir: &Path) -> Vec<PathBuf> {
    numbered::paths(dir, "card")
}

impl Card {
    /// Opens the card `path`, so that no reading waits.
    ///
    /// # Errors
    /// Where there is none, this user may not, or it is no card that shows pictures.
    pub fn open(path: &Path) -> Result<Self> {
        let never_wait = OFlags::NONBLOCK.bits().cast_signed();
        let opened = OpenOptions::new().read(true).write(true).custom_flags(never_wait).open(path);
        let file = opened.map_err(explained)?;
        let card = Self { path: path.to_owned(), file };
        let has_buffers = card.get_driver_capability(DriverCapability::DumbBuffer);
        let has_buffers = has_buffers.context("it does not answer as a graphics card does")?;
        ensure!(has_buffers == 1, "it has no memory for pictures that a program can draw on");
        Ok(card)
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of its driver.
    pub fn driver(&self) -> String {
        let driver = self.get_driver().map(|driver| driver.name().to_string_lossy().into_owned());
        driver.unwrap_or_else(|_| "unknown driver".to_owned())
    }

    /// What it drives. Where this program is its master, displays are asked anew.
    ///
    /// # Errors
    /// Where it only computes pictures, as a GPU without connectors does, or is gone.
    pub fn outputs(&self) -> Result<Outputs> {
        let all = self.resource_handles().context("it computes pictures, but shows none")?;
        let infos: io::Result<Vec<connector::Info>> =
            all.connectors().iter().map(|&handle| self.get_connector(handle, true)).collect();
        let infos = infos.context("asking for its connectors")?;
        let fed_by =
            |info: &connector::Info| self.get_encoder(info.current_encoder()?).ok()?.crtc();
        let fed: Vec<Option<crtc::Handle>> = infos.iter().map(fed_by).collect();
        let sockets = infos.iter().zip(&fed).map(|(info, &fed_by)| {
            let encoders = info.encoders().iter().filter_map(|&e| self.get_encoder(e).ok());
            let can: Vec<crtc::Handle> =
                encoders.flat_map(|encoder| all.filter_crtcs(encoder.possible_crtcs())).collect();
            let feeds = all.crtcs().iter().enumerate().filter(|(_, crtc)| can.contains(crtc));
            let feeds = feeds.map(|(index, &crtc)| Feed {
                index,
                busy: busy(crtc, fed_by, fed.contains(&Some(crtc))),
            });
            Socket { fed_by, ..socket(info, feeds.collect()) }
        });
        let sockets = sockets.collect();
        Ok(Outputs { sockets, crtcs: all.crtcs().to_vec() })
    }

    /// Whether a display is at `connector`. Where there was none, and this program is the card's master, the
    /// card looks again, which takes some of them tens of milliseconds.
    pub fn is_plugged(&self, connector: connector::Handle) -> io::Result<bool> {
        match self.get_connector(connector, false) {
            Ok(info) => Ok(info.state() != connector::State::Disconnected),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Becomes its master; tells whether it is, now.
    pub fn become_master(&self) -> io::Result<bool> {
        match self.acquire_master_lock() {
            Ok(()) => Ok(true),
            // Busy: another is. Access: as well, and only root, or who was it before, may ask again.
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::BUSY | Errno::ACCESS | Errno::PERM) => Ok(false),
                _ => Err(error),
            },
        }
    }

    /// Waits until a page flip is done, for at most `patience`; tells whether one is.
    pub fn await_flip(&self, patience: Duration) -> io::Result<bool> {
        let begun = Instant::now();
        loop {
            let left = patience.saturating_sub(begun.elapsed());
            let [is_readable] = pipe::wait([self.as_fd()], left)?;
            if is_readable && self.has_flipped()? {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
        }
    }

    /// Takes what the card has to tell; whether a page flip is done.
    pub fn has_flipped(&self) -> io::Result<bool> {
        match self.receive_events() {
            Ok(events) => {
                Ok(events.filter(|event| matches!(event, Event::PageFlip(_))).count() > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn busy(crtc: crtc::Handle, fed_by: Option<crtc::Handle>, is_used: bool) -> Busy {
    match is_used {
        _ if fed_by == Some(crtc) => Busy::Here,
        true => Busy::Elsewhere,
        false => Busy::Idle,
    }
}

fn socket(info: &connector::Info, feeds: Vec<Feed>) -> Socket {
    let plugged = match info.state() {
        connector::State::Connected => Plugged::Yes,
        connector::State::Disconnected => Plugged::No,
        connector::State::Unknown => Plugged::Untold,
    };
    let modes = info.modes().iter().map(mode).collect();
    let told = Connector { name: info.to_string(), plugged, modes, feeds };
    Socket { told, handle: info.handle(), modes: info.modes().to_vec(), fed_by: None }
}

/// What a mode says.
pub fn mode(mode: &control::Mode) -> Mode {
    let (width, height) = mode.size();
    Mode {
        size: Size::new(width.into(), height.into()),
        rate_hz: mode.vrefresh(),
        is_preferred: mode.mode_type().contains(ModeTypeFlags::PREFERRED),
        is_interlaced: mode.flags().contains(ModeFlags::INTERLACE),
    }
}

/// What whoever set the board up can do about it.
fn explained(error: io::Error) -> anyhow::Error {
    let what = match Errno::from_io_error(&error) {
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => {
            "there is none: its driver is not loaded"
        }
        Some(Errno::ACCESS | Errno::PERM) => "this user may not; members of the group 'video' may",
        _ => return error.into(),
    };
    anyhow::Error::msg(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn cards_follow_their_numbers_and_nothing_else_is_one() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["card10", "card2", "renderD128", "card", "cardx", "by-path"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(paths(dir.path()), ["card2", "card10"].map(|name| dir.path().join(name)));
        assert_eq!(paths(Path::new("/nowhere")), [] as [PathBuf; 0]);
    }

    #[test]
    fn what_is_no_card_is_told_with_what_can_be_done() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = format!("{:#}", Card::open(file.path()).unwrap_err());
        assert!(error.starts_with("it does not answer as a graphics card does"), "{error}");
        let error = Card::open(Path::new("/dev/dri/no-such-card")).unwrap_err();
        assert_eq!(error.to_string(), "there is none: its driver is not loaded");
        let denied = explained(Errno::ACCESS.into());
        assert!(denied.to_string().contains("group 'video'"), "{denied}");
    }

    #[test]
    fn what_feeds_a_connector_is_told_from_what_feeds_another() {
        let [one, two] = [1, 2].map(|raw| control::from_u32::<crtc::Handle>(raw).unwrap());
        assert_eq!(busy(one, Some(one), true), Busy::Here);
        assert_eq!(busy(two, Some(one), true), Busy::Elsewhere);
        assert_eq!(busy(two, None, false), Busy::Idle);
    }
}
