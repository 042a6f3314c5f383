//! Stage `train`: crops → weights, end to end in torch.
//!
//! The age head learns label distributions, so exact ages and age ranges train alike; the gender head
//! learns smoothed labels. After each epoch the averaged weights are scored on val; the best ones are
//! kept (`best.safetensors`), and the whole state is saved (`last.safetensors`), so that a killed run
//! goes on where its last finished epoch ended.

mod adamw;
mod augment;
mod checkpoint;
pub mod device;
pub mod forward;
mod loader;
mod score;

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;
use tch::{Kind, Tensor};

use self::adamw::AdamW;
use self::checkpoint::{Checkpoint, EpochLog};
use self::device::{On, Precision};
use self::forward::{Forward, Mode, Parameters};
use self::loader::{Batch, Loader};
use crate::crops::Crops;
use crate::faces::Part;
use crate::net::Net;
use crate::{init, progress};

/// What a run can be told.
#[derive(Clone, Debug, Serialize, clap::Args)]
pub struct Options {
    /// Passes over the train part.
    #[arg(long, default_value_t = 30)]
    pub epochs: u32,
    /// Faces a step.
    #[arg(long, default_value_t = 128)]
    pub batch: usize,
    /// Highest learning rate; it warms up over the first epoch and falls as a cosine.
    #[arg(long, default_value_t = 2e-3)]
    pub lr: f64,
    /// AdamW's weight decay.
    #[arg(long, default_value_t = 0.05)]
    pub weight_decay: f64,
    /// Blur of the age labels in years.
    #[arg(long, default_value_t = 2.0)]
    pub age_sigma_years: f32,
    /// What the gender loss counts beside the age loss.
    #[arg(long, default_value_t = 2.0)]
    pub gender_weight: f64,
    /// Share of certainty taken off the gender labels.
    #[arg(long, default_value_t = 0.05)]
    pub gender_smoothing: f32,
    /// Seeds the first weights, the order and the augmentation.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = On::Cpu)]
    pub device: On,
    /// What convolutions compute in; `auto` takes bf16 where the processor or GPU is quicker at it.
    #[arg(long, value_enum, default_value_t = Precision::Auto)]
    pub precision: Precision,
    /// Threads of torch on the CPU.
    #[serde(skip)]
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, Into::into))]
    pub threads: usize,
    /// Stops after this epoch, for queues with a time limit; --resume goes on.
    #[serde(skip)]
    #[arg(long)]
    pub stop_after: Option<u32>,
    /// Goes on from `last.safetensors`.
    #[serde(skip)]
    #[arg(long)]
    pub resume: bool,
}

/// Trains `net` on the crops in `crops` and writes into `out`.
///
/// # Errors
/// No crops in a part, CUDA asked for and missing, a loss that is no number, or the file system.
pub fn run(net: &Net, crops: &Path, out: &Path, options: &Options) -> Result<()> {
    let device = options.device.open()?;
    let kind = options.precision.kind(device);
    tch::set_num_threads(i32::try_from(options.threads)?);
    let size_px = u32::try_from(net.input_px)?;
    let crops = Crops::open(crops, size_px)?;
    let loader = Loader::new(&crops, size_px, options);
    ensure!(loader.count(Part::Train) >= options.batch, "fewer train crops than one batch");
    ensure!(loader.count(Part::Val) > 0, "no crops in part val: run `trainer split` before `crop`");
    let parameters = Parameters::new(&init::he(net, options.seed), device)?;
    let mut run = Run {
        net,
        options,
        kind,
        steps_an_epoch: (loader.count(Part::Train) / options.batch) as u64,
        optimizer: AdamW::new(&parameters)?,
        parameters,
        log: Vec::new(),
    };
    let mut checkpoint = Checkpoint::new(out, options)?;
    if options.resume {
        checkpoint.restore(&mut run)?;
    }
    eprintln!(
        "train: {} on {} train and {} val crops, {device:?}, {kind:?}, epochs {}–{}",
        net.name,
        loader.count(Part::Train),
        loader.count(Part::Val),
        run.log.len() + 1,
        options.epochs
    );
    let last = options.stop_after.map_or(options.epochs, |stop| stop.min(options.epochs));
    while run.log.len() < last as usize {
        let log = run.epoch(&loader)?;
        eprintln!("{log}");
        run.log.push(log);
        checkpoint.save(&run)?;
    }
    Ok(())
}

/// A run between two epochs.
struct Run<'a> {
    net: &'a Net,
    options: &'a Options,
    kind: Kind,
    steps_an_epoch: u64,
    parameters: Parameters,
    optimizer: AdamW,
    log: Vec<EpochLog>,
}

impl Run<'_> {
    fn epoch(&mut self, loader: &Loader<'_>) -> Result<EpochLog> {
        let begun = std::time::Instant::now();
        let epoch = self.log.len() as u64;
        // Dropout draws from torch's own generator; a seed an epoch makes a resumed run the same.
        tch::manual_seed(i64::try_from(
            self.options.seed.wrapping_mul(1000).wrapping_add(epoch) >> 1,
        )?);
        let bar = progress::bar("train", self.steps_an_epoch);
        let mut loss_sum = 0.0;
        loader.train_epoch(epoch, |batch| {
            loss_sum += self.step(&batch)?;
            bar.inc(1);
            Ok(())
        })?;
        bar.finish_and_clear();
        let average =
            Parameters::new(&self.optimizer.average(&self.parameters)?, self.parameters.device())?;
        let forward =
            Forward { net: self.net, parameters: &average, mode: Mode::Eval, kind: self.kind };
        let val = score::score(&forward, loader)?;
        Ok(EpochLog {
            epoch: self.log.len() + 1,
            train_loss: loss_sum / self.steps_an_epoch as f64,
            val,
            seconds: begun.elapsed().as_secs_f64(),
        })
    }

    fn step(&mut self, batch: &Batch) -> Result<f64> {
        let forward = Forward {
            net: self.net,
            parameters: &self.parameters,
            mode: Mode::Train,
            kind: self.kind,
        };
        let device = self.parameters.device();
        let (age, gender) = forward.run(&batch.input.f_to_device(device)?)?;
        let loss = cross_entropy(&age, &batch.age.f_to_device(device)?)?
            + cross_entropy(&gender, &batch.gender.f_to_device(device)?)?
                * self.options.gender_weight;
        loss.f_backward()?;
        let value = f64::try_from(&loss)?;
        ensure!(value.is_finite(), "the loss is {value}: try a smaller --lr");
        let lr = self.learning_rate();
        self.optimizer.step(&self.parameters, lr, self.options.weight_decay)?;
        Ok(value)
    }

    /// Warm-up over the first epoch, then a cosine down to a hundredth (Loshchilov & Hutter 2017).
    fn learning_rate(&self) -> f64 {
        let steps_an_epoch = self.steps_an_epoch as f64;
        let done = self.optimizer.steps as f64 / steps_an_epoch;
        let share = (done / f64::from(self.options.epochs)).min(1.0);
        let cosine = 0.505 + 0.495 * (std::f64::consts::PI * share).cos();
        self.options.lr * cosine * (done + 1.0 / steps_an_epoch).min(1.0)
    }
}

/// Mean of −Σ target·ln softmax(logits) over the rows whose target is not all 0 (no label).
///
/// # Shapes
/// - logits, target: `[batch, classes]`, f32
fn cross_entropy(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    let each = (logits.f_log_softmax(-1, Kind::Float)? * target).f_sum(Kind::Float)?;
    let labelled = target.f_sum(Kind::Float)?.f_clamp_min(1.0)?;
    Ok(-each / labelled)
}
