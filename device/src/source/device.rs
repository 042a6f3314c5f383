//! A video device as plain data: what it is, what it offers, and whether it can be used.

use std::path::PathBuf;

use super::format::{CAMERA_FORMATS, FourCc};
use super::offer::{self, Chosen, Offer, Wanted};

/// Drivers of image processors that look like cameras and give nothing by themselves (Raspberry Pi).
const PROCESSORS: [&str; 4] = ["bcm2835-isp", "bcm2835-codec", "pispbe", "rpi-hevc-dec"];

/// The driver of USB cameras.
const USB_DRIVER: &str = "uvcvideo";

/// A video device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its device file.
    pub path: PathBuf,
    /// Its name, as its maker or its driver gave it.
    pub name: String,
    /// The kernel's driver of it.
    pub driver: String,
    /// Where it is plugged in.
    pub bus: String,
    /// What it is.
    pub kind: Kind,
    /// The formats, sizes and rates that it offers.
    pub offers: Vec<Offer>,
}

/// What a device file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It gives frames.
    Camera,
    /// It gives frames in several pieces of memory each: image processors of boards.
    MultiPlanar,
    /// It turns frames into others: a codec or scaler.
    Converter,
    /// Something else: a camera's second file with data about its frames, an output, a radio.
    Other,
}

impl Device {
    /// What would be asked of it, or why it cannot be used.
    pub fn choose(&self, wanted: &Wanted) -> Result<Chosen, String> {
        match self.kind {
            Kind::Camera => offer::choose(&self.offers, wanted).ok_or_else(|| self.refusal(wanted)),
            Kind::MultiPlanar => Err(format!("it is an image processor's output: {CSI_ADVICE}")),
            Kind::Converter => Err("it is a codec or scaler, no camera".to_owned()),
            Kind::Other => Err("it gives no frames".to_owned()),
        }
    }

    fn refusal(&self, wanted: &Wanted) -> String {
        let offered = self.fourccs();
        let names: Vec<String> = offered.iter().map(FourCc::to_string).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        if offered.iter().any(|fourcc| fourcc.is_raw_sensor()) {
            return format!("it gives what its sensor sees, unprocessed ({names}): {CSI_ADVICE}");
        }
        let formats = match wanted.format {
            Some(format) => format.to_string(),
            None => CAMERA_FORMATS.map(|format| format.to_string()).join(", "),
        };
        format!("it offers {names}, expected one of {formats}")
    }

    /// Whether it is a USB camera.
    pub fn is_usb(&self) -> bool {
        self.driver == USB_DRIVER
    }

    /// The formats that it offers, each once.
    pub fn fourccs(&self) -> Vec<FourCc> {
        let mut fourccs: Vec<FourCc> = self.offers.iter().map(|offer| offer.fourcc).collect();
        fourccs.dedup();
        fourccs
    }
}

/// What to do with a camera that only its board's image processor can read. Neither line has been run on a
/// board yet. Argus prints to standard output, so the frames take another way there.
pub const CSI_ADVICE: &str = "a camera on a ribbon cable is read by a command; on a Raspberry Pi: \
    --source 'exec:rpicam-vid -t 0 -n --width 640 --height 480 --framerate 30 --codec mjpeg -o -'; \
    on a Jetson: --source 'exec:gst-launch-1.0 -q nvarguscamerasrc ! \
    \"video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1\" ! nvjpegenc ! \
    fdsink fd=3 3>&1 1>&2'";

/// The one that is taken where none is named: a USB camera before others, and a lower number before a
/// higher one.
pub fn first_usable<'a>(devices: &'a [Device], wanted: &Wanted) -> Option<(&'a Device, Chosen)> {
    let candidates = devices.iter().filter(|device| !PROCESSORS.contains(&device.driver.as_str()));
    let usable = candidates.filter_map(|device| Some((device, device.choose(wanted).ok()?)));
    // Of several that are equal, the first.
    usable.min_by_key(|(device, _)| !device.is_usb())
}

/// Whether one of these is a camera, be it one that cannot be used: boards have video devices that are none.
pub fn has_camera(devices: &[Device]) -> bool {
    let is_camera = |device: &&Device| matches!(device.kind, Kind::Camera | Kind::MultiPlanar);
    let mut cameras = devices.iter().filter(is_camera);
    cameras.any(|device| !PROCESSORS.contains(&device.driver.as_str()))
}

/// Why none of these can be used: of a raw sensor what to do instead, else of each what it is.
pub fn why_none(devices: &[Device], wanted: &Wanted) -> String {
    let refusals: Vec<_> =
        devices.iter().filter_map(|device| Some((device, device.choose(wanted).err()?))).collect();
    let raw = refusals
        .iter()
        .find(|(device, _)| device.fourccs().iter().any(|fourcc| fourcc.is_raw_sensor()));
    match raw.or(refusals.iter().find(|(device, _)| device.kind == Kind::Camera)) {
        Some((device, why)) => format!("{} ({}): {why}", device.path.display(), device.name),
        None => "no camera is plugged in".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::format::CameraFormat;
    use crate::source::offer::Sizes;

    const VGA: Wanted = Wanted { width: 640, height: 480, fps: 30.0, format: None };

    fn device(number: u32, driver: &str, fourccs: &[&[u8; 4]]) -> Device {
        let offer = |fourcc: &&[u8; 4]| Offer {
            fourcc: FourCc(**fourcc),
            sizes: Sizes::One(640, 480),
            rates_fps: vec![30.0],
        };
        Device {
            path: format!("/dev/video{number}").into(),
            name: "a device".into(),
            driver: driver.into(),
            bus: "usb-1".into(),
            kind: Kind::Camera,
            offers: fourccs.iter().map(offer).collect(),
        }
    }

    fn taken(devices: &[Device]) -> Option<&str> {
        first_usable(devices, &VGA).and_then(|(device, _)| device.path.to_str())
    }

    #[test]
    fn a_usb_camera_is_taken_before_others_and_image_processors_never() {
        let processor = device(0, "bcm2835-isp", &[b"YUYV"]);
        let other = device(1, "vivid", &[b"YUYV"]);
        let usb = [device(2, "uvcvideo", &[b"MJPG"]), device(3, "uvcvideo", &[b"MJPG"])];
        let metadata = Device { kind: Kind::Other, ..usb[0].clone() };
        let all = [&[processor.clone(), metadata, other.clone()], &usb[..]].concat();
        assert_eq!(taken(&all), Some("/dev/video2"));
        assert_eq!(taken(&[processor.clone(), other]), Some("/dev/video1"));
        let processors = [processor];
        assert_eq!(taken(&processors), None);
        assert!(has_camera(&all) && !has_camera(&processors), "nothing is plugged in");
    }

    #[test]
    fn a_raw_sensor_leads_to_the_commands_that_read_it() {
        let raw = device(0, "unicam", &[b"pBAA", b"BG10"]);
        let why = raw.choose(&VGA).unwrap_err();
        for part in ["unprocessed (pBAA, BG10)", "exec:rpicam-vid", "exec:gst-launch-1.0"] {
            assert!(why.contains(part), "{why}");
        }
        let none = why_none(&[device(1, "x", &[b"H264"]), raw], &VGA);
        assert!(none.starts_with("/dev/video0 (a device): it gives what its sensor"), "{none}");
    }

    #[test]
    fn a_refusal_names_what_is_offered_and_what_was_expected() {
        let camera = device(0, "uvcvideo", &[b"H264"]);
        let why = camera.choose(&VGA).unwrap_err();
        assert!(why.starts_with("it offers H264, expected one of MJPG, YUYV"), "{why}");
        let only = Wanted { format: CameraFormat::of(FourCc(*b"NV12")), ..VGA };
        assert_eq!(camera.choose(&only).unwrap_err(), "it offers H264, expected one of NV12");
        assert_eq!(why_none(&[], &VGA), "no camera is plugged in");
    }
}
