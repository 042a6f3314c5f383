//! A display that is a small one-colour panel on an I2C bus: SSD1306, 128 x 64 pixels.
//!
//! Commands and their order are those that every driver of it sends (Solomon Systech's data sheet was not at hand). The bus is slow: 400 kHz carry 40 pictures a second, the usual 100 kHz 10, so that only
//! what differs is sent.

pub mod dots;
pub mod options;

use std::io;

use anyhow::{Context, Error, Result, anyhow};
use embedded_graphics::geometry::Size;
use embedded_hal::i2c::I2c;
use linux_embedded_hal::I2cdev;
use linux_embedded_hal::i2cdev::linux::LinuxI2CError;
use rustix::io::Errno;

use super::{Display, check_size};
use crate::canvas::Canvas;
use crate::decode::orientation::Rotation;
use dots::{COLUMNS, Dots, PAGES};
use options::OledSpec;

/// What the bytes of a message are.
const COMMANDS: u8 = 0x00;
const DATA: u8 = 0x40;

const DISPLAY_OFF: u8 = 0xAE;
const DISPLAY_ON: u8 = 0xAF;
const COLUMN_RANGE: u8 = 0x21;
const PAGE_RANGE: u8 = 0x22;

/// From the state after switching on to a picture, still dark: 64 rows, charge pump, horizontal addressing.
const START: [u8; 21] = [
    DISPLAY_OFF,
    0xD5,
    0x80,
    0xA8,
    0x3F,
    0xD3,
    0x00,
    0x40,
    0x8D,
    0x14,
    0x20,
    0x00,
    0xDA,
    0x12,
    0x81,
    0xCF,
    0xD9,
    0xF1,
    0xDB,
    0x40,
    0xA4,
];

/// An open panel.
pub struct Oled {
    spec: OledSpec,
    bus: I2cdev,
    /// What it shows; `None` where nobody knows.
    shown: Option<Dots>,
    asleep: bool,
}

impl Oled {
    /// Opens the panel and makes it black.
    ///
    /// # Errors
    /// Where there is no bus, this user may not, or nothing answers at the address.
    pub fn open(spec: &OledSpec) -> Result<Self> {
        let device = spec.device.display();
        let bus = I2cdev::new(&spec.device).map_err(unopened);
        let bus = bus.with_context(|| format!("opening the I2C bus {device}"))?;
        let mut opened = Self { spec: spec.clone(), bus, shown: None, asleep: false };
        opened.command(&START)?;
        opened.command(&turned(spec.rotate))?;
        opened.show(Dots::default())?;
        opened.command(&[DISPLAY_ON])?;
        Ok(opened)
    }

    fn command(&mut self, bytes: &[u8]) -> Result<()> {
        self.send(COMMANDS, bytes)
    }

    fn send(&mut self, kind: u8, bytes: &[u8]) -> Result<()> {
        let message = [&[kind][..], bytes].concat();
        let sent = self.bus.write(self.spec.address, &message);
        sent.map_err(|error| unanswered(error.inner(), &self.spec))
    }

    /// Sends the dots that differ from those that are shown.
    fn show(&mut self, dots: Dots) -> Result<()> {
        let changes = dots.changes(self.shown.as_ref());
        self.shown = None;
        for (page, columns) in changes {
            let (first, last) = columns.clone().into_inner();
            let bytes: Vec<u8> = dots.page(page)[usize::from(first)..=usize::from(last)].to_vec();
            self.command(&[COLUMN_RANGE, first, last, PAGE_RANGE, page, page])?;
            self.send(DATA, &bytes)?;
        }
        self.shown = Some(dots);
        Ok(())
    }
}

/// Where rows and columns begin. Modules have the chip upside down, so that 0xA1 and 0xC8 are upright.
fn turned(rotate: Rotation) -> [u8; 2] {
    match rotate {
        Rotation::Half => [0xA0, 0xC0],
        _ => [0xA1, 0xC8],
    }
}

impl Display for Oled {
    fn size_px(&self) -> Size {
        Size::new(u32::from(COLUMNS), u32::from(PAGES) * 8)
    }

    fn present(&mut self, canvas: &Canvas) -> Result<()> {
        check_size(canvas, self.size_px())?;
        if self.asleep { Ok(()) } else { self.show(Dots::of(canvas)) }
    }

    fn sleep(&mut self) -> Result<()> {
        self.asleep = true;
        self.show(Dots::default())?;
        self.command(&[DISPLAY_OFF])
    }

    fn wake(&mut self) -> Result<()> {
        self.asleep = false;
        self.command(&[DISPLAY_ON])
    }

    fn description(&self) -> String {
        let Size { width, height } = self.size_px();
        format!("{}, {width} x {height}, one colour", self.spec)
    }
}

impl Drop for Oled {
    /// Nothing of anybody stays on it.
    fn drop(&mut self) {
        if let Err(error) = self.sleep() {
            log::debug!("leaving {}: {error:#}", self.spec);
        }
    }
}

fn unopened(error: LinuxI2CError) -> Error {
    let error = io::Error::from(error);
    match error.kind() {
        io::ErrorKind::NotFound => anyhow!(
            "there is none: I2C is switched off; on a Raspberry Pi, 'dtparam=i2c_arm=on' in \
             /boot/firmware/config.txt and module i2c-dev switch it on"
        ),
        io::ErrorKind::PermissionDenied => {
            anyhow!("this user may not; members of the group 'i2c' may")
        }
        _ => error.into(),
    }
}

/// Drivers differ in what they say where nobody answers: Linux's Documentation/i2c/fault-codes.rst.
fn unanswered(error: &LinuxI2CError, spec: &OledSpec) -> Error {
    let (address, device) = (spec.address, spec.device.display());
    let errno = match error {
        LinuxI2CError::Errno(errno) => Some(*errno),
        LinuxI2CError::Io(error) => error.raw_os_error(),
    };
    match errno.map(Errno::from_raw_os_error) {
        Some(Errno::NXIO | Errno::REMOTEIO) => {
            anyhow!("nothing answers at address {address:#04x} of {device} (no acknowledge)")
        }
        Some(Errno::BUSY) => {
            anyhow!("a driver of the kernel has address {address:#04x} of {device}")
        }
        _ => anyhow!("writing to address {address:#04x} of {device}: {error}"),
    }
}
