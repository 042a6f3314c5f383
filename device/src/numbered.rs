//! Device files that are told apart by numbers: `fb0`, `card1`, `spidev0.1`.

use std::fs;
use std::path::{Path, PathBuf};

/// The files in `dir` whose name is `start` and a number, or several with points between them; by their numbers.
pub(crate) fn paths(dir: &Path, start: &str) -> Vec<PathBuf> {
    let numbers = |path: &Path| -> Option<Vec<u32>> {
        let rest = path.file_name()?.to_str()?.strip_prefix(start)?;
        rest.split('.').map(|digits| digits.parse().ok()).collect()
    };
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<_> =
        entries.filter_map(|entry| Some((numbers(&entry.path())?, entry.path()))).collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}
