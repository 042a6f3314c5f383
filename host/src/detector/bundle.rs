//! `trainer detector bundle`: trained weights → a bundle that the device opens.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use image::RgbImage;
use models::bundle::Bundle;
use models::detect;
use models::manifest::detector::{DetectorSpec, Family, Fit, RefineSpec};
use models::manifest::{Precision, Provenance};
use models::preprocess::Preprocessor;
use models::session::Options as SessionOptions;
use models::tensor::Tensor;
use rayon::prelude::*;

use super::choose::{Choice, choose};
use super::closer;
use super::scenes::Scene;
use super::stock::{Material, Stock};
use super::train::{VAL_SEED, scene};
use crate::faces::Part;
use crate::fold::fold_batch_norm;
use crate::net::Plan;
use crate::net::detector::DetectorNet;
use crate::net::refine::RefineNet;
use crate::quantize::{self, Settings};
use crate::weights::Weights;
use crate::{contract, export, onnx, out};

/// Of two boxes that share more than this, the better one stays; YuNet's number.
const NMS_IOU: f32 = 0.3;
/// While a threshold is looked for, everything that could be a face is reported.
const SCORE_ANY: f32 = 0.05;
/// Scenes that a threshold is chosen on.
const VAL_SCENES: u64 = 400;
/// Calibration scenes are drawn by other seeds than any epoch's.
const CALIBRATION_SEED: u64 = u64::MAX - 1;

/// What is written, from what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Weights that `train` wrote (best.safetensors).
    #[arg(long)]
    weights: PathBuf,
    /// Weights that `train --refine` wrote, of the net that looks once more at what the detector finds.
    #[arg(long)]
    refine: Option<PathBuf>,
    /// The least score of what is looked at once more.
    #[arg(long, default_value_t = 0.15)]
    candidate_min: f32,
    #[command(flatten)]
    material: Material,
    /// The bundle's folder; its last part is the bundle's name.
    #[arg(long)]
    out: PathBuf,
    /// Width and height of the input in pixels, multiples of 32.
    #[arg(long, value_parser = size, default_value = "320x256")]
    size: [u32; 2],
    /// The arithmetic.
    #[arg(long, value_enum, default_value_t = Arithmetic::Int8)]
    precision: Arithmetic,
    /// Scenes that the int8 net is calibrated on.
    #[arg(long, default_value_t = 96)]
    pictures: u64,
    #[command(flatten)]
    settings: Settings,
    /// The least score of a face; without it, the highest one with nearly the best F½ on val scenes.
    #[arg(long)]
    score_min: Option<f32>,
    /// The weights' licence (SPDX).
    #[arg(long, default_value = "")]
    licence: String,
    /// Who must be named.
    #[arg(long, default_value = "")]
    attribution: String,
    /// What the weights were trained on.
    #[arg(long, default_value = "")]
    data: String,
    /// The command that made it.
    #[arg(long, default_value = "trainer detector")]
    made_by: String,
}

/// What the convolutions are computed in.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Arithmetic {
    /// 32-bit floating point.
    F32,
    /// 8-bit integers.
    Int8,
}

/// Writes the bundle and tells from which score on it calls something a face.
///
/// # Errors
/// Weights that do not fit, no faces or grounds, or the file system.
pub fn run(options: &Options) -> Result<()> {
    let net = DetectorNet::new(options.size.map(|side| side as usize));
    let weights = Weights::read(&options.weights)?;
    let pictures = || {
        let scenes = scenes(options, Part::Train, CALIBRATION_SEED, options.pictures)?;
        Ok(scenes.into_iter().map(|scene| scene.picture).collect())
    };
    let mut made = Made { network: graph(&net, &weights, options, pictures)?, refine: None };
    let mut spec = DetectorSpec {
        family: Family::Grid,
        precision: match options.precision {
            Arithmetic::F32 => Precision::F32,
            Arithmetic::Int8 => Precision::Int8,
        },
        input: options.size,
        fit: Fit::Letterbox,
        score_min: options.score_min.unwrap_or(SCORE_ANY),
        nms_iou: NMS_IOU,
        outputs: vec![],
        corners: None,
        pixels: Some(weights.input),
        priors: None,
        refine: None,
    };
    if let Some(path) = &options.refine {
        spec.score_min = options.candidate_min;
        write(options, spec.clone(), &made)?;
        let weights = Weights::read(path)?;
        made.refine = Some(graph(&RefineNet::default(), &weights, options, || crops(options))?);
        let score_min = options.score_min.unwrap_or(SCORE_ANY);
        spec.refine = Some(RefineSpec { score_min, crop: contract::refine_crop() });
    }
    write(options, spec.clone(), &made)?;
    if options.score_min.is_none() {
        let choice = chosen(options)?;
        out::print(&format!("{choice}\n"))?;
        match &mut spec.refine {
            Some(refine) => refine.score_min = choice.score_min,
            None => spec.score_min = choice.score_min,
        }
        write(options, spec, &made)?;
    }
    let bundle = Bundle::open(&options.out)?;
    eprintln!(
        "{}: {} bytes of networks, bundle {}",
        options.out.display(),
        made.network.len() + made.refine.map_or(0, |network| network.len()),
        bundle.sha256()
    );
    Ok(())
}

/// The networks of a bundle, as ONNX.
struct Made {
    network: Vec<u8>,
    refine: Option<Vec<u8>>,
}

/// The graph of a net; one in bytes is calibrated on `pictures`.
fn graph<'a, N>(
    net: &'a N,
    weights: &Weights,
    options: &Options,
    pictures: impl FnOnce() -> Result<Vec<RgbImage>>,
) -> Result<Vec<u8>>
where
    Plan<'a>: From<&'a N>,
{
    let weights = fold_batch_norm(net, weights)?;
    if options.precision == Arithmetic::F32 {
        return onnx::export_f32(net, &weights);
    }
    let preprocessor = Preprocessor::new(&weights.input);
    let pictures: Vec<Tensor> = pictures()?.iter().map(|it| preprocessor.tensor(it)).collect();
    let made = quantize::quantize(net, &weights, &pictures, options.settings, &mut |_| ())?;
    out::print(&quantize::table(&made.layers))?;
    onnx::export_int8(net, &made.quantized)
}

/// What the detector that is written already finds in scenes of the train part.
fn crops(options: &Options) -> Result<Vec<RgbImage>> {
    let mut detector = detect::open(Bundle::open(&options.out)?, &SessionOptions::default())?;
    let mut crops = vec![];
    for scene in scenes(options, Part::Train, CALIBRATION_SEED, options.pictures)? {
        let found = scene.found_by(&mut *detector)?;
        crops.extend(closer::looks(&scene, &found).into_iter().map(|(crop, _)| crop));
    }
    ensure!(!crops.is_empty(), "the detector found nothing to look at");
    Ok(crops)
}

fn chosen(options: &Options) -> Result<Choice> {
    let scenes = scenes(options, Part::Val, VAL_SEED, VAL_SCENES)?;
    let mut detector = detect::open(Bundle::open(&options.out)?, &SessionOptions::default())?;
    choose(&mut *detector, &scenes)
}

fn scenes(options: &Options, part: Part, seed: u64, count: u64) -> Result<Vec<Scene>> {
    let stock = Stock::read(&options.material, part)?;
    Ok((0..count).into_par_iter().map(|at| scene(&stock, options.size, (seed, at))).collect())
}

fn write(options: &Options, spec: DetectorSpec, made: &Made) -> Result<()> {
    let provenance = Provenance {
        licence: options.licence.clone(),
        attribution: options.attribution.clone(),
        data: options.data.clone(),
        made_by: options.made_by.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    export::write_detector(&options.out, spec, provenance, &made.network, made.refine.as_deref())
}

fn size(text: &str) -> Result<[u32; 2]> {
    let sides = text.split_once('x').context("expected WIDTHxHEIGHT")?;
    let size = [sides.0.parse()?, sides.1.parse()?];
    ensure!(
        size.iter().all(|side: &u32| side.is_multiple_of(32) && *side > 0),
        "expected multiples of 32"
    );
    Ok(size)
}
