//! Standard input: MJPEG or Y4M from another program.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::pipe::{self, Chunk};
use super::splitter::{Piece, Splitter};
use super::{FrameSource, Next, SourceError, Trouble};
use crate::frame::Encoded;

/// A stream of frames that somebody else writes.
#[derive(Debug)]
pub struct Stdin {
    pipe: OwnedFd,
    splitter: Splitter,
    chunk: Vec<u8>,
    number: u64,
}

impl Stdin {
    /// The program's standard input.
    ///
    /// # Errors
    /// Where it is a keyboard.
    pub fn open() -> Result<Self, SourceError> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            let error = anyhow!("expected a stream on standard input, found a terminal");
            return Err(Trouble::Missing.because(error));
        }
        let pipe = stdin.as_fd().try_clone_to_owned().context("opening standard input");
        Ok(Self::from_pipe(pipe.map_err(|error| Trouble::Missing.because(error))?))
    }

    /// The other end of this pipe.
    fn from_pipe(pipe: OwnedFd) -> Self {
        let splitter = Splitter::default();
        Self { pipe, splitter, chunk: vec![0; pipe::CHUNK_BYTES], number: 0 }
    }

    fn try_next(&mut self, patience: Duration) -> anyhow::Result<Next> {
        let begun = Instant::now();
        let mut looked = false;
        loop {
            if let Some(Piece { bytes, encoding }) = self.splitter.next_frame()? {
                self.number += 1;
                let captured = Instant::now();
                return Ok(Next::Frame(Encoded { bytes, encoding, number: self.number, captured }));
            }
            let left = patience.saturating_sub(begun.elapsed());
            // Bytes that become no frame may come for ever.
            let over = looked && left.is_zero();
            if over || pipe::wait([self.pipe.as_fd()], left)? == [false] {
                return Ok(Next::Nothing);
            }
            looked = true;
            match pipe::take(&self.pipe, &mut self.chunk)? {
                Chunk::Bytes(bytes) => self.splitter.push(bytes)?,
                Chunk::Nothing => {}
                Chunk::End => return Ok(Next::End),
            }
        }
    }
}

impl FrameSource for Stdin {
    fn next_frame(&mut self, patience: Duration) -> Result<Next, SourceError> {
        let next = self.try_next(patience).context("reading standard input");
        next.map_err(|error| Trouble::Unusable.because(error))
    }

    fn description(&self) -> String {
        "standard input".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn frames_come_as_they_are_written_and_end_with_the_pipe() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut source = Stdin::from_pipe(reader.into());
        assert!(matches!(source.next_frame(Duration::ZERO), Ok(Next::Nothing)));
        writer.write_all(b"\xFF\xD8\xFF\xD9\xFF\xD8").unwrap();
        let Ok(Next::Frame(frame)) = source.next_frame(Duration::ZERO) else { panic!("a frame") };
        assert_eq!((frame.number, frame.bytes.as_slice()), (1, &b"\xFF\xD8\xFF\xD9"[..]));
        assert!(matches!(source.next_frame(Duration::ZERO), Ok(Next::Nothing)));
        drop(writer);
        assert!(matches!(source.next_frame(Duration::MAX), Ok(Next::End)));
    }

    #[test]
    fn another_stream_is_refused() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"hello").unwrap();
        let error = Stdin::from_pipe(reader.into()).next_frame(Duration::MAX).unwrap_err();
        assert_eq!(error.trouble, Trouble::Unusable);
        assert!(error.to_string().starts_with("reading standard input: expected an MJPEG"));
    }
}
