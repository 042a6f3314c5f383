//! `kiosk replay`: pictures one after the other as if a camera had taken them.
//!
//! Faces are followed from frame to frame as in front of a camera; a frame's time is its number over the
//! rate, however long it takes to read, so that the same frames always give the same screens.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use embedded_graphics::geometry::Size;
use models::image::RgbView;
use models::picture::{self, Limits};

use crate::bundles::Models;
use crate::canvas::Canvas;
use crate::cli::ReplayArgs;
use crate::display::png::PngFolder;
use crate::follow::Follower;
use crate::follow::seen::Seen;
use crate::follow::settings::FollowSettings;
use crate::frame::Frame;
use crate::language::Strings;
use crate::progress::Progress;
use crate::report::Outcome;
use crate::report::followed::{FrameReport, SeenReport};
use crate::scene::{Footer, Privacy, Scene};
use crate::source::files::{self, Entry};
use crate::timed::Stopwatches;
use crate::view;

/// Plays all frames; one that cannot be read, or whose screen cannot be written, says why in its line.
///
/// # Errors
/// Where the models, the folder for screens or `out` cannot be used.
pub fn run(args: &ReplayArgs, out: &mut dyn Write) -> Result<Outcome> {
    let mut player = Player::open(args)?;
    let mut frames = files::expand(&args.source);
    frames.truncate(args.limit.unwrap_or(usize::MAX));
    files::keep_apart(&args.out, &frames)?;
    let screens = PngFolder::create(&args.out, args.size.0)?;
    let mut outcome = Outcome::Good;
    let mut progress = Progress::new(frames.len());
    for (number, entry) in (1..).zip(&frames) {
        let seen = player.play(number, entry).and_then(|(screen, report)| {
            screens.write(&format!("screen-{number:06}"), &screen)?;
            Ok(report)
        });
        if seen.is_err() {
            outcome = Outcome::Bad;
        }
        let report = FrameReport::new(entry.source(), number, seen);
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        progress.tick();
    }
    Ok(outcome)
}

/// What stands in for the camera, the kiosk and its screen.
struct Player {
    follower: Follower,
    stopwatches: Stopwatches,
    begun: Instant,
    fps: f32,
    size: Size,
    words: &'static Strings,
}

impl Player {
    fn open(args: &ReplayArgs) -> Result<Self> {
        let Models { detector, estimator, .. } = Models::open(&args.models)?;
        let stopwatches = Stopwatches::default();
        let detector = stopwatches.detector(detector);
        let reader = stopwatches.reader(estimator.into());
        Ok(Self {
            follower: Follower::new(detector, Some(reader), &FollowSettings::default()),
            stopwatches,
            begun: Instant::now(),
            fps: args.fps.0,
            size: args.size.0,
            words: args.language.strings(),
        })
    }

    fn play(&mut self, number: u64, entry: &Entry) -> Result<(Canvas, SeenReport)> {
        let bytes = entry.read()?;
        let begun = Instant::now();
        let picture = picture::decode(&bytes, &Limits::default())?;
        let decode = begun.elapsed();
        let captured = self.begun + Duration::from_secs_f32(1.0 / self.fps).mul_f64(number as f64);
        let frame = Frame { picture, number, captured };
        let seen = self.follower.step(&frame)?;
        let times = self.stopwatches.take(decode);
        let screen = self.screen(&frame, &seen, times.detect + times.estimate)?;
        Ok((screen, SeenReport::new(&seen, frame.picture.dimensions(), &times)))
    }

    fn screen(&self, frame: &Frame, seen: &Seen, latency: Duration) -> Result<Canvas> {
        let footer = Footer {
            privacy: Privacy::ReplayFromFiles,
            latency: seen.detected.then_some(latency),
            ..Footer::default()
        };
        let scene = Scene { people: seen.at(frame.captured), notice: None, footer };
        let picture = RgbView::of(&frame.picture).context("the picture has no pixels")?;
        let mut canvas = Canvas::new(self.size.width, self.size.height);
        view::draw(&mut canvas, &picture, &scene, self.words);
        Ok(canvas)
    }
}
