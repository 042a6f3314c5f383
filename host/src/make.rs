//! Stages `export` and `quantize`: weights → a bundle in f32, or in int8.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::RgbImage;
use models::bundle::Bundle;
use models::crop::CropSpec;
use models::manifest::{EstimatorSpec, Precision, Provenance};
use models::preprocess::Preprocessor;
use models::tensor::Tensor;

use crate::crops::{Crops, Finder, first_face};
use crate::export::{self, BundleSpec};
use crate::files::{write_atomic, write_text};
use crate::fold::fold_batch_norm;
use crate::net::{self, Net, Task};
use crate::quantize::{self, Calibrated, Settings};
use crate::subset::Subset;
use crate::svd::{self, Ranks};
use crate::weights::Weights;
use crate::{init, onnx, out, progress, sign};

/// What a bundle says of its data where nobody does.
const UNLEARNT: &str = "random weights: nothing was learnt";
/// Calibration pictures on which layers are rounded alone.
const PROBED: usize = 16;

/// Where a net's weights come from.
#[derive(Clone, Debug, clap::Args)]
pub struct Source {
    /// The net: compact, vgg-face or vgg-two (VGG-16 with two small heads).
    #[arg(long = "net", default_value = "compact")]
    pub net: String,
    /// Weights that `train` wrote (best.safetensors); several files, such as a trunk and two heads, are
    /// taken together.
    #[arg(long, required_unless_present = "init", num_args = 1..)]
    weights: Vec<PathBuf>,
    /// Random weights instead, to measure speed before anything is trained.
    #[arg(long, value_enum, conflicts_with = "weights")]
    init: Option<Init>,
    /// Only the trunk and this head: then --out is a plain graph, FILE.onnx, and no bundle, for a kiosk
    /// asks both.
    #[arg(long, value_enum)]
    only: Option<Task>,
    /// Cuts fc6 and fc7 of every head down to so many singular values (256,128): a tenth of the file.
    #[arg(long, value_name = "FC6,FC7")]
    svd: Option<Ranks>,
    /// Seeds the random weights and the choice of calibration pictures.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// A rule for random weights.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Init {
    /// He et al. 2015.
    He,
}

/// What is written, and what it says of itself.
#[derive(Clone, Debug, clap::Args)]
pub struct Target {
    /// The bundle's folder; its last part is the bundle's name.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Pictures whose first face becomes a stored input; made-up ones without.
    #[arg(long, num_args = 1..)]
    pub(crate) golden: Vec<PathBuf>,
    /// The weights' licence (SPDX).
    #[arg(long, default_value = "")]
    pub(crate) licence: String,
    /// Who must be named.
    #[arg(long, default_value = "")]
    pub(crate) attribution: String,
    /// What the weights were trained on; without it, that nothing was learnt, or which files were imported.
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// The command that made it.
    #[arg(long, default_value = "trainer")]
    pub(crate) made_by: String,
    /// Counts the bundles of that name: kiosks refuse one that is older than theirs.
    #[arg(long, default_value_t = 1)]
    pub(crate) bundle_version: u32,
    /// Signs the bundle with this secret key of minisign.
    #[arg(long, value_name = "KEY")]
    pub(crate) sign: Option<PathBuf>,
}

/// How an int8 bundle is calibrated.
#[derive(Clone, Debug, clap::Args)]
pub struct Calibrating {
    /// Folder that `crop` wrote: calibration draws on its train part. Made-up pictures without.
    #[arg(long)]
    crops: Option<PathBuf>,
    /// Calibration pictures.
    #[arg(long, default_value_t = 256)]
    pictures: usize,
    /// File that lists the training faces to calibrate on, such as the OUT.calibration.txt that an earlier
    /// run wrote beside its bundle; without it they are drawn.
    #[arg(long, requires = "crops", conflicts_with = "pictures")]
    subset: Option<PathBuf>,
    /// FILE.onnx for the same net with unsigned activations, for other runtimes to be measured with.
    #[arg(long)]
    twin: Option<PathBuf>,
    /// Folder for quantize.md and quantize.json: what each layer lost, and what rounding it alone does to
    /// the answers.
    #[arg(long)]
    report: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Source {
    /// The net that `--net` names.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn net(&self) -> Result<Net> {
        let net = net::named(&self.net)?;
        Ok(match self.only {
            Some(task) => net.only(task),
            None => net,
        })
    }

    /// Its weights as trained.
    ///
    /// # Errors
    /// The file, or a tensor in it, is not what the net asks for.
    pub fn weights(&self, net: &Net) -> Result<Weights> {
        if self.weights.is_empty() {
            Ok(init::he(net, self.seed))
        } else {
            Weights::read_all(&self.weights)
        }
    }
}

impl Source {
    /// The net and its weights as they are exported: batch norm folded in, fc6 and fc7 cut down if asked.
    fn folded(&self) -> Result<(Net, Weights)> {
        let net = self.net()?;
        let weights = fold_batch_norm(&net, &self.weights(&net)?)?;
        let Some(ranks) = self.svd else { return Ok((net, weights)) };
        let (net, weights, told) = svd::thin(&net, &weights, ranks)?;
        for layer in told {
            eprintln!("svd: {layer}");
        }
        Ok((net, weights))
    }
}

/// Writes an f32 bundle.
///
/// # Errors
/// Weights that do not fit the net, or what the file system says.
pub fn export(source: &Source, target: &Target) -> Result<()> {
    let (net, weights) = source.folded()?;
    let graph = onnx::export_f32(&net, &weights)?;
    let estimator = export::estimator_spec(&net, weights.input, Precision::F32)?;
    write(&net, &Made { estimator, graph }, target)
}

/// A network and how it is fed.
pub(crate) struct Made {
    pub(crate) estimator: EstimatorSpec,
    pub(crate) graph: Vec<u8>,
}

/// Writes an int8 bundle and prints how much each layer lost.
///
/// # Errors
/// As [`export()`]; no calibration pictures.
pub fn quantize(source: &Source, target: &Target, calibrating: &Calibrating) -> Result<()> {
    let (net, weights) = source.folded()?;
    let chosen = Chosen::of(&net, calibrating, source.seed)?;
    let calibrated = to_int8(&net, &weights, &chosen.crops, calibrating.settings)?;
    if let Some(folder) = &calibrating.report {
        let preprocessor = Preprocessor::new(&weights.input);
        let some = chosen.crops.iter().take(PROBED).map(|crop| preprocessor.tensor(crop));
        write_report(&net, &calibrated, &some.collect::<Vec<_>>(), folder)?;
    }
    if let Some(path) = &calibrating.twin {
        let twin = onnx::export_int8_twin(&net, &calibrated.quantized)?;
        write_atomic(path, |file| Ok(file.write_all(&twin)?))?;
    }
    let graph = onnx::export_int8(&net, &calibrated.quantized)?;
    let estimator = export::estimator_spec(&net, weights.input, Precision::Int8)?;
    let data = target.data.as_deref().unwrap_or(UNLEARNT);
    let data = Some(format!("{data}; {}", chosen.told));
    write(&net, &Made { estimator, graph }, &Target { data, ..target.clone() })?;
    let Some(list) = &chosen.list else { return Ok(()) };
    let mut name = target.out.clone().into_os_string();
    name.push(".calibration.txt");
    write_text(Path::new(&name), list)
}

/// What an int8 bundle is calibrated on.
struct Chosen {
    crops: Vec<RgbImage>,
    /// What the bundle says of them.
    told: String,
    /// Their names, where they were drawn and have any.
    list: Option<String>,
}

impl Chosen {
    fn of(net: &Net, calibrating: &Calibrating, seed: u64) -> Result<Self> {
        let size_px = u32::try_from(net.input_px)?;
        let count = calibrating.pictures;
        let Some(folder) = &calibrating.crops else {
            let crops = (0..count).map(|k| made_up(size_px, seed.wrapping_add(k as u64)));
            let told = format!("calibrated on {count} made-up pictures");
            return Ok(Self { crops: crops.collect(), told, list: None });
        };
        let crops = Crops::open(folder, size_px)?;
        let subset = match &calibrating.subset {
            Some(list) => Subset::read(list, &crops)?,
            None => Subset::draw(&crops, count, seed),
        };
        let list = calibrating.subset.is_none().then(|| subset.text().to_owned());
        Ok(Self { crops: subset.crops(&crops, size_px), told: subset.told(), list })
    }
}

/// Prints and writes what each layer lost, and what rounding it alone does to the answers.
fn write_report(
    net: &Net,
    calibrated: &Calibrated,
    pictures: &[Tensor],
    folder: &Path,
) -> Result<()> {
    let alone = quantize::sensitivities(net, calibrated, pictures)?;
    let table = quantize::sensitivity_table(&alone);
    out::print(&format!("\n{table}"))?;
    let layers = &calibrated.layers;
    let text = format!(
        "### What each layer lost\n\n{}\n### Each layer alone, {} pictures\n\n{table}",
        quantize::table(layers),
        pictures.len()
    );
    write_text(&folder.join("quantize.md"), &text)?;
    let json = serde_json::json!({ "layers": layers, "alone": alone, "pictures": pictures.len() });
    write_text(&folder.join("quantize.json"), &serde_json::to_string_pretty(&json)?)
}

/// A net calibrated on crops, to become an int8 graph; prints how much each layer lost.
///
/// # Shapes
/// - weights: folded ([`crate::fold`])
/// - crops: `[input_px, input_px, 3]`, u8, sRGB
pub(crate) fn to_int8(
    net: &Net,
    weights: &Weights,
    crops: &[RgbImage],
    settings: Settings,
) -> Result<Calibrated> {
    ensure!(!crops.is_empty(), "no calibration pictures");
    let preprocessor = Preprocessor::new(&weights.input);
    let pictures: Vec<Tensor> = crops.iter().map(|crop| preprocessor.tensor(crop)).collect();
    let layers = net.layers().filter(|layer| layer.weighted().is_some()).count();
    let bar = progress::bar("quantize", layers as u64);
    let calibrated = quantize::quantize(net, weights, &pictures, settings, &mut |_| bar.inc(1))?;
    bar.finish_and_clear();
    out::print(&quantize::table(&calibrated.layers))?;
    Ok(calibrated)
}

/// Writes a bundle, or of a net with one head the plain graph.
fn write(net: &Net, made: &Made, target: &Target) -> Result<()> {
    if net.age.is_empty() || net.gender.is_empty() {
        ensure!(
            target.out.extension().is_some_and(|ending| ending == "onnx"),
            "--out is {}, expected FILE.onnx with --only",
            target.out.display()
        );
        write_atomic(&target.out, |file| Ok(file.write_all(&made.graph)?))?;
        eprintln!("{}: {} bytes", target.out.display(), made.graph.len());
        return Ok(());
    }
    write_bundle(made, target)
}

/// Writes a bundle with its goldens, opens it again and tells its name.
pub(crate) fn write_bundle(made: &Made, target: &Target) -> Result<()> {
    let name = target.out.file_name().and_then(|name| name.to_str());
    let spec = BundleSpec {
        name: name.context("--out names no folder")?.to_owned(),
        version: target.bundle_version,
        estimator: made.estimator.clone(),
        provenance: Provenance {
            licence: target.licence.clone(),
            attribution: target.attribution.clone(),
            data: target.data.clone().unwrap_or_else(|| UNLEARNT.into()),
            made_by: target.made_by.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        quality: Vec::new(),
    };
    let crops = golden_crops(&target.golden, &spec.estimator.crop)?;
    export::write_bundle(&target.out, &spec, &made.graph, crops)?;
    let bundle = Bundle::open(&target.out)?;
    eprintln!(
        "{}: {} bytes of network, bundle {}",
        target.out.display(),
        made.graph.len(),
        bundle.sha256()
    );
    target.sign.as_deref().map_or(Ok(()), |key| sign::sign(&target.out, key))
}

/// The first face of each picture, or three made-up pictures.
fn golden_crops(pictures: &[PathBuf], spec: &CropSpec) -> Result<Vec<RgbImage>> {
    if pictures.is_empty() {
        return Ok((0..3).map(|seed| made_up(spec.size_px, seed)).collect());
    }
    let mut finder = Finder::default();
    let crops = pictures.iter().map(|path| {
        first_face(path, spec, &mut finder)
            .with_context(|| format!("golden picture {}", path.display()))
    });
    crops.collect()
}

/// A smooth coloured pattern with the range of a photograph.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0.5 to 254.5")]
fn made_up(size_px: u32, seed: u64) -> RgbImage {
    let wave = |k: u64| (seed.wrapping_mul(7).wrapping_add(k * 13) % 29) as f32 / 29.0;
    RgbImage::from_fn(size_px, size_px, |x, y| {
        let (x, y) = (x as f32 / size_px as f32, y as f32 / size_px as f32);
        image::Rgb([0u64, 1, 2].map(|c| {
            let phase =
                x * (2.0 + 9.0 * wave(c)) + y * (2.0 + 9.0 * wave(c + 3)) + 6.0 * wave(c + 6);
            (127.5 + 127.0 * phase.sin()) as u8
        }))
    })
}
