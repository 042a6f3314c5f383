//! `trainer detector train`: labelled faces and pictures without faces → weights of the detector, or of the net
//! that looks once more at what a detector finds.
//!
//! Each epoch draws new scenes, from which a [`Pupil`] makes what it learns from. A killed run goes on where its
//! last saved epoch ended, to the same bits.

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use models::bundle::Bundle;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Kind, no_grad};

use super::loss::Loss;
use super::pupil::{self, Batch, Pupil};
use super::scenes::{self, Scene};
use super::stock::{Material, Stock};
use crate::faces::Part;
use crate::feed::feed;
use crate::train::checkpoint::Checkpoint;
use crate::train::device::{On, Precision};
use crate::train::forward::{Layers, Mode, Parameters};
use crate::train::learner::Learner;
use crate::train::recipe::Schedule;
use crate::weights::Weights;
use crate::{contract, files, init, progress};

/// What is trained, on what, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    material: Material,
    /// Folder for weights, log and options.
    #[arg(long)]
    out: PathBuf,
    /// The bundle of a detector that reports more than are faces: trains the net that looks at those once more.
    #[arg(long)]
    refine: Option<PathBuf>,
    /// First weights (best.safetensors of an earlier run); random ones without.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Share of the decoys that look struck in metal or cut in stone.
    #[arg(long, default_value_t = 0.0)]
    relief: f64,
    /// What a score tells of a face: its box's overlap at 0, that it is a face at 1.
    #[arg(long, default_value_t = 0.0)]
    certainty: f64,
    /// What landmarks count beside scores: at 8 a tenth of a face costs as much as a box off by half.
    #[arg(long, default_value_t = 8.0)]
    landmarks: f64,
    /// Rounds of new scenes.
    #[arg(long, default_value_t = 30)]
    epochs: u32,
    /// Scenes a round.
    #[arg(long, default_value_t = 5000)]
    scenes: usize,
    /// Scenes a step.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Highest learning rate.
    #[arg(long, default_value_t = 2e-3)]
    lr: f64,
    /// Seeds the first weights and the scenes.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = On::Cpu)]
    device: On,
    /// What all but the heads is computed in.
    #[arg(long, value_enum, default_value_t = Precision::Auto)]
    precision: Precision,
    /// Threads of torch on the CPU.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, Into::into))]
    threads: usize,
    /// Stops after this epoch; --resume goes on.
    #[arg(long)]
    stop_after: Option<u32>,
    /// Goes on from `last.safetensors`.
    #[arg(long)]
    resume: bool,
}

/// Everything that decides what a run learns, kept in `train.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Recipe {
    refined_sha256: Option<String>,
    weights_sha256: Option<String>,
    relief: f64,
    certainty: f64,
    landmarks: f64,
    epochs: u32,
    scenes: usize,
    batch: usize,
    lr: f64,
    weight_decay: f64,
    average_decay: f64,
    seed: u64,
    device: On,
    precision: Precision,
}

/// One epoch, a row of `log.csv`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Row {
    epoch: usize,
    train_loss: f64,
    val_loss: f64,
    val_score: f64,
    /// 0 where no boxes are told.
    val_bounds: f64,
    val_landmarks: f64,
    /// Pieces of grounds that were taken for faces before it.
    mistaken: usize,
    seconds: f64,
}

/// Width and height of the scenes that are learnt from.
pub(super) const SCENE_PX: [u32; 2] = [320, 256];
/// Scenes that each epoch is scored on.
const VAL_SCENES: u64 = 320;
/// Val scenes are drawn by other seeds than any epoch's.
pub(super) const VAL_SEED: u64 = u64::MAX;

struct Run<'a> {
    pupil: &'a dyn Pupil,
    recipe: Recipe,
    learner: Learner,
    kind: Kind,
    val: Vec<Scene>,
    log: Vec<Row>,
}

/// Trains.
///
/// # Errors
/// No faces or grounds, CUDA asked for and missing, a loss that is no number, or the file system.
pub fn run(options: &Options) -> Result<()> {
    let device = options.device.open()?;
    tch::set_num_threads(i32::try_from(options.threads)?);
    let recipe = Recipe::of(options)?;
    ensure!(recipe.batch > 0 && recipe.scenes >= recipe.batch, "fewer scenes than one batch");
    let mut stock = Stock::read(&options.material, Part::Train)?;
    let mut val = Stock::read(&options.material, Part::Val)?;
    (stock.relief, val.relief) = (recipe.relief, recipe.relief);
    let val =
        (0..VAL_SCENES).into_par_iter().map(|at| scene(&val, SCENE_PX, (VAL_SEED, at))).collect();
    let pupil = pupil::open(options.refine.as_deref())?;
    let mut weights = match &options.weights {
        Some(path) => Weights::read(path)?,
        None => init::he(pupil.plan(), recipe.seed),
    };
    weights.input = contract::input_spec();
    let parameters = Parameters::new(&weights, device, |_| true)?;
    let checkpoint = Checkpoint::new(&options.out, &recipe, options.resume)?;
    let mut run = Run {
        pupil: &*pupil,
        kind: recipe.precision.kind(device),
        learner: Learner::new(parameters, recipe.weight_decay, recipe.average_decay)?,
        recipe,
        val,
        log: vec![],
    };
    if options.resume && checkpoint.is_begun() {
        let steps_an_epoch = run.steps_an_epoch();
        run.log = checkpoint.restore(&mut run.learner, steps_an_epoch)?;
    }
    eprintln!(
        "detector: {} train faces, {} pictures without, {:?}, {:?}, epochs {}–{}",
        stock.faces.len(),
        stock.grounds.len(),
        device,
        run.kind,
        run.log.len() + 1,
        run.recipe.epochs
    );
    run.train(&mut stock, &checkpoint, options.stop_after)
}

/// Scene `at` of the round that `seed` names, of `size` pixels.
pub(super) fn scene(stock: &Stock, size: [u32; 2], (seed, at): (u64, u64)) -> Scene {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(at + 1);
    scenes::draw(stock, size, &mut rng)
}

impl Recipe {
    fn of(options: &Options) -> Result<Self> {
        let share = |flag: &str, share: f64| {
            ensure!((0.0..=1.0).contains(&share), "{flag} is {share}, expected 0 to 1");
            Ok(share)
        };
        let refined = options.refine.as_deref().map(Bundle::open).transpose()?;
        Ok(Self {
            refined_sha256: refined.map(|bundle| bundle.sha256().to_owned()),
            weights_sha256: options.weights.as_deref().map(files::sha256_of).transpose()?,
            relief: share("--relief", options.relief)?,
            certainty: share("--certainty", options.certainty)?,
            landmarks: options.landmarks,
            epochs: options.epochs,
            scenes: options.scenes,
            batch: options.batch,
            lr: options.lr,
            weight_decay: 0.02,
            average_decay: 0.998,
            seed: options.seed,
            device: options.device,
            precision: options.precision,
        })
    }
}

impl Run<'_> {
    fn steps_an_epoch(&self) -> u64 {
        (self.recipe.scenes / self.recipe.batch) as u64
    }

    fn train(
        &mut self,
        stock: &mut Stock,
        checkpoint: &Checkpoint,
        stop_after: Option<u32>,
    ) -> Result<()> {
        let last = stop_after.map_or(self.recipe.epochs, |stop| stop.min(self.recipe.epochs));
        while self.log.len() < last as usize {
            let row = self.epoch(stock)?;
            eprintln!("{row}");
            let is_best = self.log.iter().all(|before| row.val_loss <= before.val_loss);
            self.log.push(row);
            let best = is_best.then(|| self.learner.kept()).transpose()?;
            checkpoint.save(&self.learner, best, &self.log)?;
        }
        Ok(())
    }

    fn epoch(&mut self, stock: &mut Stock) -> Result<Row> {
        let begun = Instant::now();
        let epoch = self.log.len();
        let seed = self.recipe.seed << 20 | epoch as u64;
        let kept = self.learner.kept_parameters();
        stock.mistaken =
            self.pupil.mistakes(&self.layers(&kept, Mode::Eval), stock, epoch, seed)?;
        let bar = progress::bar("detector", self.steps_an_epoch());
        let mut train_loss = 0.0;
        let batch = self.recipe.batch as u64;
        let pupil = self.pupil;
        let make = |step: u64| {
            let drawn = (step * batch..(step + 1) * batch).into_par_iter();
            let scenes: Vec<Scene> = drawn.map(|at| scene(stock, SCENE_PX, (seed, at))).collect();
            pupil.batch(&scenes)
        };
        feed(0..self.steps_an_epoch(), make, |batch| {
            train_loss += self.step(&batch)?;
            bar.inc(1);
            Ok(())
        })?;
        bar.finish_and_clear();
        let [val_score, val_bounds, val_landmarks, val_loss] = self.score()?;
        Ok(Row {
            epoch: epoch + 1,
            train_loss: train_loss / self.steps_an_epoch() as f64,
            val_loss,
            val_score,
            val_bounds,
            val_landmarks,
            mistaken: stock.mistaken.len(),
            seconds: begun.elapsed().as_secs_f64(),
        })
    }

    fn step(&mut self, batch: &Batch) -> Result<f64> {
        let loss = self.loss(&self.learner.parameters, Mode::Train, batch)?;
        let loss = loss.sum(self.recipe.landmarks);
        let value = f64::try_from(&loss)?;
        ensure!(value.is_finite(), "the loss is {value}: try a smaller --lr");
        let epochs = self.learner.steps() as f64 / self.steps_an_epoch() as f64;
        let warm = (epochs + 1.0 / self.steps_an_epoch() as f64).min(1.0);
        let lr =
            Schedule::Cosine.rate(self.recipe.lr, epochs / f64::from(self.recipe.epochs), warm);
        self.learner.step(&loss, lr)?;
        Ok(value)
    }

    fn layers<'l>(&self, parameters: &'l Parameters, mode: Mode) -> Layers<'l> {
        Layers { parameters, mode, kind: self.kind }
    }

    fn loss(&self, parameters: &Parameters, mode: Mode, batch: &Batch) -> Result<Loss> {
        self.pupil.loss(&self.layers(parameters, mode), batch, self.recipe.certainty)
    }

    /// Loss of the averaged weights on the val scenes: score, bounds, landmarks, sum.
    fn score(&self) -> Result<[f64; 4]> {
        let kept = self.learner.kept_parameters();
        let mut sums = [0.0; 4];
        for scenes in self.val.chunks(self.recipe.batch) {
            let batch = self.pupil.batch(scenes)?;
            let loss = no_grad(|| self.loss(&kept, Mode::Eval, &batch))?;
            let parts =
                [&loss.score, &loss.bounds, &loss.landmarks, &loss.sum(self.recipe.landmarks)]
                    .map(f64::try_from);
            for (sum, part) in sums.iter_mut().zip(parts) {
                *sum += part? * scenes.len() as f64 / self.val.len() as f64;
            }
        }
        Ok(sums)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "epoch {:>3}: train loss {:.4}, val {:.4} (score {:.4}, box {:.4}, landmarks {:.4}), \
             {} mistaken, {:.0} s",
            self.epoch,
            self.train_loss,
            self.val_loss,
            self.val_score,
            self.val_bounds,
            self.val_landmarks,
            self.mistaken,
            self.seconds
        )
    }
}
