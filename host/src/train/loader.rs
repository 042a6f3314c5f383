//! Batches, made by the other cores while torch computes on the last one.

use std::sync::mpsc::sync_channel;

use anyhow::{Context, Result};
use models::age::AGE_CLASSES;
use models::preprocess::Preprocessor;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use tch::Tensor;

use super::{Options, augment};
use crate::contract;
use crate::crops::{CropRow, Crops};
use crate::faces::{GenderMark, Part};
use crate::labels;

/// Batches made ahead.
const AHEAD: usize = 3;

/// Faces as torch reads them.
///
/// # Shapes
/// - input: `[batch, 3, S, S]`, f32
/// - age: `[batch, 101]`, gender: `[batch, 2]`, f32; each row sums to 1, or to 0 without a label
pub(super) struct Batch {
    pub(super) input: Tensor,
    pub(super) age: Tensor,
    pub(super) gender: Tensor,
    /// Which crops they are.
    pub(super) members: Vec<usize>,
}

/// Draws batches from the crops of a run.
pub(super) struct Loader<'a> {
    crops: &'a Crops,
    size_px: u32,
    options: &'a Options,
    preprocessor: Preprocessor,
    train: Vec<usize>,
    val: Vec<usize>,
}

/// What [`Loader`] makes before torch sees it.
struct Plain {
    input: Vec<f32>,
    age: Vec<f32>,
    gender: Vec<f32>,
    members: Vec<usize>,
}

impl<'a> Loader<'a> {
    /// A loader for a net of `size_px`.
    pub(super) fn new(crops: &'a Crops, size_px: u32, options: &'a Options) -> Self {
        let of = |part| {
            let members = crops.rows.iter().enumerate().filter(|(_, row)| row.part == part);
            members.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let preprocessor = Preprocessor::new(&contract::input_spec());
        Self { crops, size_px, options, preprocessor, train: of(Part::Train), val: of(Part::Val) }
    }

    /// Crops in train or val.
    pub(super) fn count(&self, part: Part) -> usize {
        if part == Part::Train { self.train.len() } else { self.val.len() }
    }

    /// The row of crop `at`.
    pub(super) fn row(&self, at: usize) -> &CropRow {
        &self.crops.rows[at]
    }

    /// Hands every whole batch of the train part to `consume`, in an order and with changes that
    /// depend on the seed and `epoch` alone.
    pub(super) fn train_epoch(
        &self,
        epoch: u64,
        consume: impl FnMut(Batch) -> Result<()>,
    ) -> Result<()> {
        let seed = self.options.seed << 20 | epoch;
        let mut order = self.train.clone();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let whole = order.chunks_exact(self.options.batch);
        self.feed(whole, consume, |at| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(at as u64 + 1);
            augment::draw(self.crops, at, self.size_px, &mut rng)
        })
    }

    /// Hands the val part to `consume`, unchanged and in order.
    pub(super) fn val_epoch(&self, consume: impl FnMut(Batch) -> Result<()>) -> Result<()> {
        let chunks = self.val.chunks(self.options.batch);
        self.feed(chunks, consume, |at| self.crops.plain(at, self.size_px))
    }

    fn feed<'c>(
        &self,
        chunks: impl Iterator<Item = &'c [usize]> + Send,
        mut consume: impl FnMut(Batch) -> Result<()>,
        picture: impl Fn(usize) -> image::RgbImage + Sync + Send,
    ) -> Result<()> {
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(AHEAD);
            scope.spawn(move || {
                for members in chunks {
                    if sender.send(self.plain(members, &picture)).is_err() {
                        break;
                    }
                }
            });
            receiver.into_iter().try_for_each(|plain| consume(self.batch(plain)?))
        })
    }

    fn plain(
        &self,
        members: &[usize],
        picture: &(impl Fn(usize) -> image::RgbImage + Sync),
    ) -> Plain {
        let inputs: Vec<_> =
            members.par_iter().map(|&at| self.preprocessor.tensor(&picture(at)).values).collect();
        let rows = || members.iter().map(|&at| &self.crops.rows[at]);
        Plain {
            input: inputs.concat(),
            age: rows().flat_map(|row| self.age_target(row)).collect(),
            gender: rows().flat_map(|row| self.gender_target(row)).collect(),
            members: members.to_vec(),
        }
    }

    fn age_target(&self, row: &CropRow) -> [f32; AGE_CLASSES] {
        let sigma = self.options.age_sigma_years;
        row.age().map_or([0.0; AGE_CLASSES], |range| labels::age_target(range, sigma))
    }

    /// `[female, male]`.
    fn gender_target(&self, row: &CropRow) -> [f32; 2] {
        let rest = self.options.gender_smoothing / 2.0;
        match row.gender {
            Some(GenderMark::Female) => [1.0 - rest, rest],
            Some(GenderMark::Male) => [rest, 1.0 - rest],
            None => [0.0; 2],
        }
    }

    fn batch(&self, plain: Plain) -> Result<Batch> {
        let (n, side) = (plain.members.len() as i64, i64::from(self.size_px));
        let tensor = |values: &[f32], shape: &[i64]| {
            Tensor::f_from_slice(values).and_then(|t| t.f_reshape(shape)).context("making a batch")
        };
        Ok(Batch {
            input: tensor(&plain.input, &[n, 3, side, side])?,
            age: tensor(&plain.age, &[n, AGE_CLASSES as i64])?,
            gender: tensor(&plain.gender, &[n, 2])?,
            members: plain.members,
        })
    }
}
