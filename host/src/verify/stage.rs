//! Stage `verify`: torch ↔ tract f32 ↔ tract int8 on stored inputs and on val.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::RgbImage;
use models::bundle::Bundle;
use models::estimator::{FaceEstimator, Logits};
use models::golden::Golden;
use models::manifest::{Precision, Role};
use models::session;

use super::{HEADER, Tolerance, compare};
use crate::crops::Crops;
use crate::faces::Part;
use crate::make::Source;
use crate::{out, progress};

/// What is held against what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    source: Source,
    /// Bundles made from these weights, f32 or int8.
    #[arg(long, required = true, num_args = 1..)]
    bundle: Vec<PathBuf>,
    /// Folder that `crop` wrote: faces of its val part are compared too.
    #[arg(long)]
    crops: Option<PathBuf>,
    /// How many of them.
    #[arg(long, default_value_t = 256)]
    pictures: usize,
    /// How far an int8 bundle's apparent ages may be from the reference's, in years on average.
    #[arg(long, default_value_t = Tolerance::INT8.age_years_mean)]
    int8_years_max: f32,
    /// … and its probabilities of *female*.
    #[arg(long, default_value_t = Tolerance::INT8.gender_mean)]
    int8_gender_max: f32,
}

/// Compares the answers of torch and of every bundle, prints a table, and fails past the tolerance.
///
/// Without feature `torch` the first bundle takes torch's place.
///
/// # Errors
/// A bundle whose answers lie further from the reference than its precision allows.
pub fn run(options: &Options) -> Result<()> {
    let bundles: Vec<Bundle> = options.bundle.iter().map(|dir| open(dir)).collect::<Result<_>>()?;
    let pictures = pictures(options, &bundles[0])?;
    let (reference_name, reference) = reference(options, &bundles[0], &pictures)?;
    let mut table = format!("| against {reference_name} {}", HEADER.replace("\n|", "\n|---|"));
    let mut verdict = Ok(());
    for (bundle, dir) in bundles.iter().zip(&options.bundle) {
        let deviation = compare(&reference, &answers(bundle, &pictures)?)?;
        table += &format!("\n| {} {deviation}", dir.display());
        let precision = bundle.manifest().estimator.as_ref().map(|spec| spec.precision);
        let tolerance = match precision {
            Some(Precision::F32) => Tolerance::F32,
            _ => Tolerance {
                age_years_mean: options.int8_years_max,
                gender_mean: options.int8_gender_max,
            },
        };
        let within = deviation.within(&tolerance).with_context(|| dir.display().to_string());
        verdict = verdict.and(within);
    }
    out::print(&table)?;
    verdict
}

fn open(dir: &Path) -> Result<Bundle> {
    Bundle::open(dir).with_context(|| format!("opening the bundle {}", dir.display()))
}

/// The first bundle's stored inputs, and faces of val.
fn pictures(options: &Options, bundle: &Bundle) -> Result<Vec<RgbImage>> {
    let golden = Golden::read(bundle.file(Role::Golden).context("the bundle has no goldens")?)?;
    let mut pictures: Vec<RgbImage> = golden.cases.into_iter().map(|(crop, _)| crop).collect();
    if let Some(folder) = &options.crops {
        let size_px = u32::try_from(options.source.net()?.input_px)?;
        pictures.extend(Crops::open(folder, size_px)?.sample(
            Part::Val,
            options.pictures,
            size_px,
            0,
        ));
    }
    Ok(pictures)
}

fn answers(bundle: &Bundle, pictures: &[RgbImage]) -> Result<Vec<Logits>> {
    let mut estimator = FaceEstimator::open(bundle.clone(), &session::Options::default())?;
    let bar = progress::bar("verify", pictures.len() as u64);
    bar.wrap_iter(pictures.iter()).map(|crop| Ok(estimator.logits(crop)?)).collect()
}

#[cfg(feature = "torch")]
fn reference(
    options: &Options,
    _: &Bundle,
    pictures: &[RgbImage],
) -> Result<(&'static str, Vec<Logits>)> {
    let net = options.source.net()?;
    let logits = crate::train::forward::logits(&net, &options.source.weights(&net)?, pictures)?;
    Ok(("torch f32", logits))
}

#[cfg(not(feature = "torch"))]
fn reference(
    _: &Options,
    bundle: &Bundle,
    pictures: &[RgbImage],
) -> Result<(&'static str, Vec<Logits>)> {
    Ok(("the first bundle", answers(bundle, pictures)?))
}
