//! What a run reads: crops, changed by chance, or what a frozen trunk made of them.

use std::path::Path;

use anyhow::{Result, ensure};
use models::manifest::InputSpec;
use models::preprocess::Preprocessor;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::augment;
use super::recipe::Recipe;
use crate::crops::{CropRow, Crops};
use crate::faces::Part;
use crate::features::{Features, Variant};
use crate::net::Net;

/// Where a run's faces come from.
pub(super) enum Source {
    /// Pictures: the whole net runs.
    Crops { crops: Crops, preprocessor: Box<Preprocessor>, damage: f64 },
    /// Features: the heads alone run. What is kept is divided by `unit` before they see it.
    Features { features: Features, unit: f32 },
}

/// Faces whose features tell the unit.
const SAMPLE: usize = 256;

impl Source {
    /// The crops in `folder`, to be read as `input` says; that share of the changed ones is damaged too.
    pub(super) fn crops(folder: &Path, net: &Net, input: &InputSpec, damage: f64) -> Result<Self> {
        let crops = Crops::open(folder, u32::try_from(net.input_px)?)?;
        Ok(Self::Crops { crops, preprocessor: Box::new(Preprocessor::new(input)), damage })
    }

    /// The features in `folder`, which must be those of `net`.
    ///
    /// VGG's are up to hundreds, 25,088 of them a face: steps that are small for one weight would throw
    /// their sum about. So they are seen in units of their own root mean square, if `recipe` says so.
    pub(super) fn features(folder: &Path, net: &Net, recipe: &Recipe) -> Result<Self> {
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
        let unit = if recipe.even_features { root_mean_square(&features) } else { 1.0 };
        Ok(Self::Features { features, unit })
    }

    /// What the net's trunk was taught to read, where the source tells.
    pub(super) fn input(&self) -> Option<&InputSpec> {
        match self {
            Self::Crops { .. } => None,
            Self::Features { features, .. } => Some(&features.about.input),
        }
    }

    /// What features were divided by; 1 for pictures.
    pub(super) fn unit(&self) -> f32 {
        match self {
            Self::Crops { .. } => 1.0,
            Self::Features { unit, .. } => *unit,
        }
    }

    /// One a face.
    pub(super) fn rows(&self) -> &[CropRow] {
        match self {
            Self::Crops { crops, .. } => &crops.rows,
            Self::Features { features, .. } => &features.rows,
        }
    }

    /// The shape of one face's values.
    pub(super) fn shape(&self) -> Vec<usize> {
        match self {
            Self::Crops { crops, .. } => {
                let side = crops.size_px() as usize;
                vec![3, side, side]
            }
            Self::Features { features, .. } => features.about.shape.clone(),
        }
    }

    /// The values of some faces, one after the other; `chance` gives the generator of each place in
    /// `members`, and without it nothing is changed.
    pub(super) fn values(
        &self,
        members: &[usize],
        chance: impl Fn(usize) -> Option<ChaCha8Rng> + Sync,
    ) -> Vec<f32> {
        match self {
            Self::Crops { crops, preprocessor, damage } => {
                let picture = |(place, &at): (usize, &usize)| match chance(place) {
                    Some(mut rng) => augment::draw(crops, at, *damage, &mut rng),
                    None => crops.plain(at, crops.size_px()),
                };
                let tensor = |member| preprocessor.tensor(&picture(member)).values;
                members.par_iter().enumerate().map(tensor).collect::<Vec<_>>().concat()
            }
            Self::Features { features, unit } => {
                let mut values = features.values(members, |place| {
                    match chance(place).is_some_and(|mut rng| rng.random_bool(0.5)) {
                        true => Variant::Mirrored,
                        false => Variant::Plain,
                    }
                });
                if *unit != 1.0 {
                    values.iter_mut().for_each(|value| *value /= unit);
                }
                values
            }
        }
    }
}

/// Over the first train faces; 1 where that is 0.
fn root_mean_square(features: &Features) -> f32 {
    let train = features.rows.iter().enumerate().filter(|(_, row)| row.part == Part::Train);
    let sample: Vec<usize> = train.map(|(at, _)| at).take(SAMPLE).collect();
    let values = features.values(&sample, |_| Variant::Plain);
    let squares: f64 = values.iter().map(|v| f64::from(v * v)).sum();
    #[allow(clippy::cast_possible_truncation, reason = "a mean of f32 values")]
    let root = (squares / values.len().max(1) as f64).sqrt() as f32;
    if root.is_normal() { root } else { 1.0 }
}
