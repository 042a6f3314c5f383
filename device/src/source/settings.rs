//! What is wanted of a source: plain data, as the configuration holds it.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::format::CameraFormat;
use super::player::{Ending, Playing, Speed};
use crate::decode::orientation::{Orientation, Rotation};

/// How a source is opened and its frames are turned.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraSettings {
    /// In pixels; a camera gives what is nearest, a recording what it holds.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Frames a second; where it is not set, 30 of cameras, and of recordings what they say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    /// What a camera shall send; where it is not set, what suits size and rate best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<CameraFormat>,
    /// Whether pictures and recordings begin again after their end.
    #[serde(rename = "loop")]
    pub looped: bool,
    /// Whether people see themselves as in a mirror.
    pub mirror: bool,
    /// How far frames are turned clockwise, in degrees.
    pub rotate: Rotation,
}

impl Default for CameraSettings {
    /// VGA: what every camera has, and detectors need no more of people in front of a screen.
    fn default() -> Self {
        Self {
            width: 640,
            height: 480,
            fps: None,
            format: None,
            looped: false,
            mirror: false,
            rotate: Rotation::None,
        }
    }
}

impl CameraSettings {
    /// Refuses what no source could give.
    ///
    /// # Errors
    /// Says which setting, what was found and what was expected.
    pub fn check(&self) -> Result<()> {
        for (name, px) in [("width", self.width), ("height", self.height)] {
            ensure!((16..=8192).contains(&px), "{name} is {px}, expected 16 to 8192 pixels");
        }
        if let Some(fps) = self.fps {
            let usable = (0.01..=1000.0).contains(&fps);
            ensure!(usable, "fps is {fps}, expected 0.01 to 1000 frames a second");
        }
        Ok(())
    }

    /// How frames become upright.
    pub fn orientation(&self) -> Orientation {
        Orientation { rotate: self.rotate, mirror: self.mirror.into() }
    }

    /// How recordings are played.
    pub fn playing(&self) -> Playing {
        Playing {
            speed: self.fps.map_or(Speed::Own, Speed::Fps),
            end: if self.looped { Ending::Loop } else { Ending::Once },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_defaults_and_written_as_they_were() {
        let text =
            "width = 1280\nheight = 720\nfps = 15\nformat = \"MJPG\"\nloop = true\nrotate = 90\n";
        let settings: CameraSettings = toml::from_str(text).unwrap();
        assert_eq!((settings.width, settings.fps), (1280, Some(15.0)));
        assert_eq!(settings.orientation().rotate, Rotation::Quarter);
        assert!(!settings.mirror, "not said");
        let written = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<CameraSettings>(&written).unwrap(), settings);
        assert_eq!(toml::from_str::<CameraSettings>("").unwrap(), CameraSettings::default());
    }

    #[test]
    fn what_is_not_known_or_not_possible_is_refused() {
        for text in ["widht = 3", "rotate = 45", "format = \"H264\"", "width = -1"] {
            assert!(toml::from_str::<CameraSettings>(text).is_err(), "{text}");
        }
        for (text, expected) in [
            ("width = 0", "width is 0, expected 16 to 8192 pixels"),
            ("fps = 0", "fps is 0, expected 0.01 to 1000 frames a second"),
            ("fps = nan", "fps is NaN"),
        ] {
            let settings: CameraSettings = toml::from_str(text).unwrap();
            let error = settings.check().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
