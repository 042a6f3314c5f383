//! Reading pictures as the device does, and writing files so that a reader sees the old one or the new
//! one, never half of it.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::RgbImage;
use memmap2::Mmap;
use models::picture::{self, Limits};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Reads a picture file within the limits that the device keeps too.
///
/// # Errors
/// The file cannot be read, or is no picture within [`Limits::default`].
pub fn read_picture(path: &Path) -> Result<RgbImage> {
    Ok(picture::decode(&fs::read(path)?, &Limits::default())?)
}

/// The JPEG and PNG files under a folder, sorted; links to folders are not followed.
///
/// # Errors
/// What the file system says.
pub fn pictures_under(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = vec![];
    add_pictures(folder, &mut paths)?;
    paths.sort();
    Ok(paths)
}

fn add_pictures(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        // Links to folders are not followed, or a loop of them would never end.
        if entry.file_type()?.is_dir() {
            add_pictures(&entry.path(), paths)?;
        } else if is_picture(&entry.path()) {
            paths.push(entry.path());
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["jpg", "jpeg", "png"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Writes `path` through a temporary file beside it: written, synced, renamed.
///
/// # Errors
/// Whatever `write` or the file system says; the old file is then untouched.
pub fn write_atomic(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    replace(path, |part| {
        let mut file = BufWriter::new(File::create(part)?);
        write(&mut file)?;
        Ok(file.flush()?)
    })
}

/// Writes a text file as [`write_atomic`] does.
///
/// # Errors
/// What the file system says; the old file is then untouched.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomic(path, |file| Ok(file.write_all(text.as_bytes())?))
}

/// Writes a CSV file, a line for each row, as [`write_atomic`] does.
///
/// # Errors
/// What the file system says; the old file is then untouched.
pub fn write_csv(path: &Path, rows: impl IntoIterator<Item = impl Serialize>) -> Result<()> {
    write_atomic(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        rows.into_iter().try_for_each(|row| writer.serialize(row))?;
        Ok(writer.flush()?)
    })
}

/// As [`write_atomic`], for writers that open the file themselves.
///
/// # Errors
/// Whatever `write` or the file system says; the old file is then untouched.
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let part = part_path(path);
    let written = write_synced(&part, write).and_then(|()| Ok(fs::rename(&part, path)?));
    if written.is_err() {
        // The first error is the one to tell; a part file that stays is harmless.
        let _ = fs::remove_file(&part);
    }
    written.with_context(|| format!("writing {}", path.display()))
}

/// A read-only memory map of a file that this program made or only reads.
///
/// # Errors
/// What the file system says.
#[allow(unsafe_code, reason = "mapping a file is unsafe by its nature")]
pub fn map(file: &File) -> Result<Mmap> {
    // SAFETY: the trainer writes files only by renaming a finished one over the old one, so mapped
    // bytes do not change under us; who rewrites a file in place while it is read gets wrong numbers.
    Ok(unsafe { Mmap::map(file)? })
}

/// The SHA-256 of `bytes`, in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Two lower-case hexadecimal digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a file.
///
/// # Errors
/// What the file system says.
pub fn sha256_of(path: &Path) -> Result<String> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    Ok(sha256(&map(&file)?))
}

fn part_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    path.with_file_name(name)
}

fn write_synced(part: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if let Some(folder) = part.parent() {
        fs::create_dir_all(folder)?;
    }
    write(part)?;
    Ok(File::open(part)?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomic(&path, |f| Ok(f.write_all(b"old")?)).unwrap();
        let failed = write_atomic(&path, |f| {
            f.write_all(b"ne")?;
            anyhow::bail!("disk full")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
