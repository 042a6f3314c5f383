//! Stage `predict`: what trained heads say of kept features, in torch and f32.
//!
//! It tells how good the weights are before they are rounded, and in seconds where `eval`, which answers
//! as the device does, takes minutes; both write the same `predictions.csv`.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use models::age::AGE_CLASSES;
use models::estimator::Logits;
use tch::{Device, Kind, Tensor, no_grad};

use super::forward::{Forward, Mode, Parameters, to_plain};
use crate::crops::CropRow;
use crate::faces::{FaceRow, Part};
use crate::features::{Features, Variant};
use crate::net::{self, Layer, Net};
use crate::predictions::{self, Prediction};
use crate::progress;
use crate::weights::Weights;

/// Faces at once.
const BATCH: usize = 64;

/// What to ask, and of whom.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The net.
    #[arg(long, default_value = "vgg-face")]
    net: String,
    /// Weights that hold both heads; several files are joined.
    #[arg(long, required = true, num_args = 1..)]
    weights: Vec<PathBuf>,
    /// Folder that `features` wrote, with the trunk that the heads were trained on.
    #[arg(long)]
    features: PathBuf,
    /// Only this part of the faces.
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// predictions.csv to write.
    #[arg(long)]
    out: PathBuf,
    /// Threads of torch.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, Into::into))]
    threads: usize,
}

/// Answers for every face and writes the answers.
///
/// # Errors
/// Weights or features that do not fit the net, no faces, or the file system.
pub fn run(options: &Options) -> Result<()> {
    let net = net::named(&options.net)?;
    let features = Features::open(&options.features)?;
    ensure!(
        features.about.shape == net.trunk_shape(),
        "{} holds features {:?}, expected {:?}",
        options.features.display(),
        features.about.shape,
        net.trunk_shape()
    );
    tch::set_num_threads(i32::try_from(options.threads)?);
    let weights = Weights::read_all(&options.weights)?;
    let heads = Net { trunk: vec![], ..net.clone() };
    let missing = heads.layers().filter_map(Layer::weighted).try_for_each(|layer| {
        weights.get(&format!("{}.weight", layer.name), &layer.shape).map(drop)
    });
    missing.context("the weights lack a head")?;
    let parameters = Parameters::new(&weights, Device::Cpu, |_| false)?;
    let forward =
        Forward { net: &net, parameters: &parameters, mode: Mode::Eval, kind: Kind::Float };
    let rows = features.rows.iter().enumerate();
    let asked = rows.filter(|(_, row)| options.part.is_none_or(|part| row.part == part));
    let members: Vec<usize> = asked.map(|(at, _)| at).collect();
    ensure!(!members.is_empty(), "{} holds no face of that part", options.features.display());
    let bar = progress::bar("predict", members.len() as u64);
    let mut said = Vec::with_capacity(members.len());
    for members in members.chunks(BATCH) {
        said.extend(answers(&forward, &features, members)?);
        bar.inc(members.len() as u64);
    }
    bar.finish_and_clear();
    predictions::write(&options.out, &said)?;
    eprintln!("predict: {} faces → {}", said.len(), options.out.display());
    Ok(())
}

fn answers(
    forward: &Forward<'_>,
    features: &Features,
    members: &[usize],
) -> Result<Vec<Prediction>> {
    let values = features.values(members, |_| Variant::Plain);
    let axes = [members.len()].into_iter().chain(features.about.shape.iter().copied());
    let shape: Vec<i64> = axes.map(|axis| axis as i64).collect();
    let input = Tensor::f_from_slice(&values)?.f_reshape(shape)?;
    let answers = no_grad(|| forward.heads(&input))?;
    let age = to_plain(&answers.age.context("the net has no age head")?)?.values;
    let gender = to_plain(&answers.gender.context("the net has no gender head")?)?.values;
    let logits = age.chunks_exact(AGE_CLASSES).zip(gender.chunks_exact(2));
    members
        .iter()
        .zip(logits)
        .map(|(&at, (age, gender))| {
            let logits = Logits { age: age.try_into()?, gender: gender.try_into()? };
            let estimate = logits.decode().context("a logit is no number")?;
            Ok(Prediction::new(&labels(&features.rows[at]), Some(&estimate)))
        })
        .collect()
}

/// The labels of a crop.
fn labels(row: &CropRow) -> FaceRow {
    FaceRow {
        path: row.path.clone(),
        age_lo: row.age().map(|age| age.lo),
        age_hi: row.age().map(|age| age.hi),
        gender: row.gender,
        race: row.race.clone(),
        source: row.source.clone(),
        apparent_mean: row.apparent_mean,
        apparent_std: row.apparent_std,
        part: Some(row.part),
        ..FaceRow::default()
    }
}
