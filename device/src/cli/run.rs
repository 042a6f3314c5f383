//! What can be typed after `kiosk run` and `kiosk config`: a layer over the configuration file.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use toml::Value;

use super::ScreenSize;
use super::bench::Seconds;
use super::compute::{KernelChoice, Threads};
use crate::config::Sources;
use crate::config::profile::Profile;
use crate::decode::orientation::Rotation;
use crate::display::list::DisplayList;
use crate::display::spec::DisplaySpec;
use crate::language::Language;
use crate::source::spec::SourceSpec;

/// `kiosk run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// What it is told.
    #[command(flatten)]
    pub settings: SettingArgs,

    /// End by itself after this long
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<Seconds>,

    /// Print the summary of the run as JSON
    #[arg(long)]
    pub json: bool,
}

/// `kiosk config`.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// What it is told.
    #[command(flatten)]
    pub settings: SettingArgs,

    /// Only check it: print nothing where it is good
    #[arg(long, conflicts_with = "example")]
    pub check: bool,

    /// Print the configuration that holds, as TOML (as without any flag)
    #[arg(long, conflicts_with_all = ["check", "example"])]
    pub print: bool,

    /// Print a commented example: every key, its meaning and its default
    #[arg(long)]
    pub example: bool,
}

/// Settings: each stands over the same key of the file and of the environment.
#[derive(Args, Debug, Default)]
pub struct SettingArgs {
    /// The configuration file [default: $APPARENT_CONFIG, else /etc/apparent/kiosk.toml where it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The board, whose few settings stand below the file's
    #[arg(long, value_enum)]
    pub profile: Option<Profile>,

    /// Where frames come from: auto, /dev/videoN, exec:COMMAND, pattern:, -, pictures, FILE.y4m, FILE.mjpeg
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<SourceSpec>,

    /// Play pictures and recordings again and again
    #[arg(long = "loop")]
    pub looped: bool,

    /// Frames a second
    #[arg(long, value_name = "N")]
    pub fps: Option<f64>,

    /// The width and height that a camera is asked for, in pixels
    #[arg(long, value_name = "WxH")]
    pub camera_size: Option<ScreenSize>,

    /// Show people as in a mirror
    #[arg(long)]
    pub mirror: bool,

    /// Turn frames clockwise
    #[arg(long, value_name = "0|90|180|270")]
    pub rotate: Option<Rotation>,

    /// Where screens go; may be given several times
    ///
    /// auto, fb:DEVICE, a panel (ili9341:DEVICE, st7789:DEVICE, ssd1306:DEVICE, with options as in
    /// st7789:/dev/spidev0.0,dc=25,rotate=90), png:FOLDER for frames that come from files, or none.
    #[arg(long, value_name = "DISPLAY")]
    pub display: Vec<DisplaySpec>,

    /// The size of screens that go into a folder or nowhere, such as 480x320, 800x480 or 1280x720
    #[arg(long, value_name = "WxH")]
    pub size: Option<ScreenSize>,

    /// What the screen speaks
    #[arg(long, value_enum)]
    pub language: Option<Language>,

    /// The bundle that reads ages and genders: its name, or a folder written with a '/'
    #[arg(long, value_name = "NAME|DIR/")]
    pub bundle: Option<String>,

    /// What finds the faces: 'embedded', which is in the program, or a detector's bundle
    #[arg(long, value_name = "embedded|NAME|DIR/")]
    pub detector: Option<String>,

    /// How many threads compute a network; 'auto' takes every core
    #[arg(long, value_name = "N|auto")]
    pub threads: Option<Threads>,

    /// How integer convolutions are computed; 'auto' takes what is fastest on this processor
    #[arg(long, value_name = "auto|NAME")]
    pub kernel: Option<KernelChoice>,
}

impl SettingArgs {
    /// What a configuration is put together from.
    pub fn sources(&self) -> Sources<'_> {
        Sources { file: self.config.as_deref(), profile: self.profile, flags: self.flags() }
    }

    fn flags(&self) -> Vec<(&'static str, &'static str, Value)> {
        let text = |value: Option<String>| value.map(Value::String);
        let px = |px: u32| Value::Integer(px.into());
        let camera = self.camera_size.map(|size| size.0);
        let language = self.language.and_then(|language| Value::try_from(language).ok());
        let rotate = self.rotate.and_then(|rotate| Value::try_from(rotate).ok());
        let all = [
            ("camera", "source", text(self.source.as_ref().map(ToString::to_string))),
            ("camera", "loop", self.looped.then_some(Value::Boolean(true))),
            ("camera", "fps", self.fps.map(Value::Float)),
            ("camera", "width", camera.map(|size| px(size.width))),
            ("camera", "height", camera.map(|size| px(size.height))),
            ("camera", "mirror", self.mirror.then_some(Value::Boolean(true))),
            ("camera", "rotate", rotate),
            ("screen", "display", self.displays()),
            ("screen", "size", text(self.size.map(|size| size.to_string()))),
            ("screen", "language", language),
            ("models", "bundle", text(self.bundle.clone())),
            ("models", "detector", text(self.detector.clone())),
            ("models", "threads", text(self.threads.map(|threads| threads.to_string()))),
            ("models", "kernel", text(self.kernel.map(|kernel| kernel.to_string()))),
        ];
        let given = all.into_iter().filter_map(|(table, key, value)| Some((table, key, value?)));
        given.collect()
    }
}

impl SettingArgs {
    fn displays(&self) -> Option<Value> {
        let given = !self.display.is_empty();
        given.then(|| Value::try_from(DisplayList(self.display.clone())).ok()).flatten()
    }
}

impl RunArgs {
    /// How long to run, where it should end by itself.
    pub fn duration(&self) -> Option<Duration> {
        self.seconds.map(|seconds| seconds.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::{Layer, put_together};

    #[test]
    fn every_flag_sets_a_key_that_there_is() {
        let args = SettingArgs {
            source: Some("pattern:".parse().unwrap()),
            looped: true,
            fps: Some(15.0),
            camera_size: Some("1280x720".parse().unwrap()),
            mirror: true,
            rotate: Some(Rotation::Quarter),
            display: ["png:out", "none"].map(|text| text.parse().unwrap()).into(),
            size: Some("480x320".parse().unwrap()),
            language: Some(Language::De),
            bundle: Some("mine".into()),
            detector: Some("embedded".into()),
            threads: Some("2".parse().unwrap()),
            kernel: Some(KernelChoice::Auto),
            ..SettingArgs::default()
        };
        let config = put_together(&[Layer::of_flags(&args.flags())]).unwrap();
        assert_eq!(config.camera.settings.width, 1280);
        assert_eq!(config.camera.settings.rotate, Rotation::Quarter);
        assert!(config.camera.settings.looped && config.camera.settings.mirror);
        assert_eq!((config.screen.language, config.models.threads.as_str()), (Language::De, "2"));
        assert_eq!(config.screen.display.0, args.display);
        assert_eq!(SettingArgs::default().flags(), []);
    }
}
