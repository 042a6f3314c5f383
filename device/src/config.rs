//! What the kiosk is told: defaults, then a board's profile, a file, the environment and the command line,
//! each over the one before.
//!
//! Every key has a default, so that the default configuration is the list of all keys: what is not in it is
//! refused, with the nearest name.

pub mod environment;
pub mod layers;
pub mod print;
pub mod profile;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use models::bundle::trust::Policy;
use serde::{Deserialize, Serialize};

use crate::bundles::policy;
use crate::cli::compute::{ComputeArgs, KernelChoice, Threads};
use crate::cli::{ModelArgs, ScreenSize};
use crate::display::list::DisplayList;
use crate::follow::settings::FollowSettings;
use crate::gpio::LineSpec;
use crate::language::Language;
use crate::source::camera::CameraSpec;
use crate::source::settings::CameraSettings;
use crate::source::spec::SourceSpec;
use layers::Layer;
use profile::Profile;

/// A commented example, which says of every key what it is for; its values are the defaults.
pub const EXAMPLE: &str = include_str!("../assets/kiosk.toml");

/// Read where neither the command line nor `$APPARENT_CONFIG` names another, if it is there.
const FILE: &str = "/etc/apparent/kiosk.toml";

/// Everything the kiosk can be told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where frames come from.
    pub camera: Camera,
    /// Which models read them.
    pub models: ModelSettings,
    /// How faces are followed.
    pub faces: FollowSettings,
    /// Where screens go.
    pub screen: ScreenSettings,
    /// What happens while nobody is there.
    pub idle: IdleSettings,
    /// When the board is too hot.
    pub heat: HeatSettings,
    /// A button and a light.
    pub gpio: GpioSettings,
}

/// Where frames come from, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Camera {
    /// The camera, or what stands for one.
    pub source: SourceSpec,
    /// How it is opened.
    #[serde(flatten)]
    pub settings: CameraSettings,
}

/// Which models read the frames, and how they are computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// As `--bundle`.
    pub bundle: String,
    /// As `--detector`.
    pub detector: String,
    /// As `--threads`.
    pub threads: String,
    /// As `--kernel`.
    pub kernel: String,
    /// The folder of the public keys whose signatures are known: NAME.pub.
    pub keys: PathBuf,
    /// Whether only bundles that one of them signed are used.
    pub signatures_required: bool,
    /// The lowest version of a bundle that is used, as NAME=VERSION, ….
    pub min_version: String,
}

/// Where screens go, and what they speak.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScreenSettings {
    /// One display, or several.
    pub display: DisplayList,
    /// Of screens that go into files; a display has its own size.
    pub size: ScreenSize,
    /// Of the texts.
    pub language: Language,
}

/// What happens while nobody is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdleSettings {
    /// After so many seconds without a face the kiosk idles; 0 is never.
    pub after_s: u32,
    /// Frames a second that are looked at while idling, 2 to 30: who comes waits for the next one.
    pub fps: u32,
}

/// When the board is too hot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeatSettings {
    /// From this temperature of the hottest zone on the screen says so, in degrees Celsius.
    pub notice_c: f64,
}

/// A button and a light on GPIO lines, where there are some.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GpioSettings {
    /// The line of a button: pressed for a moment, the kiosk pauses or goes on; for long, it speaks the next
    /// language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button: Option<LineSpec>,
    /// From so many milliseconds on a press is long, 200 to 10,000.
    pub long_press_ms: u32,
    /// The line of a light that is on while somebody is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub led: Option<LineSpec>,
}

impl Default for Camera {
    fn default() -> Self {
        let (source, settings) = (SourceSpec::Camera(CameraSpec::Auto), CameraSettings::default());
        Self { source, settings }
    }
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            bundle: "compact".into(),
            detector: "embedded".into(),
            threads: "1".into(),
            kernel: "auto".into(),
            keys: "/etc/apparent/keys".into(),
            signatures_required: false,
            min_version: String::new(),
        }
    }
}

impl Default for IdleSettings {
    fn default() -> Self {
        Self { after_s: 60, fps: 4 }
    }
}

impl Default for GpioSettings {
    fn default() -> Self {
        Self { button: None, long_press_ms: 1000, led: None }
    }
}

impl Default for HeatSettings {
    /// Raspberry Pi slows its processor from 80 °C on, and more from 85 °C (its documentation, "Frequency
    /// management and thermal control").
    fn default() -> Self {
        Self { notice_c: 80.0 }
    }
}

/// What a configuration is put together from.
#[derive(Debug, Default)]
pub struct Sources<'a> {
    /// The file the command line names.
    pub file: Option<&'a Path>,
    /// The board the command line names.
    pub profile: Option<Profile>,
    /// What else the command line says: table, key, value.
    pub flags: Vec<(&'static str, &'static str, toml::Value)>,
}

impl Config {
    /// The configuration that holds, and checks what can be checked without any device.
    ///
    /// # Errors
    /// Which layer has an unknown key or a value that cannot be, and what was expected.
    pub fn load(sources: &Sources) -> Result<Self> {
        let mut layers = Vec::new();
        layers.extend(sources.profile.map(Layer::from));
        if let Some(path) = file(sources.file) {
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("reading {}", path.display()))?;
            layers.push(Layer::parse(&path.display().to_string(), &text)?);
        }
        layers.push(environment::layer(std::env::vars_os())?);
        layers.push(Layer::of_flags(&sources.flags));
        let config = layers::put_together(&layers)?;
        config.camera.settings.check().context("camera")?;
        config.models.args()?;
        config.idle.check()?;
        config.screen.display.check().context("screen")?;
        config.gpio.check()?;
        Ok(config)
    }
}

/// The file to read: a named one must be there, the usual one may.
fn file(named: Option<&Path>) -> Option<PathBuf> {
    let named = named.map(Path::to_owned);
    let named = named.or_else(|| std::env::var_os("APPARENT_CONFIG").map(PathBuf::from));
    named.or_else(|| Some(PathBuf::from(FILE)).filter(|path| path.exists()))
}

impl IdleSettings {
    fn check(&self) -> Result<()> {
        anyhow::ensure!((2..=30).contains(&self.fps), "idle.fps is {}, expected 2 to 30", self.fps);
        Ok(())
    }
}

impl GpioSettings {
    fn check(&self) -> Result<()> {
        let ms = self.long_press_ms;
        anyhow::ensure!(
            (200..=10_000).contains(&ms),
            "gpio.long_press_ms is {ms}, expected 200 to 10000"
        );
        Ok(())
    }
}

impl ModelSettings {
    /// As the command line has them.
    ///
    /// # Errors
    /// Where threads or kernel are none.
    pub fn args(&self) -> Result<ModelArgs> {
        let named = |key: &str, error: String| anyhow::anyhow!("models.{key}: {error}");
        let threads = self.threads.parse::<Threads>().map_err(|error| named("threads", error))?;
        let kernel = self.kernel.parse::<KernelChoice>().map_err(|error| named("kernel", error))?;
        let compute = ComputeArgs { threads, kernel };
        let (bundle, detector) = (self.bundle.clone(), self.detector.clone());
        Ok(ModelArgs { bundle, detector, compute, policy: Some(self.policy()?) })
    }

    /// Which bundles may be used.
    ///
    /// # Errors
    /// A key that is none, or versions that are none.
    pub fn policy(&self) -> Result<Policy> {
        policy::read(&self.keys, self.signatures_required, &self.min_version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_every_key_with_its_default() {
        let example: toml::Table = EXAMPLE.parse().unwrap();
        assert_eq!(example, toml::Table::try_from(Config::default()).unwrap());
        for (name, keys) in layers::known() {
            assert!(EXAMPLE.contains(&format!("[{name}]")), "{name}");
            for key in keys.as_table().unwrap().keys() {
                assert!(EXAMPLE.lines().any(|line| line.contains(&format!("{key} ="))), "{key}");
            }
        }
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let printed = toml::to_string(&Config::default()).unwrap();
        assert_eq!(toml::from_str::<Config>(&printed).unwrap(), Config::default());
    }

    #[test]
    fn threads_and_kernels_are_checked_with_the_rest() {
        let models = ModelSettings { threads: "many".into(), ..ModelSettings::default() };
        let error = models.args().unwrap_err().to_string();
        assert!(error.starts_with("models.threads: expected auto or a number"), "{error}");
        assert_eq!(ModelSettings::default().args().unwrap().compute.kernel, KernelChoice::Auto);
        assert!(GpioSettings { long_press_ms: 0, ..GpioSettings::default() }.check().is_err());
        assert!(IdleSettings { fps: 0, ..IdleSettings::default() }.check().is_err());
    }
}
