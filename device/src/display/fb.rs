//! A display that is a Linux framebuffer, such as `/dev/fb0`.
//!
//! Screens are converted row by row into the pixels the driver reports and written into its mapped memory.
//! While it is open, the text console stays off the screen; afterwards the screen is black, so that nobody's
//! face stays on it, and console and light are as they were.

pub mod abi;
pub mod console;
pub mod light;
pub mod mode;
pub mod pixels;

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::DerefMut;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use embedded_graphics::geometry::Size;
use memmap2::MmapMut;
use rustix::io::Errno;

use super::{Display, check_size};
use crate::canvas::Canvas;
use abi::Blank;
use console::Console;
use light::Lights;
use mode::Mode;

/// An open framebuffer.
#[derive(Debug)]
pub struct FrameBuffer {
    path: PathBuf,
    device: File,
    memory: Memory<MmapMut>,
    lights: Lights,
    _console: Option<Console>,
}

/// The part of a framebuffer that is drawn on.
#[derive(Debug)]
pub(super) struct Memory<B> {
    mode: Mode,
    bytes: B,
    /// A row on its way: device memory is slow to be written bit by bit.
    row: Vec<u8>,
}

impl FrameBuffer {
    /// Opens the framebuffer `path`, takes the console off it and makes it black.
    ///
    /// # Errors
    /// Where there is none, this user may not, or its pixels are of a kind that cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let device = opened
            .map_err(explained)
            .with_context(|| format!("opening the framebuffer {}", path.display()))?;
        let memory = Memory::map(&device)
            .with_context(|| format!("{} cannot be drawn on", path.display()))?;
        let (root, path) = (Path::new("/"), path.to_owned());
        let (lights, _console) = (Lights::find(root), Console::silence(root));
        lights.revive();
        let mut opened = Self { path, device, memory, lights, _console };
        opened.memory.clear();
        opened.wake()?;
        Ok(opened)
    }
}

impl Display for FrameBuffer {
    fn size_px(&self) -> Size {
        self.memory.mode.size
    }

    fn present(&mut self, canvas: &Canvas) -> Result<()> {
        self.memory.write(canvas)
    }

    fn sleep(&mut self) -> Result<()> {
        self.blank(Blank::Off);
        told(self.lights.turn_off());
        Ok(())
    }

    fn wake(&mut self) -> Result<()> {
        self.blank(Blank::On);
        told(self.lights.turn_on());
        Ok(())
    }

    fn description(&self) -> String {
        let Mode { size, packing, .. } = self.memory.mode;
        let bits = packing.depth.bytes() * 8;
        format!("{}, {} x {}, {bits} bits", self.path.display(), size.width, size.height)
    }
}

impl FrameBuffer {
    /// Many drivers cannot; then the light alone goes off, or nothing does.
    fn blank(&self, blank: Blank) {
        if let Err(error) = abi::blank(&self.device, blank) {
            log::debug!("blanking {}: {error}", self.path.display());
        }
    }
}

/// On many systems only root may switch the light: a screen that stays lit is no reason to end.
pub(super) fn told(switched: Result<()>) {
    if let Err(error) = switched {
        log::warn!("{error:#}");
    }
}

impl Drop for FrameBuffer {
    fn drop(&mut self) {
        self.memory.clear();
        self.blank(Blank::On);
    }
}

impl Memory<MmapMut> {
    fn map(device: &File) -> Result<Self> {
        let (variable, fixed) =
            abi::screen_info(device).context("it does not answer as a framebuffer does")?;
        let mode = Mode::read(&variable, &fixed)?;
        let bytes = abi::map(device, mode.memory_bytes).context("mapping its memory")?;
        Ok(Self::new(mode, bytes))
    }
}

impl<B: DerefMut<Target = [u8]>> Memory<B> {
    /// The memory `bytes` of a screen that lies in it as `mode` says.
    pub(super) fn new(mode: Mode, bytes: B) -> Self {
        Self { mode, bytes, row: vec![0; mode.row_bytes()] }
    }

    /// All of it.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Draws `canvas`, row by row.
    pub(super) fn write(&mut self, canvas: &Canvas) -> Result<()> {
        let Self { mode, bytes, row } = self;
        check_size(canvas, mode.size)?;
        let rows = canvas.as_rgb().chunks_exact(mode.size.width as usize * 3);
        for (rgb, line) in rows.zip(bytes[mode.first_byte..].chunks_mut(mode.line_bytes)) {
            mode.packing.convert(rgb, row);
            line[..row.len()].copy_from_slice(row);
        }
        Ok(())
    }

    /// Makes what is seen of it black.
    pub(super) fn clear(&mut self) {
        let Self { mode, bytes, row } = self;
        row.fill(0);
        let lines = bytes[mode.first_byte..].chunks_mut(mode.line_bytes);
        lines
            .take(mode.size.height as usize)
            .for_each(|line| line[..row.len()].copy_from_slice(row));
    }
}

/// What whoever set the board up can do about it.
fn explained(error: io::Error) -> anyhow::Error {
    let what = match Errno::from_io_error(&error) {
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => {
            "there is none: no display is connected, or its driver is not loaded"
        }
        Some(Errno::ACCESS | Errno::PERM) => "this user may not; members of the group 'video' may",
        _ => return error.into(),
    };
    anyhow::Error::msg(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::pixelcolor::Rgb888;
    use embedded_graphics::prelude::*;
    use pixels::{Channel, Depth, Packing};
    use std::fs;

    /// Two screens of 3 x 2 pixels below each other, of which the second is seen, from its second pixel.
    fn memory(depth: Depth) -> (tempfile::NamedTempFile, Memory<MmapMut>) {
        let channels = match depth {
            Depth::Bits16 => [(11, 5), (5, 6), (0, 5)],
            Depth::Bits32 => [(16, 8), (8, 8), (0, 8)],
        };
        let channels = channels.map(|(offset, length)| Channel { offset, length });
        let (line_bytes, size) = (20, Size::new(3, 2));
        let mode = Mode {
            size,
            packing: Packing { depth, channels, opaque: 0 },
            first_byte: 2 * line_bytes + depth.bytes(),
            line_bytes,
            memory_bytes: 4 * line_bytes,
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), vec![9; mode.memory_bytes]).unwrap();
        let bytes = abi::map(file.as_file(), mode.memory_bytes).unwrap();
        (file, Memory::new(mode, bytes))
    }

    fn canvas() -> Canvas {
        let mut canvas = Canvas::new(3, 2);
        for (x, color) in (0..).zip([Rgb888::RED, Rgb888::GREEN, Rgb888::BLUE]) {
            Pixel(Point::new(x, 1), color).draw(&mut canvas).unwrap();
        }
        canvas
    }

    #[test]
    fn only_the_pixels_that_are_seen_are_written() {
        let (file, mut memory) = memory(Depth::Bits32);
        memory.write(&canvas()).unwrap();
        let bytes = fs::read(file.path()).unwrap();
        let mut expected = vec![9; 80];
        expected[44..56].fill(0);
        let pixels = [0x00FF_0000, 0x0000_FF00, 0x0000_00FF_u32].map(u32::to_ne_bytes);
        expected[64..76].copy_from_slice(pixels.as_flattened());
        assert_eq!(bytes, expected);
    }

    #[test]
    fn sixteen_bits_are_written_as_such() {
        let (file, mut memory) = memory(Depth::Bits16);
        memory.write(&canvas()).unwrap();
        let bytes = fs::read(file.path()).unwrap();
        let pixels = [0xF800, 0x07E0, 0x001F_u16].map(u16::to_ne_bytes);
        assert_eq!((&bytes[42..48], &bytes[62..68]), (&[0; 6][..], pixels.as_flattened()));
        assert!(bytes[..42].iter().chain(&bytes[68..]).all(|&byte| byte == 9));
    }

    #[test]
    fn clearing_leaves_no_face_and_touches_nothing_else() {
        let (file, mut memory) = memory(Depth::Bits32);
        memory.write(&canvas()).unwrap();
        memory.clear();
        let bytes = fs::read(file.path()).unwrap();
        assert_eq!(bytes.iter().filter(|&&byte| byte == 0).count(), 2 * 12);
        assert_eq!(bytes.iter().filter(|&&byte| byte == 9).count(), 80 - 2 * 12);
    }

    #[test]
    fn a_screen_of_another_size_is_refused() {
        let (_file, mut memory) = memory(Depth::Bits32);
        let error = memory.write(&Canvas::new(2, 3)).unwrap_err();
        assert_eq!(error.to_string(), "the screen is 2 x 3, the display 3 x 2 pixels");
    }

    #[test]
    fn what_is_no_framebuffer_is_named_with_what_can_be_done() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = format!("{:#}", FrameBuffer::open(file.path()).unwrap_err());
        assert!(
            error.contains("cannot be drawn on: it does not answer as a framebuffer"),
            "{error}"
        );
        let error = format!("{:#}", FrameBuffer::open(Path::new("/dev/no-such-fb")).unwrap_err());
        assert!(
            error.starts_with("opening the framebuffer /dev/no-such-fb: there is none"),
            "{error}"
        );
        let denied = explained(Errno::ACCESS.into());
        assert!(denied.to_string().contains("group 'video'"), "{denied}");
    }
}
