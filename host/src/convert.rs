//! Stage `convert`: weights that another program wrote → ours.
//!
//! The layers of a file are matched with those of the net by name where all are called as ours, or as
//! `--name` says, else in order; each must then be of the kind and shape that is expected.
//! What the net was taught to read (channel order, mean, scale) is in no such file, so it must be said.

mod fill;
mod found;
pub(crate) mod h5;
mod named;
mod onnx;
mod reads;

pub use reads::{Colours, Order, Triple};

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::net::{self, Net};
use crate::weights::Weights;
use fill::{Wanted, fill};
use found::Found;

/// Where weights come from, and what of them is wanted.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own help")]
    pub file: Source,
    /// The net to fill.
    #[arg(long, default_value = "vgg-face")]
    pub net: String,
    /// What of the net is filled: its trunk from the file's first layers, a head from those after as many
    /// layers as the trunk has (or from a file that holds only the head), or all of it.
    #[arg(long, value_enum, default_value_t = Part::Trunk)]
    pub part: Part,
    /// Leaves out the head's last layer, which tells other classes: the 2,622 people of VGG-Face.
    #[arg(long)]
    pub but_last: bool,
    /// Where the file's order is another: which of its layers ours is, as conv1_1=features.0. Layers that
    /// are not named so are looked for by our own names. May be given several times.
    #[arg(long = "name", value_name = "OURS=THEIRS", value_parser = pair)]
    pub names: Vec<(String, String)>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own help")]
    pub colours: Colours,
    /// What was subtracted first, from values of 0 to 255, in that order.
    #[arg(long, allow_hyphen_values = true)]
    pub mean: Triple,
    /// Safetensors file to write.
    #[arg(long)]
    pub out: PathBuf,
}

/// The file to convert, by its format.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Source {
    /// Keras's .h5, from save_weights or save (not Keras 3's .weights.h5).
    #[arg(long)]
    pub h5: Option<PathBuf>,
    /// Safetensors of LAYER.weight and LAYER.bias, 32-bit floats, as torch shapes them; what
    /// scripts/convert-weights.py makes of .pth, .t7 and .mat.
    #[arg(long)]
    pub safetensors: Option<PathBuf>,
    /// ONNX, 32-bit floats: the weights of Conv, Gemm and MatMul nodes, in the graph's order.
    #[arg(long)]
    pub onnx: Option<PathBuf>,
}

/// A part of a net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// What both heads share.
    Trunk,
    /// The age head.
    Age,
    /// The gender head.
    Gender,
    /// Trunk, age head and gender head, one after the other.
    All,
}

/// Converts a file and prints which layer came from where.
///
/// # Errors
/// A file that is broken or of another format, a layer of another shape, or the file system.
pub fn run(options: &Options) -> Result<()> {
    let net = net::named(&options.net)?;
    let (path, found) = read(&options.file)?;
    let wanted = Wanted { net: &net, part: options.part, but_last: options.but_last };
    let mut weights = fill(&wanted, &options.names, path, found)?;
    weights.input = options.colours.input(options.mean);
    weights.write(&options.out)?;
    eprintln!("{}: {} tensors", options.out.display(), weights.tensors.len());
    Ok(())
}

/// A Keras file as the weights of a whole net; what it reads is not told.
///
/// # Errors
/// As [`run`].
pub(crate) fn whole(h5: &Path, net: &Net) -> Result<Weights> {
    let found = h5::read(h5).with_context(|| format!("reading {}", h5.display()))?;
    fill(&Wanted { net, part: Part::All, but_last: false }, &[], h5, found)
}

/// Every layer with weights that the file holds, in its order.
fn read(source: &Source) -> Result<(&Path, Vec<Found>)> {
    let reading = |path: &Path| format!("reading {}", path.display());
    Ok(match source {
        Source { h5: Some(path), .. } => (path, h5::read(path).with_context(|| reading(path))?),
        Source { onnx: Some(path), .. } => (path, onnx::read(path).with_context(|| reading(path))?),
        Source { safetensors: Some(path), .. } => (path, named::read(path)?),
        Source { h5: None, safetensors: None, onnx: None } => bail!("no file to convert"),
    })
}

fn pair(text: &str) -> Result<(String, String)> {
    let (ours, theirs) = text.split_once('=').context("expected OURS=THEIRS")?;
    Ok((ours.to_owned(), theirs.to_owned()))
}
