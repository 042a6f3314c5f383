//! `trainer sign`: a signature over a bundle's `SHA256SUMS`, as minisign makes it.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};
use models::bundle::trust::{Keys, Policy, SIGNATURE};
use models::bundle::{Bundle, SUMS};

use crate::files::write_text;

/// Which bundle, by whom.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The bundle's folder.
    bundle: PathBuf,
    /// The secret key, a file that `minisign -G` or --new-key wrote; its password is asked for, if it has one.
    #[arg(long)]
    key: PathBuf,
    /// Makes the key first, without a password, and KEY.pub beside it.
    #[arg(long)]
    new_key: bool,
}

/// Signs a bundle.
///
/// # Errors
/// A bundle that does not open, or a key that is none.
pub fn run(options: &Options) -> Result<()> {
    if options.new_key {
        make_key(&options.key)?;
    }
    sign(&options.bundle, &options.key)
}

/// Writes the signature of the bundle in the folder `bundle`, and opens that again by it.
///
/// # Errors
/// As [`run`].
pub fn sign(bundle: &Path, key: &Path) -> Result<()> {
    let opened = Bundle::open(bundle).with_context(|| format!("opening {}", bundle.display()))?;
    let (name, version) = (opened.manifest().name.clone(), opened.manifest().version);
    let secret = read_key(key).with_context(|| format!("the secret key {}", key.display()))?;
    let public = PublicKey::from_secret_key(&secret)?;
    let sums = fs::read(bundle.join(SUMS))?;
    let comment = format!("bundle {name}, version {version}");
    let signature =
        minisign::sign(Some(&public), &secret, Cursor::new(sums), Some(&comment), Some(&comment))?;
    write_text(&bundle.join(SIGNATURE), &signature.into_string())?;
    let mut keys = Keys::default();
    keys.add("its key", &public.to_box()?.into_string())?;
    Bundle::open_by(bundle, &Policy { keys, is_required: true, ..Policy::default() })?;
    eprintln!("{}: {comment}, signed", bundle.display());
    Ok(())
}

fn read_key(path: &Path) -> Result<SecretKey> {
    let text = fs::read_to_string(path)?;
    let key = SecretKeyBox::from_string(&text)?.into_unencrypted_secret_key();
    Ok(key.or_else(|_| SecretKeyBox::from_string(&text)?.into_secret_key(None))?)
}

fn make_key(path: &Path) -> Result<()> {
    let public = path.with_extension("pub");
    anyhow::ensure!(!path.exists(), "--new-key: {} is there already", path.display());
    let pair = KeyPair::generate_unencrypted_keypair()?;
    write_secret(path, &pair.sk.to_box(None)?.into_string())?;
    write_text(&public, &pair.pk.to_box()?.into_string())?;
    eprintln!(
        "{} is to be kept secret, {} to be given to kiosks",
        path.display(),
        public.display()
    );
    Ok(())
}

/// Writes a file that nobody else may read.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::bundle::trust::Signer;

    fn bundle(dir: &Path) -> PathBuf {
        let copy = dir.join("finder");
        fs::create_dir(&copy).unwrap();
        let finder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/bundles/finder");
        for file in fs::read_dir(finder).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        copy
    }

    #[test]
    fn a_signed_bundle_opens_by_the_public_key() {
        let dir = tempfile::tempdir().unwrap();
        let (bundle, key) = (bundle(dir.path()), dir.path().join("ours.key"));
        run(&Options { bundle: bundle.clone(), key: key.clone(), new_key: true }).unwrap();
        let mut keys = Keys::default();
        keys.add("ours", &fs::read_to_string(key.with_extension("pub")).unwrap()).unwrap();
        let policy = Policy { keys, is_required: true, ..Policy::default() };
        let signer = Bundle::open_by(&bundle, &policy).unwrap().signer().clone();
        assert_eq!(signer, Signer::Key("ours".into()));
        models::bundle::seal(&bundle).unwrap();
        let error = Bundle::open_by(&bundle, &policy).unwrap_err();
        assert!(error.to_string().ends_with(SIGNATURE), "a seal takes the signature away: {error}");
        let again = run(&Options { bundle, key, new_key: true }).unwrap_err();
        assert!(again.to_string().contains("is there already"), "{again}");
    }
}
