//! GPIO lines by the chips' device files: which line is meant, lines that are driven, and lines that are heard.
//!
//! The kernel is spoken to by its first interface of character devices (`linux/gpio.h`), which Linux has had
//! since 4.8.

pub mod chip;
pub mod press;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use linux_embedded_hal::gpio_cdev::{
    EventRequestFlags, EventType, Line, LineEventHandle, LineHandle, LineRequestFlags,
};
use serde::{Deserialize, Serialize};

use chip::{explained, find, said};

/// Who holds our lines, as `gpioinfo` shows it.
const CONSUMER: &str = "apparent";

/// `GPIOHANDLE_REQUEST_BIAS_PULL_UP` and `…_DOWN`: since Linux 5.5; crate `gpio-cdev` has no names for them.
const PULL_UP: u32 = 1 << 5;
const PULL_DOWN: u32 = 1 << 6;

/// A line, as it is written: `25` of the usual chip, `CHIP/25`, or `!25`, which works the other way round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct LineSpec {
    /// Label, name or number of its chip; `None` is the one with the board's pins.
    pub chip: Option<String>,
    /// Its number on the chip.
    pub line: u32,
    /// Whether it works the other way round than usual.
    pub sense: Sense,
}

/// Which way round a line works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// Lights are on where a line is high; a button connects its line with ground.
    Usual,
    /// Lights are on where a line is low; a button connects its line with 3.3 V.
    Inverted,
}

/// In files, a line of the usual chip may be a number.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a GPIO line: a number, CHIP/NUMBER or !NUMBER")]
enum Written {
    Number(u32),
    Text(String),
}

impl TryFrom<Written> for LineSpec {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Number(line) => Ok(line.into()),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<u32> for LineSpec {
    fn from(line: u32) -> Self {
        Self { chip: None, line, sense: Sense::Usual }
    }
}

impl FromStr for LineSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (sense, rest) = match text.strip_prefix('!') {
            Some(rest) => (Sense::Inverted, rest),
            None => (Sense::Usual, text),
        };
        let (chip, line) = match rest.rsplit_once('/') {
            Some((chip, line)) => (Some(chip.to_owned()), line),
            None => (None, rest),
        };
        let named = chip.as_ref().is_none_or(|chip| !chip.is_empty());
        match line.parse() {
            Ok(line) if named => Ok(Self { chip, line, sense }),
            _ => {
                Err(format!("the GPIO line is '{text}', expected a number, CHIP/NUMBER or !NUMBER"))
            }
        }
    }
}

impl fmt::Display for LineSpec {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { chip, line, sense } = self;
        if *sense == Sense::Inverted {
            f.write_str("!")?;
        }
        match chip {
            Some(chip) => write!(f, "{chip}/{line}"),
            None => write!(f, "{line}"),
        }
    }
}

impl From<LineSpec> for String {
    fn from(spec: LineSpec) -> Self {
        spec.to_string()
    }
}

/// A line that is driven.
#[derive(Debug)]
pub struct Output {
    handle: LineHandle,
    sense: Sense,
    name: String,
}

impl Output {
    /// Takes the line, which is `level` from then on.
    ///
    /// # Errors
    /// Where chip or line are not there, this user may not, or somebody else has the line.
    pub fn open(spec: &LineSpec, level: Level) -> Result<Self> {
        let (line, name) = find(spec)?;
        let value = value(level, spec.sense);
        let handle = line.request(LineRequestFlags::OUTPUT, value, CONSUMER);
        let handle = handle.map_err(|error| explained(&error, &line)).context(name.clone())?;
        Ok(Self { handle, sense: spec.sense, name })
    }

    /// Drives it.
    ///
    /// # Errors
    /// Where the chip is gone.
    pub fn set(&mut self, level: Level) -> Result<()> {
        let set = self.handle.set_value(value(level, self.sense));
        set.map_err(|error| said(&error)).with_context(|| self.name.clone())
    }
}

/// What a line that is driven does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Off, or low.
    Off,
    /// On, or high.
    On,
}

fn value(level: Level, sense: Sense) -> u8 {
    u8::from((level == Level::On) == (sense == Sense::Usual))
}

/// A button on a line.
#[derive(Debug)]
pub struct Button {
    /// What tells of its going down and up.
    pub events: LineEventHandle,
    sense: Sense,
    name: String,
}

impl Button {
    /// Listens to the line, held up by the chip itself where it can.
    ///
    /// # Errors
    /// As [`Output::open`].
    pub fn open(spec: &LineSpec) -> Result<Self> {
        let (line, name) = find(spec)?;
        let pull = match spec.sense {
            Sense::Usual => PULL_UP,
            Sense::Inverted => PULL_DOWN,
        };
        let pulled = LineRequestFlags::from_bits_retain(LineRequestFlags::INPUT.bits() | pull);
        // Older kernels refuse the pull: the button has a resistor of its own then, or its line floats.
        let events = listen(&line, pulled).or_else(|_| listen(&line, LineRequestFlags::INPUT));
        let events = events.map_err(|error| explained(&error, &line)).context(name.clone())?;
        Ok(Self { events, sense: spec.sense, name })
    }

    /// Whether it is down now.
    ///
    /// # Errors
    /// Where the chip is gone.
    pub fn is_down(&self) -> Result<bool> {
        let value = self.events.get_value().map_err(|error| said(&error));
        let high = value.with_context(|| self.name.clone())? != 0;
        Ok(self.is_pressed(high))
    }

    /// Takes one change, which must have come.
    ///
    /// # Errors
    /// Where the chip is gone.
    pub fn take_change(&mut self) -> Result<Change> {
        let event = self.events.get_event().map_err(|error| said(&error));
        let event = event.with_context(|| self.name.clone())?;
        let high = event.event_type() == EventType::RisingEdge;
        Ok(Change { is_down: self.is_pressed(high), at: Duration::from_nanos(event.timestamp()) })
    }

    fn is_pressed(&self, high: bool) -> bool {
        high == (self.sense == Sense::Inverted)
    }
}

/// A button's going down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether it is down since.
    pub is_down: bool,
    /// When, by a clock of the kernel's.
    pub at: Duration,
}

fn listen(
    line: &Line,
    flags: LineRequestFlags,
) -> Result<LineEventHandle, linux_embedded_hal::gpio_cdev::Error> {
    line.events(flags, EventRequestFlags::BOTH_EDGES, CONSUMER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_written() {
        for text in ["25", "!7", "pinctrl-rp1/25", "!gpiochip4/0"] {
            assert_eq!(text.parse::<LineSpec>().unwrap().to_string(), text);
        }
        for broken in ["", "!", "-1", "GPIO25", "/25", "chip/", "25/x", "99999999999"] {
            assert!(broken.parse::<LineSpec>().unwrap_err().contains("CHIP/NUMBER"), "{broken}");
        }
    }

    #[test]
    fn in_a_file_a_line_may_be_a_number() {
        #[derive(Deserialize)]
        struct File {
            line: LineSpec,
        }
        for (text, expected) in [("line = 25", "25"), ("line = \"!rp1/3\"", "!rp1/3")] {
            assert_eq!(toml::from_str::<File>(text).unwrap().line.to_string(), expected);
        }
        assert!(toml::from_str::<File>("line = -1").is_err());
    }

    #[test]
    fn a_line_that_works_the_other_way_round_is_low_where_it_is_on() {
        assert_eq!((value(Level::On, Sense::Usual), value(Level::On, Sense::Inverted)), (1, 0));
        assert_eq!((value(Level::Off, Sense::Usual), value(Level::Off, Sense::Inverted)), (0, 1));
    }
}
