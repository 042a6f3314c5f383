//! One display of a card: its mode, and two buffers of which one is seen while the other is drawn on.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::dumbbuffer::DumbMapping;
use drm::control::{self, Device as _, PageFlipFlags, connector, crtc, framebuffer};
use embedded_graphics::geometry::Size;

use super::card::{self, Card, Outputs};
use super::choice;
use crate::canvas::Canvas;
use crate::display::fb::Memory;
use crate::display::fb::mode::Mode;
use crate::display::fb::pixels::Packing;

/// How long a page flip is waited for; at 24 pictures a second it takes 42 ms.
const FLIP_MAX: Duration = Duration::from_secs(1);

/// A display and what is seen on it. When this is dropped, its CRTC is as it was, and both buffers are black.
pub struct Screen {
    card: Card,
    output: Output,
    before: Option<Before>,
    buffers: [Buffer; 2],
    /// Of the buffers, the one that is seen, or will be with the flip under way.
    front: usize,
    /// The one that was drawn on last.
    newest: usize,
    /// Whether a flip is under way.
    is_flipping: bool,
    flips: u64,
}

/// How the display is driven.
#[derive(Debug)]
struct Output {
    name: String,
    connector: connector::Handle,
    crtc: crtc::Handle,
    mode: control::Mode,
}

/// What the CRTC did before, and for which connectors.
#[derive(Debug)]
struct Before {
    crtc: crtc::Info,
    connectors: Vec<connector::Handle>,
}

struct Buffer {
    framebuffer: framebuffer::Handle,
    memory: Memory<DumbMapping<'static>>,
}

/// How a wait for a page flip ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flipped {
    /// None is under way.
    Yes,
    /// It was not done in time.
    Late,
}

impl Screen {
    /// The display of the card `path`, in its preferred mode or one of the `wanted` size. Nothing is shown yet.
    ///
    /// # Errors
    /// Why that card has none that can be used.
    pub fn open(path: &Path, wanted: Option<Size>) -> Result<Self> {
        let card = Card::open(path)?;
        let output = Output::choose(&card.outputs()?, wanted)?;
        let size = card::mode(&output.mode).size;
        let buffers = [Buffer::create(&card, size)?, Buffer::create(&card, size)?];
        Ok(Self {
            card,
            output,
            before: None,
            buffers,
            front: 0,
            newest: 0,
            is_flipping: false,
            flips: 0,
        })
    }

    /// In pixels.
    pub fn size(&self) -> Size {
        card::mode(&self.output.mode).size
    }

    /// Its card.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Its connector's name.
    pub fn connector(&self) -> &str {
        &self.output.name
    }

    /// Pictures a second.
    pub fn rate_hz(&self) -> u32 {
        self.output.mode.vrefresh()
    }

    /// Whether the display is there.
    pub fn is_plugged(&self) -> io::Result<bool> {
        self.card.is_plugged(self.output.connector)
    }

    /// Whether it has ever been in its mode.
    pub fn was_shown(&self) -> bool {
        self.before.is_some()
    }

    /// Whether the CRTC reads from the buffer that should be seen: another program may have changed that.
    pub fn is_shown(&self) -> io::Result<bool> {
        let shown = self.card.get_crtc(self.output.crtc)?.framebuffer();
        Ok(shown == Some(self.buffers[self.front].framebuffer))
    }

    /// Draws `canvas` on the buffer that is not seen. No flip may be under way.
    pub fn draw(&mut self, canvas: &Canvas) -> Result<()> {
        self.newest = 1 - self.front;
        self.buffers[self.newest].memory.write(canvas)
    }

    /// Draws what `other` drew last.
    pub fn draw_as(&mut self, other: &mut Self) {
        let drawn = other.buffers[other.newest].memory.bytes();
        self.newest = 1 - self.front;
        let bytes = self.buffers[self.newest].memory.bytes();
        if bytes.len() == drawn.len() {
            bytes.copy_from_slice(drawn);
        }
    }

    /// Puts the display into its mode, with what was drawn last.
    pub fn set_mode(&mut self) -> io::Result<()> {
        if self.before.is_none() {
            self.before = Some(Before::of(&self.card, self.output.crtc)?);
        }
        let Output { connector, crtc, mode, .. } = self.output;
        let framebuffer = self.buffers[self.newest].framebuffer;
        self.card.set_crtc(crtc, Some(framebuffer), (0, 0), &[connector], Some(mode))?;
        self.front = self.newest;
        // A flip that was under way is done with, and what the card had to tell of it.
        self.is_flipping = false;
        self.card.has_flipped()?;
        Ok(())
    }

    /// Shows what was drawn last from the next vertical blank on.
    pub fn flip(&mut self) -> io::Result<()> {
        let framebuffer = self.buffers[self.newest].framebuffer;
        self.card.page_flip(self.output.crtc, framebuffer, PageFlipFlags::EVENT, None)?;
        self.front = self.newest;
        self.is_flipping = true;
        self.flips += 1;
        Ok(())
    }

    /// Waits for the flip that is under way, at most a second: whoever was busy for longer must not blame the card.
    /// A late one is given up.
    pub fn settle(&mut self) -> io::Result<Flipped> {
        if std::mem::take(&mut self.is_flipping) && !self.card.await_flip(FLIP_MAX)? {
            return Ok(Flipped::Late);
        }
        Ok(Flipped::Yes)
    }

    /// Switches the display off.
    pub fn turn_off(&mut self) -> io::Result<()> {
        self.card.set_crtc(self.output.crtc, None, (0, 0), &[], None)
    }

    /// Leaves no face in the buffers, and the CRTC as it was.
    fn leave(&mut self) -> io::Result<()> {
        self.buffers.iter_mut().for_each(|buffer| buffer.memory.clear());
        let Some(Before { crtc, connectors }) = self.before.take() else { return Ok(()) };
        if let (Some(mode), Some(framebuffer)) = (crtc.mode(), crtc.framebuffer()) {
            let position = crtc.position();
            let was = (crtc.handle(), Some(framebuffer), position);
            let restored = self.card.set_crtc(was.0, was.1, was.2, &connectors, Some(mode));
            if restored.is_ok() {
                return restored;
            }
        }
        self.turn_off()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let path = self.card.path().to_owned();
        if let Err(error) = self.settle() {
            log::debug!("{}: the last page flip: {error}", path.display());
        }
        if let Err(error) = self.leave() {
            log::debug!("{}: giving the display back: {error}", path.display());
        }
        if self.flips > 0 {
            log::info!("{}: {} page flips", path.display(), self.flips);
        }
    }
}

impl Output {
    fn choose(outputs: &Outputs, wanted: Option<Size>) -> Result<Self> {
        let told: Vec<_> = outputs.sockets.iter().map(|socket| socket.told.clone()).collect();
        let socket = &outputs.sockets[choice::connector(&told).map_err(|why| anyhow!(why))?];
        let name = socket.told.name.clone();
        let mode = choice::mode(&socket.told.modes, wanted);
        let mode = mode.map_err(|why| anyhow!("the display at {name}: {why}"))?;
        let Some(feed) = choice::feed(&socket.told.feeds) else {
            bail!("nothing in it can feed {name}")
        };
        let (connector, mode, crtc) = (socket.handle, socket.modes[mode], outputs.crtcs[feed]);
        Ok(Self { name, connector, crtc, mode })
    }
}

impl Before {
    fn of(card: &Card, crtc: crtc::Handle) -> io::Result<Self> {
        let sockets = card.outputs().map(|outputs| outputs.sockets).unwrap_or_default();
        let fed = sockets.iter().filter(|socket| socket.fed_by == Some(crtc));
        let connectors = fed.map(|socket| socket.handle).collect();
        Ok(Self { crtc: card.get_crtc(crtc)?, connectors })
    }
}

impl Buffer {
    /// A black one.
    fn create(card: &Card, size: Size) -> Result<Self> {
        let sides = (size.width, size.height);
        let dumb = card.create_dumb_buffer(sides, DrmFourcc::Xrgb8888, 32);
        let dumb = dumb.context("making a buffer for pictures")?;
        let framebuffer = card.add_framebuffer(&dumb, 24, 32).context("making it a framebuffer")?;
        // A few bytes that stay: the mapping lends from them, and lives as long as the card is open.
        let lent = Box::leak(Box::new(dumb));
        let bytes = card.map_dumb_buffer(lent).context("mapping its memory")?;
        let mode = layout(size, dumb.pitch(), bytes.len())?;
        let mut memory = Memory::new(mode, bytes);
        memory.clear();
        Ok(Self { framebuffer, memory })
    }
}

/// How a buffer of XRGB8888 lies in its memory, checked: some cards want longer rows.
fn layout(size: Size, pitch_bytes: u32, memory_bytes: usize) -> Result<Mode> {
    let Size { width, height } = size;
    let (line_bytes, packing) = (pitch_bytes as usize, Packing::XRGB8888);
    let row_bytes = width as usize * packing.depth.bytes();
    ensure!(line_bytes >= row_bytes, "its rows of {line_bytes} bytes hold no {width} pixels");
    let needed = line_bytes.checked_mul(height as usize);
    ensure!(
        needed.is_some_and(|needed| needed <= memory_bytes),
        "{height} rows of {line_bytes} bytes do not lie in {memory_bytes} bytes of memory"
    );
    Ok(Mode { size, packing, first_byte: 0, line_bytes, memory_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_long_as_the_card_wants_them_and_lie_in_its_memory() {
        let size = Size::new(800, 480);
        let mode = layout(size, 3328, 3328 * 480).unwrap();
        assert_eq!((mode.line_bytes, mode.size, mode.first_byte), (3328, size, 0));
        let why = layout(size, 3199, 3328 * 480).unwrap_err().to_string();
        assert_eq!(why, "its rows of 3199 bytes hold no 800 pixels");
        let why = layout(size, 3200, 3200 * 480 - 1).unwrap_err().to_string();
        assert_eq!(why, "480 rows of 3200 bytes do not lie in 1535999 bytes of memory");
    }

    #[test]
    fn rows_that_are_longer_than_the_picture_are_written_where_they_begin() {
        let mode = layout(Size::new(2, 2), 12, 24).unwrap();
        let mut memory = Memory::new(mode, vec![9; 24]);
        memory.clear();
        let expected = [[0; 8].as_slice(), &[9; 4]].concat().repeat(2);
        assert_eq!(memory.bytes(), expected);
    }
}
