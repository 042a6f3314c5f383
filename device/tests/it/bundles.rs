//! Bundles: which one is taken, and that a damaged one is refused before it is used.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kiosk::{Run, kiosk, portrait};

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
