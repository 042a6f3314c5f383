//! A file of many frames as a reel: `.mjpeg` or `.y4m`, whichever it holds.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::player::Reel;
use super::splitter::{Piece, Splitter};
use super::{SourceError, Trouble};

/// Read at once; about a compressed frame.
const CHUNK_BYTES: usize = 64 << 10;

/// A file of frames, read as they are asked for.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: File,
    splitter: Splitter,
    chunk: Vec<u8>,
}

impl Recording {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// Where it is missing, or no regular file (a pipe cannot be played again: that is what `-` is for).
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let missing = |error: io::Error| {
            let name = format!("opening {}", path.display());
            Trouble::Missing.because(anyhow::Error::new(error).context(name))
        };
        // Asked before opening: opening a pipe that nobody writes to would wait for ever.
        if !path.metadata().map_err(missing)?.is_file() {
            let error = anyhow!("{} is no regular file", path.display());
            return Err(Trouble::Unusable.because(error));
        }
        let file = File::open(path).map_err(missing)?;
        let splitter = Splitter::default();
        Ok(Self { path: path.to_owned(), file, splitter, chunk: vec![0; CHUNK_BYTES] })
    }

    fn try_next(&mut self) -> anyhow::Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.splitter.next_frame()? {
                return Ok(Some(piece));
            }
            match self.file.read(&mut self.chunk) {
                Ok(0) => return Ok(None),
                Ok(read) => self.splitter.push(&self.chunk[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Reel for Recording {
    fn next_piece(&mut self) -> Result<Option<Piece>, SourceError> {
        let piece = self.try_next().with_context(|| format!("reading {}", self.path.display()));
        piece.map_err(|error| Trouble::Unusable.because(error))
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.splitter = Splitter::default();
        let rewound =
            self.file.rewind().with_context(|| format!("rewinding {}", self.path.display()));
        rewound.map_err(|error| Trouble::Lost.because(error))
    }

    fn fps(&self) -> Option<f64> {
        self.splitter.fps()
    }

    fn description(&self) -> String {
        self.path.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn recording(bytes: &[u8]) -> (tempfile::TempDir, Recording) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clip");
        fs::write(&path, bytes).unwrap();
        (dir, Recording::open(&path).unwrap())
    }

    #[test]
    fn a_recording_can_be_played_again_and_knows_its_rate() {
        let (_dir, mut recording) = recording(b"YUV4MPEG2 W1 H1 F15:1\nFRAME\nabcFRAME\ndef");
        for _ in 0..2 {
            for expected in [Some(b"abc".to_vec()), Some(b"def".to_vec()), None] {
                assert_eq!(recording.next_piece().unwrap().map(|piece| piece.bytes), expected);
            }
            recording.rewind().unwrap();
        }
        recording.next_piece().unwrap();
        assert_eq!(recording.fps(), Some(15.0));
    }

    #[test]
    fn what_is_no_recording_says_so_with_its_name() {
        let (_dir, mut recording) = recording(b"RIFF....AVI ");
        let error = recording.next_piece().unwrap_err();
        assert_eq!(error.trouble, Trouble::Unusable);
        assert!(error.to_string().contains("clip: expected an MJPEG or Y4M stream"), "{error}");
    }

    #[test]
    fn only_regular_files_are_recordings() {
        assert_eq!(Recording::open(Path::new("/")).unwrap_err().trouble, Trouble::Unusable);
        let error = Recording::open(Path::new("/nowhere.y4m")).unwrap_err();
        assert_eq!(error.trouble, Trouble::Missing);
        assert!(error.to_string().contains("/nowhere.y4m"), "{error}");
    }
}
