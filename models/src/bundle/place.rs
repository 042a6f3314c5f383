//! Where a bundle's files are: in a folder, or in memory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::BundleError;

/// Where a bundle's files are.
pub(super) enum Place<'a> {
    /// In this folder.
    Folder(&'a Path),
    /// Here, each by its name.
    Memory(&'a [(&'a str, &'a [u8])]),
}

impl Place<'_> {
    /// The folder, or what messages call the program itself.
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Folder(dir) => dir,
            Self::Memory(_) => Path::new("(built in)"),
        }
    }

    /// What messages call the file `name`.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The bytes of the file `name`, which may be `bytes_max` long.
    pub(super) fn read(&self, name: &str, bytes_max: u64) -> Result<Vec<u8>, BundleError> {
        match self {
            Self::Folder(_) => read_capped(&self.path(name), bytes_max),
            Self::Memory(files) => {
                let (path, found) = (self.path(name), files.iter().find(|file| file.0 == name));
                let missing = io::Error::from(io::ErrorKind::NotFound);
                let (_, bytes) = found.ok_or_else(|| at(&path)(missing))?;
                check_len(&path, bytes.len() as u64, bytes_max)?;
                Ok(bytes.to_vec())
            }
        }
    }
}

/// A link is refused, so that a bundle never reaches out of its folder.
pub(super) fn read_capped(path: &Path, bytes_max: u64) -> Result<Vec<u8>, BundleError> {
    let meta = fs::symlink_metadata(path).map_err(at(path))?;
    if !meta.is_file() {
        return Err(BundleError::NotAFile { path: path.into() });
    }
    check_len(path, meta.len(), bytes_max)?;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(at(path))?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(at(path))?;
    check_len(path, bytes.len() as u64, bytes_max)?;
    Ok(bytes)
}

fn check_len(path: &Path, bytes: u64, bytes_max: u64) -> Result<(), BundleError> {
    if bytes <= bytes_max {
        return Ok(());
    }
    Err(BundleError::TooLarge { path: path.into(), bytes, bytes_max })
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> BundleError {
    let path = path.to_path_buf();
    |source| BundleError::Io { path, source }
}
