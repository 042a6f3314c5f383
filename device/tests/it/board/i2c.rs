//! An I2C bus that is not there, and an SSD1306 on it; see linux/i2c-dev.h and linux/i2c.h.
//!
//! The chip is written from what is known of its commands, not from the driver that is tested.

#![allow(unsafe_code, reason = "says that the kernel's structures are plain")]
#![allow(clippy::cast_possible_truncation, reason = "noise")]

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::OwnedFd;

use image::{GrayImage, Luma};
use libc::c_int;

use super::memory;
use super::notify::{Call, Plain};

/// `struct i2c_msg`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Message {
    address: u16,
    flags: u16,
    bytes: u16,
    gap: u16,
    at: u64,
}

// SAFETY: integers.
unsafe impl Plain for Message {}

const READ: u16 = 1;

/// The bus and the panel on it.
#[derive(Debug)]
pub(crate) struct I2c {
    file: File,
    /// What every message fails with.
    pub(crate) fails: Option<c_int>,
    /// Messages so far.
    pub(crate) messages: u64,
    pub(crate) oled: Oled,
}

const NAME: &str = "apparent-i2c";

impl I2c {
    pub(crate) fn new() -> Self {
        Self { file: memory::named(NAME, 0), fails: None, messages: 0, oled: Oled::default() }
    }

    pub(crate) fn open(&self) -> OwnedFd {
        self.file.try_clone().unwrap().into()
    }

    /// Whether a descriptor is the bus's, by what it stands for.
    pub(crate) fn is(file: &str) -> bool {
        memory::name(file) == Some(NAME)
    }

    /// Does what `call`, an `ioctl` on it, asks for.
    pub(crate) fn ioctl(&mut self, call: &Call) -> Result<i64, c_int> {
        match call.args[1] & 0xFFFF_FFFF {
            // I2C_SLAVE and I2C_PEC.
            0x0703 | 0x0708 => Ok(0),
            // I2C_RDWR.
            0x0707 => self.messages(call),
            _ => Err(libc::ENOTTY),
        }
    }

    fn messages(&mut self, call: &Call) -> Result<i64, c_int> {
        let [at, count] = call.read::<[u64; 2]>(call.args[2]).map_err(|_| libc::EFAULT)?;
        let count = count & 0xFFFF_FFFF;
        for n in 0..count {
            let at = at + n * size_of::<Message>() as u64;
            let message: Message = call.read(at).map_err(|_| libc::EFAULT)?;
            if let Some(errno) = self.fails {
                return Err(errno);
            }
            // As bcm2835 says where nobody acknowledges.
            if message.address != Oled::ADDRESS || message.flags & READ != 0 {
                return Err(libc::EREMOTEIO);
            }
            let bytes = call.read_bytes(message.at, message.bytes.into());
            self.oled.receive(&bytes.map_err(|_| libc::EFAULT)?);
            self.messages += 1;
        }
        Ok(count.cast_signed())
    }
}

/// An SSD1306 on a module that has it upside down, as modules do.
#[derive(Debug)]
pub(crate) struct Oled {
    /// `[8, 128]`, the lowest bit of a byte is the uppermost of its eight dots.
    memory: [[u8; 128]; 8],
    columns: (u8, u8),
    pages: (u8, u8),
    at: (u8, u8),
    columns_turned: bool,
    rows_turned: bool,
    horizontal: bool,
    charged: bool,
    inverse: bool,
    pub(crate) on: bool,
    pub(crate) unknown: Vec<u8>,
    /// Bytes of pictures that came for it.
    pub(crate) data_bytes: u64,
}

impl Default for Oled {
    fn default() -> Self {
        Self {
            memory: std::array::from_fn(|page| std::array::from_fn(|n| (n * 37 + page) as u8)),
            columns: (0, 127),
            pages: (0, 7),
            at: (0, 0),
            columns_turned: false,
            rows_turned: false,
            horizontal: false,
            charged: false,
            inverse: false,
            on: false,
            unknown: Vec::new(),
            data_bytes: 0,
        }
    }
}

impl Oled {
    const ADDRESS: u16 = 0x3C;

    fn receive(&mut self, message: &[u8]) {
        match message {
            [0x00, commands @ ..] => self.commands(commands.iter().copied().collect()),
            [0x40, bytes @ ..] => bytes.iter().for_each(|&byte| self.put(byte)),
            other => self.unknown.extend(other),
        }
    }

    fn commands(&mut self, mut bytes: VecDeque<u8>) {
        while let Some(command) = bytes.pop_front() {
            let mut next = || bytes.pop_front().expect("a command lacks its arguments");
            match command {
                0x20 => self.horizontal = next() == 0,
                0x21 => {
                    self.columns = (next(), next());
                    self.at.0 = self.columns.0;
                }
                0x22 => {
                    self.pages = (next(), next());
                    self.at.1 = self.pages.0;
                }
                0x8D => self.charged = next() == 0x14,
                0xA0 | 0xA1 => self.columns_turned = command == 0xA1,
                0xC0 | 0xC8 => self.rows_turned = command == 0xC8,
                0xA6 | 0xA7 => self.inverse = command == 0xA7,
                0xAE | 0xAF => self.on = command == 0xAF,
                // Contrast, rows, offset, clock, charging, pins, level: as they are told.
                0x81 | 0xA8 | 0xD3 | 0xD5 | 0xD9 | 0xDA | 0xDB => drop(next()),
                // The first line, and the picture as the memory is.
                0x40 | 0xA4 => {}
                unknown => self.unknown.push(unknown),
            }
        }
    }

    fn put(&mut self, byte: u8) {
        assert!(self.horizontal, "bytes came before the way they go");
        self.data_bytes += 1;
        self.memory[usize::from(self.at.1)][usize::from(self.at.0)] = byte;
        self.at.0 += 1;
        if self.at.0 > self.columns.1 {
            self.at = (self.columns.0, self.at.1 + 1);
        }
        if self.at.1 > self.pages.1 {
            self.at.1 = self.pages.0;
        }
    }

    /// What is seen: 255 where a dot is lit.
    pub(crate) fn picture(&self) -> GrayImage {
        let lights = self.on && self.charged;
        GrayImage::from_fn(128, 64, |x, y| {
            let column = if self.columns_turned { x } else { 127 - x };
            let row = if self.rows_turned { y } else { 63 - y };
            let byte = self.memory[(row / 8) as usize][column as usize];
            let lit = (byte >> (row % 8) & 1 == 1) != self.inverse;
            Luma([if lit && lights { 255 } else { 0 }])
        })
    }
}
