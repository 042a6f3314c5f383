//! What is told of an SPI panel after its device file: `st7789:/dev/spidev0.0,dc=25,rotate=90`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use embedded_graphics::geometry::{Point, Size};

use crate::cli::ScreenSize;
use crate::decode::orientation::Rotation;
use crate::gpio::LineSpec;

/// The chip that drives a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Ilitek ILI9341.
    Ili9341,
    /// Sitronix ST7789.
    St7789,
}

/// An SPI panel: where it is, how it is wired, and how its glass is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelSpec {
    /// Its chip.
    pub model: Model,
    /// The device file of its bus.
    pub device: PathBuf,
    /// The line that tells data from commands.
    pub dc: LineSpec,
    /// The line that resets it.
    pub reset: Option<LineSpec>,
    /// What its light hangs on.
    pub backlight: Backlight,
    /// The clock of its bus, in MHz.
    pub mhz: u32,
    /// How far its picture is turned clockwise.
    pub rotate: Rotation,
    /// What is seen of its memory of 240 x 320 pixels, in pixels, not turned.
    pub size: Size,
    /// Where that begins.
    pub at: Point,
    /// How its glass is made.
    pub glass: Glass,
}

/// How the glass before the chip is made: modules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glass {
    /// Whether blue comes before red.
    pub bgr: bool,
    /// Whether what is bright for the chip is dark.
    pub inverted: bool,
    /// Whether left and right change places.
    pub mirrored: bool,
}

/// What switches a panel's light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backlight {
    /// Nothing: it is always on.
    None,
    /// A line.
    Line(LineSpec),
    /// The lights of `/sys/class/backlight`.
    Sysfs,
}

/// The pixels that both chips have.
pub const MEMORY_PX: Size = Size::new(240, 320);

/// Most boards' highest clock is 125 MHz.
const MHZ_MAX: u32 = 125;

/// Smaller panels than this show nothing that can be read.
const SIDE_MIN_PX: u32 = 64;

impl Model {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ili9341 => "ili9341",
            Self::St7789 => "st7789",
        }
    }

    /// As most modules with it are made: see `docs/displays.md`.
    fn glass(self) -> Glass {
        match self {
            Self::Ili9341 => Glass { bgr: true, inverted: false, mirrored: true },
            Self::St7789 => Glass { bgr: false, inverted: true, mirrored: false },
        }
    }
}

impl PanelSpec {
    /// A panel wired as most are, with nothing said after its device file.
    pub fn usual(model: Model, device: PathBuf) -> Self {
        Self {
            model,
            device,
            dc: 25.into(),
            reset: Some(27.into()),
            backlight: Backlight::None,
            mhz: 32,
            rotate: Rotation::None,
            size: MEMORY_PX,
            at: Point::zero(),
            glass: model.glass(),
        }
    }

    /// What follows a model's name.
    ///
    /// # Errors
    /// Which option cannot be, and what was expected.
    pub fn parse(model: Model, text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let device = parts.next().filter(|device| !device.is_empty());
        let device = device.ok_or_else(|| {
            format!("{}: no device, expected one such as /dev/spidev0.0", model.name())
        })?;
        let mut spec = Self::usual(model, device.into());
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let set = spec.set(key, value);
            set.map_err(|why| format!("{}: '{part}': {why}", model.name()))?;
        }
        spec.check()?;
        Ok(spec)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "dc" => self.dc = value.parse()?,
            "reset" => self.reset = optional(value)?,
            "backlight" => self.backlight = value.parse()?,
            "mhz" => self.mhz = within(value, 1, MHZ_MAX)?,
            "rotate" => self.rotate = value.parse()?,
            "size" => self.size = size(value)?,
            "x" => self.at.x = within(value, 0, 239)?,
            "y" => self.at.y = within(value, 0, 319)?,
            "order" => self.glass.bgr = one_of(value, ["rgb", "bgr"])?,
            "invert" => self.glass.inverted = one_of(value, ["off", "on"])?,
            "mirror" => self.glass.mirrored = one_of(value, ["off", "on"])?,
            _ => return Err(format!("expected one of {KEYS}")),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let end = |at: i32, size: u32| at.unsigned_abs() + size;
        let inside = end(self.at.x, self.size.width) <= MEMORY_PX.width
            && end(self.at.y, self.size.height) <= MEMORY_PX.height;
        let Self { size: Size { width, height }, at, .. } = self;
        inside.then_some(()).ok_or_else(|| {
            let name = self.model.name();
            format!(
                "{name}: {width}x{height} from {},{} lies outside of its 240x320 pixels",
                at.x, at.y
            )
        })
    }

    /// The size of the picture, turned.
    pub fn size_px(&self) -> Size {
        match self.rotate {
            Rotation::None | Rotation::Half => self.size,
            Rotation::Quarter | Rotation::ThreeQuarters => {
                Size::new(self.size.height, self.size.width)
            }
        }
    }
}

const KEYS: &str = "dc, reset, backlight, mhz, rotate, size, x, y, order, invert, mirror";

fn optional(value: &str) -> Result<Option<LineSpec>, String> {
    if value == "none" { Ok(None) } else { value.parse().map(Some) }
}

fn within<T: FromStr + PartialOrd + fmt::Display>(
    value: &str,
    min: T,
    max: T,
) -> Result<T, String> {
    let number = value.parse().ok().filter(|number| (&min..=&max).contains(&number));
    number.ok_or_else(|| format!("expected {min} to {max}"))
}

fn one_of(value: &str, [no, yes]: [&str; 2]) -> Result<bool, String> {
    match value {
        _ if value == no => Ok(false),
        _ if value == yes => Ok(true),
        _ => Err(format!("expected {no} or {yes}")),
    }
}

fn size(value: &str) -> Result<Size, String> {
    let sides = value
        .split_once('x')
        .and_then(|(width, height)| Some(Size::new(width.parse().ok()?, height.parse().ok()?)));
    let fits = |size: &Size| {
        (SIDE_MIN_PX..=MEMORY_PX.width).contains(&size.width)
            && (SIDE_MIN_PX..=MEMORY_PX.height).contains(&size.height)
    };
    sides
        .filter(fits)
        .ok_or_else(|| format!("expected WIDTHxHEIGHT up to {}", ScreenSize(MEMORY_PX)))
}

impl FromStr for Backlight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "sysfs" => Ok(Self::Sysfs),
            line => line.parse().map(Self::Line),
        }
    }
}

impl fmt::Display for Backlight {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Sysfs => f.write_str("sysfs"),
            Self::Line(line) => line.fmt(f),
        }
    }
}

/// What differs from the usual is written.
impl fmt::Display for PanelSpec {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let usual = Self::usual(self.model, self.device.clone());
        let word = |yes, [no, on]: [&'static str; 2]| if yes { on } else { no }.to_owned();
        let texts = |it: &Self| {
            [
                ("dc", it.dc.to_string()),
                ("reset", it.reset.as_ref().map_or("none".to_owned(), LineSpec::to_string)),
                ("backlight", it.backlight.to_string()),
                ("mhz", it.mhz.to_string()),
                ("rotate", it.rotate.to_string()),
                ("size", ScreenSize(it.size).to_string()),
                ("x", it.at.x.to_string()),
                ("y", it.at.y.to_string()),
                ("order", word(it.glass.bgr, ["rgb", "bgr"])),
                ("invert", word(it.glass.inverted, ["off", "on"])),
                ("mirror", word(it.glass.mirrored, ["off", "on"])),
            ]
        };
        write!(f, "{}:{}", self.model.name(), self.device.display())?;
        for ((key, text), (_, usual)) in texts(self).into_iter().zip(texts(&usual)) {
            if text != usual {
                write!(f, ",{key}={text}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_read_as_it_is_written() {
        for text in [
            "/dev/spidev0.0",
            "/dev/spidev1.2,dc=pinctrl-rp1/9,reset=none,backlight=!13,mhz=62,rotate=270",
            "/dev/spidev0.0,backlight=sysfs,size=240x240,y=80,order=bgr,invert=off,mirror=on",
        ] {
            let spec = PanelSpec::parse(Model::St7789, text).unwrap();
            assert_eq!(spec.to_string(), format!("st7789:{text}"));
        }
    }

    #[test]
    fn a_turned_panel_is_as_wide_as_it_was_high() {
        let size = |text| PanelSpec::parse(Model::Ili9341, text).unwrap().size_px();
        assert_eq!(size("/dev/spidev0.0,rotate=180"), Size::new(240, 320));
        assert_eq!(size("/dev/spidev0.0,rotate=90"), Size::new(320, 240));
        assert_eq!(size("/dev/spidev0.0,rotate=90,size=135x240,x=52,y=40"), Size::new(240, 135));
    }

    #[test]
    fn an_option_that_cannot_be_is_named_with_what_was_expected() {
        for (options, expected) in [
            (",dc", "'dc': the GPIO line is ''"),
            (",dc=none", "'dc=none': the GPIO line is 'none'"),
            (",speed=40", "'speed=40': expected one of dc, reset"),
            (",mhz=0", "'mhz=0': expected 1 to 125"),
            (",rotate=45", "'rotate=45': "),
            (",size=320x240", "expected WIDTHxHEIGHT up to 240x320"),
            (",size=240x240,y=81", "240x240 from 0,81 lies outside of its 240x320 pixels"),
            (",invert=yes", "expected off or on"),
            (",", "'': expected one of"),
        ] {
            let error = PanelSpec::parse(Model::Ili9341, &format!("/dev/spidev0.0{options}"));
            let error = error.unwrap_err();
            assert!(error.starts_with("ili9341: ") && error.contains(expected), "{error}");
        }
        assert!(PanelSpec::parse(Model::Ili9341, "").unwrap_err().contains("/dev/spidev0.0"));
    }
}
