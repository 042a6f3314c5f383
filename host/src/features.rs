//! Stage `features`: what a frozen trunk makes of every crop, computed once and kept.
//!
//! The trunk is most of the work of a full VGG-Face step (15.35 of 15.47 GMAC), and while it is frozen
//! its answers never change; heads then train on the kept ones. A killed run goes on where it was; the
//! work can be cut into shards for several machines, which `features merge` joins again.

#[cfg(feature = "torch")]
mod compute;
mod merge;
mod store;

#[cfg(feature = "torch")]
pub use compute::run;
pub use merge::merge;
pub use store::{About, Features, Shard, Variant};

use std::path::PathBuf;

/// What to compute, and where.
#[cfg(feature = "torch")]
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The net whose trunk is run.
    #[arg(long, default_value = "vgg-face")]
    pub net: String,
    /// Weights that hold its trunk.
    #[arg(long)]
    pub trunk: PathBuf,
    /// Folder that `crop` wrote.
    #[arg(long)]
    pub crops: PathBuf,
    /// Folder for features.f16, features.csv and features.json.
    #[arg(long)]
    pub out: PathBuf,
    /// Each crop's mirror image too: twice the time and disk, and training draws either.
    #[arg(long)]
    pub mirrored: bool,
    /// Only shard K of N (1/16 … 16/16): as many machines or jobs fill one cache.
    #[arg(long, default_value = "1/1")]
    pub shard: Shard,
    /// Crops at once.
    #[arg(long, default_value_t = 16)]
    pub batch: usize,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = crate::train::device::On::Cpu)]
    pub device: crate::train::device::On,
    /// What convolutions compute in.
    #[arg(long, value_enum, default_value_t = crate::train::device::Precision::F32)]
    pub precision: crate::train::device::Precision,
    /// Threads of torch on the CPU.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, Into::into))]
    pub threads: usize,
}

/// Shards to join.
#[derive(Clone, Debug, clap::Args)]
pub struct Merging {
    /// The folders of all shards, in any order.
    #[arg(required = true)]
    pub shards: Vec<PathBuf>,
    /// Folder for the whole.
    #[arg(long)]
    pub out: PathBuf,
}
