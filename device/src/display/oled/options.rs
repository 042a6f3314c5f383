//! What is told of an SSD1306 after its device file: `ssd1306:/dev/i2c-1,address=0x3d`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::decode::orientation::Rotation;

/// Most modules' address; the others have 0x3d.
const ADDRESS: u8 = 0x3C;

/// An SSD1306: where it is, and which way it is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OledSpec {
    /// The device file of its bus.
    pub device: PathBuf,
    /// Its address on the bus, in 7 bits.
    pub address: u8,
    /// How far its picture is turned: not at all, or by half.
    pub rotate: Rotation,
}

impl FromStr for OledSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let device = parts.next().filter(|device| !device.is_empty());
        let device = device.ok_or("ssd1306: no device, expected one such as /dev/i2c-1")?;
        let mut spec = Self { device: device.into(), address: ADDRESS, rotate: Rotation::None };
        for part in parts {
            let refused = |expected| format!("ssd1306: '{part}': expected {expected}");
            match part.split_once('=') {
                Some(("address", value)) => {
                    let address = value.strip_prefix("0x").and_then(seven_bits);
                    spec.address = address.ok_or_else(|| refused("0x08 to 0x77, mostly 0x3c"))?;
                }
                Some(("rotate", "0")) => spec.rotate = Rotation::None,
                Some(("rotate", "180")) => spec.rotate = Rotation::Half,
                Some(("rotate", _)) => return Err(refused("0 or 180")),
                _ => return Err(refused("address=0x3c or rotate=180")),
            }
        }
        Ok(spec)
    }
}

/// Addresses below 8 and above 0x77 have meanings of their own.
fn seven_bits(digits: &str) -> Option<u8> {
    u8::from_str_radix(digits, 16).ok().filter(|address| (0x08..=0x77).contains(address))
}

impl fmt::Display for OledSpec {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "ssd1306:{}", self.device.display())?;
        if self.address != ADDRESS {
            write!(f, ",address={:#04x}", self.address)?;
        }
        if self.rotate != Rotation::None {
            write!(f, ",rotate={}", self.rotate)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_read_as_it_is_written() {
        for text in ["/dev/i2c-1", "/dev/i2c-1,address=0x3d", "/dev/i2c-0,rotate=180"] {
            assert_eq!(text.parse::<OledSpec>().unwrap().to_string(), format!("ssd1306:{text}"));
        }
    }

    #[test]
    fn an_option_that_cannot_be_is_named_with_what_was_expected() {
        for (text, expected) in [
            ("", "expected one such as /dev/i2c-1"),
            ("/dev/i2c-1,address=60", "'address=60': expected 0x08 to 0x77"),
            ("/dev/i2c-1,address=0x78", "'address=0x78': expected 0x08 to 0x77"),
            ("/dev/i2c-1,rotate=90", "'rotate=90': expected 0 or 180"),
            ("/dev/i2c-1,dc=25", "'dc=25': expected address=0x3c or rotate=180"),
        ] {
            let error = text.parse::<OledSpec>().unwrap_err();
            assert!(error.starts_with("ssd1306: ") && error.contains(expected), "{error}");
        }
    }
}
