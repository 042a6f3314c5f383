//! The lights behind panels, by the files of `/sys/class/backlight`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// All lights of a system; those that were turned off are turned on again when this is dropped.
#[derive(Debug)]
pub struct Lights {
    lights: Vec<Light>,
}

#[derive(Debug)]
struct Light {
    dir: PathBuf,
    /// What it was before it was turned off.
    brightness: Option<String>,
}

/// `FB_BLANK_UNBLANK` and `FB_BLANK_POWERDOWN`, as `bl_power` takes them.
const POWER_ON: &str = "0";
const POWER_OFF: &str = "4";

impl Lights {
    /// The lights of the system at `root`; there may be none.
    pub fn find(root: &Path) -> Self {
        let entries =
            fs::read_dir(root.join("sys/class/backlight")).into_iter().flatten().flatten();
        let lights = entries.map(|entry| Light { dir: entry.path(), brightness: None });
        Self { lights: lights.collect() }
    }

    /// Turns those on that are off: a kiosk that was killed while nobody was there has left them so, and
    /// nobody knows how bright they were. What cannot be written stays as it is.
    pub fn revive(&self) {
        for light in &self.lights {
            if let Err(error) = light.revive() {
                log::debug!("the light {}: {error}", light.dir.display());
            }
        }
    }

    /// Turns them off.
    ///
    /// # Errors
    /// Where the first of them cannot be, mostly since only root may; the others still are.
    pub fn turn_off(&mut self) -> Result<()> {
        self.each(Light::turn_off)
    }

    /// Turns those on that were turned off, as bright as they were.
    ///
    /// # Errors
    /// Where the first of them cannot be; the others still are.
    pub fn turn_on(&mut self) -> Result<()> {
        self.each(Light::turn_on)
    }

    fn each(&mut self, act: fn(&mut Light) -> io::Result<()>) -> Result<()> {
        let acted = self.lights.iter_mut().map(|light| {
            act(light).with_context(|| format!("switching the light {}", light.dir.display()))
        });
        acted.collect::<Vec<_>>().into_iter().collect()
    }
}

impl Drop for Lights {
    fn drop(&mut self) {
        if let Err(error) = self.turn_on() {
            log::warn!("{error:#}");
        }
    }
}

impl Light {
    fn turn_off(&mut self) -> io::Result<()> {
        if self.brightness.is_none() {
            // What another display has turned off, that one turns on again.
            let brightness = fs::read_to_string(self.dir.join("brightness"))?;
            self.brightness = Some(brightness).filter(|brightness| brightness.trim() != "0");
        }
        self.power(POWER_OFF)?;
        fs::write(self.dir.join("brightness"), "0")
    }

    fn revive(&self) -> io::Result<()> {
        let read = |name| fs::read_to_string(self.dir.join(name));
        if read("brightness")?.trim() == "0" {
            fs::write(self.dir.join("brightness"), read("max_brightness")?.trim())?;
        }
        if read("bl_power").is_ok_and(|power| power.trim() != POWER_ON) {
            self.power(POWER_ON)?;
        }
        Ok(())
    }

    fn turn_on(&mut self) -> io::Result<()> {
        let Some(brightness) = &self.brightness else { return Ok(()) };
        fs::write(self.dir.join("brightness"), brightness.trim())?;
        self.power(POWER_ON)?;
        self.brightness = None;
        Ok(())
    }

    /// Drivers that have only a brightness have no such file, and the file must not be made.
    fn power(&self, value: &str) -> io::Result<()> {
        let path = self.dir.join("bl_power");
        match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            _ => fs::write(path, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with a light that has two files, and one that has only its brightness.
    fn system() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, brightness) in [("panel", "180\n"), ("small", "7\n")] {
            let dir = root.path().join("sys/class/backlight").join(name);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("brightness"), brightness).unwrap();
        }
        fs::write(root.path().join("sys/class/backlight/panel/bl_power"), "0\n").unwrap();
        root
    }

    #[test]
    fn a_light_that_a_killed_kiosk_left_off_is_turned_on() {
        let root = system();
        let panel = root.path().join("sys/class/backlight/panel");
        fs::write(panel.join("max_brightness"), "255\n").unwrap();
        Lights::find(root.path()).revive();
        assert_eq!(fs::read_to_string(panel.join("brightness")).unwrap(), "180\n", "it was on");
        fs::write(panel.join("brightness"), "0\n").unwrap();
        fs::write(panel.join("bl_power"), "4\n").unwrap();
        Lights::find(root.path()).revive();
        assert_eq!(fs::read_to_string(panel.join("brightness")).unwrap(), "255");
        assert_eq!(fs::read_to_string(panel.join("bl_power")).unwrap(), "0");
    }

    fn state(root: &Path) -> [String; 3] {
        ["panel/brightness", "panel/bl_power", "small/brightness"].map(|name| {
            let text = fs::read_to_string(root.join("sys/class/backlight").join(name)).unwrap();
            text.trim().to_owned()
        })
    }

    #[test]
    fn lights_come_back_as_bright_as_they_were() {
        let root = system();
        let mut lights = Lights::find(root.path());
        lights.turn_off().unwrap();
        lights.turn_off().unwrap();
        assert_eq!(state(root.path()), ["0", "4", "0"]);
        lights.turn_on().unwrap();
        assert_eq!(state(root.path()), ["180", "0", "7"]);
        assert!(!root.path().join("sys/class/backlight/small/bl_power").exists());
    }

    #[test]
    fn two_displays_that_switch_the_same_lights_leave_them_as_they_were() {
        let root = system();
        let mut lights = [Lights::find(root.path()), Lights::find(root.path())];
        lights.iter_mut().for_each(|lights| lights.turn_off().unwrap());
        assert_eq!(state(root.path()), ["0", "4", "0"]);
        lights.iter_mut().for_each(|lights| lights.turn_on().unwrap());
        assert_eq!(state(root.path()), ["180", "0", "7"]);
    }

    #[test]
    fn whoever_ends_leaves_the_lights_on() {
        let root = system();
        let mut lights = Lights::find(root.path());
        lights.turn_off().unwrap();
        drop(lights);
        assert_eq!(state(root.path()), ["180", "0", "7"]);
    }

    #[test]
    fn a_light_that_cannot_be_switched_is_named_and_the_others_are_switched() {
        let root = system();
        fs::remove_file(root.path().join("sys/class/backlight/panel/brightness")).unwrap();
        let error = Lights::find(root.path()).turn_off().unwrap_err();
        assert!(error.to_string().contains("sys/class/backlight/panel"), "{error:#}");
        let mut lights = Lights::find(root.path());
        assert!(lights.turn_off().is_err());
        let small = root.path().join("sys/class/backlight/small/brightness");
        assert_eq!(fs::read_to_string(small).unwrap(), "0");
    }

    #[test]
    fn a_system_without_lights_is_no_trouble() {
        let root = tempfile::tempdir().unwrap();
        let mut lights = Lights::find(root.path());
        lights.turn_off().and_then(|()| lights.turn_on()).unwrap();
    }
}
