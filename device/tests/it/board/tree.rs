//! A folder in place of parts of `/dev` and `/sys`: listed, opened and asked about as if it were they.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use libc::c_int;

use super::notify::{Answer, Call};

/// The paths that are the folder's, by how they begin.
const OURS: [&str; 14] = [
    "/dev/video",
    "/dev/v4l",
    "/dev/fb",
    "/dev/tty0",
    "/dev/dri",
    "/dev/spidev",
    "/dev/i2c-",
    "/dev/gpiochip",
    "/sys/class/drm",
    "/sys/class/graphics",
    "/sys/class/video4linux",
    "/sys/class/backlight",
    "/sys/module/kernel/parameters/consoleblank",
    "/sys/module/spidev/parameters/bufsiz",
];

/// The folder.
#[derive(Debug)]
pub(crate) struct Tree(PathBuf);

impl Tree {
    /// Nothing yet, in the folder `root`, which need not be there.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self(root)
    }

    /// Puts a file there.
    pub(crate) fn put(&self, path: impl AsRef<Path>, text: &str) {
        fs::write(self.room_for(path.as_ref()), text).unwrap();
    }

    /// Puts a link there.
    pub(crate) fn link(&self, path: impl AsRef<Path>, target: impl AsRef<Path>) {
        symlink(target, self.room_for(path.as_ref())).unwrap();
    }

    /// Takes a file or a link away.
    pub(crate) fn remove(&self, path: impl AsRef<Path>) {
        fs::remove_file(self.inside(path.as_ref())).unwrap();
    }

    /// Where in the folder a path lies, if it is one of the folder's.
    pub(crate) fn find(&self, path: &Path) -> Option<PathBuf> {
        let bytes = path.as_os_str().as_bytes();
        let ours = bytes == b"/dev" || OURS.iter().any(|start| bytes.starts_with(start.as_bytes()));
        ours.then(|| self.inside(path))
    }

    /// Whether what was found, links followed, is what lies at `path`.
    pub(crate) fn is(&self, found: &Path, path: impl AsRef<Path>) -> bool {
        let there = fs::canonicalize(self.inside(path.as_ref()));
        there.is_ok_and(|there| fs::canonicalize(found).is_ok_and(|found| found == there))
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.0.join(path.strip_prefix("/").unwrap())
    }

    fn room_for(&self, path: &Path) -> PathBuf {
        let path = self.inside(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }
}

/// Opens what was found as the flags of `open` say.
pub(crate) fn open(found: &Path, flags: u64) -> Result<OwnedFd, c_int> {
    let flags = i32::try_from(flags & 0xFFFF_FFFF).map_err(|_| libc::EINVAL)?;
    let access = flags & libc::O_ACCMODE;
    let mut options = OpenOptions::new();
    options.read(access != libc::O_WRONLY).write(access != libc::O_RDONLY);
    options.truncate(flags & libc::O_TRUNC != 0).custom_flags(flags & libc::O_DIRECTORY);
    options.open(found).map(OwnedFd::from).map_err(|e| errno(&e))
}

/// Tells what was found as `statx` does, to `at`; a file in `/dev` is a device.
pub(crate) fn stat(found: &Path, path: &Path, call: &Call, at: u64) -> Result<(), c_int> {
    let metadata = fs::metadata(found).map_err(|e| errno(&e))?;
    let is_device = path.starts_with("/dev") && metadata.is_file();
    let kind = if is_device { libc::S_IFCHR } else { metadata.mode() & libc::S_IFMT };
    let mode = u16::try_from(kind | (metadata.mode() & 0o7777)).unwrap();
    let told = call.update(at, |it: &mut libc::statx| {
        it.stx_mask = libc::STATX_BASIC_STATS;
        it.stx_mode = mode;
        it.stx_size = metadata.size();
        it.stx_ino = metadata.ino();
        it.stx_nlink = 1;
    });
    told.map_err(|_| libc::EFAULT)
}

/// Tells where what was found leads as `readlink` does, to `at`.
pub(crate) fn read_link(found: &Path, call: &Call, [at, size]: [u64; 2]) -> Result<Answer, c_int> {
    let target = fs::read_link(found).map_err(|e| errno(&e))?;
    let bytes = target.as_os_str().as_bytes();
    let bytes = &bytes[..bytes.len().min(usize::try_from(size).unwrap_or(0))];
    call.write_bytes(at, bytes).map_err(|_| libc::EFAULT)?;
    Ok(Answer::Value(bytes.len() as i64))
}

fn errno(error: &io::Error) -> c_int {
    error.raw_os_error().unwrap_or(libc::EIO)
}
