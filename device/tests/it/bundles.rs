//! Bundles: which one is taken, and that a damaged one is refused before it is used.

use std::fs;
use std::path::{Path, PathBuf};

use minisign::KeyPair;
use tempfile::TempDir;

use crate::kiosk::{Run, kiosk, kiosk_with, portrait};

/// A copy of the committed bundle, to be damaged.
fn copy(dir: &Path) -> PathBuf {
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/bundles/compact");
    let copy = dir.join("copy");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(original).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    copy
}

fn verify(bundle: &Path) -> Run {
    kiosk(["bundle".as_ref(), "verify".as_ref(), bundle.as_os_str()])
}

#[test]
fn the_committed_bundle_answers_as_it_did_where_it_was_made() {
    let run = kiosk(["bundle", "verify", "compact"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(run.out.contains("the apparent age differs by at most"), "{}", run.out);
}

#[test]
fn one_flipped_byte_in_any_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = copy(dir.path());
    for entry in fs::read_dir(&bundle).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        fs::write(&path, &flipped).unwrap();
        let run = verify(&bundle);
        assert_eq!((run.status, run.out.as_str()), (Some(1), ""), "{name}");
        assert!(run.err.starts_with("kiosk: opening the bundle"), "{}", run.err);
        assert!(name == "SHA256SUMS" || run.err.contains(name), "{name}: {}", run.err);
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(verify(&bundle).status, Some(0));
}

#[test]
fn a_missing_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = copy(dir.path());
    fs::remove_file(bundle.join("model.toml")).unwrap();
    let run = verify(&bundle);
    assert_eq!(run.status, Some(1));
    assert!(run.err.contains("model.toml"), "{}", run.err);
}

#[test]
fn a_damaged_or_missing_bundle_is_never_analysed_with() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = copy(dir.path());
    fs::write(bundle.join("model.toml"), "format = 2").unwrap();
    let portrait = portrait("astronaut.jpg");
    for (bundle, expected) in
        [(bundle.to_str().unwrap(), "model.toml"), ("nope", "no bundle 'nope' in")]
    {
        let args = ["analyze", "--detector", "embedded", "--bundle", bundle].map(AsRef::as_ref);
        let run = kiosk(args.into_iter().chain([portrait.as_os_str()]));
        assert_eq!((run.status, run.out.as_str()), (Some(1), ""));
        assert!(run.err.contains(expected), "{}", run.err);
    }
}

/// A store of its own, keys of its own, and a kiosk that wants bundles to be signed.
struct Site {
    dir: TempDir,
    pair: KeyPair,
}

impl Site {
    fn new() -> Self {
        let (dir, pair) =
            (tempfile::tempdir().unwrap(), KeyPair::generate_unencrypted_keypair().unwrap());
        let public = pair.pk.to_box().unwrap().into_string();
        fs::create_dir(dir.path().join("keys")).unwrap();
        fs::write(dir.path().join("keys/ours.pub"), public).unwrap();
        Self { dir, pair }
    }

    fn kiosk<'a>(&self, args: impl IntoIterator<Item = &'a str>, more: &[(&str, &str)]) -> Run {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let (store, keys) = (path("store"), path("keys"));
        let mut variables = vec![
            ("APPARENT_STORE", store.as_str()),
            ("APPARENT_MODELS_KEYS", &keys),
            ("APPARENT_MODELS_SIGNATURES_REQUIRED", "true"),
        ];
        variables.extend(more);
        kiosk_with(args, &variables)
    }

    /// The committed bundle as one of another version, signed by `pair`.
    fn bundle(&self, version: u32, pair: &KeyPair) -> PathBuf {
        let into = self.dir.path().join(format!("bundle-{version}"));
        fs::create_dir_all(&into).unwrap();
        let copy = copy(&into);
        let text = fs::read_to_string(copy.join("model.toml")).unwrap();
        let text = text.replacen("\n[", &format!("\nversion = {version}\n["), 1);
        fs::write(copy.join("model.toml"), text).unwrap();
        models::bundle::seal(&copy).unwrap();
        let sums = fs::read(copy.join("SHA256SUMS")).unwrap();
        let signature = minisign::sign(None, &pair.sk, &*sums, None, None).unwrap();
        fs::write(copy.join("SHA256SUMS.minisig"), signature.into_string()).unwrap();
        copy
    }

    fn install(&self, bundle: &Path) -> Run {
        self.kiosk(["bundle", "install", bundle.to_str().unwrap()], &[])
    }

    /// The version that the name means, by what is listed.
    fn version_in_use(&self) -> Option<u64> {
        let run = self.kiosk(["bundle", "list", "--json"], &[]);
        let listed: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let listed = listed["bundles"].as_array().unwrap().iter();
        let used = listed.filter(|it| it["name"] == "compact" && it["in_use"] == true);
        used.map(|it| it["version"].as_u64().unwrap()).next()
    }
}

#[test]
fn signed_bundles_are_installed_and_rolled_back() {
    let site = Site::new();
    assert_eq!(site.version_in_use(), None, "what lies beside the source is signed by nobody");
    for version in [1, 2] {
        let run = site.install(&site.bundle(version, &site.pair));
        assert_eq!((run.status, run.err.as_str()), (Some(0), ""), "{run:?}");
        assert!(run.out.contains(&format!("compact, version {version}, is in use")), "{}", run.out);
    }
    assert_eq!(site.version_in_use(), Some(2));
    let run = site.kiosk(["bundle", "verify", "compact"], &[]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let run = site.kiosk(["bundle", "rollback", "compact"], &[]);
    assert_eq!((run.status, site.version_in_use()), (Some(0), Some(1)), "{run:?}");
    let table = site.kiosk(["bundle", "list"], &[]).out;
    assert!(table.contains("in use") && table.contains("signed by ours"), "{table}");
}

#[test]
fn a_stranger_a_swapped_manifest_and_an_older_version_are_refused_and_the_good_one_stays() {
    let site = Site::new();
    site.install(&site.bundle(3, &site.pair));
    let stranger = KeyPair::generate_unencrypted_keypair().unwrap();
    let refused = |bundle: &Path, expected: &str| {
        let run = site.install(bundle);
        assert_eq!((run.status, run.out.as_str()), (Some(1), ""), "{expected}");
        assert!(run.err.contains(expected), "{}", run.err);
        assert_eq!(site.version_in_use(), Some(3), "{expected}");
    };
    let unknown = site.bundle(4, &stranger);
    refused(&unknown, "expected a signature by ours, found one by a key that is unknown here");
    let swapped = site.bundle(5, &site.pair);
    let text = fs::read_to_string(swapped.join("model.toml")).unwrap();
    fs::write(swapped.join("model.toml"), text.replace("0.86", "0.51")).unwrap();
    refused(&swapped, "model.toml: expected sha256");
    models::bundle::seal(&swapped).unwrap();
    refused(&swapped, "SHA256SUMS.minisig: expected a signature, found none");
    refused(&site.bundle(2, &site.pair), "compact is of version 2, the one in use of version 3");
    let bundle = site.bundle(6, &site.pair);
    let args = ["bundle", "install", bundle.to_str().unwrap()];
    let run = site.kiosk(args, &[("APPARENT_MODELS_MIN_VERSION", "compact=7")]);
    assert!(run.err.contains("expected version 7 or later, found version 6"), "{}", run.err);
}

#[test]
fn where_the_installed_one_is_damaged_the_one_before_stands_in() {
    let site = Site::new();
    site.install(&site.bundle(1, &site.pair));
    site.install(&site.bundle(2, &site.pair));
    let damaged = site.dir.path().join("store/compact/compact.onnx");
    fs::write(&damaged, "damaged").unwrap();
    let portrait = portrait("astronaut.jpg");
    let run = site.kiosk(["analyze", portrait.to_str().unwrap()], &[]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(run.err.contains("compact.onnx: expected sha256"), "{}", run.err);
    assert!(run.err.contains(".previous/compact stands in"), "{}", run.err);
    // In turn the one before that came with the program; but nobody has signed it.
    fs::write(site.dir.path().join("store/.previous/compact/compact.onnx"), "damaged").unwrap();
    let run = site.kiosk(["analyze", portrait.to_str().unwrap()], &[]);
    assert_eq!(run.status, Some(1), "{run:?}");
    let lax = [("APPARENT_MODELS_SIGNATURES_REQUIRED", "false")];
    let run = site.kiosk(["analyze", portrait.to_str().unwrap()], &lax);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(run.err.contains("models/bundles/compact stands in"), "{}", run.err);
}

#[test]
fn an_unsigned_bundle_is_used_with_a_warning_where_none_is_required() {
    let site = Site::new();
    let bundle = format!("{}/", copy(site.dir.path()).display());
    let args = ["bundle", "verify", bundle.as_str()];
    let run = site.kiosk(args, &[("APPARENT_MODELS_SIGNATURES_REQUIRED", "false")]);
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(run.err.contains("is signed by nobody"), "{}", run.err);
    let run = site.kiosk(args, &[]);
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(run.err.contains("expected a signature, found none"), "{}", run.err);
}
