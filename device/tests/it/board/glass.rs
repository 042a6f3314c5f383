//! A panel behind an SPI bus that is not there: ILI9341 or ST7789, and what is seen on its glass.
//!
//! Written from what is known of the chips' commands, not from the driver that is tested.

#![allow(clippy::cast_possible_truncation, reason = "noise, and colours of 8 bits")]

use image::{Rgb, RgbImage};

/// How the glass is made: modules differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Make {
    /// Whether the first third of a pixel is blue.
    pub(crate) bgr: bool,
    /// Whether it is bright where the chip drives it dark.
    pub(crate) inverted: bool,
    /// Whether the first column is on the right.
    pub(crate) mirrored: bool,
}

impl Make {
    /// As most modules with an ILI9341 are.
    pub(crate) const ILI9341: Self = Self { bgr: true, inverted: false, mirrored: true };
    /// As most modules with an ST7789 are.
    pub(crate) const ST7789: Self = Self { bgr: false, inverted: true, mirrored: false };
}

/// The columns and rows of memory.
const COLUMNS: u32 = 240;
const ROWS: u32 = 320;

/// Bits of MADCTL.
const MIRROR_ROWS: u8 = 0x80;
const MIRROR_COLUMNS: u8 = 0x40;
const EXCHANGE: u8 = 0x20;
const BLUE_FIRST: u8 = 0x08;

/// The chip, its memory and its glass.
#[derive(Debug)]
pub(crate) struct Glass {
    make: Make,
    /// `[320, 240]`, RGB565.
    memory: Vec<u16>,
    command: u8,
    arguments: Vec<u8>,
    /// The first half of a pixel.
    half: Option<u8>,
    columns: (u32, u32),
    rows: (u32, u32),
    /// Where the next pixel goes, as columns and rows are counted.
    at: (u32, u32),
    madctl: u8,
    inverting: bool,
    pub(crate) awake: bool,
    pub(crate) on: bool,
    sixteen_bits: bool,
    /// Commands that it does not know.
    pub(crate) unknown: Vec<u8>,
    /// Bytes that came for it, commands included.
    pub(crate) bytes: u64,
    /// Pixels that came for it.
    pub(crate) pixels: u64,
}

impl Glass {
    pub(crate) fn new(make: Make) -> Self {
        // Nobody knows what is in the memory after switching on.
        let noise = (0..COLUMNS * ROWS).map(|n| n.wrapping_mul(40_503) as u16);
        Self {
            make,
            memory: noise.collect(),
            command: 0,
            arguments: Vec::new(),
            half: None,
            columns: (0, COLUMNS - 1),
            rows: (0, ROWS - 1),
            at: (0, 0),
            madctl: 0,
            inverting: false,
            awake: false,
            on: false,
            sixteen_bits: false,
            unknown: Vec::new(),
            bytes: 0,
            pixels: 0,
        }
    }

    /// What comes over the bus while the data/command line is as it is.
    pub(crate) fn receive(&mut self, bytes: &[u8], is_data: bool) {
        self.bytes += bytes.len() as u64;
        for &byte in bytes {
            match (is_data, self.command) {
                (false, _) => self.begin(byte),
                (true, 0x2C) => self.pixel_byte(byte),
                (true, _) => {
                    self.arguments.push(byte);
                    self.argument();
                }
            }
        }
    }

    fn begin(&mut self, command: u8) {
        (self.command, self.half) = (command, None);
        self.arguments.clear();
        match command {
            0x01 => *self = Self { memory: std::mem::take(&mut self.memory), ..self.reset() },
            0x10 => self.awake = false,
            0x11 => self.awake = true,
            0x20 => self.inverting = false,
            0x21 => self.inverting = true,
            0x28 => self.on = false,
            0x29 => self.on = true,
            0x2C => self.at = (self.columns.0, self.rows.0),
            // Normal mode; and those whose arguments follow.
            0x13 | 0x2A | 0x2B | 0x36 | 0x3A | 0xB4 => {}
            unknown => self.unknown.push(unknown),
        }
    }

    /// As after a reset, but for what has come so far.
    fn reset(&self) -> Self {
        let (bytes, pixels, unknown) = (self.bytes, self.pixels, self.unknown.clone());
        Self { bytes, pixels, unknown, command: 0x01, ..Self::new(self.make) }
    }

    fn argument(&mut self) {
        let range = |bytes: &[u8]| {
            let word = |at: usize| u32::from(bytes[at]) << 8 | u32::from(bytes[at + 1]);
            (word(0), word(2))
        };
        match (self.command, self.arguments.as_slice()) {
            (0x2A, arguments @ [_, _, _, _]) => self.columns = range(arguments),
            (0x2B, arguments @ [_, _, _, _]) => self.rows = range(arguments),
            (0x36, [madctl]) => self.madctl = *madctl,
            (0x3A, [format]) => self.sixteen_bits = format & 0x07 == 0x05,
            _ => {}
        }
    }

    fn pixel_byte(&mut self, byte: u8) {
        assert!(self.sixteen_bits, "pixels came before their format");
        let Some(high) = self.half.take() else {
            self.half = Some(byte);
            return;
        };
        self.pixels += 1;
        if let Some(place) = self.place(self.at) {
            self.memory[place] = u16::from_be_bytes([high, byte]);
        }
        self.at.0 += 1;
        if self.at.0 > self.columns.1 {
            self.at = (self.columns.0, self.at.1 + 1);
        }
        if self.at.1 > self.rows.1 {
            self.at.1 = self.rows.0;
        }
    }

    /// Where in memory a pixel is, as MADCTL says.
    fn place(&self, (column, row): (u32, u32)) -> Option<usize> {
        let has = |bit| self.madctl & bit != 0;
        let (column, row) = if has(EXCHANGE) { (row, column) } else { (column, row) };
        let column = if has(MIRROR_COLUMNS) { (COLUMNS - 1).checked_sub(column)? } else { column };
        let row = if has(MIRROR_ROWS) { (ROWS - 1).checked_sub(row)? } else { row };
        (column < COLUMNS && row < ROWS).then_some((row * COLUMNS + column) as usize)
    }

    /// What is seen, not turned; black where it is switched off.
    pub(crate) fn picture(&self) -> RgbImage {
        RgbImage::from_fn(COLUMNS, ROWS, |x, y| {
            let column = if self.make.mirrored { COLUMNS - 1 - x } else { x };
            self.color(self.memory[(y * COLUMNS + column) as usize])
        })
    }

    fn color(&self, pixel: u16) -> Rgb<u8> {
        if !self.awake || !self.on {
            return Rgb([0; 3]);
        }
        let part = |low: u32, bits: u32| (pixel >> low & ((1 << bits) - 1)) << (8 - bits);
        let mut parts = [part(11, 5), part(5, 6), part(0, 5)].map(|part| part as u8);
        if (self.madctl & BLUE_FIRST != 0) != self.make.bgr {
            parts.reverse();
        }
        if self.inverting != self.make.inverted {
            parts = parts.map(|part| !part);
        }
        Rgb(parts)
    }
}
