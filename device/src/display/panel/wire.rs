//! The way to an SPI panel: commands and pixels, told apart by a line, in pieces that the bus takes.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Error, Result, anyhow};
use embedded_hal::spi::SpiDevice;
use linux_embedded_hal::SpidevDevice;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use mipidsi::interface::{Interface, InterfaceKind};

use super::options::PanelSpec;
use crate::gpio::{Level, Output};

/// What the kernel's spidev takes at once, where nobody says otherwise (drivers/spi/spidev.c).
const BUFSIZ: usize = 4096;

/// A bus, and the line that tells data from commands.
pub(super) struct Wire {
    spi: SpidevDevice,
    dc: Output,
    /// Pixels on their way; as long as the kernel takes at once.
    buffer: Vec<u8>,
}

impl Wire {
    /// Opens both.
    ///
    /// # Errors
    /// Where one is not there, or this user may not.
    pub(super) fn open(spec: &PanelSpec) -> Result<Self> {
        let device = spec.device.display();
        let opened = SpidevDevice::open(&spec.device).map_err(|error| explained(error.inner()));
        let mut spi = opened.with_context(|| format!("opening the SPI bus {device}"))?;
        let mut options = SpidevOptions::new();
        options.bits_per_word(8).max_speed_hz(spec.mhz * 1_000_000);
        let set = spi.0.configure(options.mode(SpiModeFlags::SPI_MODE_0));
        set.with_context(|| format!("{device} cannot be used at {} MHz", spec.mhz))?;
        let dc = Output::open(&spec.dc, Level::On).context("the data/command line")?;
        Ok(Self { spi, dc, buffer: vec![0; bufsiz(Path::new("/"))] })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        // An empty transfer would still be one.
        if bytes.is_empty() {
            return Ok(());
        }
        // Its error tells itself twice in a chain.
        let written = self.spi.write(bytes).map_err(|error| anyhow!("{error}"));
        written.context("writing to the SPI bus")
    }
}

impl Interface for Wire {
    type Word = u8;
    type Error = Error;

    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, args: &[u8]) -> Result<()> {
        self.dc.set(Level::Off)?;
        self.write(&[command])?;
        self.dc.set(Level::On)?;
        self.write(args)
    }

    fn send_pixels<const N: usize>(
        &mut self,
        pixels: impl IntoIterator<Item = [u8; N]>,
    ) -> Result<()> {
        let mut pixels = pixels.into_iter();
        let mut buffer = std::mem::take(&mut self.buffer);
        let sent = loop {
            let mut filled = 0;
            for (place, pixel) in buffer.as_chunks_mut().0.iter_mut().zip(&mut pixels) {
                *place = pixel;
                filled += N;
            }
            if filled == 0 {
                break Ok(());
            }
            if let Err(error) = self.write(&buffer[..filled]) {
                break Err(error);
            }
        };
        self.buffer = buffer;
        sent
    }

    fn send_repeated_pixel<const N: usize>(&mut self, pixel: [u8; N], count: u32) -> Result<()> {
        self.send_pixels((0..count).map(|_| pixel))
    }
}

/// How many bytes the kernel's spidev takes at once.
fn bufsiz(root: &Path) -> usize {
    let told = fs::read_to_string(root.join("sys/module/spidev/parameters/bufsiz"));
    let bytes = told.ok().and_then(|text| text.trim().parse().ok());
    // More than a megabyte at once saves nothing; less than a pixel is nonsense.
    bytes.filter(|bytes| (64..=1 << 20).contains(bytes)).unwrap_or(BUFSIZ)
}

fn explained(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => anyhow!(
            "there is none: SPI is switched off; on a Raspberry Pi, 'dtparam=spi=on' in \
             /boot/firmware/config.txt switches it on"
        ),
        io::ErrorKind::PermissionDenied => {
            anyhow!("this user may not; members of the group 'spi' may")
        }
        _ => anyhow!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_how_much_it_takes_at_once() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(bufsiz(root.path()), 4096);
        let dir = root.path().join("sys/module/spidev/parameters");
        fs::create_dir_all(&dir).unwrap();
        for (text, expected) in [("65536\n", 65536), ("0\n", 4096), ("x", 4096), ("-1", 4096)] {
            fs::write(dir.join("bufsiz"), text).unwrap();
            assert_eq!(bufsiz(root.path()), expected, "{text:?}");
        }
    }
}
