//! `trainer detector bundle`: trained weights → a bundle that the device opens.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use models::bundle::Bundle;
use models::detect;
use models::manifest::detector::{DetectorSpec, Family, Fit};
use models::manifest::{Precision, Provenance};
use models::preprocess::Preprocessor;
use models::session::Options as SessionOptions;
use models::tensor::Tensor;
use rayon::prelude::*;

use super::choose::{Choice, choose};
use super::scenes::Scene;
use super::stock::{Material, Stock};
use super::train::{VAL_SEED, scene};
use crate::faces::Part;
use crate::fold::fold_batch_norm;
use crate::net::detector::DetectorNet;
use crate::quantize::{self, Settings};
use crate::weights::Weights;
use crate::{export, onnx, out};

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
    /// The least score of a face; without it, the one with the best F½ on val scenes.
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
    let weights = fold_batch_norm(&net, &Weights::read(&options.weights)?)?;
    let graph = match options.precision {
        Arithmetic::F32 => onnx::export_f32(&net, &weights)?,
        Arithmetic::Int8 => int8(&net, &weights, options)?,
    };
    let spec = |score_min| DetectorSpec {
        family: Family::Grid,
        precision: match options.precision {
            Arithmetic::F32 => Precision::F32,
            Arithmetic::Int8 => Precision::Int8,
        },
        input: options.size,
        fit: Fit::Letterbox,
        score_min,
        nms_iou: NMS_IOU,
        outputs: vec![],
        corners: None,
        pixels: Some(weights.input.clone()),
        priors: None,
    };
    let score_min = match options.score_min {
        Some(score_min) => score_min,
        None => {
            write(options, spec(SCORE_ANY), &graph)?;
            let choice = chosen(options)?;
            out::print(&format!("{choice}\n"))?;
            choice.score_min
        }
    };
    write(options, spec(score_min), &graph)?;
    let bundle = Bundle::open(&options.out)?;
    eprintln!(
        "{}: {} bytes of network, bundle {}",
        options.out.display(),
        graph.len(),
        bundle.sha256()
    );
    Ok(())
}

/// The net in bytes, calibrated on scenes of the train part.
fn int8(net: &DetectorNet, weights: &Weights, options: &Options) -> Result<Vec<u8>> {
    let scenes = scenes(options, Part::Train, CALIBRATION_SEED, options.pictures)?;
    let preprocessor = Preprocessor::new(&weights.input);
    let pictures: Vec<Tensor> =
        scenes.iter().map(|scene| preprocessor.tensor(&scene.picture)).collect();
    let made = quantize::quantize(net, weights, &pictures, options.settings, &mut |_| ())?;
    out::print(&quantize::table(&made.layers))?;
    onnx::export_int8(net, &made.quantized)
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

fn write(options: &Options, spec: DetectorSpec, graph: &[u8]) -> Result<()> {
    let provenance = Provenance {
        licence: options.licence.clone(),
        attribution: options.attribution.clone(),
        data: options.data.clone(),
        made_by: options.made_by.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    export::write_detector(&options.out, spec, provenance, graph)
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
