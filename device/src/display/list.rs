//! The displays that are meant: one, as a text, or several, as a list of them.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::spec::DisplaySpec;
use crate::scene::Privacy;

/// At least one display, none of them twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct DisplayList(pub Vec<DisplaySpec>);

/// As files have it.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a display, or a list of displays")]
enum Written {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Written> for DisplayList {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let texts = match written {
            Written::One(text) => vec![text],
            Written::Several(texts) => texts,
        };
        texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl From<DisplayList> for Written {
    fn from(list: DisplayList) -> Self {
        let mut texts: Vec<_> = list.0.iter().map(ToString::to_string).collect();
        match texts.pop() {
            Some(only) if texts.is_empty() => Self::One(only),
            last => Self::Several(texts.into_iter().chain(last).collect()),
        }
    }
}

impl Default for DisplayList {
    fn default() -> Self {
        Self(vec![DisplaySpec::default()])
    }
}

impl DisplayList {
    /// Checks what can be checked without any device.
    ///
    /// # Errors
    /// Where there is none, one twice, or one that would break a promise.
    pub fn check(&self) -> Result<()> {
        ensure!(
            !self.0.is_empty(),
            "the list of displays is empty, expected at least one, be it none"
        );
        for (n, spec) in self.0.iter().enumerate() {
            ensure!(!self.0[..n].contains(spec), "the display {spec} is given twice");
        }
        Ok(())
    }

    /// Refuses displays that would break a promise.
    ///
    /// # Errors
    /// Where one would keep pictures of people in front of a camera.
    pub fn check_privacy(&self, privacy: Privacy) -> Result<()> {
        self.0.iter().try_for_each(|spec| spec.check(privacy))
    }

    /// Whether people may be looking at one of them.
    pub fn is_seen(&self) -> bool {
        self.0.iter().any(DisplaySpec::is_seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        display: DisplayList,
    }

    fn read(text: &str) -> Result<DisplayList, String> {
        let file = toml::from_str::<File>(text).map_err(|error| error.to_string())?;
        file.display.check().map_err(|error| error.to_string())?;
        Ok(file.display)
    }

    #[test]
    fn one_is_written_as_a_text_and_several_as_a_list() {
        for text in ["display = \"auto\"\n", "display = [\"auto\", \"ssd1306:/dev/i2c-1\"]\n"] {
            let display = read(text).unwrap();
            assert_eq!(toml::to_string(&File { display }).unwrap(), text);
        }
    }

    #[test]
    fn none_at_all_and_one_twice_are_refused() {
        assert!(read("display = []").unwrap_err().contains("expected at least one"));
        let twice = read("display = [\"fb:/dev/fb0\", \"none\", \"fb:/dev/fb0\"]").unwrap_err();
        assert_eq!(twice, "the display fb:/dev/fb0 is given twice");
        assert!(
            read("display = [\"hdmi\"]").unwrap_err().contains("the display is 'hdmi', expected")
        );
        assert!(read("display = 3").unwrap_err().contains("expected a display, or a list"));
    }
}
