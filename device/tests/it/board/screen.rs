//! A framebuffer that is not there, and the picture on it read back.

#![allow(unsafe_code, reason = "says that the kernel's structures are plain")]

use std::fs::File;
use std::os::fd::OwnedFd;

use device::display::fb::abi::{Bitfield, Fixed, TRUE_COLOR, Variable};
use image::{Rgb, RgbImage};
use libc::c_int;
use memmap2::MmapMut;

use super::memory;
use super::notify::{Call, Plain};

// SAFETY: integers.
unsafe impl Plain for Variable {}
// SAFETY: integers.
unsafe impl Plain for Fixed {}

/// How a screen lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// In pixels.
    pub(crate) size_px: (u32, u32),
    /// 16 or 32 bits in a pixel.
    pub(crate) bits: u32,
    /// From one row to the next.
    pub(crate) line_bytes: u32,
    /// Rows above what is seen.
    pub(crate) yoffset: u32,
}

impl Layout {
    /// 800 x 480 as boards have it: XRGB8888, rows longer than needed.
    pub(crate) const BITS_32: Self =
        Self { size_px: (800, 480), bits: 32, line_bytes: 800 * 4 + 128, yoffset: 480 };
    /// 800 x 480 in RGB565.
    pub(crate) const BITS_16: Self =
        Self { size_px: (800, 480), bits: 16, line_bytes: 800 * 2, yoffset: 0 };

    fn memory_bytes(&self) -> u32 {
        self.line_bytes * (self.yoffset + self.size_px.1)
    }

    /// Offset and length of red, green and blue.
    fn channels(&self) -> [(u32, u32); 3] {
        if self.bits == 16 { [(11, 5), (5, 6), (0, 5)] } else { [(16, 8), (8, 8), (0, 8)] }
    }
}

/// The screen and what was done to it.
#[derive(Debug)]
pub(crate) struct Screen {
    layout: Layout,
    file: File,
    map: MmapMut,
    /// What it was told by `FBIOBLANK`, in order.
    pub(crate) blanked: Vec<u64>,
}

const NAME: &str = "apparent-screen";

impl Screen {
    pub(crate) fn new(layout: Layout) -> Self {
        let file = memory::named(NAME, 0);
        let map = memory::sized(&file, layout.memory_bytes());
        Self { layout, file, map, blanked: Vec::new() }
    }

    pub(crate) fn open(&self) -> OwnedFd {
        self.file.try_clone().unwrap().into()
    }

    /// Whether a descriptor is the screen's, by what it stands for.
    pub(crate) fn is(file: &str) -> bool {
        memory::name(file) == Some(NAME)
    }

    /// Does what `call`, an `ioctl` on it, asks for; see linux/fb.h.
    pub(crate) fn ioctl(&mut self, call: &Call) -> Result<(), c_int> {
        let done = match call.args[1] {
            0x4600 => call.update(call.args[2], |it| *it = self.variable()),
            0x4602 => call.update(call.args[2], |it| *it = self.fixed()),
            0x4611 => {
                self.blanked.push(call.args[2]);
                Ok(())
            }
            _ => return Err(libc::ENOTTY),
        };
        done.map_err(|_| libc::EFAULT)
    }

    fn variable(&self) -> Variable {
        let Layout { size_px: (xres, yres), bits: bits_per_pixel, yoffset, .. } = self.layout;
        let [red, green, blue] = self.layout.channels().map(|(offset, length)| Bitfield {
            offset,
            length,
            ..Bitfield::default()
        });
        let (xres_virtual, yres_virtual) = (xres, yres + yoffset);
        let seen = Variable { xres, yres, xres_virtual, yres_virtual, ..Variable::default() };
        Variable { yoffset, bits_per_pixel, red, green, blue, ..seen }
    }

    fn fixed(&self) -> Fixed {
        let (line_length, smem_len) = (self.layout.line_bytes, self.layout.memory_bytes());
        Fixed { line_length, smem_len, visual: TRUE_COLOR, ..Fixed::default() }
    }

    /// The picture that is seen, with 0 in the bits that the screen does not have.
    pub(crate) fn picture(&self) -> RgbImage {
        let (width, height) = self.layout.size_px;
        RgbImage::from_fn(width, height, |x, y| self.pixel(x, y))
    }

    /// One pixel of it.
    pub(crate) fn pixel(&self, x: u32, y: u32) -> Rgb<u8> {
        let Layout { line_bytes, yoffset, bits, .. } = self.layout;
        let at = ((y + yoffset) * line_bytes + x * bits / 8) as usize;
        let mut word = [0; 4];
        word[..bits as usize / 8].copy_from_slice(&self.map[at..at + bits as usize / 8]);
        let word = u32::from_le_bytes(word);
        let value = |(offset, length)| ((word >> offset) << (8 - length)) & 0xFF;
        Rgb(self.layout.channels().map(|channel| u8::try_from(value(channel)).unwrap()))
    }

    /// The bytes that are not seen: above the picture and behind its rows.
    pub(crate) fn unseen(&self) -> Vec<u8> {
        let Layout { line_bytes, yoffset, size_px, bits, .. } = self.layout;
        let row = (size_px.0 * bits / 8) as usize;
        let (above, rows) = self.map.split_at((yoffset * line_bytes) as usize);
        let behind = rows.chunks(line_bytes as usize).flat_map(|line| &line[row..]);
        above.iter().chain(behind).copied().collect()
    }
}
