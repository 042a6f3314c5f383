//! The light that is on while somebody is there. Only where one is configured.

use anyhow::Result;

use super::links::Links;
use crate::gpio::{Level, LineSpec, Output};

/// A light on a GPIO line; off when this is dropped.
#[derive(Debug)]
pub struct Lamp {
    line: Option<Output>,
    level: Level,
}

impl Lamp {
    /// Takes the line of a light, where there is one.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub fn open(line: Option<&LineSpec>) -> Result<Self> {
        let line = line.map(|line| Output::open(line, Level::Off)).transpose()?;
        Ok(Self { line, level: Level::Off })
    }

    /// None.
    pub fn none() -> Self {
        Self { line: None, level: Level::Off }
    }

    /// Shows whether somebody is there.
    pub fn tell(&mut self, links: &Links) {
        self.set(level(links));
    }

    fn set(&mut self, level: Level) {
        if level == self.level {
            return;
        }
        self.level = level;
        if let Some(Err(error)) = self.line.as_mut().map(|line| line.set(level)) {
            log::error!("the presence light: {error:#}");
            self.line = None;
        }
    }
}

fn level(links: &Links) -> Level {
    let somebody = links.meters.faces.get() > 0;
    let looking = !links.wishes.is_paused() && links.state.camera().is_none();
    if somebody && looking { Level::On } else { Level::Off }
}

impl Drop for Lamp {
    fn drop(&mut self) {
        self.set(Level::Off);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Trouble;

    #[test]
    fn the_light_is_on_while_somebody_is_looked_at() {
        let links = Links::default();
        assert_eq!(level(&links), Level::Off);
        links.meters.faces.set(2);
        assert_eq!(level(&links), Level::On);
        links.wishes.pause_or_go_on();
        assert_eq!(level(&links), Level::Off);
        links.wishes.pause_or_go_on();
        links.state.set_camera(Some(Trouble::Lost));
        assert_eq!(level(&links), Level::Off);
    }
}
