//! Writes a bundle: a network, how to feed it, what it answered to a few crops, and their hashes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::RgbImage;
use models::age::AGE_CLASSES;
use models::bundle::{self, Bundle};
use models::calibration::Calibration;
use models::detect;
use models::estimator::FaceEstimator;
use models::golden::{self, Golden};
use models::manifest::detector::DetectorSpec;
use models::manifest::{
    self, EstimatorSpec, FileEntry, InputSpec, Manifest, Precision, Provenance, Quality, Role,
};
use models::session::Options;

use crate::contract;
use crate::files;
use crate::net::Net;

/// Below this probability a predicted gender is shown as unsure.
const GENDER_SURE_MIN: f32 = 0.7;
/// How far a bundle's answers may be from its own goldens on the machine that wrote both.
const GOLDEN_LOGIT_MAX: f32 = 1e-4;

/// What a bundle says of itself.
#[derive(Clone, Debug)]
pub struct BundleSpec {
    /// The folder's and the network's name.
    pub name: String,
    /// Counts the bundles of that name, from 1.
    pub version: u32,
    /// How the network is fed and read.
    pub estimator: EstimatorSpec,
    /// Where the weights come from.
    pub provenance: Provenance,
    /// What was measured; may be empty.
    pub quality: Vec<Quality>,
}

/// How this trainer's nets are fed and read.
pub fn estimator_spec(net: &Net, input: InputSpec, precision: Precision) -> Result<EstimatorSpec> {
    let size_px = u32::try_from(net.input_px)?;
    Ok(EstimatorSpec {
        precision,
        age_classes: u32::try_from(AGE_CLASSES)?,
        genders: vec!["female".into(), "male".into()],
        gender_sure_min: GENDER_SURE_MIN,
        calibration: Calibration::default(),
        crop: contract::crop_spec(size_px),
        input,
    })
}

/// Writes the bundle folder `dir`, whole or not at all; another bundle there is replaced.
///
/// # Shapes
/// - crops: `[size_px, size_px, 3]`, u8, sRGB; what the network answers to them becomes its goldens
pub fn write_bundle(
    dir: &Path,
    spec: &BundleSpec,
    onnx: &[u8],
    crops: Vec<RgbImage>,
) -> Result<()> {
    replace(dir, |fresh| {
        fill(fresh, spec, onnx, crops)?;
        check(fresh)
    })
}

/// Writes the bundle folder `dir` of a detector, as [`write_bundle`] does that of an estimator; `refine` is the
/// network that looks once more, where `spec` has one.
pub fn write_detector(
    dir: &Path,
    spec: DetectorSpec,
    provenance: Provenance,
    onnx: &[u8],
    refine: Option<&[u8]>,
) -> Result<()> {
    let name = dir.file_name().and_then(|name| name.to_str()).context("no folder is named")?;
    let manifest = Manifest {
        format: manifest::FORMAT,
        name: name.to_owned(),
        version: 1,
        estimator: None,
        detector: Some(spec),
        files: vec![],
        provenance,
        quality: vec![],
    };
    replace(dir, |fresh| {
        let (network, again) = (format!("{name}.onnx"), format!("{name}-refine.onnx"));
        let again = refine.map(|onnx| (Role::Refine, &*again, onnx));
        let files = [(Role::Network, &*network, onnx)].into_iter().chain(again);
        seal(fresh, manifest, &files.collect::<Vec<_>>())?;
        detect::open(Bundle::open(fresh)?, &Options::default())?;
        Ok(())
    })
}

/// Fills a fresh folder and puts it where `dir` is, whole or not at all.
fn replace(dir: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let replaced = is_bundle(dir)?;
    let fresh = beside(dir, "partial")?;
    remove(&fresh)?;
    fs::create_dir_all(&fresh).with_context(|| format!("creating {}", fresh.display()))?;
    fill(&fresh).with_context(|| format!("writing bundle {}", dir.display()))?;
    let old = beside(dir, "old")?;
    if replaced {
        remove(&old)?;
        rename(dir, &old)?;
    }
    rename(&fresh, dir)?;
    remove(&old)
}

fn fill(dir: &Path, spec: &BundleSpec, onnx: &[u8], crops: Vec<RgbImage>) -> Result<()> {
    let mut estimator = FaceEstimator::new(&spec.estimator, onnx.to_vec(), &Options::default())?;
    let cases = crops.into_iter().map(|crop| {
        let logits = estimator.logits(&crop)?;
        Ok((crop, logits))
    });
    let golden = Golden { cases: cases.collect::<Result<_>>()? }.write();
    let manifest = Manifest {
        format: manifest::FORMAT,
        name: spec.name.clone(),
        version: spec.version,
        estimator: Some(spec.estimator.clone()),
        detector: None,
        files: vec![],
        provenance: spec.provenance.clone(),
        quality: spec.quality.clone(),
    };
    let network = format!("{}.onnx", spec.name);
    let files = [(Role::Network, &*network, onnx), (Role::Golden, "golden.safetensors", &golden)];
    seal(dir, manifest, &files)
}

/// Writes the files, the manifest that names them, and their hashes.
fn seal(dir: &Path, mut manifest: Manifest, files: &[(Role, &str, &[u8])]) -> Result<()> {
    for &(role, path, bytes) in files {
        fs::write(dir.join(path), bytes).with_context(|| format!("writing {path}"))?;
        let sha256 = files::sha256(bytes);
        manifest.files.push(FileEntry {
            role,
            path: path.into(),
            bytes: bytes.len() as u64,
            sha256,
        });
    }
    fs::write(dir.join("model.toml"), manifest.to_toml()).context("writing model.toml")?;
    Ok(bundle::seal(dir)?)
}

/// Opens what was written as every user will.
fn check(dir: &Path) -> Result<()> {
    let deviation = golden::check(Bundle::open(dir)?, &Options::default())?;
    let (far, most) = (deviation.logit_max, GOLDEN_LOGIT_MAX);
    ensure!(far <= most, "the written bundle's logits are {far} off, at most {most} expected");
    Ok(())
}

/// Whether a bundle is at `dir`; anything else there is refused, for it would be lost.
fn is_bundle(dir: &Path) -> Result<bool> {
    let (there, bundle) = (dir.exists(), dir.join("model.toml").is_file());
    ensure!(bundle || !there, "{} is there and is no bundle", dir.display());
    Ok(bundle)
}

/// A hidden folder next to `dir`, so that renaming it stays on one file system.
fn beside(dir: &Path, kind: &str) -> Result<PathBuf> {
    let name = dir.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{} does not name a bundle folder", dir.display()))?;
    Ok(dir.with_file_name(format!(".{name}.{kind}")))
}

fn remove(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("renaming {} to {}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fold, init, net, onnx};

    fn write(dir: &Path, seed: u64, size_px: u32) -> Result<()> {
        let net = net::compact();
        let weights = fold::fold_batch_norm(&net, &init::he(&net, seed))?;
        let spec = BundleSpec {
            name: "compact".into(),
            version: 1,
            estimator: estimator_spec(&net, contract::input_spec(), Precision::F32)?,
            provenance: Provenance { licence: "CC0-1.0".into(), ..Provenance::default() },
            quality: vec![],
        };
        let crop = RgbImage::from_pixel(size_px, size_px, image::Rgb([200, 90, 40]));
        write_bundle(dir, &spec, &onnx::export_f32(&net, &weights)?, vec![crop])
    }

    #[test]
    fn a_bundle_is_written_replaced_and_leaves_nothing_beside() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("compact");
        write(&dir, 1, 96).unwrap();
        let first = Bundle::open(&dir).unwrap().sha256().to_owned();
        write(&dir, 2, 96).unwrap();
        assert_ne!(Bundle::open(&dir).unwrap().sha256(), first);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert!(write(&dir, 3, 64).is_err(), "a crop of the wrong size");
        assert!(Bundle::open(&dir).is_ok(), "the old bundle stays");
    }

    #[test]
    fn a_folder_that_is_no_bundle_is_never_replaced() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("thesis.txt"), "years of work").unwrap();
        let refused = write(root.path(), 1, 96).unwrap_err().to_string();
        assert!(refused.ends_with("is there and is no bundle"), "{refused}");
        assert!(root.path().join("thesis.txt").exists());
    }
}
