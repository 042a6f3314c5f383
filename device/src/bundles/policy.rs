//! Which bundles this machine opens, by its configuration: whose signatures it knows, and how old they may be.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use models::bundle::trust::{Keys, Policy};

/// More bytes than a public key has.
const KEY_BYTES_MAX: u64 = 4096;

/// The policy of the keys in the folder `keys`, which may be missing, and of `min_version`, which says
/// `NAME=VERSION, …`.
///
/// # Errors
/// A file that is no key, or a text that says something else.
pub fn read(keys: &Path, is_required: bool, min_version: &str) -> Result<Policy> {
    let keys = read_keys(keys).with_context(|| format!("models.keys: {}", keys.display()))?;
    Ok(Policy { keys, is_required, version_min: read_versions(min_version)? })
}

/// The keys in the files of `dir` that end in `.pub`, named after them.
fn read_keys(dir: &Path) -> Result<Keys> {
    let mut keys = Keys::default();
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(keys),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    let is_key = |path: &&PathBuf| path.extension() == Some(OsStr::new("pub"));
    let mut paths: Vec<_> = paths.iter().filter(is_key).collect();
    paths.sort();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        read_key(path).and_then(|text| Ok(keys.add(&name, &text)?)).with_context(|| {
            format!("the public key {}", path.file_name().unwrap_or_default().display())
        })?;
    }
    Ok(keys)
}

fn read_key(path: &Path) -> Result<String> {
    let bytes = fs::metadata(path)?.len();
    ensure!(bytes <= KEY_BYTES_MAX, "expected at most {KEY_BYTES_MAX} bytes, found {bytes}");
    Ok(fs::read_to_string(path)?)
}

fn read_versions(text: &str) -> Result<BTreeMap<String, u32>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let versions = parts.map(|part| {
        let (name, version) = part.split_once('=').unwrap_or((part, ""));
        let version = version.trim().parse().with_context(|| {
            format!("models.min_version: expected NAME=VERSION such as compact=2, found '{part}'")
        })?;
        Ok((name.trim().to_owned(), version))
    });
    versions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;

    fn error(dir: &Path, min_version: &str) -> String {
        format!("{:#}", read(dir, true, min_version).unwrap_err())
    }

    #[test]
    fn keys_are_files_that_end_in_pub() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(&dir.path().join("none"), true, "").unwrap().keys.is_empty());
        fs::write(dir.path().join("notes.txt"), "no key").unwrap();
        assert!(read(dir.path(), true, "").unwrap().keys.is_empty());
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let text = pair.pk.to_box().unwrap().into_string();
        fs::write(dir.path().join("ours.pub"), text).unwrap();
        assert!(!read(dir.path(), true, "").unwrap().keys.is_empty());
    }

    #[test]
    fn a_broken_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ours.pub"), "no key").unwrap();
        let broken = error(dir.path(), "");
        assert!(broken.contains("the public key ours.pub: expected what minisign"), "{broken}");
        fs::write(dir.path().join("ours.pub"), vec![b'x'; 5000]).unwrap();
        assert!(error(dir.path(), "").contains("at most 4096 bytes, found 5000"));
    }

    #[test]
    fn lowest_versions_are_listed_by_name() {
        let versions = read_versions("compact=2, finder = 7,").unwrap();
        assert_eq!(versions, [("compact".into(), 2), ("finder".into(), 7)].into());
        assert!(error(Path::new("/nowhere"), "compact").contains("found 'compact'"));
    }
}
