//! What `kiosk cameras` has to say, as plain data and as JSON.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::source::camera::{CameraSpec, Places};
use crate::source::device::{self, Device, Kind};
use crate::source::offer::{Chosen, Offer, Sizes, Wanted, rate_text};

/// All cameras and the choice among them.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Those that are or might be cameras; a camera's other files are left out.
    pub(super) cameras: Vec<Camera>,
    /// What 'kiosk run --source auto' takes.
    pub(super) auto: Option<Auto>,
    /// Why it takes that, or nothing.
    pub(super) why: String,
}

/// A camera.
#[derive(Debug, Serialize)]
pub(super) struct Camera {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) driver: String,
    pub(super) bus: String,
    /// What `--source` may call it so that it is found whatever its number.
    pub(super) source: Option<String>,
    pub(super) formats: Vec<Format>,
    /// Why it cannot be used.
    pub(super) error: Option<String>,
}

/// A format at a size.
#[derive(Debug, Serialize)]
pub(super) struct Format {
    pub(super) format: String,
    /// `640x480`, or `32x32 to 2592x1944`.
    pub(super) size_px: String,
    pub(super) rates_fps: Vec<f64>,
}

/// The choice.
#[derive(Debug, Serialize)]
pub(super) struct Auto {
    pub(super) path: PathBuf,
    pub(super) format: String,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
}

impl Report {
    /// What is to be said of these devices, if frames like `wanted` are.
    pub(super) fn new(
        places: &Places,
        found: Vec<(PathBuf, io::Result<Device>)>,
        wanted: &Wanted,
    ) -> Self {
        let mut devices = Vec::new();
        let mut cameras = Vec::new();
        for (path, device) in found {
            match device {
                Ok(device) => {
                    if device.kind == Kind::Camera || device.kind == Kind::MultiPlanar {
                        cameras.push(Camera::new(places, &device, wanted));
                    }
                    devices.push(device);
                }
                Err(error) => cameras.push(Camera::unopened(path, &error)),
            }
        }
        let first = device::first_usable(&devices, wanted);
        let why = match &first {
            Some((device, chosen)) => reason(device, chosen, wanted),
            None => device::why_none(&devices, wanted),
        };
        Self { cameras, auto: first.map(|(device, chosen)| Auto::new(device, &chosen)), why }
    }
}

fn reason(device: &Device, chosen: &Chosen, wanted: &Wanted) -> String {
    let kind = if device.is_usb() { "USB camera" } else { "camera" };
    let Wanted { width, height, fps, .. } = wanted;
    let Chosen { fourcc, width: w, height: h, .. } = chosen;
    let fps = rate_text(*fps);
    format!("the first usable {kind}; {fourcc} {w}x{h} is nearest to {width}x{height} at {fps} fps")
}

impl Camera {
    fn new(places: &Places, device: &Device, wanted: &Wanted) -> Self {
        let by_id = places.name_by_id(&device.path).map(CameraSpec::ById);
        let source = by_id.or_else(|| places.usb_id(&device.path).map(CameraSpec::Usb));
        Self {
            path: device.path.clone(),
            name: device.name.clone(),
            driver: device.driver.clone(),
            bus: device.bus.clone(),
            source: source.map(|source| source.to_string()),
            formats: device.offers.iter().map(Format::new).collect(),
            error: device.choose(wanted).err(),
        }
    }

    fn unopened(path: PathBuf, error: &io::Error) -> Self {
        let (name, driver, bus) = Default::default();
        let error = Some(format!("it cannot be opened: {error}"));
        Self { path, name, driver, bus, source: None, formats: Vec::new(), error }
    }
}

impl Format {
    fn new(offer: &Offer) -> Self {
        let size_px = match offer.sizes {
            Sizes::One(width, height) => format!("{width}x{height}"),
            Sizes::Range { width, height } => {
                format!("{}x{} to {}x{}", width.min, height.min, width.max, height.max)
            }
        };
        let format = offer.fourcc.to_string();
        Self { format, size_px, rates_fps: offer.rates_fps.clone() }
    }
}

impl Auto {
    fn new(device: &Device, chosen: &Chosen) -> Self {
        let Chosen { fourcc, width, height, .. } = *chosen;
        let path = device.path.clone();
        Self { path, format: fourcc.to_string(), width_px: width, height_px: height }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::source::format::FourCc;

    const VGA: Wanted = Wanted { width: 640, height: 480, fps: 30.0, format: None };

    fn device(path: &str, kind: Kind, fourcc: &[u8; 4]) -> (PathBuf, io::Result<Device>) {
        let offer = |width, height, rates: &[f64]| Offer {
            fourcc: FourCc(*fourcc),
            sizes: Sizes::One(width, height),
            rates_fps: rates.to_vec(),
        };
        let device = Device {
            path: path.into(),
            name: "A camera".into(),
            driver: "uvcvideo".into(),
            bus: "usb-1".into(),
            kind,
            offers: vec![offer(640, 480, &[30.0, 7.5]), offer(1280, 720, &[])],
        };
        (path.into(), Ok(device))
    }

    /// A machine with a camera, its second file, a raw sensor and one that may not be opened.
    pub(in crate::cameras) fn sample() -> Report {
        let nowhere = Places { dev: "/nowhere".into(), sys: "/nowhere".into() };
        let denied = Err(io::Error::from(io::ErrorKind::PermissionDenied));
        let found = vec![
            device("/dev/video0", Kind::Camera, b"BG10"),
            device("/dev/video1", Kind::Camera, b"MJPG"),
            device("/dev/video2", Kind::Other, b"MJPG"),
            ("/dev/video3".into(), denied),
        ];
        Report::new(&nowhere, found, &VGA)
    }

    #[test]
    fn what_run_would_take_is_named_with_the_reason() {
        let report = sample();
        let paths: Vec<_> = report.cameras.iter().map(|camera| camera.path.to_str()).collect();
        assert_eq!(paths, ["/dev/video0", "/dev/video1", "/dev/video3"].map(Some));
        assert_eq!(report.auto.unwrap().path.to_str(), Some("/dev/video1"));
        let why = "the first usable USB camera; MJPG 640x480 is nearest to 640x480 at 30 fps";
        assert_eq!(report.why, why);
        assert!(report.cameras[0].error.as_ref().unwrap().contains("rpicam-vid"));
        assert!(report.cameras[2].error.as_ref().unwrap().contains("permission denied"));
    }

    #[test]
    fn json_says_so_where_there_is_none() {
        let nowhere = Places { dev: "/nowhere".into(), sys: "/nowhere".into() };
        let report = Report::new(&nowhere, Vec::new(), &VGA);
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(json, r#"{"cameras":[],"auto":null,"why":"no camera is plugged in"}"#);
    }
}
