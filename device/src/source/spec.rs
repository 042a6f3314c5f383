//! What `--source` may say, and how each of it is opened.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::camera::{CameraSpec, UsbId};
use super::exec::Exec;
use super::pattern::Pattern;
use super::pictures::Pictures;
use super::player::{Player, Playing, Reel, Speed};
use super::recording::Recording;
use super::settings::CameraSettings;
use super::stdin::Stdin;
use super::{FrameSource, SourceError};
use crate::text::held_as_text;

/// Where frames come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum SourceSpec {
    /// A camera that the kernel knows.
    Camera(CameraSpec),
    /// A picture, a folder of pictures, or a pattern.
    Pictures(PathBuf),
    /// A file of many frames: MJPEG or Y4M.
    Recording(PathBuf),
    /// MJPEG or Y4M on standard input.
    Stdin,
    /// MJPEG or Y4M from a command's standard output.
    Exec(String),
    /// A moving test picture.
    Pattern,
}

impl SourceSpec {
    /// Whether it may show people who are there now: what it gives is never written or sent.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Camera(_) | Self::Stdin | Self::Exec(_) => true,
            Self::Pictures(_) | Self::Recording(_) | Self::Pattern => false,
        }
    }

    /// Opens it to be shown: recordings play at their pace.
    ///
    /// # Errors
    /// Where it is not there or cannot be used. It may be tried again: a camera is looked up anew each time.
    pub fn open(&self, settings: &CameraSettings) -> Result<Box<dyn FrameSource>, SourceError> {
        self.open_playing(settings, settings.playing())
    }

    /// Opens it to be worked through: recordings give every frame as fast as it is asked for.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_unpaced(
        &self,
        settings: &CameraSettings,
    ) -> Result<Box<dyn FrameSource>, SourceError> {
        self.open_playing(settings, Playing { speed: Speed::Unpaced, ..settings.playing() })
    }

    fn open_playing(
        &self,
        settings: &CameraSettings,
        playing: Playing,
    ) -> Result<Box<dyn FrameSource>, SourceError> {
        Ok(match self {
            Self::Camera(camera) => open_camera(camera, settings)?,
            Self::Pictures(path) => play(Pictures::open(path)?, playing),
            Self::Recording(path) => play(Recording::open(path)?, playing),
            Self::Stdin => Box::new(Stdin::open()?),
            Self::Exec(command) => Box::new(Exec::open(command)?),
            Self::Pattern => play(Pattern::new(settings.width, settings.height)?, playing),
        })
    }
}

fn play(reel: impl Reel + 'static, playing: Playing) -> Box<dyn FrameSource> {
    Box::new(Player::new(reel, playing))
}

#[cfg(feature = "v4l2")]
fn open_camera(
    camera: &CameraSpec,
    settings: &CameraSettings,
) -> Result<Box<dyn FrameSource>, SourceError> {
    Ok(Box::new(super::v4l2::Camera::open(camera, settings)?))
}

#[cfg(not(feature = "v4l2"))]
fn open_camera(
    camera: &CameraSpec,
    _: &CameraSettings,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let error = anyhow::anyhow!(
        "{camera}: this kiosk was built without cameras (feature v4l2), expected another source"
    );
    Err(super::Trouble::Unusable.because(error))
}

impl FromStr for SourceSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("expected a source, found one with a zero byte in it".to_owned());
        }
        if let Some(command) = text.strip_prefix("exec:") {
            let command = command.trim();
            return match command {
                "" => Err("expected a command after 'exec:'".to_owned()),
                _ => Ok(Self::Exec(command.to_owned())),
            };
        }
        if let Some(camera) = text.strip_prefix("v4l2:") {
            return camera_named(camera).map(Self::Camera);
        }
        match text {
            "" => Err("expected a source, found nothing".to_owned()),
            "-" => Ok(Self::Stdin),
            "auto" => Ok(Self::Camera(CameraSpec::Auto)),
            "pattern:" => Ok(Self::Pattern),
            _ if text.contains("://") => Err(format!(
                "{text} is no source; expected a camera here, or a command that fetches the stream, \
                 such as 'exec:ffmpeg -loglevel warning -i {text} -f mjpeg -q:v 4 -'"
            )),
            _ => Ok(at_path(PathBuf::from(text))),
        }
    }
}

fn camera_named(name: &str) -> Result<CameraSpec, String> {
    match UsbId::parse(name) {
        Some(id) => Ok(CameraSpec::Usb(id)),
        None if name.contains('/') => Ok(CameraSpec::Path(name.into())),
        None if name.is_empty() => {
            Err("expected a device file, a name in /dev/v4l/by-id or a USB \
             id such as 046d:0825 after 'v4l2:'"
                .to_owned())
        }
        None => Ok(CameraSpec::ById(name.to_owned())),
    }
}

fn at_path(path: PathBuf) -> SourceSpec {
    let text = path.to_string_lossy();
    if text.starts_with("/dev/video") || text.starts_with("/dev/v4l/") {
        return SourceSpec::Camera(CameraSpec::Path(path));
    }
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    match ending.as_ref().and_then(|ending| ending.to_str()) {
        Some("y4m" | "mjpeg" | "mjpg") => SourceSpec::Recording(path),
        _ => SourceSpec::Pictures(path),
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Camera(camera) => camera.fmt(f),
            Self::Pictures(path) | Self::Recording(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("-"),
            Self::Exec(command) => write!(f, "exec:{command}"),
            Self::Pattern => f.write_str("pattern:"),
        }
    }
}

held_as_text!(SourceSpec);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Next, Trouble};
    use std::time::Duration;

    fn check(text: &str, expected: SourceSpec) {
        let spec: SourceSpec = text.parse().unwrap();
        assert_eq!(spec, expected, "{text}");
        assert_eq!(spec.to_string().parse(), Ok(spec), "{text}");
    }

    #[test]
    fn a_source_is_told_by_its_text_and_written_so_that_it_is_the_same_again() {
        let path = |text: &str| CameraSpec::Path(text.into());
        check("auto", SourceSpec::Camera(CameraSpec::Auto));
        check("/dev/video2", SourceSpec::Camera(path("/dev/video2")));
        check("v4l2:/dev/video2", SourceSpec::Camera(path("/dev/video2")));
        check("v4l2:/tmp/camera", SourceSpec::Camera(path("/tmp/camera")));
        check("/dev/v4l/by-id/usb-x", SourceSpec::Camera(path("/dev/v4l/by-id/usb-x")));
        check("v4l2:usb-046d_C920", SourceSpec::Camera(CameraSpec::ById("usb-046d_C920".into())));
        let id = UsbId { vendor: 0x46d, product: 0x825 };
        check("v4l2:046D:0825", SourceSpec::Camera(CameraSpec::Usb(id)));
        check("album/*.jpg", SourceSpec::Pictures("album/*.jpg".into()));
        check("clips/a.Y4M", SourceSpec::Recording("clips/a.Y4M".into()));
        check("a.mjpeg", SourceSpec::Recording("a.mjpeg".into()));
        check("-", SourceSpec::Stdin);
        check("exec: rpicam-vid -o - ", SourceSpec::Exec("rpicam-vid -o -".into()));
        check("pattern:", SourceSpec::Pattern);
    }

    #[test]
    fn what_is_no_source_says_what_would_be() {
        for (text, expected) in [
            ("", "found nothing"),
            ("exec:  ", "expected a command"),
            ("v4l2:", "046d:0825"),
            ("a\0b", "a zero byte"),
            ("rtsp://door/1", "'exec:ffmpeg -loglevel warning -i rtsp://door/1 -f mjpeg"),
        ] {
            let error = text.parse::<SourceSpec>().unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_shows_people_who_are_there_is_live() {
        for (text, live) in [
            ("auto", true),
            ("/dev/video0", true),
            ("exec:true", true),
            ("-", true),
            ("pattern:", false),
            ("a.jpg", false),
            ("a.y4m", false),
        ] {
            assert_eq!(text.parse::<SourceSpec>().unwrap().is_live(), live, "{text}");
        }
    }

    #[test]
    fn a_recording_that_is_worked_through_does_not_wait() {
        let spec = SourceSpec::Pattern;
        let mut source = spec.open_unpaced(&CameraSettings::default()).unwrap();
        for number in 1..4 {
            let Ok(Next::Frame(frame)) = source.next_frame(Duration::ZERO) else {
                panic!("a frame")
            };
            assert_eq!(frame.number, number);
        }
    }

    #[test]
    fn a_source_that_is_not_there_is_missing() {
        for text in ["/dev/video4242", "nowhere.jpg", "nowhere.y4m"] {
            let spec: SourceSpec = text.parse().unwrap();
            let Err(error) = spec.open(&CameraSettings::default()) else { panic!("{text}") };
            let expected = if cfg!(not(feature = "v4l2")) && spec.is_live() {
                Trouble::Unusable
            } else {
                Trouble::Missing
            };
            assert_eq!(error.trouble, expected, "{error}");
        }
    }
}
