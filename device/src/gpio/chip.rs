//! The chips that lines belong to: which one is meant, and what to say where it cannot be used.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow};
use linux_embedded_hal::gpio_cdev::{Chip, Error as GpioError, Line};

use super::LineSpec;
use crate::numbered;

/// The labels of the chips that boards have their pins on, as they begin: those of Raspberry Pi.
const PINS: [&str; 2] = ["pinctrl-rp1", "pinctrl-bcm"];

/// The chips' device files, by their numbers.
pub fn paths(root: &Path) -> Vec<PathBuf> {
    numbered::paths(&root.join("dev"), "gpiochip")
}

/// Opens the chip of a device file.
///
/// # Errors
/// Where this user may not, or it is none.
pub fn open(path: &Path) -> Result<Chip> {
    let opened = Chip::new(path).map_err(|error| {
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        if cause.is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied) {
            return anyhow!("this user may not; members of the group 'gpio' may");
        }
        said(&error)
    });
    opened.with_context(|| format!("opening the GPIO chip {}", path.display()))
}

/// The line that is meant, and what messages call it.
pub(super) fn find(spec: &LineSpec) -> Result<(Line, String)> {
    let number = spec.line;
    let mut chip = chosen(spec)?;
    let called = format!("line {number} of {} ({})", chip.name(), chip.label());
    let lines = chip.num_lines();
    let line = chip.get_line(number);
    let line = line.with_context(|| format!("{called} is not there, the chip has {lines}"))?;
    Ok((line, format!("GPIO {called}")))
}

fn chosen(spec: &LineSpec) -> Result<Chip> {
    let paths = paths(Path::new("/"));
    let opened: Vec<Result<Chip>> = paths.iter().map(|path| open(path)).collect();
    let good = || opened.iter().filter_map(|chip| chip.as_ref().ok());
    let of_line = || format!("GPIO line {}", spec.line);
    let found = match &spec.chip {
        Some(name) => good().find(|chip| is_called(chip, name)),
        None => good().find(|chip| has_pins(chip)).or_else(|| good().next()),
    };
    if let Some(found) = found {
        return open(found.path());
    }
    let known: Vec<_> = good().map(|chip| format!("{} ({})", chip.name(), chip.label())).collect();
    if let Some(error) = opened.into_iter().find_map(Result::err) {
        return Err(error.context(of_line()));
    }
    let wanted = match &spec.chip {
        Some(name) => format!("there is no GPIO chip '{name}'"),
        None => "there is no GPIO chip".to_owned(),
    };
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(anyhow!("{wanted}, found {known}")).with_context(of_line)
}

fn is_called(chip: &Chip, name: &str) -> bool {
    let number = chip.name().strip_prefix("gpiochip");
    [Some(chip.label()), Some(chip.name()), number].contains(&Some(name))
}

fn has_pins(chip: &Chip) -> bool {
    PINS.iter().any(|start| chip.label().starts_with(start))
}

/// What whoever wired the board up can do about a line that is not given.
pub(super) fn explained(error: &GpioError, line: &Line) -> Error {
    if is(error, "EBUSY") {
        let info = line.info().ok();
        let holder = info.as_ref().and_then(|info| info.consumer());
        anyhow!("it is taken by '{}'", holder.unwrap_or("somebody else"))
    } else if is(error, "ENOTTY") || is(error, "EINVAL") {
        anyhow!("the kernel does not give it: {error}; it needs CONFIG_GPIO_CDEV_V1")
    } else {
        said(error)
    }
}

/// The crate's errors tell themselves twice in a chain.
pub(super) fn said(error: &GpioError) -> Error {
    anyhow!("{error}")
}

/// The crate keeps what the kernel said to itself; its text begins with the name.
fn is(error: &GpioError, name: &str) -> bool {
    error.source().is_some_and(|cause| cause.to_string().starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn chips_are_listed_by_number() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("dev")).unwrap();
        for name in ["gpiochip10", "gpiochip2", "gpiochipx", "gpio", "gpiochip0"] {
            fs::write(root.path().join("dev").join(name), "").unwrap();
        }
        let names: Vec<_> = paths(root.path())
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["gpiochip0", "gpiochip2", "gpiochip10"]);
    }
}
