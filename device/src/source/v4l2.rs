//! Cameras by the kernel's video interface (V4L2): USB cameras, and whatever else gives whole frames.
//!
//! Nothing here panics on what a driver says or does. A stall is an error after a while, an unplugged
//! camera at once; either way the source is opened again, and finds the camera under its new number.

mod kernel;
mod stream;
pub mod survey;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use log::warn;
use models::picture::Limits;
use rustix::io::Errno;
use v4l::fraction::Fraction;
use v4l::video::Capture;
use v4l::video::capture::Parameters;

use self::kernel::{Format, Node};
use self::stream::{Look, Stream};
use super::camera::{CameraSpec, Places};
use super::device;
use super::format::CameraFormat;
use super::offer::{self, Chosen, Wanted};
use super::settings::CameraSettings;
use super::silence::Silence;
use super::{FrameSource, Next, SourceError, Trouble};
use crate::decode;
use crate::frame::{Encoded, Encoding, Layout};

/// A camera that has to find its exposure in the dark first may take longer than later on.
const FIRST_FRAME: Duration = Duration::from_secs(5);
const NEXT_FRAME: Duration = Duration::from_secs(2);

/// Of cameras, where no rate is set.
const FPS_DEFAULT: f64 = 30.0;

/// A camera that sends.
pub struct Camera {
    stream: Stream,
    encoding: Encoding,
    silence: Silence,
    number: u64,
    broken: u64,
    description: String,
}

impl Camera {
    /// Opens the camera and lets it send.
    ///
    /// # Errors
    /// Where it is not there, or gives nothing that can be used.
    pub fn open(spec: &CameraSpec, settings: &CameraSettings) -> Result<Self, SourceError> {
        let places = Places::default();
        let wanted = wanted(settings);
        let path = match spec {
            CameraSpec::Auto => first_usable(&places, &wanted)?,
            named => places.path_of(named)?,
        };
        Self::open_at(&path, &wanted).map_err(|SourceError { trouble, error }| {
            trouble.because(error.context(format!("camera {}", path.display())))
        })
    }

    fn open_at(path: &Path, wanted: &Wanted) -> Result<Self, SourceError> {
        let node = Node::open(path).map_err(not_opened)?;
        let device = survey::of(&node, path, wanted).context("asking what it is");
        let device = device.map_err(|error| Trouble::Unusable.because(error))?;
        let chosen =
            device.choose(wanted).map_err(|why| Trouble::Unusable.because(anyhow!(why)))?;
        let (encoding, format) = negotiate(&node, &chosen)?;
        let fps = set_rate(&node, wanted.fps);
        let rate = fps.map_or(String::new(), |fps| format!(", {} fps", offer::rate_text(fps)));
        let description = format!("{} ({}): {format}{rate}", path.display(), device.name);
        let stream = Stream::start(node).context("starting it").map_err(not_started)?;
        let silence = Silence::new(FIRST_FRAME, NEXT_FRAME, Instant::now());
        Ok(Self { stream, encoding, silence, number: 0, broken: 0, description })
    }
}

impl Camera {
    fn lost(&self, error: io::Error) -> SourceError {
        let what = match Errno::from_io_error(&error) {
            Some(Errno::NODEV) => "it was unplugged",
            _ => "taking a frame",
        };
        let error = anyhow::Error::new(error).context(what).context(self.description.clone());
        Trouble::Lost.because(error)
    }
}

impl FrameSource for Camera {
    fn next_frame(&mut self, patience: Duration) -> Result<Next, SourceError> {
        let look = self.stream.look(patience).map_err(|error| self.lost(error))?;
        let now = Instant::now();
        match look {
            Look::Frame(bytes) => {
                self.silence.heard(now);
                self.number += 1;
                let (encoding, number) = (self.encoding, self.number);
                return Ok(Next::Frame(Encoded { bytes, encoding, number, captured: now }));
            }
            Look::Broken => {
                self.broken += 1;
                warn!("{}: a frame came broken, {} so far", self.description, self.broken);
            }
            Look::Nothing => {}
        }
        match self.silence.too_long(now) {
            None => Ok(Next::Nothing),
            Some(silent) => {
                let silent_s = silent.as_secs();
                let error = anyhow!("{}: no frame came for {silent_s} s", self.description);
                Err(Trouble::Silent.because(error))
            }
        }
    }

    fn description(&self) -> String {
        self.description.clone()
    }
}

impl fmt::Debug for Camera {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Camera").field("description", &self.description).finish_non_exhaustive()
    }
}

/// What the settings want of a camera.
pub fn wanted(settings: &CameraSettings) -> Wanted {
    let CameraSettings { width, height, format, .. } = *settings;
    Wanted { width, height, fps: settings.fps.unwrap_or(FPS_DEFAULT), format }
}

fn first_usable(places: &Places, wanted: &Wanted) -> Result<PathBuf, SourceError> {
    let (mut devices, mut refused) = (Vec::new(), None);
    for (path, device) in survey::all(places, wanted) {
        match device {
            Ok(device) => devices.push(device),
            Err(error) => refused = refused.or(Some((path, error))),
        }
    }
    if let Some((device, _)) = device::first_usable(&devices, wanted) {
        return Ok(device.path.clone());
    }
    match refused {
        Some((path, error)) => {
            let SourceError { trouble, error } = not_opened(error);
            Err(trouble.because(error.context(format!("camera {}", path.display()))))
        }
        None => {
            let why = anyhow!(device::why_none(&devices, wanted));
            let plugged = device::has_camera(&devices);
            let trouble = if plugged { Trouble::Unusable } else { Trouble::Missing };
            Err(trouble.because(why))
        }
    }
}

/// Asks for what was chosen and holds the camera to its answer: a driver may take something else.
fn negotiate(node: &Node, chosen: &Chosen) -> Result<(Encoding, Format), SourceError> {
    let Chosen { fourcc, width, height, .. } = *chosen;
    let format = node.set_format(&Format { fourcc, width, height, stride: 0 });
    let format = format.context("setting its format").map_err(not_started)?;
    let encoding = encoding_of(&format).map_err(|error| Trouble::Unusable.because(error))?;
    if (format.fourcc, format.width, format.height) != (fourcc, width, height) {
        warn!("asked for {fourcc} {width}x{height}, the camera gives {format}");
    }
    Ok((encoding, format))
}

fn encoding_of(format: &Format) -> anyhow::Result<Encoding> {
    let (width, height) = (format.width, format.height);
    let limits = Limits::default();
    let pixels = u64::from(width) * u64::from(height);
    let within = width.max(height) <= limits.side_px_max && pixels <= limits.pixels_max;
    anyhow::ensure!(pixels > 0 && within, "it would give {format}, which is no size of a frame");
    match CameraFormat::of(format.fourcc) {
        Some(CameraFormat::Jpeg) => Ok(Encoding::Jpeg),
        Some(CameraFormat::Pixels(pixel)) => {
            let mut layout = Layout { format: pixel, width, height, stride: format.stride };
            let row_bytes = decode::row_bytes(&layout);
            // Some drivers leave it open where rows are not padded.
            if layout.stride == 0 {
                layout.stride = u32::try_from(row_bytes)?;
            }
            let fits = u64::from(layout.stride) >= row_bytes;
            anyhow::ensure!(fits, "it gives {format} with rows of {} bytes", format.stride);
            Ok(Encoding::Pixels(layout))
        }
        None => Err(anyhow!("it gives {format} whatever it is asked for")),
    }
}

/// Asks for a rate; a camera that has only one says no, and goes on at that.
fn set_rate(node: &Node, fps: f64) -> Option<f64> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates were checked to be within 0.01 and 1000"
    )]
    let interval = Fraction::new(1000, (fps * 1000.0).round() as u32);
    let set = node.device().set_params(&Parameters::new(interval)).ok()?.interval;
    let fps = f64::from(set.denominator) / f64::from(set.numerator);
    (fps.is_finite() && fps > 0.0).then_some(fps)
}

fn not_opened(error: io::Error) -> SourceError {
    let trouble = match Errno::from_io_error(&error) {
        // A device file without a device is left behind for a moment when it is unplugged.
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => Trouble::Missing,
        _ => Trouble::Unusable,
    };
    let what = match Errno::from_io_error(&error) {
        Some(Errno::NOENT) => "it is not plugged in",
        Some(Errno::ACCESS | Errno::PERM) => {
            "no permission to open it; add this user to the group 'video'"
        }
        Some(Errno::BUSY) => "another program is using it",
        _ => "opening it",
    };
    trouble.because(anyhow::Error::new(error).context(what))
}

fn not_started(error: anyhow::Error) -> SourceError {
    let number = error.downcast_ref::<io::Error>().and_then(Errno::from_io_error);
    match number {
        Some(Errno::NODEV) => Trouble::Lost.because(error),
        Some(Errno::BUSY) => {
            Trouble::Unusable.because(error.context("another program is using it"))
        }
        _ => Trouble::Unusable.because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::PixelFormat;
    use crate::source::format::FourCc;

    fn format(fourcc: &[u8; 4], width: u32, height: u32, stride: u32) -> Format {
        Format { fourcc: FourCc(*fourcc), width, height, stride }
    }

    #[test]
    fn rows_are_as_long_as_the_driver_says_or_as_they_need() {
        for (stride, expected) in [(0, 1280), (1280, 1280), (1344, 1344)] {
            let encoding = encoding_of(&format(b"YUYV", 640, 480, stride)).unwrap();
            let layout =
                Layout { format: PixelFormat::Yuyv, width: 640, height: 480, stride: expected };
            assert_eq!(encoding, Encoding::Pixels(layout));
        }
        assert_eq!(encoding_of(&format(b"MJPG", 640, 480, 0)).unwrap(), Encoding::Jpeg);
    }

    #[test]
    fn what_a_driver_cannot_mean_is_refused() {
        for (format, expected) in [
            (format(b"YUYV", 640, 480, 1279), "it gives YUYV 640x480 with rows of 1279 bytes"),
            (format(b"H264", 640, 480, 0), "it gives H264 640x480 whatever it is asked for"),
            (format(b"MJPG", 0, 480, 0), "MJPG 0x480, which is no size of a frame"),
            (format(b"GREY", u32::MAX, u32::MAX, 0), "which is no size of a frame"),
        ] {
            let error = encoding_of(&format).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn errors_of_the_system_say_what_to_do() {
        for (errno, trouble, expected) in [
            (Errno::NOENT, Trouble::Missing, "it is not plugged in"),
            (Errno::NODEV, Trouble::Missing, "opening it"),
            (Errno::ACCESS, Trouble::Unusable, "add this user to the group 'video'"),
            (Errno::BUSY, Trouble::Unusable, "another program is using it"),
        ] {
            let error = not_opened(errno.into());
            assert_eq!(error.trouble, trouble, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
        let gone = anyhow::Error::new(io::Error::from(Errno::NODEV)).context("starting it");
        assert_eq!(not_started(gone).trouble, Trouble::Lost);
    }

    #[test]
    fn a_file_that_is_no_camera_says_so_with_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let spec = CameraSpec::Path(file.path().to_owned());
        let error = Camera::open(&spec, &CameraSettings::default()).unwrap_err();
        assert_eq!(error.trouble, Trouble::Unusable);
        let expected = format!("camera {}: asking what it is", file.path().display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}
