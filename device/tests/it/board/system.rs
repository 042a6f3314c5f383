//! The board as a program on it sees it: what becomes of its system calls.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use libc::c_int;

use super::camera::Camera;
use super::console::Console;
use super::glass;
use super::i2c::I2c;
use super::notify::{Answer, Call};
use super::pins::{self, Pins};
use super::screen::Screen;
use super::spi::Spi;
use super::tree::{self, Tree};
use super::v4l2;
use super::watch::Deeds;

/// All of the board.
#[derive(Debug)]
pub(crate) struct System {
    tree: Tree,
    pub(crate) camera: Camera,
    camera_at: PathBuf,
    pub(crate) screen: Screen,
    pub(crate) console: Console,
    pub(crate) spi: Spi,
    pub(crate) i2c: I2c,
    pub(crate) pins: Pins,
    pub(crate) deeds: Deeds,
}

/// What becomes of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Answer),
    /// It waits for the camera.
    Wait(Waiting),
}

/// A `poll` on the camera.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) call: Call,
    session: usize,
    pub(crate) until: Option<Instant>,
}

const SCREEN_AT: &str = "/dev/fb0";
const CONSOLE_AT: &str = "/dev/tty0";
const SPI_AT: &str = "/dev/spidev0.0";
const I2C_AT: &str = "/dev/i2c-1";
const PINS_AT: &str = "/dev/gpiochip0";
/// What the camera is called wherever it is plugged in.
pub(crate) const CAMERA_BY_ID: &str = "/dev/v4l/by-id/usb-Fake_camera-video-index0";

impl System {
    /// The board on which `camera` is plugged in as `/dev/video0`, with its files in the folder `root`.
    pub(crate) fn new(root: PathBuf, camera: Camera, screen: Screen) -> Self {
        let (tree, console, deeds) = (Tree::new(root), Console::new(), Deeds::default());
        for device in [SCREEN_AT, CONSOLE_AT, SPI_AT, I2C_AT, PINS_AT] {
            tree.put(device, "");
        }
        tree.put("/sys/module/spidev/parameters/bufsiz", "4096\n");
        for (name, text) in
            [("name", "vc4drmfb"), ("virtual_size", "800,480"), ("bits_per_pixel", "32")]
        {
            tree.put(format!("/sys/class/graphics/fb0/{name}"), text);
        }
        tree.put("/sys/module/kernel/parameters/consoleblank", "600\n");
        tree.put("/sys/class/backlight/panel/brightness", "180\n");
        let (spi, i2c, pins) = (Spi::new(glass::Make::ILI9341), I2c::new(), Pins::new());
        let camera_at = PathBuf::new();
        let mut system = Self { tree, camera, camera_at, screen, console, spi, i2c, pins, deeds };
        system.plug("/dev/video0");
        system
    }

    /// Plugs the camera in.
    pub(crate) fn plug(&mut self, at: &str) {
        self.tree.put(at, "");
        self.tree.link(CAMERA_BY_ID, at.replace("/dev", "../.."));
        self.camera_at = at.into();
        self.camera.plugged = true;
    }

    /// Pulls its plug.
    pub(crate) fn unplug(&mut self) {
        self.tree.remove(&self.camera_at);
        self.tree.remove(CAMERA_BY_ID);
        self.camera.unplug();
    }

    /// Takes a device file away, as if there had never been one.
    pub(crate) fn remove(&mut self, device: &str) {
        self.tree.remove(device);
    }

    /// Has the kernel's spidev take so many bytes at once.
    pub(crate) fn set_bufsiz(&mut self, bytes: u32) {
        self.spi.bufsiz = bytes;
        self.tree.put("/sys/module/spidev/parameters/bufsiz", &format!("{bytes}\n"));
    }

    /// Does what a program asks the kernel for, or says that the kernel is to do it.
    pub(crate) fn do_call(&mut self, call: &Call, now: Instant) -> Outcome {
        let [first, second, third, fourth, fifth, _] = call.args;
        #[cfg(target_arch = "x86_64")]
        match call.number {
            libc::SYS_open => return self.open(call, first, second),
            libc::SYS_creat => {
                return self.open(call, first, (libc::O_CREAT | libc::O_WRONLY) as u64);
            }
            libc::SYS_poll => return self.poll(call, milliseconds(third), now),
            libc::SYS_readlink => {
                return self
                    .told(call, first, |found, _| tree::read_link(found, call, [second, third]));
            }
            _ => {}
        }
        match call.number {
            libc::SYS_openat => self.open(call, second, third),
            libc::SYS_openat2 => Outcome::Answer(Answer::Error(libc::ENOSYS)),
            libc::SYS_readlinkat => {
                self.told(call, second, |found, _| tree::read_link(found, call, [third, fourth]))
            }
            libc::SYS_statx => self.told(call, second, |found, path| {
                tree::stat(found, path, call, fifth).map(|()| Answer::Value(0))
            }),
            libc::SYS_ppoll => self.poll(call, timespec(call, third), now),
            libc::SYS_ioctl => self.ioctl(call, now),
            _ => {
                self.deeds.note_call(call);
                Outcome::Answer(Answer::Kernel)
            }
        }
    }

    fn open(&mut self, call: &Call, path_at: u64, flags: u64) -> Outcome {
        let Ok(path) = call.path(path_at) else { return kernel() };
        self.deeds.note_open(&path.to_string_lossy(), flags);
        let Some(found) = self.tree.find(&path) else { return kernel() };
        answer(if self.tree.is(&found, &self.camera_at) {
            self.camera.open().map(Answer::File)
        } else if self.tree.is(&found, SCREEN_AT) {
            Ok(Answer::File(self.screen.open()))
        } else if self.tree.is(&found, CONSOLE_AT) {
            Ok(Answer::File(self.console.open()))
        } else if self.tree.is(&found, SPI_AT) {
            Ok(Answer::File(self.spi.open()))
        } else if self.tree.is(&found, I2C_AT) {
            Ok(Answer::File(self.i2c.open()))
        } else if self.tree.is(&found, PINS_AT) {
            Ok(Answer::File(self.pins.open()))
        } else {
            tree::open(&found, flags).map(Answer::File)
        })
    }

    /// What the tree tells of a path, if that is one of its.
    fn told(
        &self,
        call: &Call,
        path_at: u64,
        tell: impl FnOnce(&Path, &Path) -> Result<Answer, c_int>,
    ) -> Outcome {
        let path = call.path(path_at).unwrap_or_default();
        self.tree.find(&path).map_or_else(kernel, |found| answer(tell(&found, &path)))
    }

    fn ioctl(&mut self, call: &Call, now: Instant) -> Outcome {
        let file = call.file(call.args[0]);
        let done = if let Some(session) = Camera::session_of(&file) {
            v4l2::ioctl(&mut self.camera, session, call, now).map(|()| 0)
        } else if Screen::is(&file) {
            self.screen.ioctl(call).map(|()| 0)
        } else if Console::is(&file) {
            self.console.ioctl(call).map(|()| 0)
        } else if Spi::is(&file) {
            self.spi.ioctl(call, self.pins.is_high(pins::DC))
        } else if I2c::is(&file) {
            self.i2c.ioctl(call)
        } else {
            return self.pins.ioctl(call, &file).map_or_else(kernel, answer);
        };
        answer(done.map(Answer::Value))
    }

    /// Only a `poll` on the camera alone is waited with; others are the kernel's.
    fn poll(&mut self, call: &Call, patience: Option<Duration>, now: Instant) -> Outcome {
        if call.args[1] != 1 {
            return kernel();
        }
        let Ok(asked) = call.read::<libc::pollfd>(call.args[0]) else { return kernel() };
        match Camera::session_of(&call.file(u64::from(asked.fd.cast_unsigned()))) {
            None => kernel(),
            Some(session) => {
                let until = patience.and_then(|patience| now.checked_add(patience));
                Outcome::Wait(Waiting { call: call.clone(), session, until })
            }
        }
    }

    /// The answer to a `poll`, once there is one.
    pub(crate) fn poll_again(&self, waiting: &Waiting, now: Instant) -> Option<Answer> {
        let events = self.camera.events(waiting.session);
        let over = waiting.until.is_some_and(|until| until <= now);
        (events != 0 || over).then(|| {
            let at = waiting.call.args[0];
            let told = waiting.call.update(at, |it: &mut libc::pollfd| it.revents = events);
            told.map_or(Answer::Error(libc::EFAULT), |()| Answer::Value((events != 0).into()))
        })
    }
}

fn kernel() -> Outcome {
    Outcome::Answer(Answer::Kernel)
}

fn answer(result: Result<Answer, c_int>) -> Outcome {
    Outcome::Answer(result.unwrap_or_else(Answer::Error))
}

/// The patience of a `poll`; negative is without end.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_possible_truncation, reason = "it is 32 bits wide")]
fn milliseconds(told: u64) -> Option<Duration> {
    u64::try_from(told as i32).ok().map(Duration::from_millis)
}

/// The patience of a `ppoll`; none is without end.
fn timespec(call: &Call, at: u64) -> Option<Duration> {
    let told = call.read::<libc::timespec>(at).ok()?;
    Some(Duration::new(told.tv_sec.try_into().ok()?, told.tv_nsec.try_into().ok()?))
}
