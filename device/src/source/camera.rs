//! Which camera is meant: by its device file, by a name that it keeps when it is plugged in again, or any.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::files::natural_order;
use super::{SourceError, Trouble};

/// A camera, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraSpec {
    /// The first that can be used.
    Auto,
    /// This device file, or a link to it.
    Path(PathBuf),
    /// A name in `/dev/v4l/by-id`, which says maker, kind and serial number.
    ById(String),
    /// The first camera of this kind.
    Usb(UsbId),
}

/// What USB tells devices apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsbId {
    /// Who made it.
    pub vendor: u16,
    /// What it is.
    pub product: u16,
}

/// Where the system keeps devices; other folders in tests.
#[derive(Clone, Debug)]
pub struct Places {
    /// The device files.
    pub dev: PathBuf,
    /// What the kernel says of them.
    pub sys: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { dev: "/dev".into(), sys: "/sys".into() }
    }
}

impl Places {
    /// The device files of all video devices, by their numbers.
    pub fn videos(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.dev).into_iter().flatten().filter_map(Result::ok);
        let mut videos: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        videos.retain(|path| is_video(path));
        videos.sort_by(|a, b| natural_order(a, b));
        videos
    }

    /// The device file of the camera that is meant, wherever it is now.
    ///
    /// # Errors
    /// Where it is not plugged in.
    pub fn path_of(&self, spec: &CameraSpec) -> Result<PathBuf, SourceError> {
        let missing = |what: String| Trouble::Missing.because(anyhow!(what));
        match spec {
            CameraSpec::Auto => {
                let first = self.videos().into_iter().next();
                first.ok_or_else(|| missing(format!("no camera in {}", self.dev.display())))
            }
            CameraSpec::Path(path) => Ok(path.clone()),
            CameraSpec::ById(name) => Ok(self.by_id().join(name)),
            CameraSpec::Usb(id) => {
                let mut kind =
                    self.videos().into_iter().filter(|path| self.usb_id(path) == Some(*id));
                kind.next().ok_or_else(|| missing(format!("no camera with the USB id {id}")))
            }
        }
    }

    /// The USB id of the camera with this device file. Of the several files of one camera, only the first
    /// gives frames, and only that has one here.
    pub fn usb_id(&self, video: &Path) -> Option<UsbId> {
        let node = self.sys.join("class/video4linux").join(video.file_name()?);
        let first = fs::read_to_string(node.join("index")).ok()?;
        // The node belongs to an interface, which belongs to the device that has the id.
        let interface = fs::canonicalize(node.join("device")).ok()?;
        let device = interface.parent()?;
        let number = |name: &str| {
            let text = fs::read_to_string(device.join(name)).ok()?;
            u16::from_str_radix(text.trim(), 16).ok()
        };
        let id = UsbId { vendor: number("idVendor")?, product: number("idProduct")? };
        (first.trim() == "0").then_some(id)
    }

    /// The name in `by-id` that leads to this device file.
    pub fn name_by_id(&self, video: &Path) -> Option<String> {
        let video = fs::canonicalize(video).ok()?;
        let mut links = fs::read_dir(self.by_id()).ok()?.filter_map(Result::ok);
        let link = links.find(|link| fs::canonicalize(link.path()).is_ok_and(|to| to == video))?;
        link.file_name().into_string().ok()
    }

    fn by_id(&self) -> PathBuf {
        self.dev.join("v4l/by-id")
    }
}

fn is_video(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let number = name.and_then(|name| name.strip_prefix("video"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

impl UsbId {
    /// `046d:0825`, if that is what `text` is.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| {
            let hex = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
        };
        let (vendor, product) = text.split_once(':')?;
        Some(Self { vendor: number(vendor)?, product: number(product)? })
    }
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.product)
    }
}

impl fmt::Display for CameraSpec {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Path(path) if path.starts_with("/dev") => path.display().fmt(f),
            Self::Path(path) => write!(f, "v4l2:{}", path.display()),
            Self::ById(name) => write!(f, "v4l2:{name}"),
            Self::Usb(id) => write!(f, "v4l2:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const NAME: &str = "usb-046d_C920_1234-video-index0";

    /// A machine with one USB camera, which has two device files from `number` on, and a codec.
    fn machine(number: u32) -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places { dev: dir.path().join("dev"), sys: dir.path().join("sys") };
        let device = dir.path().join("sys/devices/usb1/1-1");
        let class = places.sys.join("class/video4linux");
        for folder in [&places.by_id(), &device.join("1-1:1.0"), &class] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(device.join("idVendor"), "046d\n").unwrap();
        fs::write(device.join("idProduct"), "0825\n").unwrap();
        for index in 0..2 {
            let name = format!("video{}", number + index);
            fs::write(places.dev.join(&name), "").unwrap();
            fs::create_dir(class.join(&name)).unwrap();
            fs::write(class.join(&name).join("index"), format!("{index}\n")).unwrap();
            symlink(device.join("1-1:1.0"), class.join(&name).join("device")).unwrap();
        }
        symlink(format!("../../video{number}"), places.by_id().join(NAME)).unwrap();
        for other in ["video31", "videos", "video", "null"] {
            fs::write(places.dev.join(other), "").unwrap();
        }
        (dir, places)
    }

    #[test]
    fn a_camera_is_found_again_under_another_number() {
        for number in [0, 9] {
            let (_dir, places) = machine(number);
            let expected = places.dev.join(format!("video{number}"));
            let usb = CameraSpec::Usb(UsbId::parse("046d:0825").unwrap());
            assert_eq!(places.path_of(&usb).unwrap(), expected);
            let by_id = places.path_of(&CameraSpec::ById(NAME.into())).unwrap();
            assert_eq!(fs::canonicalize(by_id).unwrap(), fs::canonicalize(&expected).unwrap());
            assert_eq!(places.name_by_id(&expected).as_deref(), Some(NAME));
            assert_eq!(places.usb_id(&places.dev.join(format!("video{}", number + 1))), None);
        }
    }

    #[test]
    fn device_files_are_listed_by_their_numbers() {
        let (_dir, places) = machine(9);
        let names = places.videos().into_iter().map(|path| path.file_name().unwrap().to_owned());
        assert_eq!(names.collect::<Vec<_>>(), ["video9", "video10", "video31"]);
    }

    #[test]
    fn a_camera_that_is_not_there_is_missing() {
        let (_dir, places) = machine(0);
        let other = CameraSpec::Usb(UsbId { vendor: 1, product: 2 });
        let error = places.path_of(&other).unwrap_err();
        assert_eq!(error.trouble, Trouble::Missing);
        assert_eq!(error.to_string(), "no camera with the USB id 0001:0002");
        let nowhere = Places { dev: "/nowhere".into(), sys: "/nowhere".into() };
        let error = nowhere.path_of(&CameraSpec::Auto).unwrap_err();
        assert_eq!(error.to_string(), "no camera in /nowhere");
    }
}
