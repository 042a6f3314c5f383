//! Where bundles are looked for, and what is opened from them.

pub mod command;
pub mod policy;
mod room;
pub mod store;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, bail, ensure};
use models::bundle::trust::{Policy, Signer};
use models::bundle::{self, Bundle};
use models::detect::{self, Detector};
use models::estimator::FaceEstimator;
use models::session::Options;

use crate::cli::ModelArgs;
use crate::config::{Config, Sources};
use crate::kernels;
use store::Store;

/// The models a command reads with.
pub struct Models {
    /// What finds the faces.
    pub detector: Box<dyn Detector>,
    /// What reads them.
    pub estimator: FaceEstimator,
    /// Which models these are, in words.
    pub description: String,
    /// Whether one stands in for an installed one that is refused.
    pub has_stand_in: bool,
}

impl Models {
    /// Opens those that the command line names.
    ///
    /// # Errors
    /// Where one is not there, broken, refused or of another kind.
    pub fn open(args: &ModelArgs) -> Result<Self> {
        let (shelf, options) = (Shelf::of(args)?, kernels::options(&args.compute));
        let found = shelf.open(&args.bundle)?;
        let name = found.bundle.manifest().name.clone();
        let (detector, detector_name) = shelf.open_detector(&args.detector, &options)?;
        let estimator = FaceEstimator::open(found.bundle, &options).context(args.bundle.clone())?;
        let description = format!("faces: {detector_name} · ages and genders: bundle {name}");
        Ok(Self { detector, estimator, description, has_stand_in: found.is_stand_in })
    }
}

/// Where bundles are, and which of them may be used.
#[derive(Debug)]
pub struct Shelf {
    /// Asked first: what somebody names is what he gets, or an error.
    named: Vec<PathBuf>,
    store: Store,
    /// What came with the program.
    shipped: Vec<PathBuf>,
    policy: Policy,
}

/// A bundle that was opened.
#[derive(Debug)]
pub struct Found {
    /// It.
    pub bundle: Bundle,
    /// Whether an installed one should have been in its place, and is refused.
    pub is_stand_in: bool,
}

impl Shelf {
    /// The shelf of this machine, with the policy that `args` bring, else that of its configuration.
    ///
    /// # Errors
    /// Where the configuration is broken.
    pub fn of(args: &ModelArgs) -> Result<Self> {
        args.policy.clone().map_or_else(Self::of_machine, |policy| Ok(Self::new(policy)))
    }

    /// The shelf of this machine, with the policy of its configuration.
    ///
    /// # Errors
    /// Where the configuration is broken.
    pub fn of_machine() -> Result<Self> {
        Ok(Self::new(Config::load(&Sources::default())?.models.policy()?))
    }

    fn new(policy: Policy) -> Self {
        let named = env::var_os("APPARENT_BUNDLES").unwrap_or_default();
        let named = env::split_paths(&named).filter(|root| !root.as_os_str().is_empty());
        let shipped = vec![PathBuf::from("/usr/share/apparent/bundles"), repository()];
        Self { named: named.collect(), store: Store::of_machine(), shipped, policy }
    }

    /// Opens the bundle `name`, or the one in the folder `name` where that has a `/` in it.
    ///
    /// Where an installed one is refused, the one before it stands in, else the one that came with the program.
    ///
    /// # Errors
    /// Where there is none, or none that may be used.
    pub fn open(&self, name: &str) -> Result<Found> {
        let mut refused: Option<Error> = None;
        for place in self.places(name) {
            match self.open_in(&place) {
                Ok(bundle) => {
                    if let Some(why) = &refused {
                        warn(&format!("{why:#}; {} stands in", place.display()));
                    }
                    return Ok(Found { bundle, is_stand_in: refused.is_some() });
                }
                Err(error) if place.starts_with(self.store.dir()) => {
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(refused.unwrap_or(error)),
            }
        }
        Err(refused.unwrap_or_else(|| self.not_found(name)))
    }

    /// Opens the detector that `choice` names, and says what to call it.
    ///
    /// # Errors
    /// As [`Shelf::open`]; a bundle that holds none.
    pub fn open_detector(
        &self,
        choice: &str,
        options: &Options,
    ) -> Result<(Box<dyn Detector>, String)> {
        let bundle = match choice {
            "embedded" => detect::embedded().context("reading the detector in the program")?,
            "" => bail!("the detector's name is empty, expected embedded or a bundle"),
            name => self.open(name)?.bundle,
        };
        ensure!(bundle.manifest().detector.is_some(), "the bundle '{choice}' holds no detector");
        let name = match choice {
            "embedded" => format!("{} (embedded)", bundle.manifest().name),
            _ => format!("bundle {}", bundle.manifest().name),
        };
        let detector = detect::open(bundle, options);
        Ok((detector.with_context(|| format!("opening the detector '{choice}'"))?, name))
    }

    /// The folders that hold the bundle `name`, the best one first.
    fn places(&self, name: &str) -> Vec<PathBuf> {
        if name.contains(std::path::is_separator) {
            return vec![name.into()];
        }
        if let Some(dir) = bundle::find(name, &self.named) {
            return vec![dir];
        }
        let used = self.store.dir().join(name);
        // A link that leads nowhere is an installed bundle too: one that is damaged.
        let is_installed = bundle::is_name(name) && used.is_symlink();
        let installed = is_installed.then(|| [used, self.store.previous(name)]);
        installed.into_iter().flatten().chain(bundle::find(name, &self.shipped)).collect()
    }

    /// The names of all bundles that there are, sorted.
    fn names(&self) -> Vec<String> {
        let folders = self.named.iter().chain(&self.shipped);
        let entries = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let bundles = entries.filter(|entry| entry.path().join(bundle::MANIFEST).is_file());
        let named = bundles.filter_map(|entry| entry.file_name().into_string().ok());
        let names: BTreeSet<String> = named.chain(self.store.names()).collect();
        names.into_iter().collect()
    }

    /// Opens the bundle in `dir` where it may be used and there is room for it.
    fn open_in(&self, dir: &Path) -> Result<Bundle> {
        room::check(dir, Path::new("/"))?;
        let bundle = Bundle::open_by(dir, &self.policy);
        let bundle = bundle.with_context(|| format!("opening the bundle {}", dir.display()))?;
        // Whoever builds the program has made up his mind about what lies beside its source.
        let ours = dir.starts_with(repository());
        match bundle.signer() {
            Signer::Nobody if !ours => warn(&format!("{} is signed by nobody", dir.display())),
            Signer::Unknown if !ours => {
                warn(&format!("{} is signed with a key that is unknown here", dir.display()));
            }
            _ => {}
        }
        Ok(bundle)
    }

    fn not_found(&self, name: &str) -> Error {
        let places = self.named.iter().map(PathBuf::as_path).chain([self.store.dir()]);
        let places = places.chain(self.shipped.iter().map(PathBuf::as_path));
        let places: Vec<_> = places.map(|place| place.display().to_string()).collect();
        let places = places.join(", ");
        Error::msg(format!("no bundle '{name}' in {places} (a folder is written with a '/')"))
    }
}

/// The bundles in the source that this program was built from.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/bundles")
}

/// Tells what is no error: in the log of `run`, else on standard error.
fn warn(text: &str) {
    if log::max_level() == log::LevelFilter::Off {
        // Where standard error is gone, nobody is left to be told.
        let _ = writeln!(io::stderr(), "kiosk: {text}");
    } else {
        log::warn!("{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(named: &[&str]) -> Shelf {
        Shelf { named: named.iter().map(PathBuf::from).collect(), ..Shelf::new(Policy::default()) }
    }

    #[test]
    fn a_bundle_that_is_nowhere_is_named_with_the_places_asked() {
        let error = shelf(&["/a", "/b"]).open("nope").unwrap_err().to_string();
        assert!(error.contains("'nope' in /a, /b"), "{error}");
        let error = format!("{:#}", shelf(&[]).open("./nope").unwrap_err());
        assert!(error.contains("./nope"), "{error}");
    }
}
