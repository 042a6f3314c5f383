//! The board as a program on it sees it: devices that are not there, and a folder in place of some of
//! `/dev` and `/sys`.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use libc::c_int;

use super::camera::Camera;
use super::memory;
use super::notify::{Answer, Call};
use super::screen::Screen;
use super::v4l2;
use super::watch::Deeds;

/// All of the board.
#[derive(Debug)]
pub(crate) struct System {
    /// Holds what programs find under [`OURS`].
    pub(crate) root: PathBuf,
    pub(crate) camera: Camera,
    /// Where the camera is plugged in.
    pub(crate) camera_at: PathBuf,
    pub(crate) screen: Screen,
    /// What is written to the console goes here.
    pub(crate) console: File,
    /// The modes that the console was put into, in order.
    pub(crate) console_modes: Vec<u64>,
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

/// The paths that are the board's, by how they begin.
const OURS: [&str; 7] = [
    "/dev/video",
    "/dev/v4l",
    "/dev/fb",
    "/dev/tty0",
    "/sys/class/video4linux",
    "/sys/class/backlight",
    "/sys/module/kernel/parameters/consoleblank",
];

const SCREEN_AT: &str = "/dev/fb0";
/// What the camera is called wherever it is plugged in.
pub(crate) const CAMERA_BY_ID: &str = "/dev/v4l/by-id/usb-Fake_camera-video-index0";
const CONSOLE_AT: &str = "/dev/tty0";
const CONSOLE_NAME: &str = "apparent-console";

impl System {
    /// The board on which `camera` is plugged in as `/dev/video0`; `root` is an empty folder.
    pub(crate) fn new(root: &Path, camera: Camera, screen: Screen) -> Self {
        let mut system = Self {
            root: root.to_owned(),
            camera,
            camera_at: PathBuf::new(),
            screen,
            console: memory::named(CONSOLE_NAME, 0),
            console_modes: Vec::new(),
            deeds: Deeds::default(),
        };
        system.put(Path::new(SCREEN_AT), "");
        system.put(Path::new(CONSOLE_AT), "");
        system.put(Path::new("/sys/module/kernel/parameters/consoleblank"), "600\n");
        system.put(Path::new("/sys/class/backlight/panel/brightness"), "180\n");
        system.plug(Path::new("/dev/video0"));
        system
    }

    /// Puts a file there.
    pub(crate) fn put(&self, path: &Path, text: &str) {
        let path = self.inside(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Plugs the camera in.
    pub(crate) fn plug(&mut self, at: &Path) {
        self.put(at, "");
        self.camera_at = at.to_owned();
        self.camera.plugged = true;
        let name = at.file_name().unwrap().to_str().unwrap();
        self.put(&Path::new("/sys/class/video4linux").join(name).join("name"), "Fake camera\n");
        let link = self.inside(Path::new(CAMERA_BY_ID));
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(Path::new("../..").join(name), link).unwrap();
    }

    /// Pulls its plug.
    pub(crate) fn unplug(&mut self) {
        fs::remove_file(self.inside(&self.camera_at)).unwrap();
        fs::remove_file(self.inside(Path::new(CAMERA_BY_ID))).unwrap();
        let name = self.camera_at.file_name().unwrap();
        fs::remove_dir_all(self.inside(Path::new("/sys/class/video4linux")).join(name)).unwrap();
        self.camera.unplug();
    }

    /// What was written to the console.
    pub(crate) fn console_text(&self) -> String {
        let mut bytes = vec![0; usize::try_from(self.console.metadata().unwrap().len()).unwrap()];
        self.console.read_exact_at(&mut bytes, 0).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Does what a program asks the kernel for, or says that the kernel is to do it.
    pub(crate) fn do_call(&mut self, call: &Call, now: Instant) -> Outcome {
        let [first, second, third, fourth, _, _] = call.args;
        #[cfg(target_arch = "x86_64")]
        match call.number {
            libc::SYS_open => return self.open(call, first, second),
            libc::SYS_creat => {
                return self.open(call, first, (libc::O_CREAT | libc::O_WRONLY) as u64);
            }
            libc::SYS_poll => return self.poll(call, milliseconds(third), now),
            libc::SYS_readlink => return self.read_link(call, first, [second, third]),
            _ => {}
        }
        match call.number {
            libc::SYS_openat => self.open(call, second, third),
            libc::SYS_openat2 => Outcome::Answer(Answer::Error(libc::ENOSYS)),
            libc::SYS_readlinkat => self.read_link(call, second, [third, fourth]),
            libc::SYS_statx => self.stat(call),
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
        let Some(inside) = self.ours(&path) else { return kernel() };
        Outcome::Answer(match self.open_ours(&inside, flags) {
            Ok(file) => Answer::File(file),
            Err(errno) => Answer::Error(errno),
        })
    }

    fn open_ours(&mut self, inside: &Path, flags: u64) -> Result<OwnedFd, c_int> {
        let inside = fs::canonicalize(inside).map_err(|e| errno(&e))?;
        let at = |path: &Path| fs::canonicalize(self.inside(path)).is_ok_and(|p| p == inside);
        if at(&self.camera_at) {
            return self.camera.open();
        }
        if at(Path::new(SCREEN_AT)) {
            return Ok(self.screen.open());
        }
        if at(Path::new(CONSOLE_AT)) {
            return Ok(self.console.try_clone().unwrap().into());
        }
        let flags = i32::try_from(flags & 0xFFFF_FFFF).map_err(|_| libc::EINVAL)?;
        let access = flags & libc::O_ACCMODE;
        let mut options = OpenOptions::new();
        options.read(access != libc::O_WRONLY).write(access != libc::O_RDONLY);
        options.truncate(flags & libc::O_TRUNC != 0).custom_flags(flags & libc::O_DIRECTORY);
        options.open(inside).map(OwnedFd::from).map_err(|e| errno(&e))
    }

    /// `statx(folder, path, flags, mask, result)`.
    fn stat(&self, call: &Call) -> Outcome {
        let path = call.path(call.args[1]).unwrap_or_default();
        let Some(inside) = self.ours(&path) else { return kernel() };
        let told = fs::metadata(&inside).map_err(|e| errno(&e)).and_then(|metadata| {
            let device = path.starts_with("/dev") && metadata.is_file();
            let kind = if device { libc::S_IFCHR } else { metadata.mode() & libc::S_IFMT };
            let mode = u16::try_from(kind | (metadata.mode() & 0o7777)).unwrap();
            let told = call.update(call.args[4], |it: &mut libc::statx| {
                it.stx_mask = libc::STATX_BASIC_STATS;
                it.stx_mode = mode;
                it.stx_size = metadata.size();
                it.stx_ino = metadata.ino();
                it.stx_nlink = 1;
            });
            told.map_err(|_| libc::EFAULT)
        });
        done(told)
    }

    fn read_link(&self, call: &Call, path_at: u64, [buffer_at, size]: [u64; 2]) -> Outcome {
        let path = call.path(path_at).unwrap_or_default();
        let Some(inside) = self.ours(&path) else { return kernel() };
        let target = fs::read_link(inside).map(OsString::from).map_err(|e| errno(&e));
        Outcome::Answer(match target {
            Err(errno) => Answer::Error(errno),
            Ok(target) => {
                let bytes = target.as_bytes();
                let bytes = &bytes[..bytes.len().min(usize::try_from(size).unwrap_or(0))];
                match call.write_bytes(buffer_at, bytes) {
                    Ok(()) => Answer::Value(bytes.len() as i64),
                    Err(_) => Answer::Error(libc::EFAULT),
                }
            }
        })
    }

    fn ioctl(&mut self, call: &Call, now: Instant) -> Outcome {
        let file = call.file(call.args[0]);
        if let Some(session) = Camera::session_of(&file) {
            return done(v4l2::ioctl(&mut self.camera, session, call, now));
        }
        if Screen::is(&file) {
            return done(self.screen.ioctl(call));
        }
        if memory::name(&file) == Some(CONSOLE_NAME) {
            return done(self.console_ioctl(call));
        }
        kernel()
    }

    /// `KDSETMODE` and `KDGETMODE`; see linux/kd.h.
    fn console_ioctl(&mut self, call: &Call) -> Result<(), c_int> {
        match call.args[1] {
            0x4B3A => {
                self.console_modes.push(call.args[2]);
                Ok(())
            }
            0x4B3B => call.write_bytes(call.args[2], &[0; 4]).map_err(|_| libc::EFAULT),
            _ => Err(libc::ENOTTY),
        }
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

    /// Where in the folder a path lies, if it is one of the board's.
    fn ours(&self, path: &Path) -> Option<PathBuf> {
        let ours = path == Path::new("/dev")
            || OURS.iter().any(|start| path.as_os_str().as_bytes().starts_with(start.as_bytes()));
        ours.then(|| self.inside(path))
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap())
    }
}

fn kernel() -> Outcome {
    Outcome::Answer(Answer::Kernel)
}

fn done(result: Result<(), c_int>) -> Outcome {
    Outcome::Answer(match result {
        Ok(()) => Answer::Value(0),
        Err(errno) => Answer::Error(errno),
    })
}

fn errno(error: &io::Error) -> c_int {
    error.raw_os_error().unwrap_or(libc::EIO)
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
