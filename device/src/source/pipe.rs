//! Reading a pipe with patience: poll first, then take what is there.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};

/// As much as a pipe holds.
pub const CHUNK_BYTES: usize = 64 << 10;

/// What a look into a pipe came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// What was there.
    Bytes(&'a [u8]),
    /// Nothing yet.
    Nothing,
    /// Whoever wrote has closed it.
    End,
}

/// Waits until one of these can be read (its end included), for at most `patience`; tells which can.
///
/// # Errors
/// As the system gives them.
pub fn wait<const N: usize>(pipes: [BorrowedFd; N], patience: Duration) -> io::Result<[bool; N]> {
    let mut polled = pipes.map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN));
    let timeout = Timespec::try_from(patience).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
    match poll(&mut polled, Some(&timeout)) {
        // A signal is no news of the pipes; who waits asks again.
        Ok(0) | Err(Errno::INTR) => Ok([false; N]),
        Ok(_) => Ok(polled.map(|pipe| !pipe.revents().is_empty())),
        Err(error) => Err(error.into()),
    }
}

/// Takes what is there; only where [`wait`] said so does it not block.
///
/// # Errors
/// As the system gives them.
pub fn take<'a>(pipe: impl AsFd, buffer: &'a mut [u8]) -> io::Result<Chunk<'a>> {
    match read(pipe, &mut *buffer) {
        Ok(0) => Ok(Chunk::End),
        Ok(bytes) => Ok(Chunk::Bytes(&buffer[..bytes])),
        Err(Errno::INTR | Errno::AGAIN) => Ok(Chunk::Nothing),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_pipe_has_nothing_then_bytes_then_its_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        let now = Duration::ZERO;
        let mut buffer = [0; 8];
        assert_eq!(wait([reader.as_fd()], now).unwrap(), [false]);
        writer.write_all(b"abc").unwrap();
        assert_eq!(wait([reader.as_fd()], now).unwrap(), [true]);
        assert_eq!(take(&reader, &mut buffer).unwrap(), Chunk::Bytes(b"abc"));
        drop(writer);
        assert_eq!(wait([reader.as_fd()], Duration::MAX).unwrap(), [true]);
        assert_eq!(take(&reader, &mut buffer).unwrap(), Chunk::End);
    }
}
