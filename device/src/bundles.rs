//! Where bundles are looked for, and what is opened from them.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use models::bundle::{self, Bundle};
use models::detect::{self, Detector};
use models::estimator::FaceEstimator;
use models::session::Options;

use crate::cli::ModelArgs;
use crate::kernels;

/// The models a command reads with.
pub struct Models {
    /// What finds the faces.
    pub detector: Box<dyn Detector>,
    /// What reads them.
    pub estimator: FaceEstimator,
    /// Which models these are, in words.
    pub description: String,
}

impl Models {
    /// Opens those that the command line names.
    ///
    /// # Errors
    /// Where one is not there, broken or of another kind.
    pub fn open(args: &ModelArgs) -> Result<Self> {
        let (roots, options) = (roots(), kernels::options(&args.compute));
        let bundle = open_bundle(&args.bundle, &roots)?;
        let name = bundle.manifest().name.clone();
        let (detector, detector_name) = open_detector(&args.detector, &roots, &options)?;
        let estimator = FaceEstimator::open(bundle, &options).context(args.bundle.clone())?;
        let description = format!("faces: {detector_name} · ages and genders: bundle {name}");
        Ok(Self { detector, estimator, description })
    }
}

/// The folders that hold installed bundles, the first one to be asked first.
pub fn roots() -> Vec<PathBuf> {
    let named = env::var_os("APPARENT_BUNDLES").unwrap_or_default();
    let named = env::split_paths(&named).filter(|root| !root.as_os_str().is_empty());
    let installed = PathBuf::from("/usr/share/apparent/bundles");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/bundles");
    named.chain([installed, repository]).collect()
}

/// Opens the bundle `name`, or the one in the folder `name` where that has a `/` in it.
pub fn open_bundle(name: &str, roots: &[PathBuf]) -> Result<Bundle> {
    let dir = if name.contains(std::path::is_separator) {
        PathBuf::from(name)
    } else {
        bundle::find(name, roots).with_context(|| not_found(name, roots))?
    };
    Bundle::open(&dir).with_context(|| format!("opening the bundle {}", dir.display()))
}

fn not_found(name: &str, roots: &[PathBuf]) -> String {
    let places: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
    format!("no bundle '{name}' in {} (a folder is written with a '/')", places.join(", "))
}

/// Opens the detector that `choice` names, and says what to call it.
pub fn open_detector(
    choice: &str,
    roots: &[PathBuf],
    options: &Options,
) -> Result<(Box<dyn Detector>, String)> {
    let bundle = match choice {
        "embedded" => detect::embedded().context("reading the detector in the program")?,
        "" => bail!("the detector's name is empty, expected embedded or a bundle"),
        name => open_bundle(name, roots)?,
    };
    ensure!(bundle.manifest().detector.is_some(), "the bundle '{choice}' holds no detector");
    let name = match choice {
        "embedded" => format!("{} (embedded)", bundle.manifest().name),
        _ => format!("bundle {}", bundle.manifest().name),
    };
    let detector = detect::open(bundle, options);
    Ok((detector.with_context(|| format!("opening the detector '{choice}'"))?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_is_nowhere_is_named_with_the_places_asked() {
        let roots = [PathBuf::from("/a"), PathBuf::from("/b")];
        let error = open_bundle("nope", &roots).unwrap_err().to_string();
        assert!(error.contains("'nope' in /a, /b"), "{error}");
        let error = format!("{:#}", open_bundle("./nope", &roots).unwrap_err());
        assert!(error.contains("./nope"), "{error}");
    }
}
