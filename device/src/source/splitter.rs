//! A stream of frames whose kind is told by its first bytes: MJPEG or Y4M.

use anyhow::{Result, bail};

use super::mjpeg::Mjpeg;
use super::y4m::{self, Y4m};
use crate::frame::Encoding;

/// How a JPEG begins.
const JPEG: &[u8] = &[0xFF, 0xD8];

/// A frame without number and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// All of it, and nothing after it.
    pub bytes: Vec<u8>,
    /// How to read them.
    pub encoding: Encoding,
}

/// Cuts a stream into frames.
#[derive(Debug)]
pub enum Splitter {
    /// Too little is there to tell.
    Unknown(Vec<u8>),
    /// JPEGs one after the other.
    Mjpeg(Mjpeg),
    /// Uncompressed frames.
    Y4m(Y4m),
}

impl Default for Splitter {
    fn default() -> Self {
        Self::Unknown(Vec::new())
    }
}

impl Splitter {
    /// Adds what was read of the stream.
    ///
    /// # Errors
    /// Where it is neither MJPEG nor Y4M.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Unknown(first) => {
                first.extend_from_slice(bytes);
                if let Some(known) = told_by(first)? {
                    *self = known;
                }
            }
            Self::Mjpeg(mjpeg) => mjpeg.push(bytes),
            Self::Y4m(y4m) => y4m.push(bytes),
        }
        Ok(())
    }

    /// The next frame; `None` where more must be read first.
    ///
    /// # Errors
    /// Where the stream cannot be read any further.
    pub fn next_frame(&mut self) -> Result<Option<Piece>> {
        Ok(match self {
            Self::Unknown(_) => None,
            Self::Mjpeg(mjpeg) => {
                mjpeg.next_frame().map(|bytes| Piece { bytes, encoding: Encoding::Jpeg })
            }
            Self::Y4m(y4m) => y4m
                .next_frame()?
                .map(|(bytes, layout)| Piece { bytes, encoding: Encoding::Pixels(layout) }),
        })
    }

    /// The rate that the stream asks for, in frames a second, where it says one.
    pub fn fps(&self) -> Option<f64> {
        match self {
            Self::Y4m(y4m) => y4m.fps(),
            Self::Unknown(_) | Self::Mjpeg(_) => None,
        }
    }
}

fn told_by(first: &[u8]) -> Result<Option<Splitter>> {
    let begins = |magic: &[u8]| first.iter().zip(magic).all(|(a, b)| a == b);
    let mut known = match (begins(JPEG), begins(y4m::MAGIC)) {
        (true, _) if first.len() >= JPEG.len() => Splitter::Mjpeg(Mjpeg::default()),
        (_, true) if first.len() >= y4m::MAGIC.len() => Splitter::Y4m(Y4m::default()),
        (false, false) => bail!(
            "expected an MJPEG or Y4M stream, found one that begins with \"{}\"",
            first[..first.len().min(16)].escape_ascii()
        ),
        _ => return Ok(None),
    };
    known.push(first)?;
    Ok(Some(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encodings(stream: &[u8]) -> Vec<Encoding> {
        let mut splitter = Splitter::default();
        let mut found = Vec::new();
        for byte in stream {
            splitter.push(&[*byte]).unwrap();
            found.extend(splitter.next_frame().unwrap().map(|piece| piece.encoding));
        }
        found
    }

    #[test]
    fn the_first_bytes_tell_the_kind() {
        assert_eq!(encodings(b"\xFF\xD8\xFF\xD9"), [Encoding::Jpeg]);
        let y4m = encodings(b"YUV4MPEG2 W1 H1\nFRAME\nyuv");
        assert!(matches!(y4m[..], [Encoding::Pixels(_)]), "{y4m:?}");
        assert_eq!(encodings(b"YUV4"), [], "it may still become one");
    }

    #[test]
    fn another_stream_is_refused_by_how_it_begins() {
        let error = Splitter::default().push(b"--frame\r\nContent-Type").unwrap_err().to_string();
        assert!(error.ends_with(r#"begins with "--frame\r\nContent""#), "{error}");
    }
}
