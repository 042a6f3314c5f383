//! The way of one picture through the kiosk, timed stage by stage.

use anyhow::{Context, Result};
use embedded_graphics::geometry::Size;
use models::age::AGE_CLASSES;
use models::detect::Face;
use models::estimator::{Estimate, Logits};
use models::image::RgbView;
use models::picture::{self, Limits};
use models::tensor::Tensor;

use super::clock::Moment;
use super::network::{self, Parts};
use super::stage::{Laps, Stage};
use crate::answer::{Answer, Times};
use crate::display::png::PngFolder;
use crate::language::Language;
use crate::pipeline::Pipeline;

/// Everything a picture passes.
#[derive(Debug)]
pub struct Walk {
    pipeline: Pipeline,
    parts: Parts,
    size: Size,
    screens: Option<PngFolder>,
}

impl Walk {
    /// Through these models onto screens of `size` pixels, which go into `screens` where there are any.
    pub fn new(mut pipeline: Pipeline, size: Size, screens: Option<PngFolder>) -> Self {
        let parts = Parts::of(&pipeline.estimator().session().operators());
        Self { pipeline, parts, size, screens }
    }

    /// The parts that the network has.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Takes the bytes of a picture file all the way.
    pub fn picture(&mut self, bytes: &[u8], laps: &mut Laps) -> Result<()> {
        let begun = Moment::now();
        let picture = laps.time(Stage::Decode, || picture::decode(bytes, &Limits::default()))?;
        let view = RgbView::of(&picture).context("the picture has no pixels")?;
        let decoded = Moment::now();
        let faces = laps.time(Stage::Detect, || self.pipeline.find(&view))?;
        let estimates: Result<Vec<_>> =
            faces.iter().map(|face| self.face(&view, face, laps)).collect();
        let people = faces.iter().cloned().zip(estimates?).collect();
        laps.add(Stage::Answer, decoded, Moment::now());
        let gender_sure_min = self.pipeline.gender_sure_min();
        let answer = Answer { picture, people, gender_sure_min, times: Times::default() };
        let words = Language::En.strings();
        let screen = laps.time(Stage::Render, || answer.screen(self.size, words))?;
        if let Some(folder) = &self.screens {
            laps.time(Stage::Present, || folder.write("bench", &screen))?;
        }
        laps.add(Stage::EndToEnd, begun, Moment::now());
        Ok(())
    }

    fn face(&mut self, picture: &RgbView, face: &Face, laps: &mut Laps) -> Result<Estimate> {
        let estimator = self.pipeline.estimator();
        let spec = estimator.crop_spec().clone();
        let (preprocessor, session) = estimator.parts();
        let tensor = laps.time(Stage::Crop, || {
            preprocessor.tensor(&spec.cut(picture, &face.bounds, face.landmarks.as_ref()))
        });
        let outputs = network::run(session, &self.parts, &tensor, laps)?;
        let logits = logits(&outputs).context("the answer is no estimate")?;
        self.pipeline.estimator().decode(&logits).context("the answer is no estimate")
    }
}

/// The outputs of an estimator's network, whose shapes were checked when it was opened.
fn logits(outputs: &[Tensor]) -> Option<Logits> {
    let [age, gender] = outputs else { return None };
    let age: [f32; AGE_CLASSES] = age.values.as_slice().try_into().ok()?;
    Some(Logits { age, gender: gender.values.as_slice().try_into().ok()? })
}
