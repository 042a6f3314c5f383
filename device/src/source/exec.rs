//! Frames from a command: whatever writes MJPEG or Y4M to its standard output (rpicam-vid, GStreamer,
//! ffmpeg). It ends with the source; starting it again is the supervisor's.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use log::info;

use super::child::{self, Group};
use super::lines::Lines;
use super::pipe::{self, Chunk};
use super::silence::Silence;
use super::splitter::{Piece, Splitter};
use super::{FrameSource, Next, SourceError, Trouble};
use crate::frame::Encoded;

/// Cameras behind image processors take seconds to start.
const FIRST_BYTE: Duration = Duration::from_secs(15);
const NEXT_BYTE: Duration = Duration::from_secs(5);

/// Who has closed its output is about to end.
const FAREWELL: Duration = Duration::from_millis(300);

/// A command's standard output as a source.
#[derive(Debug)]
pub struct Exec {
    command: String,
    group: Group,
    splitter: Splitter,
    complaints: Lines,
    complaining: bool,
    silence: Silence,
    chunk: Vec<u8>,
    number: u64,
}

impl Exec {
    /// Runs `command` by the shell.
    ///
    /// # Errors
    /// Where that cannot be done. A command that does not exist is only found out by the first frame.
    pub fn open(command: &str) -> Result<Self, SourceError> {
        let group = Group::spawn(command).with_context(|| format!("running 'sh -c {command:?}'"));
        Ok(Self {
            command: command.to_owned(),
            group: group.map_err(|error| Trouble::Missing.because(error))?,
            splitter: Splitter::default(),
            complaints: Lines::default(),
            complaining: true,
            silence: Silence::new(FIRST_BYTE, NEXT_BYTE, Instant::now()),
            chunk: vec![0; pipe::CHUNK_BYTES],
            number: 0,
        })
    }

    fn try_next(&mut self, patience: Duration) -> Result<Next, SourceError> {
        let begun = Instant::now();
        let mut looked = false;
        loop {
            let piece = self.splitter.next_frame().map_err(|error| self.unusable(error))?;
            if let Some(Piece { bytes, encoding }) = piece {
                self.number += 1;
                let captured = Instant::now();
                // Bytes alone are no life: they may never become a frame.
                self.silence.heard(captured);
                return Ok(Next::Frame(Encoded { bytes, encoding, number: self.number, captured }));
            }
            let left = patience.saturating_sub(begun.elapsed());
            // Bytes that become no frame may come for ever.
            if looked && left.is_zero() {
                return Ok(Next::Nothing);
            }
            looked = true;
            let [output, complaints] = self.wait(left).map_err(|error| self.lost(error.into()))?;
            if complaints {
                self.listen().map_err(|error| self.lost(error.into()))?;
            }
            if output {
                self.take()?;
            }
        }
    }

    /// Which of the command's pipes can be read.
    fn wait(&self, patience: Duration) -> io::Result<[bool; 2]> {
        let (output, complaints) = (self.group.stdout.as_fd(), self.group.stderr.as_fd());
        if self.complaining {
            return pipe::wait([output, complaints], patience);
        }
        let [output] = pipe::wait([output], patience)?;
        Ok([output, false])
    }

    /// Passes on to the log what the command says.
    fn listen(&mut self) -> io::Result<()> {
        match pipe::take(&self.group.stderr, &mut self.chunk)? {
            Chunk::Bytes(bytes) => self.complaints.push(bytes, |line| info!("exec: {line}")),
            Chunk::Nothing => {}
            Chunk::End => self.complaining = false,
        }
        Ok(())
    }

    fn take(&mut self) -> Result<(), SourceError> {
        match pipe::take(&self.group.stdout, &mut self.chunk) {
            Ok(Chunk::Bytes(bytes)) => {
                self.silence.stirred(Instant::now());
                self.splitter.push(bytes).map_err(|error| self.unusable(error))
            }
            Ok(Chunk::Nothing) => Ok(()),
            Ok(Chunk::End) => {
                let words = self.last_words();
                Err(self.lost(anyhow!(words)))
            }
            Err(error) => Err(self.lost(error.into())),
        }
    }

    fn lost(&self, error: anyhow::Error) -> SourceError {
        Trouble::Lost.because(error.context(self.description()))
    }

    fn unusable(&self, error: anyhow::Error) -> SourceError {
        Trouble::Unusable.because(error.context(self.description()))
    }

    /// Why there is no more output, and the last thing that was said.
    fn last_words(&mut self) -> String {
        let ended = self.group.ended(FAREWELL);
        // What it said before it ended is in the pipe, which is no longer than a few pieces.
        for _ in 0..4 {
            let more = self.complaining && matches!(self.wait(Duration::ZERO), Ok([_, true]));
            if !more || self.listen().is_err() {
                break;
            }
        }
        let end = ended.map_or("has closed its output".to_owned(), child::in_words);
        let said = self.complaints.last();
        if said.is_empty() {
            return format!("the command {end}");
        }
        format!("the command {end}; it said: {said}")
    }
}

impl FrameSource for Exec {
    fn next_frame(&mut self, patience: Duration) -> Result<Next, SourceError> {
        let next = self.try_next(patience)?;
        match self.silence.too_long(Instant::now()) {
            Some(silent) if matches!(next, Next::Nothing) => {
                let silent_s = silent.as_secs();
                let error = anyhow!("{}: nothing came for {silent_s} s", self.description());
                Err(Trouble::Silent.because(error))
            }
            _ => Ok(next),
        }
    }

    fn description(&self) -> String {
        format!("exec:{}", self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Everything that the command gives, and the error it ends with.
    fn played(command: &str) -> (Vec<Vec<u8>>, SourceError) {
        let mut exec = Exec::open(command).unwrap();
        let mut frames = Vec::new();
        loop {
            match exec.next_frame(PATIENCE) {
                Ok(Next::Frame(frame)) => frames.push(frame.bytes),
                Ok(other) => panic!("{other:?}"),
                Err(error) => return (frames, error),
            }
        }
    }

    #[test]
    fn frames_are_taken_and_the_end_is_told_in_words() {
        let (frames, error) = played(
            r"printf '\377\330\377\331\377\330\377\376\0\3x\377\331'; echo no more >&2; exit 7",
        );
        assert_eq!(
            frames,
            [b"\xFF\xD8\xFF\xD9".to_vec(), b"\xFF\xD8\xFF\xFE\0\x03x\xFF\xD9".to_vec()]
        );
        assert_eq!(error.trouble, Trouble::Lost);
        let text = error.to_string();
        assert!(text.ends_with("the command ended with exit status 7; it said: no more"), "{text}");
    }

    #[test]
    fn every_way_to_end_has_its_words() {
        for (command, trouble, expected) in [
            ("exit 0", Trouble::Lost, "the command ended by itself"),
            ("kill -9 $$", Trouble::Lost, "was ended by signal 9"),
            ("no-such-camera-program", Trouble::Lost, "no such command; it said: "),
            (
                "echo hello",
                Trouble::Unusable,
                r#"expected an MJPEG or Y4M stream, found one that begins with "hello\n""#,
            ),
        ] {
            let (_, error) = played(command);
            assert!(error.to_string().contains(expected), "{command}: {error}");
            assert_eq!(error.trouble, trouble, "{command}");
        }
    }

    #[test]
    fn a_command_that_gives_nothing_is_not_waited_for_longer_than_asked() {
        let mut exec = Exec::open("exec sleep 600").unwrap();
        assert!(matches!(exec.next_frame(Duration::ZERO), Ok(Next::Nothing)));
        exec.silence = Silence::new(Duration::ZERO, Duration::ZERO, Instant::now());
        let error = exec.next_frame(Duration::ZERO).unwrap_err();
        assert_eq!(error.trouble, Trouble::Silent);
    }

    #[test]
    fn everything_that_a_command_started_ends_with_its_source() {
        // A shell that ignores the polite request, and its child; both hold the other end of this pipe.
        let (mut reader, writer) = std::io::pipe().unwrap();
        let held = rustix::io::fcntl_dupfd_cloexec(&writer, 9).unwrap();
        rustix::io::fcntl_setfd(&held, rustix::io::FdFlags::empty()).unwrap();
        let mut exec = Exec::open("trap '' TERM; sleep 600 & echo ready >&2; wait").unwrap();
        drop((held, writer));
        while exec.complaints.last() != "ready" {
            let [_, complaints] = exec.wait(PATIENCE).unwrap();
            assert!(complaints, "the command says that it is ready");
            exec.listen().unwrap();
        }
        drop(exec);
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut rest).unwrap();
        assert!(rest.is_empty(), "the pipe has its end once nobody holds it");
    }
}
