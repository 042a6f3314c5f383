//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process;

use anyhow::Result;

/// Lets `write` make a file beside `path`, and gives it that name once it is whole; a file of that name is
/// replaced. What other processes write beside it at the same time is another file.
///
/// # Errors
/// What `write` or the file system says; nothing is left behind then.
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut part = OsString::from(".");
    part.push(path.file_name().unwrap_or_default());
    part.push(format!(".{}.part", process::id()));
    let part = path.with_file_name(part);
    let written = write(&part).and_then(|()| Ok(fs::rename(&part, path)?));
    if written.is_err() {
        // What is left of it is of no use; that it may not be there is no second error.
        let _ = fs::remove_file(&part);
    }
    written
}
