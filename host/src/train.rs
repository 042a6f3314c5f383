//! Stage `train`: crops, or what a frozen trunk made of them → weights.
//!
//! The age head learns label distributions, so exact ages and age ranges train alike; the gender head
//! learns smoothed labels. After each epoch the averaged weights are scored on val; the best ones are
//! kept (`best.safetensors`), and the whole state is saved (`last.safetensors`), so that a killed run
//! goes on where its last saved epoch ended, to the same bits.

mod adamw;
mod augment;
mod balance;
pub mod bench;
pub(crate) mod checkpoint;
pub(crate) mod damage;
pub mod device;
pub mod doctor;
pub mod forward;
pub(crate) mod learner;
mod loader;
mod log;
pub mod predict;
pub mod recipe;
pub(crate) mod relight;
mod score;
mod source;
mod teacher;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use tch::{Kind, Tensor};

use self::checkpoint::Checkpoint;
use self::forward::{Answers, Forward, Mode, Parameters};
use self::learner::Learner;
use self::loader::{Batch, Loader};
use self::log::EpochLog;
use self::recipe::{Options, Recipe};
use self::source::Source;
use self::teacher::Teacher;
use crate::faces::Part;
use crate::net::{Layer, Net, layer_of};
use crate::weights::Weights;
use crate::{init, net, progress};

/// What is trained, on what, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct Job {
    /// The net.
    #[arg(long, default_value = "compact")]
    pub net: String,
    /// Folder that `crop` wrote: the net runs whole.
    #[arg(long, required_unless_present = "features")]
    pub crops: Option<PathBuf>,
    /// Folder that `features` wrote: only the heads run.
    #[arg(long, conflicts_with = "crops")]
    pub features: Option<PathBuf>,
    /// Folder for weights, log and options.
    #[arg(long)]
    pub out: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own help")]
    pub options: Options,
}

/// Trains.
///
/// # Errors
/// No faces in a part, CUDA asked for and missing, weights that do not fit, a loss that is no number, or
/// the file system.
pub fn run(job: &Job) -> Result<()> {
    let options = &job.options;
    let net = asked(job)?;
    let device = options.device.open()?;
    tch::set_num_threads(i32::try_from(options.threads)?);
    let recipe = Recipe::new(net.name, options)?;
    let (mut weights, given) = first_weights(&net, job)?;
    let source = open_source(job, &net, (&weights, &recipe))?;
    if let Some(input) = source.input() {
        weights.input = input.clone();
    }
    rescale_heads(
        &net,
        &mut weights,
        |name| if given.contains(name) { source.unit() } else { 1.0 },
    );
    let loader = Loader::new(&source, &recipe, teacher(job, &source)?);
    ensure!(loader.steps_an_epoch() > 0, "fewer train faces than one batch");
    ensure!(loader.count(Part::Train) > 0, "no faces in part train");
    ensure!(loader.count(Part::Val) > 0, "no faces in part val: run `trainer split` before `crop`");
    let frozen = frozen_layers(&net, job)?;
    let parameters = Parameters::new(&weights, device, |name| learns(name, &frozen))?;
    drop(weights);
    let checkpoint = Checkpoint::new(&job.out, &recipe, options.resume)?;
    let mut run = Run {
        net: &net,
        source: &source,
        recipe: &recipe,
        kind: recipe.precision.kind(device),
        steps_an_epoch: loader.steps_an_epoch(),
        learner: Learner::new(parameters, recipe.weight_decay, recipe.average_decay)?,
        best: None,
        log: Vec::new(),
    };
    if options.resume && checkpoint.is_begun() {
        run.log = checkpoint.restore(&mut run.learner, run.steps_an_epoch)?;
    }
    run.announce(&loader);
    run.train(&loader, &checkpoint, options.stop_after)
}

/// The net that a job asks for, with the heads that it asks for.
fn asked(job: &Job) -> Result<Net> {
    let net = net::named(&job.net)?;
    Ok(match job.options.task {
        Some(task) => net.only(task),
        None => net,
    })
}

/// What training begins with: the given weights, and random ones for the rest. On features, the trunk's
/// are not needed. Also the names of the tensors that were given.
fn first_weights(net: &Net, job: &Job) -> Result<(Weights, BTreeSet<String>)> {
    let heads = Net { trunk: vec![], ..net.clone() };
    let needed = if job.features.is_some() { &heads } else { net };
    let mut weights = init::he(needed, job.options.seed);
    let mut names = BTreeSet::new();
    if let [_, ..] = &job.options.weights[..] {
        let given = Weights::read_all(&job.options.weights)?;
        for (name, tensor) in &mut weights.tensors {
            if given.tensors.contains_key(name) {
                *tensor = given.get(name, &tensor.shape)?.clone();
                names.insert(name.clone());
            }
        }
        weights.input = given.input;
    }
    Ok((weights, names))
}

fn open_source(job: &Job, net: &Net, (weights, recipe): (&Weights, &Recipe)) -> Result<Source> {
    match (&job.features, &job.crops) {
        (Some(features), _) => {
            ensure!(
                job.options.unfreeze_from.is_none(),
                "--unfreeze-from needs --crops: features are of a frozen trunk"
            );
            Source::features(features, net, recipe)
        }
        (None, Some(crops)) => Source::crops(crops, net, &weights.input, recipe.damage),
        (None, None) => anyhow::bail!("--crops or --features is missing"),
    }
}

/// The teacher that a job names.
fn teacher(job: &Job, source: &Source) -> Result<Option<Teacher>> {
    let Some(path) = &job.options.teacher else { return Ok(None) };
    let crops =
        job.crops.as_deref().context("--teacher needs --crops: it was asked about crops")?;
    Teacher::open(path, crops, source.rows().len()).map(Some)
}

/// Multiplies the weights of each head's first layer by what `factor` says of them: heads that read
/// features, and heads that read them divided by it, then compute the same.
fn rescale_heads(net: &Net, weights: &mut Weights, factor: impl Fn(&str) -> f32) {
    for head in [&net.age, &net.gender] {
        let first = head.iter().find_map(Layer::weighted).map(|layer| layer.name);
        let name = first.map(|first| format!("{first}.weight")).unwrap_or_default();
        if let Some(tensor) = weights.tensors.get_mut(&name) {
            let factor = factor(&name);
            tensor.values.iter_mut().for_each(|value| *value *= factor);
        }
    }
}

/// The names of the layers that stay as they are.
fn frozen_layers(net: &Net, job: &Job) -> Result<Vec<String>> {
    let names: Vec<String> =
        net.layers().filter_map(Layer::weighted).map(|layer| layer.name.to_owned()).collect();
    let trunk = net.trunk.iter().filter_map(Layer::weighted).count();
    let frozen = match &job.options.unfreeze_from {
        Some(first) => names.iter().position(|name| name == first).with_context(|| {
            format!("--unfreeze-from: no layer is called {first}, there are {}", names.join(", "))
        })?,
        None if job.features.is_some() || job.options.weights.is_empty() => 0,
        None => trunk,
    };
    Ok(names.into_iter().take(frozen).collect())
}

/// Whether a tensor is of none of the frozen layers.
fn learns(tensor: &str, frozen: &[String]) -> bool {
    frozen.iter().all(|layer| layer_of(tensor) != layer)
}

/// A run between two epochs.
struct Run<'a> {
    net: &'a Net,
    source: &'a Source,
    recipe: &'a Recipe,
    kind: Kind,
    steps_an_epoch: u64,
    learner: Learner,
    /// The best weights, where they are not saved yet.
    best: Option<Weights>,
    log: Vec<EpochLog>,
}

/// One way through the net.
struct Pass<'a> {
    forward: Forward<'a>,
    source: &'a Source,
}

impl Pass<'_> {
    /// The logits of a batch: of pictures through the whole net, of features through the heads.
    fn run(&self, input: &Tensor) -> Result<Answers> {
        let input = input.f_to_device(self.forward.parameters.device())?;
        match self.source {
            Source::Crops { .. } => self.forward.run(&input),
            Source::Features { .. } => self.forward.heads(&input),
        }
    }
}

impl Run<'_> {
    fn announce(&self, loader: &Loader<'_>) {
        let learning =
            self.learner.parameters.entries().iter().filter(|e| e.tensor.requires_grad());
        eprintln!(
            "train: {} on {} train and {} val faces, {} of {} tensors learn, {:?}, {:?}, epochs {}–{}",
            self.net.name,
            loader.count(Part::Train),
            loader.count(Part::Val),
            learning.count(),
            self.learner.parameters.entries().len(),
            self.learner.parameters.device(),
            self.kind,
            self.log.len() + 1,
            self.recipe.epochs
        );
    }

    fn train(
        &mut self,
        loader: &Loader<'_>,
        checkpoint: &Checkpoint,
        stop_after: Option<u32>,
    ) -> Result<()> {
        let last = stop_after.map_or(self.recipe.epochs, |stop| stop.min(self.recipe.epochs));
        while self.log.len() < last as usize && !self.is_stuck() {
            let log = self.epoch(loader)?;
            eprintln!("{log}");
            self.log.push(log);
            let due = self.log.len().is_multiple_of(self.recipe.save_every as usize);
            if due || self.log.len() == last as usize || self.is_stuck() {
                checkpoint.save(&self.learner, self.best.take(), &self.log)?;
            }
        }
        Ok(())
    }

    /// Whether the val loss has been no better than the best for as many epochs as the recipe bears.
    fn is_stuck(&self) -> bool {
        let best = self.log.iter().min_by(|a, b| a.val.loss.total_cmp(&b.val.loss));
        best.zip(self.recipe.patience)
            .is_some_and(|(best, patience)| self.log.len() >= best.epoch + patience as usize)
    }

    fn epoch(&mut self, loader: &Loader<'_>) -> Result<EpochLog> {
        let begun = std::time::Instant::now();
        let epoch = self.log.len() as u64;
        // Dropout draws from torch's own generator; a seed an epoch makes a resumed run the same.
        tch::manual_seed(i64::try_from(self.recipe.seed << 20 | epoch)?);
        let bar = progress::bar("train", self.steps_an_epoch);
        let mut loss_sum = 0.0;
        loader.train_epoch(epoch, |batch| {
            loss_sum += self.step(&batch)?;
            bar.inc(1);
            Ok(())
        })?;
        bar.finish_and_clear();
        let kept = self.learner.kept_parameters();
        let val = score::score(&self.pass(&kept, Mode::Eval), loader)?;
        if self.log.iter().all(|log| val.loss <= log.val.loss) {
            let mut best = self.learner.kept()?;
            rescale_heads(self.net, &mut best, |_| self.source.unit().recip());
            self.best = Some(best);
        }
        Ok(EpochLog {
            epoch: self.log.len() + 1,
            train_loss: loss_sum / self.steps_an_epoch as f64,
            val,
            seconds: begun.elapsed().as_secs_f64(),
        })
    }

    fn pass<'p>(&'p self, parameters: &'p Parameters, mode: Mode) -> Pass<'p> {
        let forward = Forward { net: self.net, parameters, mode, kind: self.kind };
        Pass { forward, source: self.source }
    }

    fn step(&mut self, batch: &Batch) -> Result<f64> {
        let answers = self.pass(&self.learner.parameters, Mode::Train).run(&batch.input)?;
        let loss = self.loss(&answers, batch)?;
        let value = f64::try_from(&loss)?;
        ensure!(value.is_finite(), "the loss is {value}: try a smaller --lr");
        let lr = self.learning_rate();
        self.learner.step(&loss, lr)?;
        Ok(value)
    }

    fn loss(&self, answers: &Answers, batch: &Batch) -> Result<Tensor> {
        let device = self.learner.parameters.device();
        let loss = |logits: &Option<Tensor>, target: &Tensor| {
            let of = |logits| cross_entropy(logits, &target.f_to_device(device)?);
            logits.as_ref().map(of).transpose()
        };
        let age = loss(&answers.age, &batch.age)?;
        Ok(match (age, loss(&answers.gender, &batch.gender)?) {
            (Some(age), Some(gender)) => age + gender * self.recipe.gender_weight,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => anyhow::bail!("{} has no head", self.net.name),
        })
    }

    fn learning_rate(&self) -> f64 {
        let steps_an_epoch = self.steps_an_epoch as f64;
        let epochs = self.learner.steps() as f64 / steps_an_epoch;
        let warm = (epochs + 1.0 / steps_an_epoch).min(1.0);
        self.recipe.schedule.rate(self.recipe.lr, epochs / f64::from(self.recipe.epochs), warm)
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        job: Job,
    }

    /// The layers that learn under a command line.
    fn learning(line: &str) -> Vec<String> {
        let job = Line::parse_from(format!("train --out o {line}").split(' ')).job;
        let net = asked(&job).unwrap();
        let frozen = frozen_layers(&net, &job).unwrap();
        let layers = net.layers().filter_map(Layer::weighted).map(|layer| layer.name.to_owned());
        layers.filter(|layer| learns(&format!("{layer}.weight"), &frozen)).collect()
    }

    #[test]
    fn over_a_given_trunk_exactly_the_last_three_layers_learn() {
        let vgg = "--crops c --net vgg-face --task age --weights trunk.safetensors";
        assert_eq!(learning(vgg), ["age.fc6", "age.fc7", "age"]);
        let vgg = "--crops c --net vgg-face --task gender --weights t --unfreeze-from gender.fc7";
        assert_eq!(learning(vgg), ["gender.fc7", "gender"]);
    }

    #[test]
    fn the_trunk_learns_where_it_is_new_or_unfrozen() {
        assert_eq!(learning("--crops c --net compact").len(), 11);
        let vgg = "--crops c --net vgg-face --weights trunk.safetensors --unfreeze-from conv5_1";
        assert_eq!(learning(vgg)[..4], ["conv5_1", "conv5_2", "conv5_3", "age.fc6"]);
        assert_eq!(learning(vgg).len(), 9);
    }

    #[test]
    fn a_layer_that_is_not_there_is_named_beside_those_that_are() {
        let line = "train --out o --crops c --weights w --unfreeze-from conv9_1";
        let job = Line::parse_from(line.split(' ')).job;
        let error = frozen_layers(&asked(&job).unwrap(), &job).unwrap_err().to_string();
        assert!(
            error.contains("conv9_1") && error.contains("conv4_2, fc5, age, gender"),
            "{error}"
        );
    }
}
