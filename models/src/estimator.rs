//! Age and gender of a face in one pass through one network.

use image::RgbImage;
use thiserror::Error;

use crate::age::{AGE_CLASSES, AgeDistribution};
use crate::bundle::Bundle;
use crate::calibration::Calibration;
use crate::crop::CropSpec;
use crate::detect::Face;
use crate::gender::Gender;
use crate::image::RgbView;
use crate::manifest::EstimatorSpec;
use crate::preprocess::Preprocessor;
use crate::session::{Contract, Options, Session, SessionError};

/// Why an estimator could not be made or gave no answer.
#[derive(Debug, Error)]
pub enum EstimatorError {
    /// The bundle holds another kind of model.
    #[error("bundle {name} is no estimator: expected an [estimator] table")]
    Kind {
        /// The bundle's name.
        name: String,
    },
    /// The crop has another size than the network reads.
    #[error("crop is {width}x{height} px, expected {size_px}x{size_px}")]
    CropSize {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// What the manifest says.
        size_px: u32,
    },
    /// The network is refused or did not run.
    #[error("running the estimator")]
    Session(#[from] SessionError),
    /// The network answered with something that is not a number.
    #[error("estimator: the network's answer is not finite")]
    NotFinite,
}

/// What the network says of one face.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Of the apparent age.
    pub age: AgeDistribution,
    /// The predicted gender.
    pub gender: Gender,
}

/// The network's raw answer to one crop.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    /// One a year of age.
    pub age: [f32; AGE_CLASSES],
    /// Female, male.
    pub gender: [f32; 2],
}

impl Logits {
    /// The probabilities as the network has them; `None` where a logit is not finite.
    pub fn decode(&self) -> Option<Estimate> {
        Calibration::default().decode(self)
    }
}

/// Crops, preprocesses, runs and decodes by one bundle's rules.
#[derive(Debug)]
pub struct FaceEstimator {
    spec: EstimatorSpec,
    preprocessor: Preprocessor,
    session: Session,
}

impl FaceEstimator {
    /// The estimator of a bundle, which it takes: a large network is not kept twice.
    pub fn open(bundle: Bundle, options: &Options) -> Result<Self, EstimatorError> {
        let manifest = bundle.manifest();
        let Some(spec) = manifest.estimator.clone() else {
            return Err(EstimatorError::Kind { name: manifest.name.clone() });
        };
        Self::new(&spec, bundle.into_network(), options)
    }

    /// An estimator of a network that is in no bundle yet.
    pub fn new(
        spec: &EstimatorSpec,
        onnx: Vec<u8>,
        options: &Options,
    ) -> Result<Self, EstimatorError> {
        let side = spec.crop.size_px as usize;
        let outputs = vec![vec![1, AGE_CLASSES], vec![1, 2]];
        let (input, precision) = (vec![1, 3, side, side], spec.precision);
        let contract = Contract { input, outputs, precision };
        Ok(Self {
            spec: spec.clone(),
            preprocessor: Preprocessor::new(&spec.input),
            session: Session::open(onnx, &contract, options)?,
        })
    }

    /// What the network says of a face in a picture.
    pub fn estimate(
        &mut self,
        picture: &RgbView<'_>,
        face: &Face,
    ) -> Result<Estimate, EstimatorError> {
        let logits = self.face_logits(picture, face)?;
        self.decode(&logits).ok_or(EstimatorError::NotFinite)
    }

    /// What the network says of a crop that [`CropSpec::cut`] made.
    pub fn estimate_crop(&mut self, crop: &RgbImage) -> Result<Estimate, EstimatorError> {
        let logits = self.logits(crop)?;
        self.decode(&logits).ok_or(EstimatorError::NotFinite)
    }

    /// The calibrated probabilities; `None` where a logit is not finite.
    pub fn decode(&self, logits: &Logits) -> Option<Estimate> {
        self.spec.calibration.decode(logits)
    }

    /// The network's raw answer to a face in a picture.
    pub fn face_logits(
        &mut self,
        picture: &RgbView<'_>,
        face: &Face,
    ) -> Result<Logits, EstimatorError> {
        let crop = self.spec.crop.cut(picture, &face.bounds, face.landmarks.as_ref());
        self.logits(&crop)
    }

    /// The network's raw answer to a crop.
    pub fn logits(&mut self, crop: &RgbImage) -> Result<Logits, EstimatorError> {
        let (width, height) = crop.dimensions();
        let size_px = self.spec.crop.size_px;
        if (width, height) != (size_px, size_px) {
            return Err(EstimatorError::CropSize { width, height, size_px });
        }
        let outputs = self.session.run(&self.preprocessor.tensor(crop))?;
        let values = |i: usize| outputs.get(i).map(|output| output.values.as_slice());
        let age = values(0).and_then(|age| age.try_into().ok());
        let gender = values(1).and_then(|gender| gender.try_into().ok());
        let (age, gender) = age.zip(gender).expect("the session checked the graph's outputs");
        Ok(Logits { age, gender })
    }

    /// How faces are cut out.
    pub fn crop_spec(&self) -> &CropSpec {
        &self.spec.crop
    }

    /// Below this probability the predicted gender is shown as unsure.
    pub fn gender_sure_min(&self) -> f32 {
        self.spec.gender_sure_min
    }

    /// The network, to look at its plan.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The network and what feeds it, to time its steps.
    pub fn parts(&mut self) -> (&Preprocessor, &mut Session) {
        (&self.preprocessor, &mut self.session)
    }
}
