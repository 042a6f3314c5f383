//! A GPIO chip that is not there: its first interface of character devices; see linux/gpio.h.

#![allow(unsafe_code, reason = "says that the kernel's structures are plain")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use libc::c_int;

use super::memory;
use super::notify::{Answer, Call, Plain};

/// How many lines it has.
pub(crate) const LINES: u32 = 54;
/// The line that tells data from commands.
pub(crate) const DC: u32 = 25;
/// The line that resets the panel.
pub(crate) const RESET: u32 = 27;
/// A line that the kernel holds.
pub(crate) const TAKEN: u32 = 8;

const LABEL: &str = "pinctrl-bcm2711";

/// `struct gpiochip_info`.
#[repr(C)]
struct ChipInfo {
    name: [u8; 32],
    label: [u8; 32],
    lines: u32,
}

/// `struct gpioline_info`.
#[repr(C)]
struct LineInfo {
    line: u32,
    flags: u32,
    name: [u8; 32],
    consumer: [u8; 32],
}

/// `struct gpiohandle_request`.
#[repr(C)]
struct HandleRequest {
    lines: [u32; 64],
    flags: u32,
    values: [u8; 64],
    consumer: [u8; 32],
    count: u32,
    fd: c_int,
}

/// `struct gpioevent_request`.
#[repr(C)]
struct EventRequest {
    line: u32,
    handle_flags: u32,
    event_flags: u32,
    consumer: [u8; 32],
    fd: c_int,
}

// SAFETY: integers and arrays of them.
unsafe impl Plain for ChipInfo {}
// SAFETY: integers and arrays of them.
unsafe impl Plain for LineInfo {}
// SAFETY: integers and arrays of them.
unsafe impl Plain for HandleRequest {}
// SAFETY: integers and arrays of them.
unsafe impl Plain for EventRequest {}

const OUTPUT: u32 = 2;
const PULL_UP: u32 = 1 << 5;

/// The chip.
#[derive(Debug)]
pub(crate) struct Pins {
    file: File,
    /// What the lines are; those that nobody drives and nobody pulls are low.
    pub(crate) levels: BTreeMap<u32, bool>,
    /// Every change of a line that a program drives, in order.
    pub(crate) driven: Vec<(u32, bool)>,
    /// The lines whose changes are listened to: where to write them, and what reads them.
    listened: Vec<(u32, File, String)>,
    handles: Vec<u32>,
    /// What driving a line fails with.
    pub(crate) fails: Option<c_int>,
}

const NAME: &str = "apparent-gpiochip";
const HANDLE: &str = "apparent-gpio-";

impl Pins {
    pub(crate) fn new() -> Self {
        let (levels, driven, listened, handles) = Default::default();
        Self { file: memory::named(NAME, 0), levels, driven, listened, handles, fails: None }
    }

    pub(crate) fn open(&self) -> OwnedFd {
        self.file.try_clone().unwrap().into()
    }

    /// Whether a line is high.
    pub(crate) fn is_high(&self, line: u32) -> bool {
        self.levels.get(&line).copied().unwrap_or(false)
    }

    /// Whether somebody listens to a line.
    pub(crate) fn is_listened_to(&self, line: u32) -> bool {
        self.listened.iter().any(|(listened, _, _)| *listened == line)
    }

    /// Changes a line from outside, at this time of the kernel's.
    pub(crate) fn change(&mut self, line: u32, is_high: bool, at: Duration) {
        self.levels.insert(line, is_high);
        let id: u64 = if is_high { 1 } else { 2 };
        for (_, events, _) in self.listened.iter_mut().filter(|(it, _, _)| *it == line) {
            let event = [u64::try_from(at.as_nanos()).unwrap(), id].map(u64::to_ne_bytes);
            events.write_all(event.as_flattened()).unwrap();
        }
    }

    /// Does what `call`, an `ioctl` on `file`, asks for; `None` where that is neither the chip nor a line.
    pub(crate) fn ioctl(&mut self, call: &Call, file: &str) -> Option<Result<Answer, c_int>> {
        let request = call.args[1] & 0xFF;
        if memory::name(file) == Some(NAME) {
            return Some(match request {
                1 => told(call.update(call.args[2], chip_info)),
                2 => told(call.update(call.args[2], line_info)),
                3 => self.hand_out(call),
                4 => self.listen(call),
                _ => Err(libc::ENOTTY),
            });
        }
        let handle = memory::name(file).and_then(|name| name.strip_prefix(HANDLE)?.parse().ok());
        let listened = self.listened.iter().find(|(_, _, reader)| reader == file);
        let line = handle.map(|n: usize| self.handles[n]).or(listened.map(|(line, _, _)| *line))?;
        Some(match request {
            8 => {
                let high = u8::from(self.is_high(line));
                told(call.write_bytes(call.args[2], &[high]))
            }
            9 => match call.read_bytes(call.args[2], 1) {
                Ok(bytes) => self.drive(line, bytes[0] != 0),
                Err(_) => Err(libc::EFAULT),
            },
            _ => Err(libc::ENOTTY),
        })
    }

    fn drive(&mut self, line: u32, is_high: bool) -> Result<Answer, c_int> {
        if let Some(errno) = self.fails {
            return Err(errno);
        }
        self.levels.insert(line, is_high);
        self.driven.push((line, is_high));
        Ok(Answer::Value(0))
    }

    fn hand_out(&mut self, call: &Call) -> Result<Answer, c_int> {
        let request: HandleRequest = call.read(call.args[2]).map_err(|_| libc::EFAULT)?;
        let line = request.lines[0];
        given(line)?;
        if request.flags & OUTPUT != 0 {
            self.drive(line, request.values[0] != 0)?;
        }
        let file = memory::named(&format!("{HANDLE}{}", self.handles.len()), 0);
        self.handles.push(line);
        let at = call.args[2] + std::mem::offset_of!(HandleRequest, fd) as u64;
        Ok(Answer::Installed { file: file.into(), at })
    }

    fn listen(&mut self, call: &Call) -> Result<Answer, c_int> {
        let request: EventRequest = call.read(call.args[2]).map_err(|_| libc::EFAULT)?;
        given(request.line)?;
        let (reader, writer) = std::io::pipe().unwrap();
        let (reader, writer) = (OwnedFd::from(reader), File::from(OwnedFd::from(writer)));
        let link = std::fs::read_link(format!("/proc/self/fd/{}", reader.as_raw_fd())).unwrap();
        if request.handle_flags & PULL_UP != 0 {
            self.levels.insert(request.line, true);
        }
        self.listened.push((request.line, writer, link.to_string_lossy().into_owned()));
        let at = call.args[2] + std::mem::offset_of!(EventRequest, fd) as u64;
        Ok(Answer::Installed { file: reader, at })
    }
}

fn told(result: std::io::Result<()>) -> Result<Answer, c_int> {
    result.map(|()| Answer::Value(0)).map_err(|_| libc::EFAULT)
}

fn given(line: u32) -> Result<(), c_int> {
    match line {
        TAKEN => Err(libc::EBUSY),
        0..LINES => Ok(()),
        _ => Err(libc::EINVAL),
    }
}

fn chip_info(it: &mut ChipInfo) {
    text(&mut it.name, "gpiochip0");
    text(&mut it.label, LABEL);
    it.lines = LINES;
}

fn line_info(it: &mut LineInfo) {
    text(&mut it.consumer, if it.line == TAKEN { "spi0 CS0" } else { "" });
}

/// Text ended by zero bytes.
fn text(place: &mut [u8], text: &str) {
    place.fill(0);
    place[..text.len()].copy_from_slice(text.as_bytes());
}
