//! A picture file, decoded and read, with the time that each step took.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use embedded_graphics::geometry::Size;
use image::RgbImage;
use models::detect::Face;
use models::estimator::Estimate;
use models::image::RgbView;
use models::picture::{self, Limits};

use crate::canvas::Canvas;
use crate::language::Strings;
use crate::pipeline::Pipeline;
use crate::scene::{Footer, Person, Privacy, Reading, Scene};
use crate::source::files::Entry;
use crate::view;

/// What was found in one picture.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Upright; `[height, width, 3]`, u8, sRGB.
    pub picture: RgbImage,
    /// The faces and what they look like, the largest face first.
    pub people: Vec<(Face, Estimate)>,
    /// Below this probability a predicted gender is called unsure.
    pub gender_sure_min: f32,
    /// How long it took.
    pub times: Times,
}

/// How long each step took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// From the file's bytes to pixels.
    pub decode: Duration,
    /// Finding all faces.
    pub detect: Duration,
    /// Reading all faces, cropping included.
    pub estimate: Duration,
}

impl Answer {
    /// Reads the picture that `entry` stands for.
    pub fn of(entry: &Entry, pipeline: &mut Pipeline) -> Result<Self> {
        let bytes = entry.read()?;
        let (picture, decode) = timed(|| picture::decode(&bytes, &Limits::default()));
        let picture = picture?;
        let view = RgbView::of(&picture).context("the picture has no pixels")?;
        let (faces, detect) = timed(|| pipeline.find(&view));
        let faces = faces?;
        let (estimates, estimate) = timed(|| pipeline.estimate(&view, &faces));
        let people = faces.into_iter().zip(estimates?).collect();
        let times = Times { decode, detect, estimate };
        Ok(Self { people, gender_sure_min: pipeline.gender_sure_min(), times, picture })
    }

    /// Draws the labelled screen, in these words.
    pub fn screen(&self, size: Size, words: &'static Strings) -> Result<Canvas> {
        let mut canvas = Canvas::new(size.width, size.height);
        let picture = RgbView::of(&self.picture).context("the picture has no pixels")?;
        view::draw(&mut canvas, &picture, &self.scene(), words);
        Ok(canvas)
    }

    fn scene(&self) -> Scene {
        let latency = Some(self.times.detect + self.times.estimate);
        let people = (1..).zip(&self.people).map(|(number, (face, estimate))| Person {
            bounds: face.bounds,
            number,
            reading: Some(Reading::of(estimate, self.gender_sure_min)),
            look: None,
        });
        Scene {
            people: people.collect(),
            notice: None,
            footer: Footer { privacy: Privacy::ReplayFromFiles, latency, ..Footer::default() },
        }
    }
}

fn timed<T>(step: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = step();
    (result, begun.elapsed())
}
