//! Which display is meant: `fb:/dev/fb0`, `drm`, `png:FOLDER` or `none`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, ensure};
use embedded_graphics::geometry::Size;
use serde::{Deserialize, Serialize};

use super::Display;
use super::drm::Drm;
use super::drm::spec::DrmSpec;
use super::fb::FrameBuffer;
use super::none::NoDisplay;
use super::png::PngSequence;
use crate::scene::Privacy;
use crate::text::held_as_text;

/// A display, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DisplaySpec {
    /// A framebuffer.
    Framebuffer(PathBuf),
    /// A display of a graphics card.
    Drm(DrmSpec),
    /// A folder of PNG files.
    Png(PathBuf),
    /// None: for measuring.
    Nothing,
}

impl Default for DisplaySpec {
    fn default() -> Self {
        Self::Framebuffer("/dev/fb0".into())
    }
}

impl DisplaySpec {
    /// Opens it; `size` is that of screens in files, `privacy` what those screens promise.
    ///
    /// # Errors
    /// Where it cannot be used, or would keep pictures of people in front of a camera.
    pub fn open(&self, size: Size, privacy: Privacy) -> Result<Box<dyn Display>> {
        Ok(match self {
            Self::Framebuffer(path) => Box::new(FrameBuffer::open(path)?),
            Self::Drm(spec) => Box::new(Drm::open(spec)?),
            Self::Png(dir) => {
                ensure!(
                    privacy == Privacy::ReplayFromFiles,
                    "the display {self} would keep pictures of people, expected fb:DEVICE for a camera"
                );
                Box::new(PngSequence::create(dir, size)?)
            }
            Self::Nothing => Box::new(NoDisplay::new(size)),
        })
    }
}

impl FromStr for DisplaySpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Nothing);
        }
        if text.starts_with("drm") {
            return text.parse().map(Self::Drm);
        }
        match text.split_once(':') {
            Some(("fb", path)) if !path.is_empty() => Ok(Self::Framebuffer(path.into())),
            Some(("png", dir)) if !dir.is_empty() => Ok(Self::Png(dir.into())),
            _ => Err(format!(
                "the display is '{text}', expected fb:DEVICE, drm[:DEVICE], png:FOLDER or none"
            )),
        }
    }
}

held_as_text!(DisplaySpec);

impl fmt::Display for DisplaySpec {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Framebuffer(path) => write!(f, "fb:{}", path.display()),
            Self::Drm(spec) => spec.fmt(f),
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
        for text in ["fb:/dev/fb1", "drm", "drm:/dev/dri/card1@800x480", "png:out/screens", "none"]
        {
            assert_eq!(text.parse::<DisplaySpec>().unwrap().to_string(), text);
        }
        for broken in ["", "fb", "fb:", "hdmi:0", "/dev/fb0"] {
            assert!(broken.parse::<DisplaySpec>().unwrap_err().contains("fb:DEVICE"), "{broken}");
        }
    }

    #[test]
    fn pictures_of_people_in_front_of_a_camera_are_not_written_to_files() {
        let dir = tempfile::tempdir().unwrap();
        let spec = DisplaySpec::Png(dir.path().join("screens"));
        let refused = spec.open(Size::new(320, 240), Privacy::LiveNotStored).err().unwrap();
        assert!(refused.to_string().contains("would keep pictures of people"));
        assert!(!dir.path().join("screens").exists());
        assert!(spec.open(Size::new(320, 240), Privacy::ReplayFromFiles).is_ok());
    }
}
