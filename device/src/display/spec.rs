//! Which display is meant: `auto`, `fb:/dev/fb0`, `drm`, a panel such as `st7789:/dev/spidev0.0`, `png:FOLDER` or
//! `none`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use embedded_graphics::geometry::Size;
use serde::{Deserialize, Serialize};

use super::Display;
use super::drm::Drm;
use super::drm::spec::DrmSpec;
use super::fb::FrameBuffer;
use super::none::NoDisplay;
use super::oled::{Oled, options::OledSpec};
use super::panel::{Panel, options::Model, options::PanelSpec};
use super::png::PngSequence;
use super::survey::Survey;
use crate::scene::Privacy;
use crate::text::held_as_text;

/// A display, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DisplaySpec {
    /// What suits best of what is there.
    #[default]
    Auto,
    /// A framebuffer.
    Framebuffer(PathBuf),
    /// A display of a graphics card.
    Drm(DrmSpec),
    /// A panel on an SPI bus.
    Panel(Box<PanelSpec>),
    /// A panel of one colour on an I2C bus.
    Oled(OledSpec),
    /// A folder of PNG files.
    Png(PathBuf),
    /// None: for measuring.
    Nothing,
}

/// What messages expect.
const EXPECTED: &str = "auto, fb:DEVICE, drm[:DEVICE], ili9341:DEVICE, st7789:DEVICE, ssd1306:DEVICE, png:FOLDER or none";

impl DisplaySpec {
    /// Opens it; `size` is that of screens that have no size of their own.
    ///
    /// # Errors
    /// Where it cannot be used.
    pub fn open(&self, size: Size) -> Result<Box<dyn Display>> {
        Ok(match self {
            Self::Auto => {
                let candidates = Survey::of(Path::new("/")).candidates();
                open_first(candidates.into_iter().map(|candidate| candidate.spec), size)?
            }
            Self::Framebuffer(path) => Box::new(FrameBuffer::open(path)?),
            Self::Drm(spec) => Box::new(Drm::open(spec)?),
            Self::Panel(spec) => Box::new(Panel::open(spec)?),
            Self::Oled(spec) => Box::new(Oled::open(spec)?),
            Self::Png(dir) => Box::new(PngSequence::create(dir, size)?),
            Self::Nothing => Box::new(NoDisplay::new(size)),
        })
    }

    /// Refuses what would break a promise.
    ///
    /// # Errors
    /// Where it would keep pictures of people in front of a camera.
    pub fn check(&self, privacy: Privacy) -> Result<()> {
        let keeps = matches!(self, Self::Png(_));
        ensure!(
            !keeps || privacy == Privacy::ReplayFromFiles,
            "the display {self} would keep pictures of people, expected one that shows them for a camera"
        );
        Ok(())
    }

    /// Whether people may be looking at it.
    pub fn is_seen(&self) -> bool {
        !matches!(self, Self::Png(_) | Self::Nothing)
    }
}

/// The first that can be used.
fn open_first(
    candidates: impl IntoIterator<Item = DisplaySpec>,
    size: Size,
) -> Result<Box<dyn Display>> {
    let mut refused = None;
    for candidate in candidates {
        match candidate.open(size) {
            Ok(display) => return Ok(display),
            Err(error) => {
                log::info!("{candidate} is not taken: {error:#}");
                refused = refused.or(Some(error));
            }
        }
    }
    match refused {
        Some(error) => Err(error).context("no display can be used"),
        None => bail!(
            "there is no display: 'kiosk displays' lists what is there; a panel must be named"
        ),
    }
}

impl FromStr for DisplaySpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let panel = |model, rest| Ok(Self::Panel(Box::new(PanelSpec::parse(model, rest)?)));
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "none" => Ok(Self::Nothing),
            Some(("fb", path)) if !path.is_empty() => Ok(Self::Framebuffer(path.into())),
            _ if text.starts_with("drm") => text.parse().map(Self::Drm),
            Some(("ili9341", rest)) => panel(Model::Ili9341, rest),
            Some(("st7789", rest)) => panel(Model::St7789, rest),
            Some(("ssd1306", rest)) => rest.parse().map(Self::Oled),
            Some(("png", dir)) if !dir.is_empty() => Ok(Self::Png(dir.into())),
            _ => Err(format!("the display is '{text}', expected {EXPECTED}")),
        }
    }
}

held_as_text!(DisplaySpec);

impl fmt::Display for DisplaySpec {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Framebuffer(path) => write!(f, "fb:{}", path.display()),
            Self::Drm(spec) => spec.fmt(f),
            Self::Panel(spec) => spec.fmt(f),
            Self::Oled(spec) => spec.fmt(f),
            Self::Png(dir) => write!(f, "png:{}", dir.display()),
            Self::Nothing => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_is_read_as_it_is_written() {
        for text in [
            "auto",
            "fb:/dev/fb1",
            "drm",
            "drm:/dev/dri/card1@800x480",
            "ili9341:/dev/spidev0.0,rotate=90",
            "st7789:/dev/spidev0.1",
            "ssd1306:/dev/i2c-1",
            "png:out/screens",
            "none",
        ] {
            assert_eq!(text.parse::<DisplaySpec>().unwrap().to_string(), text);
        }
        for broken in ["", "fb", "fb:", "hdmi:0", "/dev/fb0", "png:", "st7789"] {
            assert!(broken.parse::<DisplaySpec>().unwrap_err().contains("fb:DEVICE"), "{broken}");
        }
    }

    #[test]
    fn pictures_of_people_in_front_of_a_camera_are_not_written_to_files() {
        let spec = DisplaySpec::Png("screens".into());
        let refused = spec.check(Privacy::LiveNotStored).unwrap_err();
        assert!(refused.to_string().contains("would keep pictures of people"));
        assert!(spec.check(Privacy::ReplayFromFiles).is_ok());
        assert!(DisplaySpec::Auto.check(Privacy::LiveNotStored).is_ok());
    }

    #[test]
    fn the_first_display_that_can_be_used_is_taken() {
        let size = Size::new(320, 240);
        let missing = DisplaySpec::Framebuffer("/dev/no-such-fb".into());
        let taken = open_first([missing.clone(), DisplaySpec::Nothing], size).unwrap();
        assert_eq!(taken.size_px(), size);
        let refused = format!("{:#}", open_first([missing], size).err().unwrap());
        assert!(refused.starts_with("no display can be used: opening the frame"), "{refused}");
        let none = open_first([], size).err().unwrap().to_string();
        assert!(none.contains("'kiosk displays' lists"), "{none}");
    }
}
