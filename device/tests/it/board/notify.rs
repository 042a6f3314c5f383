//! The questions that a filtered program's system calls become, and the answers; see seccomp_unotify(2).

#![allow(unsafe_code, reason = "questions and answers pass by ioctl")]

use std::fs::{self, File};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use libc::{c_int, c_long, c_ulong, seccomp_notif, seccomp_notif_addfd, seccomp_notif_resp};

/// Where questions come from.
#[derive(Debug)]
pub(crate) struct Listener(pub(crate) OwnedFd);

/// A system call that waits for an answer.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    id: u64,
    pid: u32,
    /// Which one.
    pub(crate) number: c_long,
    /// What it was given.
    pub(crate) args: [u64; 6],
}

/// What becomes of a system call.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The kernel does it.
    Kernel,
    /// It returns this.
    Value(i64),
    /// It fails with this `errno`.
    Error(c_int),
    /// It returns a descriptor of this file.
    File(OwnedFd),
    /// It writes the number of a descriptor of this file to an address, and returns 0.
    Installed {
        /// The file.
        file: OwnedFd,
        /// The address.
        at: u64,
    },
}

impl Listener {
    /// The next question; `None` where it was withdrawn, such as by the end of the program.
    pub(crate) fn receive(&self) -> io::Result<Option<Call>> {
        // SAFETY: all zero is how the kernel wants it, and it fills it.
        let mut question: seccomp_notif = unsafe { MaybeUninit::zeroed().assume_init() };
        match self.ioctl(libc::SECCOMP_IOCTL_NOTIF_RECV, &mut question) {
            Ok(_) => {}
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let seccomp_notif { id, pid, data, .. } = question;
        Ok(Some(Call { id, pid, number: c_long::from(data.nr), args: data.args }))
    }

    /// Answers. Whether somebody is still there to hear it does not matter.
    pub(crate) fn answer(&self, call: &Call, answer: &Answer) {
        let (value, error, flags) = match answer {
            Answer::Kernel => (0, 0, u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE)),
            Answer::Value(value) => (*value, 0, Ok(0)),
            Answer::Error(errno) => (0, -errno, Ok(0)),
            Answer::File(file) => {
                match self.hand_over(call, file.as_fd(), libc::SECCOMP_ADDFD_FLAG_SEND) {
                    Ok(_) => return,
                    Err(error) => (0, -error.raw_os_error().unwrap_or(libc::EIO), Ok(0)),
                }
            }
            Answer::Installed { file, at } => {
                let handed = self.hand_over(call, file.as_fd(), 0);
                match handed.and_then(|fd| call.write_bytes(*at, &fd.to_ne_bytes())) {
                    Ok(()) => (0, 0, Ok(0)),
                    Err(error) => (0, -error.raw_os_error().unwrap_or(libc::EIO), Ok(0)),
                }
            }
        };
        let flags = flags.expect("flags are small numbers");
        let mut reply = seccomp_notif_resp { id: call.id, val: value, error, flags };
        let _ = self.ioctl(libc::SECCOMP_IOCTL_NOTIF_SEND, &mut reply);
    }

    /// Puts a copy of `file` into the program and returns its number there; with the flag to send it, that is the
    /// answer, too.
    fn hand_over(&self, call: &Call, file: BorrowedFd, flags: c_ulong) -> io::Result<c_int> {
        let mut request = seccomp_notif_addfd {
            id: call.id,
            flags: u32::try_from(flags).map_err(io::Error::other)?,
            srcfd: u32::try_from(file.as_raw_fd()).map_err(io::Error::other)?,
            newfd: 0,
            newfd_flags: libc::O_CLOEXEC.cast_unsigned(),
        };
        self.ioctl(libc::SECCOMP_IOCTL_NOTIF_ADDFD, &mut request)
    }

    fn ioctl<T>(&self, request: libc::Ioctl, value: &mut T) -> io::Result<c_int> {
        // SAFETY: each request above is given the structure it is defined with.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), request, value) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
    }
}

/// A value that the kernel and programs pass in memory.
///
/// # Safety
/// Any bytes of its size must be such a value.
pub(crate) unsafe trait Plain {}

// SAFETY: integers.
unsafe impl Plain for libc::pollfd {}
// SAFETY: integers.
unsafe impl Plain for libc::timespec {}
// SAFETY: integers.
unsafe impl Plain for libc::statx {}
// SAFETY: integers.
unsafe impl<const N: usize> Plain for [u64; N] {}

impl Call {
    /// Changes the value at an address of the program's memory.
    pub(crate) fn update<T: Plain, R>(
        &self,
        at: u64,
        change: impl FnOnce(&mut T) -> R,
    ) -> io::Result<R> {
        let mut value = self.fetch::<T>(at)?;
        // SAFETY: any bytes are such a value.
        let result = change(unsafe { value.assume_init_mut() });
        // SAFETY: it was changed in place, so that the bytes between its parts are those that were read.
        let bytes =
            unsafe { std::slice::from_raw_parts(value.as_ptr().cast::<u8>(), size_of::<T>()) };
        self.write_bytes(at, bytes)?;
        Ok(result)
    }

    /// Copies bytes of the program's memory.
    pub(crate) fn read_bytes(&self, at: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.memory()?.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// Copies the value at an address of the program's memory.
    pub(crate) fn read<T: Plain>(&self, at: u64) -> io::Result<T> {
        // SAFETY: any bytes are such a value.
        Ok(unsafe { self.fetch(at)?.assume_init() })
    }

    fn fetch<T: Plain>(&self, at: u64) -> io::Result<MaybeUninit<T>> {
        let mut value = MaybeUninit::<T>::zeroed();
        let start = value.as_mut_ptr().cast::<u8>();
        // SAFETY: as many bytes as the value has, all of them zeroed.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start, size_of::<T>()) };
        self.memory()?.read_exact_at(bytes, at)?;
        Ok(value)
    }

    /// Puts bytes at an address of the program's memory.
    pub(crate) fn write_bytes(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.memory()?.write_all_at(bytes, at)
    }

    /// The path at an address of the program's memory.
    pub(crate) fn path(&self, at: u64) -> io::Result<PathBuf> {
        let mut bytes = [0; libc::PATH_MAX as usize];
        let length = self.memory()?.read_at(&mut bytes, at)?;
        let path = bytes[..length].split(|&byte| byte == 0).next().unwrap_or_default();
        Ok(PathBuf::from(String::from_utf8_lossy(path).into_owned()))
    }

    /// What a descriptor of the program stands for, as `/proc` has it.
    pub(crate) fn file(&self, fd: u64) -> String {
        // Arguments are 64 bits wide, descriptors 32.
        let link = fs::read_link(format!("/proc/{}/fd/{}", self.pid, fd & 0xFFFF_FFFF));
        link.map_or_else(|e| format!("{e}"), |target| target.to_string_lossy().into_owned())
    }

    fn memory(&self) -> io::Result<File> {
        File::options().read(true).write(true).open(format!("/proc/{}/mem", self.pid))
    }
}
