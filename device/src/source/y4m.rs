//! Y4M (YUV4MPEG2): uncompressed frames as ffmpeg, GStreamer and mjpegtools pass them on.
//!
//! A line that says how large and how fast they are, then each frame: a line that begins with `FRAME`, and
//! its planes.

use anyhow::{Context, Result, bail, ensure};
use models::picture::Limits;

use crate::frame::{Layout, PixelFormat};

/// How a stream begins.
pub const MAGIC: &[u8] = b"YUV4MPEG2 ";

/// Lines are some dozen bytes long; one much longer belongs to something else.
const LINE_BYTES_MAX: usize = 1024;

/// Cuts a stream into frames.
#[derive(Debug, Default)]
pub struct Y4m {
    buffer: Vec<u8>,
    /// What is before it is done with.
    start: usize,
    header: Option<Header>,
}

/// What the first line says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Header {
    width: u32,
    height: u32,
    chroma: Chroma,
    fps: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Chroma {
    /// Two planes of a quarter of the pixels.
    Quarter,
    None,
}

impl Y4m {
    /// Adds what was read of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The rate that the stream asks for, in frames a second, once it is known.
    pub fn fps(&self) -> Option<f64> {
        self.header?.fps
    }

    /// The planes of the next frame; `None` where more must be read first.
    ///
    /// # Errors
    /// Where this is no Y4M, or of a kind that is not read.
    pub fn next_frame(&mut self) -> Result<Option<(Vec<u8>, Layout)>> {
        let header = match self.header {
            Some(header) => header,
            None => {
                let Some(line_bytes) = self.line_bytes()? else { return Ok(None) };
                let header = Header::parse(&self.buffer[self.start..][..line_bytes])?;
                self.start += line_bytes + 1;
                *self.header.insert(header)
            }
        };
        let Some(line_bytes) = self.line_bytes()? else { return Ok(None) };
        let rest = &self.buffer[self.start..];
        ensure!(rest.starts_with(b"FRAME"), "expected FRAME where the next frame should begin");
        let Some(planes) = rest[line_bytes + 1..].get(..header.frame_bytes()) else {
            return Ok(None);
        };
        let frame = header.completed(planes.to_vec());
        self.start += line_bytes + 1 + header.frame_bytes();
        Ok(Some((frame, header.layout())))
    }

    /// How long the line is that begins at the start, once it is there.
    fn line_bytes(&self) -> Result<Option<usize>> {
        let rest = &self.buffer[self.start..];
        let end = rest.iter().take(LINE_BYTES_MAX).position(|&byte| byte == b'\n');
        ensure!(end.is_some() || rest.len() < LINE_BYTES_MAX, "a line has no end");
        Ok(end)
    }
}

impl Header {
    fn parse(line: &[u8]) -> Result<Self> {
        let line = String::from_utf8_lossy(line);
        let mut header = Self { width: 0, height: 0, chroma: Chroma::Quarter, fps: None };
        for parameter in line.split(' ').skip(1).filter(|parameter| !parameter.is_empty()) {
            header.take(parameter).with_context(|| format!("reading {parameter:?}"))?;
        }
        let Self { width, height, .. } = header;
        let limits = Limits::default();
        let pixels = u64::from(width) * u64::from(height);
        ensure!(
            pixels > 0 && width.max(height) <= limits.side_px_max && pixels <= limits.pixels_max,
            "frames are {width}x{height} px, expected 1 to {} px a side and at most {} in all",
            limits.side_px_max,
            limits.pixels_max
        );
        Ok(header)
    }

    fn take(&mut self, parameter: &str) -> Result<()> {
        let value = |skipped: usize| parameter.get(skipped..).unwrap_or_default();
        match parameter.as_bytes()[0] {
            b'W' => self.width = value(1).parse().context("expected a width in pixels")?,
            b'H' => self.height = value(1).parse().context("expected a height in pixels")?,
            b'F' => self.fps = rate_fps(value(1)),
            b'C' => self.chroma = chroma(value(1))?,
            b'X' if value(1) == "COLORRANGE=FULL" => bail!(
                "colours are of the full range, expected the limited one (ffmpeg: -color_range tv)"
            ),
            _ => {}
        }
        Ok(())
    }

    fn layout(self) -> Layout {
        let (width, height) = (self.width, self.height);
        Layout { format: PixelFormat::I420, width, height, stride: width }
    }

    fn luma_bytes(self) -> usize {
        self.width as usize * self.height as usize
    }

    fn chroma_bytes(self) -> usize {
        2 * self.width.div_ceil(2) as usize * self.height.div_ceil(2) as usize
    }

    fn frame_bytes(self) -> usize {
        match self.chroma {
            Chroma::Quarter => self.luma_bytes() + self.chroma_bytes(),
            Chroma::None => self.luma_bytes(),
        }
    }

    /// Grey frames get planes that say so: their light is of the limited range, unlike a camera's GREY.
    fn completed(self, mut planes: Vec<u8>) -> Vec<u8> {
        planes.resize(self.luma_bytes() + self.chroma_bytes(), 128);
        planes
    }
}

/// `30:1`; `0:0` says that it is not known.
fn rate_fps(text: &str) -> Option<f64> {
    let (frames, seconds) = text.split_once(':')?;
    let fps = f64::from(frames.parse::<u32>().ok()?) / f64::from(seconds.parse::<u32>().ok()?);
    (fps.is_finite() && fps > 0.0).then_some(fps)
}

fn chroma(text: &str) -> Result<Chroma> {
    match text {
        // They differ in where the samples lie, by a quarter of a pixel.
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Ok(Chroma::Quarter),
        "mono" => Ok(Chroma::None),
        _ => bail!("expected 8 bits of 4:2:0 or mono (ffmpeg: -pix_fmt yuv420p)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(stream: &[u8], piece_bytes: usize) -> Result<Vec<(Vec<u8>, Layout)>> {
        let mut y4m = Y4m::default();
        let mut frames = Vec::new();
        for piece in stream.chunks(piece_bytes) {
            y4m.push(piece);
            while let Some(frame) = y4m.next_frame()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    #[test]
    fn frames_are_cut_apart_however_the_stream_arrives() {
        let stream = b"YUV4MPEG2 W3 H2 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG\n\
            FRAME\n111111uuvvFRAME Ip\n222222UUVV";
        for piece_bytes in [1, 2, 7, 1000] {
            let frames = frames(stream, piece_bytes).unwrap();
            let [(first, layout), (second, _)] = frames.as_slice() else { panic!("{frames:?}") };
            assert_eq!(
                (first.as_slice(), second.as_slice()),
                (&b"111111uuvv"[..], &b"222222UUVV"[..])
            );
            assert_eq!((layout.width, layout.height, layout.stride), (3, 2, 3));
        }
        let mut y4m = Y4m::default();
        y4m.push(stream);
        y4m.next_frame().unwrap();
        assert!((y4m.fps().unwrap() - 29.97).abs() < 0.01);
    }

    #[test]
    fn grey_frames_get_planes_without_colour() {
        let frames = frames(b"YUV4MPEG2 W1 H2 Cmono\nFRAME\nab", 100).unwrap();
        assert_eq!(frames[0].0, [b'a', b'b', 128, 128]);
    }

    #[test]
    fn what_is_not_read_says_what_to_do() {
        for (stream, expected) in [
            ("YUV4MPEG2 W2 H2 C444\n", "-pix_fmt yuv420p"),
            ("YUV4MPEG2 W2 H2 C420p10\n", "-pix_fmt yuv420p"),
            ("YUV4MPEG2 W2 H2 XCOLORRANGE=FULL\n", "-color_range tv"),
            ("YUV4MPEG2 W2\n", "frames are 2x0 px"),
            ("YUV4MPEG2 W2 H-1\n", "a height in pixels"),
            ("YUV4MPEG2 W4294967295 H4294967295\n", "frames are 4294967295x4294967295 px"),
            ("YUV4MPEG2 W1 H1\nFRAMES\nxyzGARBAGE\n", "expected FRAME"),
            (&"x".repeat(2000), "a line has no end"),
        ] {
            let error = format!("{:#}", frames(stream.as_bytes(), 100).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_rate_that_says_nothing_is_none() {
        for text in ["0:0", "0:1", "30:0", "30", "x:1"] {
            assert_eq!(rate_fps(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_stream_gives_the_same_frames_in_any_pieces(
            head in "YUV4MPEG2 (W[0-9]{1,2} )?(H[0-9] )?(C(420|mono) )?(F[0-9]:[0-9])?\n",
            body in proptest::collection::vec(prop_oneof![Just(b"FRAME\n".to_vec()), Just(vec![7; 60])], 0..9),
            piece_bytes in 1usize..40,
        ) {
            let stream = [head.into_bytes(), body.concat()].concat();
            let in_words = |error: anyhow::Error| format!("{error:#}");
            let whole = frames(&stream, 10_000).map_err(in_words);
            prop_assert_eq!(frames(&stream, piece_bytes).map_err(in_words), whole);
        }

        #[test]
        fn no_bytes_panic(stream in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = frames(&[MAGIC, &stream].concat(), 9);
        }
    }
}
