//! What can be typed after `kiosk bench` and `kiosk bench-diff`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::{ModelArgs, ScreenSize};

/// `kiosk bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// Pictures, folders of pictures, or patterns; without any, a portrait that is in the program
    ///
    /// They are read into memory first and then taken in turn. Percentiles of unlike pictures tell more
    /// of the pictures than of the machine.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Measure only the network that reads ages and genders, on one prepared face
    #[arg(long, conflicts_with_all = ["paths", "out", "size"])]
    pub network: bool,

    /// Measure what the kiosk costs beside its network, frame after frame as from a camera
    ///
    /// The pictures are made into frames of 640x480 pixels in JPEG, decoded, searched for faces in every
    /// third frame, followed, drawn and put into a framebuffer in memory.
    #[arg(long, conflicts_with_all = ["network", "out", "json", "assert_p90_ms", "bundle"])]
    pub no_estimate: bool,

    /// Exit with 1 where that takes a larger share of one core at 30 frames a second than this
    #[arg(long, value_name = "PERCENT", requires = "no_estimate")]
    pub assert_core_percent: Option<Percent>,

    /// Measure this many pictures
    #[arg(long, value_name = "N", conflicts_with = "duration")]
    pub count: Option<Count>,

    /// Measure for this long [default: 10 seconds, and at least 64 pictures]
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<Seconds>,

    /// Read this many pictures before anything is measured
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub warm_up: usize,

    /// Write the result into this file as JSON: figures, and nothing of the pictures
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Exit with 1 where more than one picture in ten takes longer than this
    #[arg(long, value_name = "MS")]
    pub assert_p90_ms: Option<Milliseconds>,

    /// Write each screen into this folder as bench.png, which is then the stage 'present'
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// The screens' size in pixels, such as 480x320, 800x480 or 1280x720
    #[arg(long, value_name = "WxH", default_value = "800x480")]
    pub size: ScreenSize,

    /// The models to read with.
    #[command(flatten)]
    pub models: ModelArgs,

    /// Read one picture, say so and leave: what another process times as a cold start.
    #[arg(long, hide = true)]
    pub first_answer: bool,
}

/// `kiosk bench-diff`.
#[derive(Args, Debug)]
pub struct BenchDiffArgs {
    /// The result to compare with
    #[arg(value_name = "A.json")]
    pub before: PathBuf,

    /// The result that is compared
    #[arg(value_name = "B.json")]
    pub after: PathBuf,
}

/// How many pictures to measure, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub usize);

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Duration);

/// A time in milliseconds, above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Milliseconds(pub f64);

/// A share of one core, above 0; more than 100 is more than one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(pub f64);

/// As many as a run holds in memory without trouble.
const COUNT_MAX: usize = 10_000_000;

/// A day.
const SECONDS_MAX: f64 = 86_400.0;

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = text.parse().ok().filter(|count| (1..=COUNT_MAX).contains(count));
        count.map(Self).ok_or_else(|| format!("expected a number from 1 to {COUNT_MAX}"))
    }
}

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = positive(text).filter(|&seconds| seconds <= SECONDS_MAX);
        let duration = seconds.map(|seconds| Self(Duration::from_secs_f64(seconds)));
        duration.ok_or_else(|| format!("expected seconds above 0, at most {SECONDS_MAX}"))
    }
}

impl FromStr for Milliseconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        positive(text).map(Self).ok_or_else(|| "expected milliseconds above 0".to_owned())
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        positive(text).map(Self).ok_or_else(|| "expected a percentage above 0".to_owned())
    }
}

fn positive(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_above_zero_and_finite() {
        assert_eq!("64".parse(), Ok(Count(64)));
        assert_eq!("0.5".parse(), Ok(Seconds(Duration::from_millis(500))));
        assert_eq!("2.5".parse(), Ok(Milliseconds(2.5)));
        for broken in ["", "0", "-1", "inf", "NaN", "1e300s", "ten"] {
            assert!(broken.parse::<Count>().is_err(), "{broken}");
            assert!(broken.parse::<Seconds>().is_err(), "{broken}");
            assert!(broken.parse::<Milliseconds>().is_err(), "{broken}");
            assert!(broken.parse::<Percent>().is_err(), "{broken}");
        }
        assert!("1e300".parse::<Seconds>().is_err());
    }
}
