//! How a run trains: the flags, and what they come to for a net and a protocol.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::device::{On, Precision};
use crate::net::Task;
use crate::protocol::Protocol;

/// What a run can be told; what is not said is as [`Recipe::default_for`] has it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// Whose defaults hold.
    #[arg(long, value_enum, default_value_t)]
    pub protocol: Protocol,
    /// Only this head; both without.
    #[arg(long, value_enum)]
    pub task: Option<Task>,
    /// First weights (several files are joined): a trunk, or all of an earlier run. What is not in them
    /// begins with random numbers.
    #[arg(long, num_args = 1..)]
    pub weights: Vec<PathBuf>,
    /// The first layer that is trained, such as conv5_1; those before it stay as they are. Without it,
    /// a trunk that --weights holds stays as it is.
    #[arg(long)]
    pub unfreeze_from: Option<String>,
    /// Passes over the train part, or rounds of draws under the seed's protocol.
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Faces a step.
    #[arg(long)]
    pub batch: Option<usize>,
    /// Highest learning rate.
    #[arg(long)]
    pub lr: Option<f64>,
    /// AdamW's weight decay.
    #[arg(long)]
    pub weight_decay: Option<f64>,
    /// What another net said of the crops' ages (scripts/teach-ages.sh): tells where in its labelled range
    /// a face lies.
    #[arg(long)]
    pub teacher: Option<PathBuf>,
    /// Draws faces of rare ages more often: 0 for faces as they come, 1 for all of FairFace's age bins
    /// alike, 0.5 in between.
    #[arg(long)]
    pub balance: Option<f64>,
    /// Share of the training pictures that are covered in part, or packed as a poor JPEG.
    #[arg(long)]
    pub damage: Option<f64>,
    /// Blur of the age labels in years; 0 for one class a label.
    #[arg(long)]
    pub age_sigma_years: Option<f32>,
    /// What the gender loss counts beside the age loss.
    #[arg(long)]
    pub gender_weight: Option<f64>,
    /// Share of certainty taken off the gender labels.
    #[arg(long)]
    pub gender_smoothing: Option<f32>,
    /// Decay of the running average of the weights, which is what is kept; 0 keeps the weights themselves.
    #[arg(long)]
    pub average_decay: Option<f64>,
    /// Stops when val has not improved for so many epochs.
    #[arg(long)]
    pub patience: Option<u32>,
    /// Epochs between two saved states; the best weights are saved with them.
    #[arg(long)]
    pub save_every: Option<u32>,
    /// Seeds the first weights, the order and the augmentation.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = On::Cpu)]
    pub device: On,
    /// What all but the logits is computed in; `auto` takes bf16 where the processor or GPU is quicker at
    /// it.
    #[arg(long, value_enum, default_value_t = Precision::Auto)]
    pub precision: Precision,
    /// Threads of torch on the CPU.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, Into::into))]
    pub threads: usize,
    /// Stops after this epoch, for queues with a time limit; --resume goes on.
    #[arg(long)]
    pub stop_after: Option<u32>,
    /// Goes on from `last.safetensors`.
    #[arg(long)]
    pub resume: bool,
}

/// Everything that decides what a run learns, kept in `train.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The net's name.
    pub net: String,
    /// Only this head.
    pub task: Option<Task>,
    /// SHA-256 of the first weights' files.
    pub weights_sha256: Vec<String>,
    /// The first layer that is trained, where the trunk is not all frozen or all free.
    pub unfreeze_from: Option<String>,
    /// Passes, or rounds of draws.
    pub epochs: u32,
    /// Faces drawn with replacement an epoch; without it, each face once.
    pub draws: Option<usize>,
    /// Faces a step.
    pub batch: usize,
    /// Highest learning rate.
    pub lr: f64,
    /// How it goes on.
    pub schedule: Schedule,
    /// AdamW's weight decay.
    pub weight_decay: f64,
    /// SHA-256 of what the teacher said.
    pub teacher_sha256: Option<String>,
    /// A bin of n faces is drawn n to the power 1 − `balance` times as often as one of a single face.
    pub balance: f64,
    /// Share of the training pictures that are damaged.
    pub damage: f64,
    /// Blur of the age labels in years.
    pub age_sigma_years: f32,
    /// What the gender loss counts beside the age loss.
    pub gender_weight: f64,
    /// Share of certainty taken off the gender labels.
    pub gender_smoothing: f32,
    /// Decay of the weights' running average; 0 for none.
    pub average_decay: f64,
    /// Epochs without a better val loss after which the run ends.
    pub patience: Option<u32>,
    /// Epochs between two saved states.
    pub save_every: u32,
    /// Whether pictures are changed, or features drawn as their mirror image, by chance.
    pub augment: bool,
    /// Whether features are divided by their root mean square while heads learn on them; the heads'
    /// first layer takes that up when it is kept.
    pub even_features: bool,
    /// Seeds every choice.
    pub seed: u64,
    /// Where it was computed.
    pub device: On,
    /// In which numbers.
    pub precision: Precision,
}

/// How the learning rate goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Always the same.
    Constant,
    /// Up over the first epoch, then a cosine down to a hundredth (Loshchilov & Hutter 2017).
    Cosine,
}

impl Schedule {
    /// The rate after a share of the run, in [0, 1]; `warm` is 1 once the first epoch is over.
    pub(crate) fn rate(self, highest: f64, share: f64, warm: f64) -> f64 {
        match self {
            Self::Constant => highest,
            Self::Cosine => {
                highest * (0.505 + 0.495 * (std::f64::consts::PI * share.min(1.0)).cos()) * warm
            }
        }
    }
}

impl Recipe {
    /// What a protocol does with a net unless told otherwise.
    pub fn default_for(protocol: Protocol, net: &str) -> Self {
        let compact = Self {
            net: net.into(),
            task: None,
            weights_sha256: vec![],
            unfreeze_from: None,
            epochs: 30,
            draws: None,
            batch: 128,
            lr: 2e-3,
            schedule: Schedule::Cosine,
            weight_decay: 0.05,
            teacher_sha256: None,
            balance: 0.0,
            damage: 0.0,
            age_sigma_years: 2.0,
            gender_weight: 2.0,
            gender_smoothing: 0.05,
            average_decay: 0.999,
            patience: None,
            save_every: 1,
            augment: true,
            even_features: true,
            seed: 0,
            device: On::Cpu,
            precision: Precision::Auto,
        };
        match (protocol, net) {
            (Protocol::Seed, _) => Self {
                epochs: 250,
                draws: Some(256),
                batch: 32,
                lr: 1e-3,
                schedule: Schedule::Constant,
                weight_decay: 0.0,
                age_sigma_years: 0.0,
                gender_weight: 1.0,
                gender_smoothing: 0.0,
                average_decay: 0.0,
                save_every: 10,
                augment: false,
                even_features: false,
                ..compact
            },
            (Protocol::Default, "vgg-face") => Self {
                epochs: 12,
                batch: 256,
                lr: 1e-3,
                average_decay: 0.98,
                patience: Some(4),
                ..compact
            },
            (Protocol::Default, _) => compact,
        }
    }

    /// What `options` come to for `net`.
    ///
    /// # Errors
    /// A file of first weights, or of a teacher, that cannot be read; a share outside 0 to 1.
    pub fn new(net: &str, options: &Options) -> anyhow::Result<Self> {
        let hashes = options.weights.iter().map(|path| crate::files::sha256_of(path));
        let teacher = options.teacher.as_deref().map(crate::files::sha256_of);
        let share = |flag: &str, share: f64| {
            anyhow::ensure!((0.0..=1.0).contains(&share), "{flag} is {share}, expected 0 to 1");
            Ok(share)
        };
        let base = Self::default_for(options.protocol, net);
        Ok(Self {
            task: options.task,
            weights_sha256: hashes.collect::<anyhow::Result<_>>()?,
            unfreeze_from: options.unfreeze_from.clone(),
            epochs: options.epochs.unwrap_or(base.epochs),
            batch: options.batch.unwrap_or(base.batch),
            lr: options.lr.unwrap_or(base.lr),
            weight_decay: options.weight_decay.unwrap_or(base.weight_decay),
            teacher_sha256: teacher.transpose()?,
            balance: share("--balance", options.balance.unwrap_or(base.balance))?,
            damage: share("--damage", options.damage.unwrap_or(base.damage))?,
            age_sigma_years: options.age_sigma_years.unwrap_or(base.age_sigma_years),
            gender_weight: options.gender_weight.unwrap_or(base.gender_weight),
            gender_smoothing: options.gender_smoothing.unwrap_or(base.gender_smoothing),
            average_decay: options.average_decay.unwrap_or(base.average_decay),
            patience: options.patience.or(base.patience),
            save_every: options.save_every.unwrap_or(base.save_every).max(1),
            seed: options.seed,
            device: options.device,
            precision: options.precision,
            ..base
        })
    }
}
