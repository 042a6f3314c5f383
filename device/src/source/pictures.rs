//! Picture files as a reel: one, a folder, or what a pattern matches.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use log::warn;

use super::files::{self, Entry};
use super::player::Reel;
use super::splitter::Piece;
use super::{SourceError, Trouble};
use crate::frame::Encoding;

/// Picture files in the order of the numbers in their names. One that cannot be read is left out.
#[derive(Debug)]
pub struct Pictures {
    path: PathBuf,
    entries: Vec<Entry>,
    next: usize,
}

impl Pictures {
    /// The pictures that `path` means.
    ///
    /// # Errors
    /// Where it means none.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let entries = files::expand(path);
        if let [Entry::Unusable { source, error }] = entries.as_slice() {
            return Err(Trouble::Missing.because(anyhow!("{source}: {error}")));
        }
        Ok(Self { path: path.to_owned(), entries, next: 0 })
    }
}

impl Reel for Pictures {
    fn next_piece(&mut self) -> Result<Option<Piece>, SourceError> {
        while let Some(entry) = self.entries.get(self.next) {
            self.next += 1;
            let bytes = match entry {
                Entry::Picture(path) => {
                    files::read(path).with_context(|| format!("reading {}", path.display()))
                }
                Entry::Unusable { source, error } => Err(anyhow!("{source}: {error}")),
            };
            match bytes {
                Ok(bytes) => return Ok(Some(Piece { bytes, encoding: Encoding::File })),
                Err(error) => warn!("a picture is left out: {error:#}"),
            }
        }
        Ok(None)
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.next = 0;
        Ok(())
    }

    fn fps(&self) -> Option<f64> {
        None
    }

    fn description(&self) -> String {
        let pictures = if self.entries.len() == 1 { "picture" } else { "pictures" };
        format!("{}: {} {pictures}", self.path.display(), self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn pictures_follow_their_numbers_and_what_cannot_be_read_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("10.png", "ten"), ("9.png", "nine"), ("8.png", "eight")] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let mut pictures = Pictures::open(dir.path()).unwrap();
        fs::remove_file(dir.path().join("8.png")).unwrap();
        for _ in 0..2 {
            for expected in [Some(b"nine".to_vec()), Some(b"ten".to_vec()), None] {
                assert_eq!(pictures.next_piece().unwrap().map(|piece| piece.bytes), expected);
            }
            pictures.rewind().unwrap();
        }
    }

    #[test]
    fn a_path_without_pictures_is_missing() {
        let error = Pictures::open(Path::new("nowhere.png")).unwrap_err();
        assert_eq!(error.trouble, Trouble::Missing);
        assert_eq!(error.to_string(), "nowhere.png: no such file or folder");
    }
}
