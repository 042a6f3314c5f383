//! Stage `convert`: weights that another program wrote → ours.
//!
//! The layers of a file are matched with those of the net in order, by kind and shape; each must fit.
//! What the net was taught to read (channel order, mean, scale) is in no such file, so it must be said.

mod found;
mod onnx;
mod reads;

pub use reads::{Colours, Order, Triple};

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::net::{self, Layer, Net};
use crate::weights::Weights;
use found::{Expected, Found};

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
    let mut weights = fill(&wanted, path, found)?;
    weights.input = options.colours.input(options.mean);
    weights.write(&options.out)?;
    eprintln!("{}: {} tensors", options.out.display(), weights.tensors.len());
    Ok(())
}

/// Every layer with weights that the file holds, in its order.
fn read(source: &Source) -> Result<(&Path, Vec<Found>)> {
    let (path, found) = match source {
        Source { onnx: Some(path) } => (path, onnx::read(path)),
        Source { onnx: None } => bail!("no file to convert"),
    };
    Ok((path, found.with_context(|| format!("reading {}", path.display()))?))
}

/// What of a net is filled.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) net: &'a Net,
    pub(crate) part: Part,
    pub(crate) but_last: bool,
}

impl Wanted<'_> {
    /// The layers to fill, in order.
    fn layers(&self) -> Vec<Expected<'_>> {
        let net = self.net;
        let trunk = found::expected(&net.trunk, vec![3, net.input_px, net.input_px]);
        let head = |layers| {
            let mut layers = found::expected(layers, net.trunk_shape());
            layers.truncate(layers.len() - usize::from(self.but_last));
            layers
        };
        match self.part {
            Part::Trunk => trunk,
            Part::Age => head(&net.age),
            Part::Gender => head(&net.gender),
            Part::All => [trunk, head(&net.age), head(&net.gender)].concat(),
        }
    }

    /// How many of the file's layers come before the first one wanted.
    fn skipped(&self, found: usize, wanted: usize) -> usize {
        let trunk = self.net.trunk.iter().filter_map(Layer::weighted).count();
        let head = matches!(self.part, Part::Age | Part::Gender);
        if head && found >= trunk + wanted { trunk } else { 0 }
    }
}

/// The wanted layers from those of the file.
fn fill(wanted: &Wanted<'_>, path: &Path, found: Vec<Found>) -> Result<Weights> {
    let batch_norm = |layer: &&Layer| matches!(layer, Layer::Conv(conv) if conv.batch_norm);
    ensure!(
        !wanted.net.layers().any(|layer| batch_norm(&layer)),
        "net {} has batch norm, expected one of plain convolutions: vgg-face",
        wanted.net.name
    );
    let layers = wanted.layers();
    let skipped = wanted.skipped(found.len(), layers.len());
    let there = found.len() - skipped;
    ensure!(
        there >= layers.len(),
        "{} has {there} layers with weights, expected {}: {} to {}",
        path.display(),
        layers.len(),
        layers.first().map_or("", |layer| layer.name),
        layers.last().map_or("", |layer| layer.name)
    );
    let mut weights = Weights::default();
    for ((at, found), layer) in found.into_iter().enumerate().skip(skipped).zip(&layers) {
        let from = found.name.clone();
        let at = || format!("layer {} of {}", at + 1, path.display());
        let (kernel, bias) = found.fit(layer).with_context(at)?;
        tell(layer, &from, (&kernel, &bias));
        weights.set(format!("{}.weight", layer.name), &layer.shape, kernel);
        weights.set(format!("{}.bias", layer.name), &layer.shape[..1], bias);
    }
    Ok(weights)
}

#[allow(clippy::print_stdout, reason = "which layer came from where is what one wants to see")]
fn tell(layer: &Expected<'_>, from: &str, (kernel, bias): (&[f32], &[f32])) {
    let first = |values: &[f32]| values.first().copied().unwrap_or_default();
    println!(
        "{} {:?} first weight {} bias {} from {from}",
        layer.name,
        layer.shape,
        first(kernel),
        first(bias)
    );
}
