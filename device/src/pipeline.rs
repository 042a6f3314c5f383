//! One picture in, its faces and what they look like out. No clock, thread or file is touched here.

use std::fmt;

use anyhow::{Context, Result};
use models::detect::{self, Detector, Face};
use models::estimator::{Estimate, FaceEstimator};
use models::image::RgbView;

/// A detector and an estimator, one after the other.
pub struct Pipeline {
    detector: Box<dyn Detector>,
    estimator: FaceEstimator,
}

impl Pipeline {
    /// Of these two.
    pub fn new(detector: Box<dyn Detector>, estimator: FaceEstimator) -> Self {
        Self { detector, estimator }
    }

    /// The faces in `picture`, the largest first: whoever is nearest is number one.
    pub fn find(&mut self, picture: &RgbView) -> Result<Vec<Face>> {
        let mut faces =
            detect::find_faces(self.detector.as_mut(), picture).context("finding faces")?;
        faces.sort_by(|a, b| b.bounds.area().total_cmp(&a.bounds.area()));
        Ok(faces)
    }

    /// What each of `faces` looks like, in their order.
    pub fn estimate(&mut self, picture: &RgbView, faces: &[Face]) -> Result<Vec<Estimate>> {
        let estimates = faces.iter().map(|face| self.estimator.estimate(picture, face));
        estimates.collect::<Result<_, _>>().context("reading a face")
    }

    /// What reads the faces, to time its parts.
    pub fn estimator(&mut self) -> &mut FaceEstimator {
        &mut self.estimator
    }

    /// Below this probability a predicted gender is called unsure, in [0.5, 1].
    pub fn gender_sure_min(&self) -> f32 {
        self.estimator.gender_sure_min()
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Pipeline").field("detector", &self.detector.name()).finish_non_exhaustive()
    }
}
