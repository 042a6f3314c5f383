//! What a system has to show screens on, as `/dev` and `/sys` tell without anything being switched.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::drm::spec::DrmSpec;
use super::drm::survey::{self as cards, CardReport};
use super::spec::DisplaySpec;
use crate::gpio::chip;
use crate::numbered;

/// Everything there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// Graphics cards, by number.
    pub cards: Vec<CardReport>,
    /// Framebuffers, by number.
    pub framebuffers: Vec<Screen>,
    /// Buses that a panel may hang on.
    pub spi: Vec<Bus>,
    /// Buses that a panel may hang on.
    pub i2c: Vec<Bus>,
    /// Chips whose lines panels, buttons and lights hang on.
    pub gpio: Vec<Bus>,
}

/// A framebuffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Screen {
    /// Its device file.
    pub path: PathBuf,
    /// Its driver's name for it.
    pub name: String,
    /// Its size, such as `800x480`.
    pub size_px: Option<String>,
    /// Bits in a pixel.
    pub bits: Option<u32>,
    /// Why it cannot be used.
    pub error: Option<String>,
}

/// A bus or a chip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bus {
    /// Its device file.
    pub path: PathBuf,
    /// What more there is to say.
    pub about: Option<String>,
    /// Why it cannot be used.
    pub error: Option<String>,
}

impl Survey {
    /// Of the system at `root`.
    pub fn of(root: &Path) -> Self {
        let buses = |start| -> Vec<Bus> {
            numbered::paths(&root.join("dev"), start).into_iter().map(bus).collect()
        };
        let screens = numbered::paths(&root.join("dev"), "fb").into_iter();
        Self {
            cards: cards::all(root),
            framebuffers: screens.map(|path| screen(root, path)).collect(),
            spi: buses("spidev"),
            i2c: buses("i2c-"),
            gpio: chip::paths(root).into_iter().map(gpio_chip).collect(),
        }
    }

    /// What `auto` tries, in this order: graphics cards that have a display, framebuffers; what cannot be used now
    /// comes last.
    pub fn candidates(&self) -> Vec<Candidate> {
        let cards = self.cards.iter().filter(|card| card.takes.is_some()).map(|card| Candidate {
            spec: DisplaySpec::Drm(DrmSpec { device: Some(card.path.clone()), size: None }),
            usable: card.error.is_none(),
        });
        let screens = self.framebuffers.iter().map(|screen| Candidate {
            spec: DisplaySpec::Framebuffer(screen.path.clone()),
            usable: screen.error.is_none(),
        });
        let mut candidates: Vec<_> = cards.chain(screens).collect();
        candidates.sort_by_key(|candidate| !candidate.usable);
        candidates
    }
}

/// A display that may be taken where none is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The display.
    pub spec: DisplaySpec,
    /// Whether it could be used when it was looked at.
    pub usable: bool,
}

fn screen(root: &Path, path: PathBuf) -> Screen {
    let dir = root.join("sys/class/graphics").join(path.file_name().unwrap_or_default());
    Screen {
        name: line(&dir.join("name")).unwrap_or_default(),
        size_px: line(&dir.join("virtual_size")).map(|size| size.replace(',', "x")),
        bits: line(&dir.join("bits_per_pixel")).and_then(|bits| bits.parse().ok()),
        error: refusal(&path),
        path,
    }
}

fn bus(path: PathBuf) -> Bus {
    Bus { error: refusal(&path), path, about: None }
}

fn gpio_chip(path: PathBuf) -> Bus {
    match chip::open(&path) {
        Ok(chip) => {
            let about = format!("{}, {} lines", chip.label(), chip.num_lines());
            Bus { path, about: Some(about), error: None }
        }
        Err(error) => Bus { path, about: None, error: Some(error.root_cause().to_string()) },
    }
}

/// Why a device file cannot be opened.
fn refusal(path: &Path) -> Option<String> {
    let error = OpenOptions::new().read(true).write(true).open(path).err()?;
    Some(match error.kind() {
        io::ErrorKind::PermissionDenied => "this user may not".to_owned(),
        _ => error.to_string(),
    })
}

/// The first line of a file.
fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn devices_are_listed_by_number_and_nothing_else_is() {
        let names = ["fb10", "fb2", "fbcon", "spidev0.1", "spidev0.0", "i2c-1", "i2c-x", "spi"];
        let paths = names.map(|name| format!("dev/{name}"));
        let root = system(&paths.each_ref().map(|path| (path.as_str(), "")));
        let survey = Survey::of(root.path());
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let screens: Vec<_> = survey.framebuffers.iter().map(|it| name(&it.path)).collect();
        assert_eq!(screens, ["fb2", "fb10"]);
        let buses: Vec<_> =
            survey.spi.iter().chain(&survey.i2c).map(|bus| name(&bus.path)).collect();
        assert_eq!(buses, ["spidev0.0", "spidev0.1", "i2c-1"]);
        assert_eq!(Survey::of(&root.path().join("nowhere")), Survey::default());
    }

    #[test]
    fn a_framebuffer_says_how_large_it_is() {
        let root = system(&[
            ("dev/fb0", ""),
            ("sys/class/graphics/fb0/name", "vc4drmfb\n"),
            ("sys/class/graphics/fb0/virtual_size", "1920,1080\n"),
            ("sys/class/graphics/fb0/bits_per_pixel", "16\n"),
        ]);
        let screens = Survey::of(root.path()).framebuffers;
        let expected = Screen {
            path: root.path().join("dev/fb0"),
            name: "vc4drmfb".into(),
            size_px: Some("1920x1080".into()),
            bits: Some(16),
            error: None,
        };
        assert_eq!(screens, [expected]);
    }

    #[test]
    fn what_can_be_used_is_tried_before_what_cannot_and_cards_before_framebuffers() {
        let screen = |number: u32, error: Option<&str>| Screen {
            path: format!("/dev/fb{number}").into(),
            name: String::new(),
            size_px: None,
            bits: None,
            error: error.map(str::to_owned),
        };
        let framebuffers = vec![screen(0, Some("this user may not")), screen(1, None)];
        let card = |number: u32, takes: Option<&str>, error: Option<&str>| CardReport {
            path: format!("/dev/dri/card{number}").into(),
            driver: None,
            connectors: vec![],
            takes: takes.map(str::to_owned),
            error: error.map(str::to_owned),
        };
        let cards = vec![
            card(0, None, Some("no display is connected to it")),
            card(1, Some("HDMI-A-1"), Some("another program draws on it")),
            card(2, Some("DSI-1"), None),
        ];
        let candidates = Survey { cards, framebuffers, ..Survey::default() }.candidates();
        let texts: Vec<_> = candidates.iter().map(|candidate| candidate.spec.to_string()).collect();
        let expected = ["drm:/dev/dri/card2", "fb:/dev/fb1", "drm:/dev/dri/card1", "fb:/dev/fb0"];
        assert_eq!(texts, expected);
    }
}
