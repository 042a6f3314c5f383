//! A camera that is not there: what it can give, who has opened it, and how it fails when it is told to.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use libc::c_int;
use memmap2::MmapMut;

use super::memory;
use super::shots::Shot;

/// What a camera is, and how it misbehaves from the start.
#[derive(Clone, Debug)]
pub(crate) struct Make {
    /// The only format that it says it has.
    pub(crate) offered: [u8; 4],
    /// The format that it gives, whatever it was asked for.
    pub(crate) fourcc: [u8; 4],
    /// Its only size, in pixels.
    pub(crate) size_px: (u32, u32),
    /// Bytes from row to row; 0 for compressed pictures.
    pub(crate) stride: u32,
    /// What it sees, over and over.
    pub(crate) shots: Vec<Shot>,
    /// As V4L2 numbers them; 1 to 13 are known.
    pub(crate) colorspace: u32,
    /// Whether its stream cannot be stopped without an error.
    pub(crate) streamoff_fails: bool,
}

/// From one picture to the next.
pub(crate) const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// A camera, plugged in or not.
#[derive(Debug)]
pub(crate) struct Camera {
    pub(crate) make: Make,
    pub(crate) plugged: bool,
    /// Those who opened it, by the order in which they did.
    pub(crate) sessions: Vec<Session>,
    /// How many pictures were taken out of it.
    pub(crate) delivered: u64,
}

/// What one who opened the camera has of it.
#[derive(Debug)]
pub(crate) struct Session {
    file: File,
    map: Option<MmapMut>,
    pub(crate) buffers: u32,
    pub(crate) queued: VecDeque<u32>,
    pub(crate) filled: VecDeque<Filled>,
    /// When the next picture is due; `None` while it does not stream.
    due: Option<Instant>,
    sequence: u32,
    missed: u64,
    stalled: bool,
    gone: bool,
}

/// A buffer with a picture in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) index: u32,
    pub(crate) bytes: u32,
    pub(crate) sequence: u32,
    pub(crate) error: bool,
}

impl Make {
    /// A camera of this format and size that sees `shots`.
    pub(crate) fn new(fourcc: &[u8; 4], size_px: (u32, u32), shots: Vec<Shot>) -> Self {
        let stride = if fourcc == b"YUYV" { 2 * size_px.0 } else { 0 };
        let (fourcc, colorspace, streamoff_fails) = (*fourcc, 8, false);
        Self { offered: fourcc, fourcc, size_px, stride, shots, colorspace, streamoff_fails }
    }

    /// How large a picture may become, in whole pages.
    pub(crate) fn buffer_bytes(&self) -> u32 {
        let row_bytes = self.stride.max(2 * self.size_px.0);
        (row_bytes * self.size_px.1).next_multiple_of(4096)
    }
}

/// The beginning of the names by which descriptors are known to be the camera's.
const NAME: &str = "apparent-camera-";

impl Camera {
    pub(crate) fn new(make: Make) -> Self {
        Self { make, plugged: true, sessions: Vec::new(), delivered: 0 }
    }

    /// Opens it: memory whose name says that it is this camera's.
    pub(crate) fn open(&mut self) -> Result<OwnedFd, c_int> {
        if !self.plugged {
            return Err(libc::ENOENT);
        }
        let file = memory::named(&format!("{NAME}{}", self.sessions.len()), 0);
        let handed_over = file.try_clone().unwrap().into();
        self.sessions.push(Session::new(file));
        Ok(handed_over)
    }

    /// Which session a descriptor belongs to, by what it stands for.
    pub(crate) fn session_of(file: &str) -> Option<usize> {
        memory::name(file)?.strip_prefix(NAME)?.parse().ok()
    }

    /// Pulls the plug: whoever has it open has nothing any more.
    pub(crate) fn unplug(&mut self) {
        self.plugged = false;
        self.sessions.iter_mut().for_each(|session| session.gone = true);
    }

    /// Falls silent for whoever has it open now.
    pub(crate) fn stall(&mut self) {
        self.sessions.iter_mut().for_each(|session| session.stalled = true);
    }

    /// How many pictures nobody had a buffer for.
    pub(crate) fn missed(&self) -> u64 {
        self.sessions.iter().map(|session| session.missed).sum()
    }

    /// Takes the pictures that are due.
    pub(crate) fn tick(&mut self, now: Instant) {
        for session in &mut self.sessions {
            session.tick(&self.make, now);
        }
    }

    /// When [`tick`](Self::tick) has something to do again.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.sessions.iter().filter(|s| s.is_running()).filter_map(|s| s.due).min()
    }

    /// What `poll` says of a session; 0 is nothing yet.
    pub(crate) fn events(&self, session: usize) -> i16 {
        match &self.sessions[session] {
            session if session.gone => libc::POLLIN | libc::POLLERR | libc::POLLHUP,
            session if session.due.is_none() => libc::POLLERR,
            session if session.filled.is_empty() => 0,
            _ => libc::POLLIN,
        }
    }
}

impl Session {
    fn new(file: File) -> Self {
        let (queued, filled) = (VecDeque::new(), VecDeque::new());
        let (map, due, buffers, sequence, missed) = (None, None, 0, 0, 0);
        let (stalled, gone) = (false, false);
        Self { file, map, buffers, queued, filled, due, sequence, missed, stalled, gone }
    }

    /// Whether it can still be asked for anything.
    pub(crate) fn alive(&self) -> Result<(), c_int> {
        if self.gone { Err(libc::ENODEV) } else { Ok(()) }
    }

    /// Has `count` buffers from now on.
    pub(crate) fn allocate(&mut self, count: u32, make: &Make) {
        self.stop();
        self.buffers = count;
        self.map = (count > 0).then(|| memory::sized(&self.file, count * make.buffer_bytes()));
    }

    /// Begins to take pictures.
    pub(crate) fn start(&mut self, now: Instant) {
        self.due = Some(now + INTERVAL);
    }

    /// Ends, and keeps no buffer.
    pub(crate) fn stop(&mut self) {
        self.due = None;
        self.queued.clear();
        self.filled.clear();
    }

    fn is_running(&self) -> bool {
        !self.gone && !self.stalled
    }

    fn tick(&mut self, make: &Make, now: Instant) {
        while let Some(due) = self.due.filter(|&due| due <= now && self.is_running()) {
            self.due = Some(due + INTERVAL);
            self.sequence += 1;
            match self.queued.pop_front() {
                Some(index) => self.fill(index, make),
                None => self.missed += 1,
            }
        }
    }

    fn fill(&mut self, index: u32, make: &Make) {
        let (sequence, Some(map)) = (self.sequence, &mut self.map) else { return };
        let shot = &make.shots[sequence as usize % make.shots.len()];
        let start = index as usize * make.buffer_bytes() as usize;
        map[start..start + shot.bytes.len()].copy_from_slice(&shot.bytes);
        let bytes = u32::try_from(shot.bytes.len()).unwrap();
        self.filled.push_back(Filled { index, bytes, sequence, error: shot.error });
    }
}
