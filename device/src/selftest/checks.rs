//! The tests of each part.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use image::RgbImage;
use models::image::RgbView;
use models::picture::{self, Limits};

use super::Finding;
use crate::bench::subject::PORTRAIT;
use crate::bundles::Shelf;
use crate::canvas::Canvas;
use crate::config::{Config, ScreenSettings};
use crate::decode::orientation::Orientation;
use crate::display::spec::DisplaySpec;
use crate::machine::state::State;
use crate::report::Outcome;
use crate::scene::Scene;
use crate::source::{FrameSource, Next};
use crate::{decode, kernels, machine, verify, view};

/// A command may take as long for its first picture, as for `run`.
const FIRST_FRAME: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_millis(250);
/// With less the system begins to kill programs before long.
const FREE_MIB_MIN: u64 = 64;

/// The bundle's hashes and goldens.
pub(super) fn model(config: &Config) -> Result<String> {
    let models = config.models.args()?;
    let mut text = Vec::new();
    let bundle = Shelf::of(&models)?.open(&models.bundle)?.bundle;
    let outcome = verify::run(bundle, &kernels::options(&models.compute), &mut text)?;
    let text = String::from_utf8_lossy(&text);
    let text = text.trim().replace('\n', "; ");
    if outcome == Outcome::Good { Ok(text) } else { bail!(text) }
}

/// The face of the portrait.
pub(super) fn detector(config: &Config) -> Result<String> {
    let models = config.models.args()?;
    let options = kernels::options(&models.compute);
    let (mut detector, name) = Shelf::of(&models)?.open_detector(&models.detector, &options)?;
    let portrait = picture::decode(PORTRAIT, &Limits::default())?;
    let view = RgbView::of(&portrait).context("the portrait has no pixels")?;
    let begun = Instant::now();
    let faces = detector.detect(&view)?;
    let took_ms = begun.elapsed().as_millis();
    ensure!(faces.len() == 1, "{name} finds {} faces in a portrait of one", faces.len());
    Ok(format!("{name} finds the face of a portrait in {took_ms} ms"))
}

/// A picture from the source.
pub(super) fn camera(config: &Config) -> Result<String> {
    let settings = &config.camera.settings;
    let mut source = config.camera.source.open(settings).map_err(|error| error.error)?;
    let name = source.description();
    let picture = first_picture(source.as_mut(), settings.orientation())?;
    Ok(format!("{name}: the first picture is {} x {} pixels", picture.width(), picture.height()))
}

/// The first frame that can be decoded: many cameras begin with a broken one.
fn first_picture(source: &mut dyn FrameSource, orientation: Orientation) -> Result<RgbImage> {
    let begun = Instant::now();
    let mut broken = None;
    while begun.elapsed() < FIRST_FRAME {
        match source.next_frame(PATIENCE).map_err(|error| error.error)? {
            Next::Frame(frame) => match decode::decode(&frame, &Limits::default(), orientation) {
                Ok(picture) => return Ok(picture),
                Err(error) => broken = Some(error),
            },
            Next::Nothing => {}
            Next::End => break,
        }
    }
    match broken {
        Some(error) => Err(error).context("it gave broken frames only"),
        None => bail!("it gave no frame in {} s, or ended before one", FIRST_FRAME.as_secs()),
    }
}

/// A screen on each display.
pub(super) fn display(config: &Config) -> Result<String> {
    let screen = &config.screen;
    let shown: Result<Vec<String>> =
        screen.display.0.iter().map(|spec| shown(spec, screen)).collect();
    Ok(shown?.join("; "))
}

fn shown(spec: &DisplaySpec, screen: &ScreenSettings) -> Result<String> {
    let mut display = spec.open(screen.size.0)?;
    let size = display.size_px();
    let mut canvas = Canvas::new(size.width, size.height);
    let dark = [0; 3];
    let picture = RgbView::new(&dark, 1, 1, 3).context("a pixel")?;
    // The screen shows nobody.
    view::draw(&mut canvas, &picture, &Scene::default(), screen.language.strings());
    display.present(&canvas)?;
    Ok(display.description())
}

/// Whether the board is neither too hot nor throttled.
pub(super) fn heat(config: &Config) -> Finding {
    let state = State::read(Path::new("/"), None);
    let words: Vec<_> = state.throttled.into_iter().flat_map(|bits| bits.now()).collect();
    match state.hottest_c() {
        _ if !words.is_empty() => Finding::Bad(words.join(", ")),
        None => Finding::LeftOut("this machine tells no temperature".into()),
        Some(celsius) if celsius >= config.heat.notice_c => {
            Finding::Bad(format!("{celsius:.0} °C, expected below {:.0}", config.heat.notice_c))
        }
        Some(celsius) => Finding::Good(format!("{celsius:.0} °C")),
    }
}

/// Whether enough memory is free.
pub(super) fn memory() -> Finding {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    match available_mib(&meminfo) {
        None => Finding::LeftOut("this machine does not tell how much is free".into()),
        Some(mib) if mib < FREE_MIB_MIN => {
            Finding::Bad(format!("{mib} MiB are free, expected {FREE_MIB_MIN}"))
        }
        Some(mib) => Finding::Good(format!("{mib} MiB are free")),
    }
}

fn available_mib(meminfo: &str) -> Option<u64> {
    Some(machine::bytes_of(meminfo, "MemAvailable:")? >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_what_programs_can_have() {
        let meminfo = "MemTotal: 9 kB\nMemFree: 5 kB\nMemAvailable:    204800 kB\n";
        assert_eq!(available_mib(meminfo), Some(200));
        assert_eq!(available_mib("MemAvailable: much\n"), None);
    }
}
