//! `kiosk bench --no-estimate`: what the kiosk costs beside its network, frame after frame as from a camera.
//!
//! Each picture is first made into what a camera would send: 640×480 pixels, as JPEG. Then they are taken
//! in turn: decoded, searched for faces as often as `kiosk run` does it, followed, drawn and handed to a
//! framebuffer in memory. The result is the processor time of a frame as a share of one core.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use models::image::RgbView;
use models::picture::{self, Limits};

use super::clock::Moment;
use super::stage::{Laps, Stage};
use super::subject::{self, Picture};
use super::trust::{self, Evidence};
use super::{ROOT, repeat, state, table};
use crate::bundles::Shelf;
use crate::canvas::Canvas;
use crate::cli::bench::BenchArgs;
use crate::decode;
use crate::decode::orientation::Orientation;
use crate::display::Display;
use crate::display::none::NoDisplay;
use crate::follow::Follower;
use crate::follow::settings::FollowSettings;
use crate::frame::{Encoded, Encoding, Frame};
use crate::kernels;
use crate::language::Language;
use crate::machine::Machine;
use crate::report::Outcome;
use crate::scene::{Footer, Privacy, Scene};
use crate::view;

/// What most USB cameras send at this rate.
const CAMERA_PX: (u32, u32) = (640, 480);
const CAMERA_FPS: u32 = 30;

/// A camera's usual JPEG quality, of 100.
const JPEG_QUALITY: u8 = 85;

/// Measures and prints the table.
///
/// # Errors
/// Where the detector or a picture cannot be used, or the result is above the limit that the command line
/// sets.
pub fn run(args: &BenchArgs, out: &mut dyn Write) -> Result<Outcome> {
    let mut live = Live::open(args)?;
    let before = state();
    let warm_up = args.warm_up;
    for number in 0..warm_up {
        live.once(number, &mut Laps::begin(Moment::now()))?;
    }
    let measured = repeat(args, |number, laps| live.once(warm_up + number, laps))?;
    let evidence = Evidence {
        debug: cfg!(debug_assertions),
        before: &before,
        after: &state(),
        load: measured.load,
        count: measured.laps.count(Stage::EndToEnd),
    };
    let (doubts, stages) = (trust::doubts(&evidence), measured.laps.reports());
    table::machine(&Machine::read(Path::new(ROOT)), out)?;
    table::line("frames", &live.description, out)?;
    table::stages(&stages, &[], out)?;
    for doubt in &doubts {
        table::line("DOUBT", doubt, out)?;
    }
    let whole = stages.iter().find(|report| report.stage == Stage::EndToEnd);
    let cost = Cost { cpu_ms: whole.context("no frame was measured")?.cpu.mean_ms };
    let doubtful = if doubts.is_empty() { "" } else { ", not to be trusted" };
    table::line("result", format_args!("{cost}{doubtful}"), out)?;
    match args.assert_core_percent {
        Some(limit) if cost.core_percent() > limit.0 => {
            bail!("{cost}, expected at most {} %", limit.0)
        }
        _ => Ok(Outcome::Good),
    }
}

/// What a frame costs.
struct Cost {
    /// Milliseconds that processors compute for it, on average.
    cpu_ms: f64,
}

impl Cost {
    /// Of one core, while frames come as fast as a camera sends them.
    fn core_percent(&self) -> f64 {
        self.cpu_ms * f64::from(CAMERA_FPS) / 10.0
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (percent, cpu_ms) = (self.core_percent(), self.cpu_ms);
        write!(f, "{percent:.1} % of one core at {CAMERA_FPS} fps ({cpu_ms:.2} ms a frame)")
    }
}

/// The kiosk without its network, and a camera's frames in memory.
struct Live {
    frames: Vec<Vec<u8>>,
    follower: Follower,
    description: String,
    canvas: Canvas,
    display: NoDisplay,
    begun: Instant,
}

impl Live {
    fn open(args: &BenchArgs) -> Result<Self> {
        let pictures = subject::pictures(args)?;
        let frames = pictures.iter().map(camera_jpeg).collect::<Result<_>>()?;
        let options = kernels::options(&args.models.compute);
        let (detector, name) =
            Shelf::of(&args.models)?.open_detector(&args.models.detector, &options)?;
        let settings = FollowSettings::default();
        let ((width, height), every) = (CAMERA_PX, settings.detect_every);
        let size = args.size.0;
        Ok(Self {
            description: format!(
                "{} of {width}x{height} px in JPEG; faces: {name}, in every frame of {every}; \
                 screen {}x{} px, 32 bits each",
                pictures.len(),
                size.width,
                size.height
            ),
            frames,
            follower: Follower::new(detector, None, &settings),
            canvas: Canvas::new(size.width, size.height),
            display: NoDisplay::new(size),
            begun: Instant::now(),
        })
    }

    fn once(&mut self, number: usize, laps: &mut Laps) -> Result<()> {
        let captured = self.begun + Duration::from_secs(1) * u32::try_from(number)? / CAMERA_FPS;
        let bytes = self.frames[number % self.frames.len()].clone();
        let number = number as u64 + 1;
        let encoded = Encoded { bytes, encoding: Encoding::Jpeg, number, captured };
        let begun = Moment::now();
        let picture = laps.time(Stage::Decode, || {
            decode::decode(&encoded, &Limits::default(), Orientation::default())
        })?;
        let frame = Frame { picture, number, captured };
        let asked = Moment::now();
        let seen = self.follower.step(&frame)?;
        if seen.detected {
            laps.add(Stage::Detect, asked, Moment::now());
        }
        let footer = Footer { privacy: Privacy::ReplayFromFiles, ..Footer::default() };
        let scene = Scene { people: seen.at(captured), notice: None, footer };
        let view = RgbView::of(&frame.picture).context("the frame has no pixels")?;
        let canvas = &mut self.canvas;
        laps.time(Stage::Render, || view::draw(canvas, &view, &scene, Language::En.strings()));
        let display = &mut self.display;
        laps.time(Stage::Present, || display.present(canvas))?;
        laps.add(Stage::EndToEnd, begun, Moment::now());
        Ok(())
    }
}

/// `picture` as a camera would send it.
fn camera_jpeg(picture: &Picture) -> Result<Vec<u8>> {
    let decoded = picture::decode(&picture.bytes, &Limits::default());
    let decoded = decoded.with_context(|| picture.source.clone())?;
    let (width, height) = CAMERA_PX;
    let filled = fill(&decoded, width, height);
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY);
    encoder.write_image(&filled, width, height, ExtendedColorType::Rgb8)?;
    Ok(jpeg)
}

/// The middle of `picture` scaled so that it fills `width` × `height` pixels.
fn fill(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let (from_width, from_height) = picture.dimensions();
    let part_width = from_width.min((from_height * width / height).max(1));
    let part_height = from_height.min((from_width * height / width).max(1));
    let (left, top) = ((from_width - part_width) / 2, (from_height - part_height) / 2);
    let part = imageops::crop_imm(picture, left, top, part_width, part_height);
    imageops::resize(&part.to_image(), width, height, FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_a_core_is_that_of_thirty_frames_a_second() {
        let cost = Cost { cpu_ms: 8.0 };
        assert_eq!(cost.to_string(), "24.0 % of one core at 30 fps (8.00 ms a frame)");
    }

    #[test]
    fn pictures_of_any_shape_fill_a_camera_s_frame() {
        for (width, height) in [(1, 900), (900, 1), (640, 480), (1280, 333)] {
            let picture = RgbImage::from_pixel(width, height, image::Rgb([7, 8, 9]));
            let filled = fill(&picture, 64, 48);
            assert_eq!(filled.dimensions(), (64, 48));
            assert!(filled.pixels().all(|pixel| pixel.0 == [7, 8, 9]));
        }
    }
}
