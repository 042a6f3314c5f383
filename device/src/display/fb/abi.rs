//! What Linux calls a framebuffer and a console: structures and requests of `linux/fb.h` and `linux/kd.h`.

#![allow(unsafe_code, reason = "the kernel is asked by ioctl")]

use std::ffi::{c_int, c_ulong};
use std::fs::File;
use std::io;

use memmap2::{MmapMut, MmapOptions};
use rustix::ioctl::{Getter, IntegerSetter, Opcode, ioctl};

/// `struct fb_bitfield`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Bitfield {
    /// The lowest bit.
    pub offset: u32,
    /// How many bits.
    pub length: u32,
    /// Not 0 where the highest bit comes last.
    pub msb_right: u32,
}

/// `struct fb_var_screeninfo`: what of a screen may be changed.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Variable {
    /// What is seen, in pixels.
    pub xres: u32,
    /// What is seen, in pixels.
    pub yres: u32,
    /// What there is, in pixels.
    pub xres_virtual: u32,
    /// What there is, in pixels.
    pub yres_virtual: u32,
    /// Where what is seen begins, in pixels.
    pub xoffset: u32,
    /// Where what is seen begins, in pixels.
    pub yoffset: u32,
    /// Bits in a pixel.
    pub bits_per_pixel: u32,
    /// 0: colour; 1: grey; else the name of a format.
    pub grayscale: u32,
    /// Where red lies in a pixel.
    pub red: Bitfield,
    /// Where green lies in a pixel.
    pub green: Bitfield,
    /// Where blue lies in a pixel.
    pub blue: Bitfield,
    /// How opaque a pixel is.
    pub transp: Bitfield,
    /// Pixels of a kind that only the driver knows.
    pub nonstd: u32,
    /// Timings and the like, which nobody here asks for.
    pub rest: [u32; 19],
}

/// `struct fb_fix_screeninfo`: what of a screen is as it is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Fixed {
    /// Its name, ended by a zero byte.
    pub id: [u8; 16],
    /// Where the memory begins for the hardware.
    pub smem_start: c_ulong,
    /// How many bytes of memory there are.
    pub smem_len: u32,
    /// How pixels lie in memory: [`PACKED_PIXELS`] is one after the other.
    pub kind: u32,
    /// More of that.
    pub kind_aux: u32,
    /// What pixels mean: [`TRUE_COLOR`] and [`DIRECT_COLOR`] hold colours.
    pub visual: u32,
    /// Steps in which the view can be moved.
    pub steps: [u16; 3],
    /// From one row to the next, in bytes.
    pub line_length: u32,
    /// Registers, which nobody here touches.
    pub mmio_start: c_ulong,
    /// Registers, which nobody here touches.
    pub mmio_len: u32,
    /// What the hardware can do by itself.
    pub accel: u32,
    /// What the driver can do.
    pub capabilities: u16,
    /// Nothing.
    pub reserved: [u16; 2],
}

/// `FB_TYPE_PACKED_PIXELS`.
pub const PACKED_PIXELS: u32 = 0;
/// `FB_VISUAL_TRUECOLOR`.
pub const TRUE_COLOR: u32 = 2;
/// `FB_VISUAL_DIRECTCOLOR`: true colour with a table for each, which drivers leave as it is.
pub const DIRECT_COLOR: u32 = 4;

const FBIOGET_VSCREENINFO: Opcode = 0x4600;
const FBIOGET_FSCREENINFO: Opcode = 0x4602;
const FBIOBLANK: Opcode = 0x4611;
const KDSETMODE: Opcode = 0x4B3A;
const KDGETMODE: Opcode = 0x4B3B;

/// How far a screen is switched off; `FB_BLANK_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// It is on.
    On = 0,
    /// It is off, and so is what drives it.
    Off = 4,
}

/// A console's mode; `KD_…`.
pub type ConsoleMode = c_int;

/// The mode in which the console neither writes on the screen nor lets its cursor blink.
pub const GRAPHICS: ConsoleMode = 1;
/// `KD_TEXT`: the console draws its text.
pub const TEXT: ConsoleMode = 0;

/// Asks a framebuffer what can be changed about it, and what cannot.
pub fn screen_info(screen: &File) -> io::Result<(Variable, Fixed)> {
    // SAFETY: the kernel writes the structures that these requests are defined with.
    let info = unsafe {
        let variable = ioctl(screen, Getter::<FBIOGET_VSCREENINFO, Variable>::new())?;
        (variable, ioctl(screen, Getter::<FBIOGET_FSCREENINFO, Fixed>::new())?)
    };
    Ok(info)
}

/// Switches a screen on or off.
pub fn blank(screen: &File, blank: Blank) -> io::Result<()> {
    // SAFETY: the request takes a number, and this is one of those it knows.
    Ok(unsafe { ioctl(screen, IntegerSetter::<FBIOBLANK>::new_usize(blank as usize)) }?)
}

/// Asks a console for its mode.
pub fn console_mode(console: &File) -> io::Result<ConsoleMode> {
    // SAFETY: the kernel writes the one int that this request is defined with.
    Ok(unsafe { ioctl(console, Getter::<KDGETMODE, ConsoleMode>::new()) }?)
}

/// Puts a console into a mode.
pub fn set_console_mode(console: &File, mode: ConsoleMode) -> io::Result<()> {
    let mode = usize::try_from(mode).map_err(io::Error::other)?;
    // SAFETY: the request takes a number; the kernel refuses those it does not know.
    Ok(unsafe { ioctl(console, IntegerSetter::<KDSETMODE>::new_usize(mode)) }?)
}

/// Maps the first `bytes` of a framebuffer's memory.
pub fn map(screen: &File, bytes: usize) -> io::Result<MmapMut> {
    // SAFETY: device memory does not shrink while it is mapped; it is written, and never read, so that
    // what others draw there changes nothing that this program relies on.
    unsafe { MmapOptions::new().len(bytes).map_mut(screen) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structures_are_as_large_as_the_kernels() {
        assert_eq!(size_of::<Variable>(), 160);
        assert_eq!(size_of::<Fixed>(), if size_of::<c_ulong>() == 8 { 80 } else { 68 });
    }
}
