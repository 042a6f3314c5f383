//! What can be typed after `kiosk`: clap structs, and nothing that runs.

pub mod bench;
pub mod compute;
pub mod run;
pub mod selftest;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use bench::{BenchArgs, BenchDiffArgs};
use clap::{Args, Parser, Subcommand};
use compute::ComputeArgs;
use embedded_graphics::geometry::Size;
use models::bundle::trust::Policy;
use run::{ConfigArgs, RunArgs};
use selftest::SelftestArgs;
use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::text::held_as_text;

/// Reads apparent ages and predicted genders from pictures: guesses from looks, not facts.
#[derive(Debug, Parser)]
#[command(name = "kiosk", version, after_help = EXIT_STATUS)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_STATUS: &str = "Exit status: 0 all went well; 1 something could not be read or done, and \
    a message or an \"error\" in the JSON says what; 2 the command line was wrong, or a file that \
    bench-diff was given is no result; 3 to 9 of selftest: configuration, model, detector, camera, \
    display, heat or memory is the first that is not good.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows who is in front of the camera, and what they look like, until it is stopped
    Run(RunArgs),
    /// Finds the faces in pictures and prints what they look like
    Analyze(AnalyzeArgs),
    /// Plays pictures as if they came from a camera: a screen and a line of JSON for each
    Replay(ReplayArgs),
    /// Lists the cameras, what they offer, and which one 'kiosk run' would take
    Cameras(CamerasArgs),
    /// Lists what there is to show screens on, and which display 'kiosk run' would take
    Displays(DisplaysArgs),
    /// Measures how long each stage takes on this machine
    Bench(BenchArgs),
    /// Compares two results of 'kiosk bench --json', stage by stage
    BenchDiff(BenchDiffArgs),
    /// Tests whether everything that 'run' needs works here
    Selftest(SelftestArgs),
    /// Prints or checks the configuration that holds
    Config(ConfigArgs),
    /// Looks after bundles, the folders that models come in
    #[command(subcommand)]
    Bundle(BundleCommand),
}

impl Command {
    /// The exit status where it could not be done. For a comparison the files are what the command line
    /// says, so that 1 stays free for whoever wants to judge by the figures.
    pub fn failure(&self) -> ExitCode {
        match self {
            Self::BenchDiff(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// `kiosk analyze`.
#[derive(Args, Debug)]
pub struct AnalyzeArgs {
    /// Pictures, folders of pictures, or patterns such as 'album/*.jpg'
    ///
    /// Of a folder, the files that end in .bmp, .jpeg, .jpg, .png or .webp are read, in the order of
    /// the numbers in their names; folders inside it are not.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Print one JSON object a picture, each on a line, instead of the table
    #[arg(long)]
    pub json: bool,

    /// Add the probabilities of the ages 0 to 100 to the JSON
    #[arg(long, requires = "json")]
    pub distribution: bool,

    /// Write the labelled screen of each picture into this folder as NAME.screen.png
    ///
    /// Files of that name in it are replaced, so it is best a folder of its own.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// The screens' size in pixels, such as 480x320, 800x480 or 1280x720
    #[arg(long, value_name = "WxH", default_value = "800x480")]
    pub size: ScreenSize,

    /// The language of the screens
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,

    /// The models to read with.
    #[command(flatten)]
    pub models: ModelArgs,
}

/// `kiosk replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// A folder of numbered frames, a pattern such as 'clip/*.jpg', or one picture
    pub source: PathBuf,

    /// Write the screen of frame N into this folder as screen-NNNNNN.png
    ///
    /// Files of that name in it are replaced, so it is best a folder of its own.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// The screens' size in pixels, such as 480x320, 800x480 or 1280x720
    #[arg(long, value_name = "WxH", default_value = "800x480")]
    pub size: ScreenSize,

    /// Stop after this many frames
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// How many frames a second the camera took
    #[arg(long, value_name = "N", default_value = "30")]
    pub fps: FrameRate,

    /// The language of the screens
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,

    /// The models to read with.
    #[command(flatten)]
    pub models: ModelArgs,
}

/// `kiosk cameras`.
#[derive(Args, Debug)]
pub struct CamerasArgs {
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

/// `kiosk displays`.
#[derive(Args, Debug)]
pub struct DisplaysArgs {
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

/// Which models read the pictures.
#[derive(Args, Debug)]
pub struct ModelArgs {
    /// The bundle that reads ages and genders: its name, or a folder written with a '/'
    ///
    /// A name is looked up in the folders of $APPARENT_BUNDLES, among those that 'kiosk bundle install' installed,
    /// in /usr/share/apparent/bundles and in models/bundles of the source this program was built from.
    #[arg(long, value_name = "NAME|DIR/", default_value = "compact")]
    pub bundle: String,

    /// What finds the faces: 'embedded', which is in the program, or a detector's bundle
    #[arg(long, value_name = "embedded|NAME|DIR/", default_value = "embedded")]
    pub detector: String,

    /// How they are computed.
    #[command(flatten)]
    pub compute: ComputeArgs,

    /// Which bundles may be used; the configuration says so where nothing is set.
    #[arg(skip)]
    pub policy: Option<Policy>,
}

/// `kiosk bundle`.
#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    /// Checks every hash of a bundle and that its network answers here as it did where it was made
    Verify {
        /// The bundle's name, or its folder written with a '/'
        #[arg(value_name = "NAME|DIR/")]
        bundle: String,

        /// How it is computed.
        #[command(flatten)]
        compute: ComputeArgs,
    },

    /// Copies a bundle to where bundles are installed and uses it from then on, if it is what 'verify' wants
    ///
    /// Its signature and its hashes are checked first, as models.keys, models.signatures_required and
    /// models.min_version of the configuration say. The one that was used is kept. A power cut at any moment
    /// leaves the one or the other.
    Install {
        /// The bundle's folder
        dir: PathBuf,

        /// How it is computed.
        #[command(flatten)]
        compute: ComputeArgs,
    },

    /// Lists the bundles there are, which of them are used, and who signed them
    List {
        /// Print one JSON object instead of the table
        #[arg(long)]
        json: bool,
    },

    /// Uses the bundle again that was used before the last installation
    ///
    /// Where none was, the one that came with the program.
    Rollback {
        /// The bundle's name
        name: String,
    },
}

/// The size of a screen in pixels, written `WIDTHxHEIGHT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScreenSize(pub Size);

impl Default for ScreenSize {
    fn default() -> Self {
        Self(Size::new(800, 480))
    }
}

impl fmt::Display for ScreenSize {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}x{}", self.0.width, self.0.height)
    }
}

held_as_text!(ScreenSize);

/// From the smallest panels sold with boards up to 4K.
const SIDES_PX: std::ops::RangeInclusive<u32> = 160..=4096;

impl FromStr for ScreenSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |digits: &str| digits.parse().ok().filter(|px| SIDES_PX.contains(px));
        let sides = text.split_once('x').and_then(|(w, h)| Some(Size::new(side(w)?, side(h)?)));
        sides.map(Self).ok_or_else(|| {
            let (min, max) = (SIDES_PX.start(), SIDES_PX.end());
            format!("expected WIDTHxHEIGHT with sides of {min} to {max} pixels, such as 800x480")
        })
    }
}

/// Frames a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameRate(pub f32);

/// From a picture in ten seconds to more than any camera takes.
const FPS: std::ops::RangeInclusive<f32> = 0.1..=1000.0;

impl FromStr for FrameRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fps = text.parse().ok().filter(|fps| FPS.contains(fps));
        fps.map(Self).ok_or_else(|| {
            format!("expected frames a second from {} to {}", FPS.start(), FPS.end())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_two_sides_within_limits() {
        assert_eq!("480x320".parse(), Ok(ScreenSize(Size::new(480, 320))));
        for broken in ["", "x", "800", "800x", "800x480x3", "-1x480", "800X480", "0x0", "99999x480"]
        {
            assert!(broken.parse::<ScreenSize>().is_err(), "{broken}");
        }
    }

    #[test]
    fn frame_rates_are_numbers_that_cameras_have() {
        assert_eq!("29.97".parse(), Ok(FrameRate(29.97)));
        for broken in ["", "0", "-30", "NaN", "inf", "1e9", "fast"] {
            assert!(broken.parse::<FrameRate>().is_err(), "{broken}");
        }
    }
}
