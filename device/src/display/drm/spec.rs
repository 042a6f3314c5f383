//! Which display of a graphics card is meant: `drm`, `drm:/dev/dri/card1`, `drm@1280x720` or both.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use embedded_graphics::geometry::Size;

use crate::cli::ScreenSize;

/// A display of a graphics card, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrmSpec {
    /// The card, else the first that has a display.
    pub device: Option<PathBuf>,
    /// The size of the mode in pixels, else the display chooses.
    pub size: Option<Size>,
}

impl FromStr for DrmSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let broken = || format!("the display is '{text}', expected drm[:DEVICE][@WIDTHxHEIGHT]");
        let rest = text.strip_prefix("drm").ok_or_else(broken)?;
        let (device, size) = match rest.split_once('@') {
            Some((device, size)) => (device, Some(size.parse::<ScreenSize>()?.0)),
            None => (rest, None),
        };
        let device = match device.strip_prefix(':') {
            Some(path) if !path.is_empty() => Some(path.into()),
            None if device.is_empty() => None,
            _ => return Err(broken()),
        };
        Ok(Self { device, size })
    }
}

impl fmt::Display for DrmSpec {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("drm")?;
        if let Some(device) = &self.device {
            write!(f, ":{}", device.display())?;
        }
        self.size.map_or(Ok(()), |size| write!(f, "@{}", ScreenSize(size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_and_a_mode_are_read_as_they_are_written() {
        for text in ["drm", "drm:/dev/dri/card1", "drm@1280x720", "drm:/dev/dri/card0@800x480"] {
            assert_eq!(text.parse::<DrmSpec>().unwrap().to_string(), text);
        }
        for broken in ["drm:", "drmx", "drm:@800x480", "drm@", "drm@800", "dr"] {
            assert!(broken.parse::<DrmSpec>().unwrap_err().contains("expected"), "{broken}");
        }
    }
}
