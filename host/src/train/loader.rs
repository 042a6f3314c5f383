//! Batches, made by the other cores while torch computes on the last one.

use anyhow::{Context, Result};
use models::age::AGE_CLASSES;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use super::balance;
use super::recipe::Recipe;
use super::source::Source;
use super::teacher::Teacher;
use crate::crops::CropRow;
use crate::faces::{GenderMark, Part};
use crate::feed::feed;
use crate::labels;

/// Faces as torch reads them.
///
/// # Shapes
/// - input: `[batch, 3, S, S]`, or as the trunk makes it; f32
/// - age: `[batch, 101]`, gender: `[batch, 2]`, f32; each row sums to 1, or to 0 without a label
pub(super) struct Batch {
    pub(super) input: Tensor,
    pub(super) age: Tensor,
    pub(super) gender: Tensor,
    /// Which faces they are.
    pub(super) members: Vec<usize>,
}

/// Draws batches from the faces of a run.
pub(super) struct Loader<'a> {
    source: &'a Source,
    recipe: &'a Recipe,
    teacher: Option<Teacher>,
    train: Vec<usize>,
    /// How often each of them is drawn; empty where they are all alike.
    weights: Vec<f64>,
    val: Vec<usize>,
    /// What each of them counts in the loss; empty where they are all alike.
    val_weights: Vec<f64>,
}

/// What [`Loader`] makes before torch sees it.
struct Plain {
    input: Vec<f32>,
    age: Vec<f32>,
    gender: Vec<f32>,
    members: Vec<usize>,
}

impl<'a> Loader<'a> {
    /// A loader for a run; a teacher tells where in their labelled ranges the train faces' ages lie.
    pub(super) fn new(source: &'a Source, recipe: &'a Recipe, teacher: Option<Teacher>) -> Self {
        let of = |part| {
            let members = source.rows().iter().enumerate().filter(|(_, row)| row.part == part);
            members.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let weigh = |members: &[usize]| {
            let ages: Vec<_> = members.iter().map(|&at| source.rows()[at].age()).collect();
            if recipe.balance == 0.0 { vec![] } else { balance::weights(&ages, recipe.balance) }
        };
        let (train, val) = (of(Part::Train), of(Part::Val));
        let (weights, val_weights) = (weigh(&train), weigh(&val));
        Self { source, recipe, teacher, train, weights, val, val_weights }
    }

    /// Faces in train or val.
    pub(super) fn count(&self, part: Part) -> usize {
        if part == Part::Train { self.train.len() } else { self.val.len() }
    }

    /// Whole batches of an epoch.
    pub(super) fn steps_an_epoch(&self) -> u64 {
        (self.recipe.draws.unwrap_or(self.train.len()) / self.recipe.batch) as u64
    }

    /// The row of face `at`.
    pub(super) fn row(&self, at: usize) -> &CropRow {
        &self.source.rows()[at]
    }

    /// Hands every whole batch of an epoch to `consume`, in an order and with changes that depend on the
    /// seed and `epoch` alone.
    pub(super) fn train_epoch(
        &self,
        epoch: u64,
        consume: impl FnMut(Batch) -> Result<()>,
    ) -> Result<()> {
        let seed = self.recipe.seed << 20 | epoch;
        let order = self.order(&mut ChaCha8Rng::seed_from_u64(seed));
        // By the place in the epoch: a face that is drawn twice looks different.
        let chance = |place: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(place as u64 + 1);
            self.recipe.augment.then_some(rng)
        };
        self.feed(order.chunks_exact(self.recipe.batch), consume, chance)
    }

    /// What the `count` val faces from `begin` on count in the loss, 1 on average.
    pub(super) fn val_weights(&self, begin: usize, count: usize) -> Vec<f64> {
        let weight = |at| self.val_weights.get(at).copied().unwrap_or(1.0);
        (begin..begin + count).map(weight).collect()
    }

    /// Hands the val part to `consume`, unchanged and in order.
    pub(super) fn val_epoch(&self, consume: impl FnMut(Batch) -> Result<()>) -> Result<()> {
        self.feed(self.val.chunks(self.recipe.batch), consume, |_| None)
    }

    /// The train part shuffled, rare ages more often where the recipe says so; or as many draws from it as
    /// the recipe asks for.
    fn order(&self, rng: &mut ChaCha8Rng) -> Vec<usize> {
        if let Some(draws) = self.recipe.draws {
            return (0..draws).map(|_| self.train[rng.random_range(0..self.train.len())]).collect();
        }
        let mut order = match &self.weights[..] {
            [] => self.train.clone(),
            weights => balance::draw(&self.train, weights, rng),
        };
        order.shuffle(rng);
        order
    }

    fn feed<'c>(
        &self,
        chunks: impl Iterator<Item = &'c [usize]> + Send,
        mut consume: impl FnMut(Batch) -> Result<()>,
        chance: impl Fn(usize) -> Option<ChaCha8Rng> + Sync + Send,
    ) -> Result<()> {
        let make = |(chunk, members): (usize, &[usize])| {
            Ok(self.plain(members, &|place| chance(chunk * self.recipe.batch + place)))
        };
        feed(chunks.enumerate(), make, |plain| consume(self.batch(plain)?))
    }

    fn plain(
        &self,
        members: &[usize],
        chance: &(impl Fn(usize) -> Option<ChaCha8Rng> + Sync),
    ) -> Plain {
        let genders = members.iter().map(|&at| self.gender_target(self.row(at)));
        Plain {
            input: self.source.values(members, chance),
            age: members.iter().flat_map(|&at| self.age_target(at)).collect(),
            gender: genders.flatten().collect(),
            members: members.to_vec(),
        }
    }

    /// The teacher is asked about train faces only: val is scored against the plain labels.
    fn age_target(&self, at: usize) -> [f32; AGE_CLASSES] {
        let (row, sigma) = (self.row(at), self.recipe.age_sigma_years);
        let teacher = self.teacher.as_ref().filter(|_| row.part == Part::Train);
        match (row.age(), teacher) {
            (None, _) => [0.0; AGE_CLASSES],
            (Some(range), None) => labels::age_target(range, sigma),
            (Some(range), Some(teacher)) => labels::taught_target(range, sigma, teacher.age(at)),
        }
    }

    /// `[female, male]`.
    fn gender_target(&self, row: &CropRow) -> [f32; 2] {
        let rest = self.recipe.gender_smoothing / 2.0;
        match row.gender {
            Some(GenderMark::Female) => [1.0 - rest, rest],
            Some(GenderMark::Male) => [rest, 1.0 - rest],
            None => [0.0; 2],
        }
    }

    fn batch(&self, plain: Plain) -> Result<Batch> {
        let n = plain.members.len();
        let tensor = |values: &[f32], shape: &[usize]| {
            let shape: Vec<i64> = [n].iter().chain(shape).map(|&axis| axis as i64).collect();
            Tensor::f_from_slice(values).and_then(|t| t.f_reshape(shape)).context("making a batch")
        };
        Ok(Batch {
            input: tensor(&plain.input, &self.source.shape())?,
            age: tensor(&plain.age, &[AGE_CLASSES])?,
            gender: tensor(&plain.gender, &[2])?,
            members: plain.members,
        })
    }
}
