//! A bundle: a network, its `model.toml`, goldens and `SHA256SUMS`, in a folder or in the program itself.
//!
//! No byte of a bundle is parsed before its hash was checked, and no file is read past a fixed size.

mod place;
mod sums;
pub mod trust;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::manifest::{FileEntry, Manifest, ManifestError, Role, is_plain_name};
use place::{Place, at, read_capped};
use sums::{Sums, SumsError};
use trust::{Policy, SIGNATURE, SignatureError, Signer};

/// The file with what the bundle is and how it is fed.
pub const MANIFEST: &str = "model.toml";
/// The file with the hash of every other one, as `sha256sum` writes and checks it.
pub const SUMS: &str = "SHA256SUMS";

const MIB: u64 = 1 << 20;
/// Room for the largest net there is: two whole VGG-Face nets in f32, 1,075,781,195 bytes.
const NETWORK_BYTES_MAX: u64 = 1280 * MIB;
const OTHER_BYTES_MAX: u64 = 64 * MIB;
const MANIFEST_BYTES_MAX: u64 = MIB;
const SUMS_BYTES_MAX: u64 = MIB / 16;
const SIGNATURE_BYTES_MAX: u64 = MIB / 256;

/// Why a bundle was refused or could not be sealed.
#[derive(Debug, Error)]
pub enum BundleError {
    /// A file or the folder cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, link or device where a file should be.
    #[error("{}: expected a plain file, found a folder, link or device", path.display())]
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// Longer than any file of its kind may be.
    #[error("{}: expected at most {bytes_max} bytes, found {bytes}", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// The longest it may be.
        bytes_max: u64,
    },
    /// `SHA256SUMS` is not what `sha256sum` writes.
    #[error("{}", path.display())]
    Sums {
        /// Which.
        path: PathBuf,
        /// In which line, and what is wrong with it.
        source: SumsError,
    },
    /// A file is not what it was when the bundle was made.
    #[error("{}: expected {what} {expected}, found {found}", path.display())]
    Changed {
        /// Which.
        path: PathBuf,
        /// What was compared: sha256 or length.
        what: &'static str,
        /// By `SHA256SUMS` or `model.toml`.
        expected: String,
        /// In the file.
        found: String,
    },
    /// The bundle needs a file that `SHA256SUMS` does not list.
    #[error("{}: expected a line for {name} in {SUMS}, found none", path.display())]
    NotListed {
        /// The bundle's folder.
        path: PathBuf,
        /// The file.
        name: String,
    },
    /// `SHA256SUMS` lists a file that `model.toml` does not describe.
    #[error("{}: expected no line for {name} in {SUMS}, {MANIFEST} does not name it", path.display())]
    NotNamed {
        /// The bundle's folder.
        path: PathBuf,
        /// The file.
        name: String,
    },
    /// The bundle's signature, or that there is none, is refused.
    #[error("{}", path.display())]
    Signature {
        /// Where it is, or should be.
        path: PathBuf,
        /// Why.
        source: SignatureError,
    },
    /// The bundle is older than those that may be used.
    #[error("{}: expected version {version_min} or later, found version {version}", path.display())]
    TooOld {
        /// Its `model.toml`.
        path: PathBuf,
        /// The bundle's.
        version: u32,
        /// The lowest that may be used.
        version_min: u32,
    },
    /// `model.toml` is refused.
    #[error("{}", path.display())]
    Manifest {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
}

/// An opened bundle: every byte in it has the hash that `SHA256SUMS` names.
#[derive(Clone, Debug)]
pub struct Bundle {
    manifest: Manifest,
    files: BTreeMap<String, Vec<u8>>,
    sha256: String,
    signer: Signer,
}

impl Bundle {
    /// Reads the bundle in the folder `dir`, whoever made it.
    pub fn open(dir: &Path) -> Result<Self, BundleError> {
        Self::open_by(dir, &Policy::default())
    }

    /// Reads the bundle in the folder `dir` where `policy` allows it.
    ///
    /// # Errors
    /// As [`Bundle::open`]; a signature or a version that the policy refuses. The signature is checked first.
    pub fn open_by(dir: &Path, policy: &Policy) -> Result<Self, BundleError> {
        Self::read(&Place::Folder(dir), policy)
    }

    /// Reads the bundle whose files are `files`, each with its name: one that `include_bytes!` put into a
    /// program. It is checked as one in a folder is.
    pub fn from_memory(files: &[(&str, &[u8])]) -> Result<Self, BundleError> {
        Self::read(&Place::Memory(files), &Policy::default())
    }

    fn read(place: &Place<'_>, policy: &Policy) -> Result<Self, BundleError> {
        let (sums, sha256, signer) = read_sums(place, policy)?;
        let manifest = read_manifest(place, &sums)?;
        check_version(place, &manifest, policy)?;
        check_named(place, &manifest, &sums)?;
        let mut files = BTreeMap::new();
        for file in &manifest.files {
            files.insert(file.path.clone(), read_file(place, file, &sums)?);
        }
        Ok(Self { manifest, files, sha256, signer })
    }

    /// What the bundle is and how it is fed.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of the file for `role`, if the bundle has one.
    pub fn file(&self, role: Role) -> Option<&[u8]> {
        self.files.get(&self.manifest.file(role)?.path).map(Vec::as_slice)
    }

    /// The bytes of the ONNX graph.
    pub fn network(&self) -> &[u8] {
        self.file(Role::Network).expect("a manifest is refused without a network")
    }

    /// The bytes of the ONNX graph alone; everything else is let go.
    pub fn into_network(mut self) -> Vec<u8> {
        self.take(Role::Network).expect("a manifest is refused without a network")
    }

    /// The bytes of the file for `role`, if the bundle has one that was not taken before.
    pub fn take(&mut self, role: Role) -> Option<Vec<u8>> {
        self.files.remove(&self.manifest.file(role)?.path)
    }

    /// The hash of `SHA256SUMS`: it names this very bundle.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Who signed it, as far as the keys of the policy tell.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }
}

/// Whether a bundle may be called `name`: letters, digits, `-`, `_` and `.`.
pub fn is_name(name: &str) -> bool {
    is_plain_name(name)
}

/// The folder of the bundle `name` in the first of `roots` that has it.
pub fn find(name: &str, roots: &[PathBuf]) -> Option<PathBuf> {
    let found = |root: &PathBuf| Some(root.join(name)).filter(|dir| dir.join(MANIFEST).is_file());
    is_plain_name(name).then(|| roots.iter().find_map(found)).flatten()
}

/// Writes `SHA256SUMS` over every file in the folder `dir`, in one step. A signature over the one before is removed.
pub fn seal(dir: &Path) -> Result<(), BundleError> {
    let mut sums = Sums::default();
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let path = entry.map_err(at(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(SUMS) {
            continue;
        }
        let bytes = read_capped(&path, bytes_max(name))?;
        sums.push(name, sums::sha256_hex(&bytes))
            .map_err(|source| BundleError::Sums { path: path.clone(), source })?;
    }
    match fs::remove_file(dir.join(SIGNATURE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(at(&dir.join(SIGNATURE))(error))
        }
        _ => write_atomically(dir, SUMS, sums.to_string().as_bytes()),
    }
}

/// Writes a file that is either all there or not at all, even after a power cut.
fn write_atomically(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
    let path = dir.join(name);
    let fresh = dir.join(format!("{name}.new"));
    let mut file = File::create(&fresh).map_err(at(&fresh))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&fresh))?;
    fs::rename(&fresh, &path).map_err(at(&path))?;
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(at(dir))
}

/// The sums, their own hash and who signed them, which is looked at before anything is parsed.
fn read_sums(place: &Place<'_>, policy: &Policy) -> Result<(Sums, String, Signer), BundleError> {
    let (path, bytes) = (place.path(SUMS), place.read(SUMS, SUMS_BYTES_MAX)?);
    let signature = read_signature(place)?;
    let signer = policy
        .check(&bytes, signature.as_deref())
        .map_err(|source| BundleError::Signature { path: place.path(SIGNATURE), source })?;
    let sha256 = sums::sha256_hex(&bytes);
    let text = text(path.clone(), bytes)?;
    let sums = Sums::parse(&text).map_err(|source| BundleError::Sums { path, source })?;
    Ok((sums, sha256, signer))
}

fn read_signature(place: &Place<'_>) -> Result<Option<String>, BundleError> {
    match place.read(SIGNATURE, SIGNATURE_BYTES_MAX) {
        Ok(bytes) => text(place.path(SIGNATURE), bytes).map(Some),
        Err(BundleError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn check_version(
    place: &Place<'_>,
    manifest: &Manifest,
    policy: &Policy,
) -> Result<(), BundleError> {
    let (path, version) = (place.path(MANIFEST), manifest.version);
    match policy.version_min.get(&manifest.name) {
        Some(&version_min) if version < version_min => {
            Err(BundleError::TooOld { path, version, version_min })
        }
        _ => Ok(()),
    }
}

fn read_manifest(place: &Place<'_>, sums: &Sums) -> Result<Manifest, BundleError> {
    let path = place.path(MANIFEST);
    let text = text(path.clone(), read_checked(place, MANIFEST, sums)?)?;
    Manifest::parse(&text).map_err(|source| BundleError::Manifest { path, source })
}

/// Refuses a listed file that nothing needs, so that it is not even read.
fn check_named(place: &Place<'_>, manifest: &Manifest, sums: &Sums) -> Result<(), BundleError> {
    let named = |name: &str| name == MANIFEST || manifest.files.iter().any(|f| f.path == name);
    match sums.iter().find(|(name, _)| !named(name)) {
        Some((name, _)) => {
            let (path, name) = (place.folder().into(), name.to_owned());
            Err(BundleError::NotNamed { path, name })
        }
        None => Ok(()),
    }
}

fn read_file(place: &Place<'_>, file: &FileEntry, sums: &Sums) -> Result<Vec<u8>, BundleError> {
    let bytes = read_checked(place, &file.path, sums)?;
    let path = place.path(&file.path);
    check_same(&path, "length", &file.bytes.to_string(), &bytes.len().to_string())?;
    // The bytes have the listed hash, so the two texts are compared rather than all bytes once more.
    check_same(&path, "sha256", &file.sha256, sums.get(&file.path).unwrap_or_default())?;
    Ok(bytes)
}

fn read_checked(place: &Place<'_>, name: &str, sums: &Sums) -> Result<Vec<u8>, BundleError> {
    let not_listed =
        || BundleError::NotListed { path: place.folder().into(), name: name.to_owned() };
    let expected = sums.get(name).ok_or_else(not_listed)?;
    let bytes = place.read(name, bytes_max(name))?;
    check_same(&place.path(name), "sha256", expected, &sums::sha256_hex(&bytes))?;
    Ok(bytes)
}

fn check_same(
    path: &Path,
    what: &'static str,
    expected: &str,
    found: &str,
) -> Result<(), BundleError> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_owned(), found.to_owned());
    Err(BundleError::Changed { path: path.into(), what, expected, found })
}

fn bytes_max(name: &str) -> u64 {
    match name {
        MANIFEST => MANIFEST_BYTES_MAX,
        _ if name.ends_with(".onnx") => NETWORK_BYTES_MAX,
        _ => OTHER_BYTES_MAX,
    }
}

fn text(path: PathBuf, bytes: Vec<u8>) -> Result<String, BundleError> {
    String::from_utf8(bytes).map_err(|error| {
        let source = io::Error::new(io::ErrorKind::InvalidData, error);
        BundleError::Io { path, source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const NETWORK: &[u8] = b"not really a network";

    fn manifest() -> String {
        format!(
            r#"
            format = 1
            name = "tiny"
            [detector]
            family = "yunet"
            input = [320, 320]
            score_min = 0.6
            nms_iou = 0.3
            [[files]]
            role = "network"
            path = "network.onnx"
            bytes = {}
            sha256 = "{}"
            [provenance]
            licence = "MIT"
            attribution = ""
            data = ""
            made_by = ""
            version = ""
            "#,
            NETWORK.len(),
            sums::sha256_hex(NETWORK)
        )
    }

    /// A sealed bundle that `change` touched before it was sealed.
    fn sealed(change: impl FnOnce(&Path)) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(MANIFEST), manifest()).unwrap();
        fs::write(dir.path().join("network.onnx"), NETWORK).unwrap();
        change(dir.path());
        seal(dir.path()).unwrap();
        dir
    }

    /// The whole chain, as `{:#}` of anyhow prints it.
    fn refusal(dir: &TempDir) -> String {
        chain(&Bundle::open(dir.path()).unwrap_err())
    }

    fn chain(error: &BundleError) -> String {
        let first: Option<&dyn std::error::Error> = Some(error);
        let chain = std::iter::successors(first, |error| error.source());
        chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }

    #[test]
    fn a_sealed_bundle_opens() {
        let dir = sealed(|_| ());
        let bundle = Bundle::open(dir.path()).unwrap();
        assert_eq!(bundle.network(), NETWORK);
        assert_eq!(bundle.file(Role::Golden), None);
        assert_eq!(bundle.sha256().len(), 64);
        let listed = fs::read_to_string(dir.path().join(SUMS)).unwrap();
        seal(dir.path()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join(SUMS)).unwrap(), listed, "sealing twice");
    }

    #[test]
    fn a_bundle_in_memory_is_the_one_in_the_folder() {
        let dir = sealed(|_| ());
        let bytes = |name: &str| fs::read(dir.path().join(name)).unwrap();
        let (manifest, sums) = (bytes(MANIFEST), bytes(SUMS));
        let files = [(MANIFEST, &*manifest), (SUMS, &*sums), ("network.onnx", NETWORK)];
        let bundle = Bundle::from_memory(&files).unwrap();
        let folder = Bundle::open(dir.path()).unwrap();
        assert_eq!((bundle.network(), bundle.sha256()), (NETWORK, folder.sha256()));
        assert_eq!(bundle.manifest(), folder.manifest());
    }

    #[test]
    fn a_bundle_in_memory_is_checked_as_one_in_a_folder() {
        let dir = sealed(|_| ());
        let bytes = |name: &str| fs::read(dir.path().join(name)).unwrap();
        let (manifest, sums) = (bytes(MANIFEST), bytes(SUMS));
        let with = |network: &[(&str, &[u8])]| {
            let files = [&[(MANIFEST, &*manifest), (SUMS, &*sums)], network].concat();
            chain(&Bundle::from_memory(&files).unwrap_err())
        };
        assert!(
            with(&[("network.onnx", b"another")])
                .starts_with("(built in)/network.onnx: expected sha256")
        );
        assert_eq!(with(&[]), "(built in)/network.onnx: entity not found");
        let huge = vec![0; 1 << 17];
        let refusal = Bundle::from_memory(&[(SUMS, &huge)]).unwrap_err().to_string();
        assert_eq!(refusal, "(built in)/SHA256SUMS: expected at most 65536 bytes, found 131072");
    }

    #[test]
    fn a_signature_is_looked_at_before_the_sums_are_parsed() {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let mut keys = trust::Keys::default();
        keys.add("ours", &pair.pk.to_box().unwrap().into_string()).unwrap();
        let strict = Policy { keys, is_required: true, ..Policy::default() };
        let refusal = |dir: &TempDir| chain(&Bundle::open_by(dir.path(), &strict).unwrap_err());
        let dir = sealed(|_| ());
        assert!(refusal(&dir).ends_with("SHA256SUMS.minisig: expected a signature, found none"));
        let sums = fs::read(dir.path().join(SUMS)).unwrap();
        let signature = minisign::sign(None, &pair.sk, &*sums, None, None).unwrap();
        fs::write(dir.path().join(SIGNATURE), signature.into_string()).unwrap();
        let bundle = Bundle::open_by(dir.path(), &strict).unwrap();
        assert_eq!(bundle.signer(), &Signer::Key("ours".into()));
        assert_eq!(Bundle::open(dir.path()).unwrap().signer(), &Signer::Unknown);
        fs::write(dir.path().join(SUMS), "no sums at all").unwrap();
        assert!(refusal(&dir).contains("expected the signature by ours to be over these bytes"));
        fs::write(dir.path().join(SIGNATURE), [0; 5000]).unwrap();
        assert!(refusal(&dir).contains("SHA256SUMS.minisig: expected at most 4096 bytes"));
    }

    #[test]
    fn a_bundle_older_than_the_lowest_version_is_refused() {
        let version_min = [("tiny".to_owned(), 2)].into();
        let policy = Policy { version_min, ..Policy::default() };
        let refusal = chain(&Bundle::open_by(sealed(|_| ()).path(), &policy).unwrap_err());
        assert!(refusal.ends_with("model.toml: expected version 2 or later, found version 1"));
        let newer = manifest().replacen("name =", "version = 2\nname =", 1);
        let dir = sealed(|dir| fs::write(dir.join(MANIFEST), newer).unwrap());
        assert_eq!(Bundle::open_by(dir.path(), &policy).unwrap().manifest().version, 2);
    }

    #[test]
    fn one_flipped_bit_is_refused_before_anything_is_parsed() {
        for name in ["network.onnx", MANIFEST] {
            let dir = sealed(|_| ());
            let path = dir.path().join(name);
            let mut bytes = fs::read(&path).unwrap();
            bytes[3] ^= 1;
            fs::write(&path, bytes).unwrap();
            let refusal = refusal(&dir);
            assert!(refusal.contains(&format!("{name}: expected sha256")), "{refusal}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let dir = sealed(|_| ());
        fs::remove_file(dir.path().join("network.onnx")).unwrap();
        assert!(refusal(&dir).contains("network.onnx: No such file"));
        let dir = sealed(|dir| fs::remove_file(dir.join("network.onnx")).unwrap());
        assert!(refusal(&dir).contains("a line for network.onnx in SHA256SUMS, found none"));
    }

    #[test]
    fn a_file_that_the_manifest_does_not_name_is_refused_unread() {
        let dir = sealed(|dir| fs::write(dir.join("notes.onnx"), b"more").unwrap());
        fs::remove_file(dir.path().join("notes.onnx")).unwrap();
        let refusal = refusal(&dir);
        assert!(refusal.contains("expected no line for notes.onnx in SHA256SUMS"), "{refusal}");
    }

    #[test]
    fn what_is_wrong_is_said_once() {
        let dir = sealed(|dir| fs::write(dir.join(MANIFEST), "format = 1\nhue").unwrap());
        assert_eq!(refusal(&dir).matches("TOML parse error").count(), 1, "{}", refusal(&dir));
    }

    #[test]
    fn a_file_that_the_manifest_describes_otherwise_is_refused() {
        let dir = sealed(|dir| fs::write(dir.join("network.onnx"), b"shorter").unwrap());
        assert!(refusal(&dir).contains("network.onnx: expected length 20, found 7"));
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let text = manifest().replace("family =", "hue = 1\nfamily =");
        let dir = sealed(|dir| fs::write(dir.join(MANIFEST), text).unwrap());
        let refusal = refusal(&dir);
        assert!(
            refusal.contains("model.toml: ") && refusal.contains("unknown field `hue`"),
            "{refusal}"
        );
    }

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        let dir = sealed(|_| ());
        let text = format!("{}  ../secret\n", "0".repeat(64));
        fs::write(dir.path().join(SUMS), text).unwrap();
        assert!(refusal(&dir).contains("line 1: expected a plain file name, found ../secret"));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_refused() {
        let dir = sealed(|_| ());
        let path = dir.path().join("network.onnx");
        fs::rename(&path, dir.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        assert!(refusal(&dir).contains("network.onnx: expected a plain file"));
    }

    #[test]
    fn an_oversized_file_is_refused_unread() {
        let dir = sealed(|_| ());
        let file = File::options().write(true).open(dir.path().join(MANIFEST)).unwrap();
        file.set_len(MANIFEST_BYTES_MAX + 1).unwrap();
        assert!(
            refusal(&dir).contains("model.toml: expected at most 1048576 bytes, found 1048577")
        );
    }

    #[test]
    fn a_bundle_is_found_in_the_first_root_that_has_it() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let roots = [first.path().to_path_buf(), second.path().to_path_buf()];
        assert_eq!(find("tiny", &roots), None);
        let dir = roots[1].join("tiny");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join(MANIFEST), "").unwrap();
        assert_eq!(find("tiny", &roots), Some(dir));
        assert_eq!(find("../tiny", &roots), None);
    }
}
