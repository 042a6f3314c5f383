//! What a run reads: crops, changed by chance, or what a frozen trunk made of them.

use std::path::Path;

use anyhow::{Result, ensure};
use models::manifest::InputSpec;
use models::preprocess::Preprocessor;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::augment;
use crate::crops::{CropRow, Crops};
use crate::features::{Features, Variant};
use crate::net::Net;

/// Where a run's faces come from.
pub(super) enum Source {
    /// Pictures: the whole net runs.
    Crops { crops: Crops, preprocessor: Box<Preprocessor> },
    /// Features: the heads alone run.
    Features(Features),
}

impl Source {
    /// The crops in `folder`, to be read as `input` says.
    pub(super) fn crops(folder: &Path, net: &Net, input: &InputSpec) -> Result<Self> {
        let crops = Crops::open(folder, u32::try_from(net.input_px)?)?;
        Ok(Self::Crops { crops, preprocessor: Box::new(Preprocessor::new(input)) })
    }

    /// The features in `folder`, which must be those of `net`.
    pub(super) fn features(folder: &Path, net: &Net) -> Result<Self> {
        let features = Features::open(folder)?;
        let (found, expected) = (&features.about, net.trunk_shape());
        ensure!(
            found.net == net.name && found.shape == expected,
            "{} holds features {:?} of net {}, expected {expected:?} of {}",
            folder.display(),
            found.shape,
            found.net,
            net.name
        );
        Ok(Self::Features(features))
    }

    /// One a face.
    pub(super) fn rows(&self) -> &[CropRow] {
        match self {
            Self::Crops { crops, .. } => &crops.rows,
            Self::Features(features) => &features.rows,
        }
    }

    /// The shape of one face's values.
    pub(super) fn shape(&self) -> Vec<usize> {
        match self {
            Self::Crops { crops, .. } => {
                let side = crops.size_px() as usize;
                vec![3, side, side]
            }
            Self::Features(features) => features.about.shape.clone(),
        }
    }

    /// The values of some faces, one after the other; `chance` gives each its generator, and without it
    /// nothing is changed.
    pub(super) fn values(
        &self,
        members: &[usize],
        chance: impl Fn(usize) -> Option<ChaCha8Rng> + Sync,
    ) -> Vec<f32> {
        match self {
            Self::Crops { crops, preprocessor } => {
                let picture = |at: usize| match chance(at) {
                    Some(mut rng) => augment::draw(crops, at, crops.size_px(), &mut rng),
                    None => crops.plain(at, crops.size_px()),
                };
                let tensor = |&at: &usize| preprocessor.tensor(&picture(at)).values;
                members.par_iter().map(tensor).collect::<Vec<_>>().concat()
            }
            Self::Features(features) => {
                let mut values = Vec::with_capacity(members.len() * features.about.row_len());
                for &at in members {
                    let mirrored = chance(at).is_some_and(|mut rng| rng.random_bool(0.5));
                    let variant = if mirrored { Variant::Mirrored } else { Variant::Plain };
                    features.extend(&mut values, at, variant);
                }
                values
            }
        }
    }
}
