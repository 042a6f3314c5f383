//! What learns from scenes: the detector itself, or the net that looks once more at what a detector finds.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use image::RgbImage;
use models::bundle::Bundle;
use models::detect::{self, Detector};
use models::preprocess::Preprocessor;
use models::session::Options;
use rayon::prelude::*;
use tch::{Device, Tensor, no_grad};

use super::closer;
use super::loss::{Loss, to_tensor};
use super::mine;
use super::paste::Patch;
use super::scenes::Scene;
use super::stock::Stock;
use super::targets::targets;
use super::train::SCENE_PX;
use crate::contract;
use crate::net::Plan;
use crate::net::detector::{CHANNELS, DetectorNet};
use crate::net::refine::RefineNet;
use crate::train::forward::{Layers, to_torch};

/// From this epoch on mistakes are looked for.
const MINE_FROM: usize = 2;

/// Scenes as torch reads them.
///
/// # Shapes
/// - input: `[rows, 3, height, width]`, f32
/// - targets: `[rows, …]`, f32, what must be told of each
pub(super) struct Batch {
    pub(super) input: Tensor,
    pub(super) targets: Tensor,
}

/// A net that learns from scenes.
pub(super) trait Pupil: Sync {
    /// Its layers.
    fn plan(&self) -> Plan<'_>;

    /// What it is shown of some scenes, and must tell of that.
    fn batch(&self, scenes: &[Scene]) -> Result<Batch>;

    /// What a batch costs, as [`Loss`] says.
    fn loss(&self, layers: &Layers<'_>, batch: &Batch, certainty: f64) -> Result<Loss>;

    /// What it takes for faces where there are none, to be laid into the scenes of `epoch` as decoys; nothing, where
    /// it is not looked for.
    fn mistakes(
        &self,
        _layers: &Layers<'_>,
        _stock: &Stock,
        _epoch: usize,
        _seed: u64,
    ) -> Result<Vec<Patch>> {
        Ok(vec![])
    }
}

/// The detector, or with the bundle of one, the net that refines what that one finds.
pub(super) fn open(refined: Option<&Path>) -> Result<Box<dyn Pupil>> {
    let preprocessor = Preprocessor::new(&contract::input_spec());
    Ok(match refined {
        None => Box::new(Grids {
            net: DetectorNet::new(SCENE_PX.map(|side| side as usize)),
            preprocessor,
        }),
        Some(bundle) => Box::new(Closer {
            net: RefineNet::default(),
            preprocessor,
            detector: Mutex::new(detect::open(Bundle::open(bundle)?, &Options::default())?),
        }),
    })
}

/// The detector: a cell of each of three grids tells of a whole scene.
struct Grids {
    net: DetectorNet,
    preprocessor: Preprocessor,
}

impl Pupil for Grids {
    fn plan(&self) -> Plan<'_> {
        (&self.net).into()
    }

    fn batch(&self, scenes: &[Scene]) -> Result<Batch> {
        let pictures: Vec<&RgbImage> = scenes.iter().map(|scene| &scene.picture).collect();
        let told = scenes.par_iter().map(|scene| targets(&scene.faces, SCENE_PX));
        let targets = to_tensor(&told.collect::<Vec<_>>(), Device::Cpu)?;
        Ok(Batch { input: input(&pictures, &self.preprocessor)?, targets })
    }

    fn loss(&self, layers: &Layers<'_>, batch: &Batch, certainty: f64) -> Result<Loss> {
        let targets = batch.targets.f_to_device(layers.parameters.device())?;
        Loss::of(&self.told(layers, &batch.input)?, &targets, certainty)
    }

    /// It looks at grounds without faces.
    fn mistakes(
        &self,
        layers: &Layers<'_>,
        stock: &Stock,
        epoch: usize,
        seed: u64,
    ) -> Result<Vec<Patch>> {
        if epoch < MINE_FROM {
            return Ok(vec![]);
        }
        mine::mistakes(stock, seed, |pictures| {
            let input = input(pictures, &self.preprocessor)?;
            no_grad(|| self.told(layers, &input))
        })
    }
}

impl Grids {
    /// What every cell tells, grid by grid, row by row.
    ///
    /// # Shapes
    /// - input: `[rows, 3, height, width]`, f32
    /// - told: `[rows, cells, 15]`, f32
    fn told(&self, layers: &Layers<'_>, input: &Tensor) -> Result<Tensor> {
        let mut features = layers.pixels(&input.f_to_device(layers.parameters.device())?)?;
        let mut grids = vec![];
        for level in &self.net.levels {
            features = layers.chain(&level.trunk, features)?;
            let told = layers.chain(&level.head, features.shallow_clone())?;
            let rows =
                told.f_permute([0, 2, 3, 1])?.f_reshape([told.size()[0], -1, CHANNELS as i64])?;
            grids.push(rows);
        }
        Ok(Tensor::f_cat(&grids, 1)?)
    }
}

/// The net that looks once more, at crops around what the detector found: the detector's mistakes are among them.
struct Closer {
    net: RefineNet,
    preprocessor: Preprocessor,
    /// Reports more than are faces.
    detector: Mutex<Box<dyn Detector + Send>>,
}

impl Pupil for Closer {
    fn plan(&self) -> Plan<'_> {
        (&self.net).into()
    }

    fn batch(&self, scenes: &[Scene]) -> Result<Batch> {
        let mut detector = self.detector.lock().unwrap_or_else(PoisonError::into_inner);
        let found = scenes.iter().map(|scene| scene.found_by(&mut **detector));
        let found = found.collect::<Result<Vec<_>>>()?;
        drop(detector);
        let looks = scenes.par_iter().zip(found);
        let looks = looks.flat_map_iter(|(scene, found)| closer::looks(scene, &found));
        let (crops, told): (Vec<RgbImage>, Vec<[f32; closer::WIDTH]>) = looks.unzip();
        ensure!(
            !crops.is_empty(),
            "nothing was found in {} scenes: try a larger --batch",
            scenes.len()
        );
        let crops: Vec<&RgbImage> = crops.iter().collect();
        let input = input(&crops, &self.preprocessor)?;
        let shape = [told.len() as i64, closer::WIDTH as i64];
        let targets = Tensor::f_from_slice(told.as_flattened())?.f_reshape(shape)?;
        Ok(Batch { input, targets })
    }

    /// A face is one, however well its box fits.
    fn loss(&self, layers: &Layers<'_>, batch: &Batch, _: f64) -> Result<Loss> {
        let device = layers.parameters.device();
        let pixels = layers.pixels(&batch.input.f_to_device(device)?)?;
        let told = layers.chain(self.net.layers(), pixels)?;
        Loss::of_crops(&told, &batch.targets.f_to_device(device)?)
    }
}

fn input(pictures: &[&RgbImage], preprocessor: &Preprocessor) -> Result<Tensor> {
    let one = |picture: &&RgbImage| to_torch(&preprocessor.tensor(picture));
    Ok(Tensor::f_cat(&pictures.iter().map(one).collect::<Result<Vec<_>>>()?, 0)?)
}
