//! Where the pictures are, and bundles made of what lies there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use models::picture::{self, Limits};
use tempfile::TempDir;

/// A file or folder under `APPARENT_DATA`; where it is missing, says so and returns `None`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("APPARENT_DATA").map(|root| Path::new(&root).join(name));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: no {name} in APPARENT_DATA");
    }
    found
}

/// A picture under `APPARENT_DATA` that is known to be there.
pub(crate) fn picture(name: &str) -> image::RgbImage {
    let path = find(name).unwrap();
    picture::decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap()
}

/// The bundle that `scripts/get-detector.sh` makes of one of the two known files.
pub(crate) fn yunet_bundle(side: u32) -> Option<TempDir> {
    let onnx = find(&format!("models/detect/yunet_s_{side}_{side}.onnx"))?;
    let root = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/get-detector.sh");
    let made = Command::new(script).arg("--from").arg(onnx).arg("--into").arg(root.path()).output();
    let made = made.unwrap();
    let mut said = String::from_utf8_lossy(&made.stdout).into_owned();
    write!(said, "{}", String::from_utf8_lossy(&made.stderr)).unwrap();
    assert!(made.status.success(), "get-detector.sh: {said}");
    Some(root)
}

/// The folder of a bundle that `scripts/get-detector.sh` installed; where it is missing, says so.
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("APPARENT_BUNDLES").unwrap_or_default();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundles");
    let roots: Vec<PathBuf> = std::env::split_paths(&named).chain([repository]).collect();
    let found = models::bundle::find(name, &roots);
    if found.is_none() {
        eprintln!("skipped: no bundle {name}; scripts/get-detector.sh --kind {name} installs it");
    }
    found
}
