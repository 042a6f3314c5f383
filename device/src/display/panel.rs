//! A display that is a small panel on an SPI bus: ILI9341 or ST7789, driven by crate `mipidsi`.
//!
//! A canvas is converted once, and of it only what differs from what the panel shows goes over the bus, which is
//! the slowest part of all: see `docs/displays.md`.

pub mod options;
mod shadow;
mod wire;

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result};
use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::{Rgb565, raw::RawU16};
use linux_embedded_hal::Delay;
use mipidsi::models::{self, ILI9341Rgb565, ST7789};
use mipidsi::options::{ColorInversion, ColorOrder, Orientation, Rotation};
use mipidsi::{Builder, InitError, NoResetPin};

use super::fb::light::Lights;
use super::{Display, check_size};
use crate::canvas::Canvas;
use crate::decode::orientation::Rotation as Turn;
use crate::gpio::{Level, Output};
use options::{Backlight, Model, PanelSpec};
use shadow::{Shadow, Window, rgb565};
use wire::Wire;

/// Both chips are known to take 10 µs for a reset.
const RESET: Duration = Duration::from_micros(20);

/// An open panel.
pub struct Panel {
    spec: PanelSpec,
    chip: Chip,
    shadow: Shadow,
    /// The picture on its way.
    pixels: Vec<u16>,
    light: Light,
    asleep: bool,
    /// Held high for as long as the panel is open.
    _reset: Option<Output>,
}

/// The driver of either chip.
enum Chip {
    Ili9341(mipidsi::Display<Wire, ILI9341Rgb565, NoResetPin>),
    St7789(mipidsi::Display<Wire, ST7789, NoResetPin>),
}

/// What switches its light.
enum Light {
    None,
    Line(Output),
    Sysfs(Lights),
}

/// Does the same with either chip.
macro_rules! with {
    ($chip:expr, $driver:ident => $act:expr) => {
        match $chip {
            Chip::Ili9341($driver) => $act,
            Chip::St7789($driver) => $act,
        }
    };
}

impl Panel {
    /// Opens the panel, makes it black, and switches its light on.
    ///
    /// # Errors
    /// Where bus or lines are not there, or this user may not.
    pub fn open(spec: &PanelSpec) -> Result<Self> {
        // Dark until it is black: what its memory holds after switching on is noise.
        let light = Light::open(&spec.backlight).context("the backlight")?;
        let wire = Wire::open(spec)?;
        let reset = spec.reset.as_ref().map(reset).transpose().context("the reset line")?;
        let chip = Chip::start(spec, wire)?;
        let (Size { width, height }, spec) = (spec.size_px(), spec.clone());
        let (width, height) = (width as usize, height as usize);
        let shadow = Shadow::unknown(width, height);
        let pixels = vec![0; width * height];
        let mut opened = Self { spec, chip, shadow, pixels, light, asleep: false, _reset: reset };
        opened.clear()?;
        opened.light.set(Level::On);
        Ok(opened)
    }

    fn clear(&mut self) -> Result<()> {
        self.pixels.fill(0);
        self.send()
    }

    /// Sends what of the picture differs from what is shown.
    fn send(&mut self) -> Result<()> {
        for window in self.shadow.update(&self.pixels) {
            let pixels = self.shadow.pixels(&window);
            let colors = pixels.map(|pixel| Rgb565::from(RawU16::new(pixel)));
            let [left, top, right, bottom] = corners(&window)?;
            with!(&mut self.chip, driver => driver.set_pixels(left, top, right, bottom, colors))?;
        }
        Ok(())
    }
}

fn corners(window: &Window) -> Result<[u16; 4]> {
    let (columns, rows) = (&window.columns, &window.rows);
    let [left, top, right, bottom] =
        [columns.start(), rows.start(), columns.end(), rows.end()].map(|&px| u16::try_from(px));
    Ok([left?, top?, right?, bottom?])
}

impl Display for Panel {
    fn size_px(&self) -> Size {
        self.spec.size_px()
    }

    fn present(&mut self, canvas: &Canvas) -> Result<()> {
        check_size(canvas, self.size_px())?;
        if self.asleep {
            return Ok(());
        }
        let colors = canvas.as_rgb().as_chunks().0;
        for (pixel, color) in self.pixels.iter_mut().zip(colors) {
            *pixel = rgb565(*color);
        }
        self.send()
    }

    /// Black, then dark. A panel whose light stays on is left awake: asleep, its glass may turn white.
    fn sleep(&mut self) -> Result<()> {
        if self.asleep {
            return Ok(());
        }
        self.clear()?;
        self.asleep = true;
        self.light.set(Level::Off);
        match self.light {
            Light::None => Ok(()),
            _ => with!(&mut self.chip, driver => driver.sleep(&mut Delay)),
        }
    }

    fn wake(&mut self) -> Result<()> {
        if with!(&self.chip, driver => driver.is_sleeping()) {
            with!(&mut self.chip, driver => driver.wake(&mut Delay))?;
        }
        self.asleep = false;
        self.light.set(Level::On);
        Ok(())
    }

    fn description(&self) -> String {
        let Size { width, height } = self.size_px();
        format!("{}, {width} x {height}, 16 bits at {} MHz", self.spec, self.spec.mhz)
    }
}

impl Drop for Panel {
    /// Nobody's face stays on it.
    fn drop(&mut self) {
        if let Err(error) = self.sleep() {
            log::debug!("leaving {}: {error:#}", self.spec);
        }
    }
}

impl Chip {
    fn start(spec: &PanelSpec, wire: Wire) -> Result<Self> {
        Ok(match spec.model {
            Model::Ili9341 => Self::Ili9341(started(ILI9341Rgb565, spec, wire)?),
            Model::St7789 => Self::St7789(started(ST7789, spec, wire)?),
        })
    }
}

fn started<M>(
    model: M,
    spec: &PanelSpec,
    wire: Wire,
) -> Result<mipidsi::Display<Wire, M, NoResetPin>>
where
    M: models::Model<ColorFormat = Rgb565>,
{
    let px = |px: u32| u16::try_from(px).unwrap_or(u16::MAX);
    let glass = spec.glass;
    let builder = Builder::new(model, wire)
        .display_size(px(spec.size.width), px(spec.size.height))
        .display_offset(px(spec.at.x.unsigned_abs()), px(spec.at.y.unsigned_abs()))
        .color_order(if glass.bgr { ColorOrder::Bgr } else { ColorOrder::Rgb })
        .invert_colors(if glass.inverted {
            ColorInversion::Inverted
        } else {
            ColorInversion::Normal
        })
        .orientation(Orientation { rotation: rotation(spec.rotate), mirrored: glass.mirrored });
    builder.init(&mut Delay).map_err(|error| match error {
        InitError::Interface(error) => error.context("starting the panel"),
        InitError::ResetPin(never) => match never {},
        InitError::InvalidConfiguration(what) => Error::msg(format!("{spec}: {what:?}")),
    })
}

fn rotation(turn: Turn) -> Rotation {
    match turn {
        Turn::None => Rotation::Deg0,
        Turn::Quarter => Rotation::Deg90,
        Turn::Half => Rotation::Deg180,
        Turn::ThreeQuarters => Rotation::Deg270,
    }
}

fn reset(line: &crate::gpio::LineSpec) -> Result<Output> {
    let mut line = Output::open(line, Level::Off)?;
    thread::sleep(RESET);
    line.set(Level::On)?;
    Ok(line)
}

impl Light {
    fn open(spec: &Backlight) -> Result<Self> {
        Ok(match spec {
            Backlight::None => Self::None,
            Backlight::Line(line) => Self::Line(Output::open(line, Level::Off)?),
            Backlight::Sysfs => {
                let lights = Lights::find(Path::new("/"));
                lights.revive();
                Self::Sysfs(lights)
            }
        })
    }

    /// A light that cannot be switched is no reason to end.
    fn set(&mut self, level: Level) {
        let switched = match (self, level) {
            (Self::None, _) => Ok(()),
            (Self::Line(line), level) => line.set(level),
            (Self::Sysfs(lights), Level::Off) => lights.turn_off(),
            (Self::Sysfs(lights), Level::On) => lights.turn_on(),
        };
        if let Err(error) = switched {
            log::warn!("{error:#}");
        }
    }
}
