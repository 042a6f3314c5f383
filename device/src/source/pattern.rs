//! A moving test picture: colour bars, and a portrait that slides past them so that there is a face.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use models::picture::{self, Limits};

use super::player::Reel;
use super::splitter::Piece;
use super::{SourceError, Trouble};
use crate::frame::{Encoding, Layout, PixelFormat};

/// NASA's portrait of Eileen Collins, in the public domain.
const PORTRAIT: &[u8] = include_bytes!("../../assets/portraits/astronaut.jpg");

/// From one side to the other and back: 20 s at 30 frames a second, slow enough to be followed.
const FRAMES_PER_ROUND: u64 = 600;

/// SMPTE's bars (ECR 1-1978) at 75 %, from left to right.
const BARS: [[u8; 3]; 7] = [
    [191, 191, 191],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
];

/// The test picture, without end.
#[derive(Debug)]
pub struct Pattern {
    bars: RgbImage,
    portrait: RgbImage,
    number: u64,
}

impl Pattern {
    /// A test picture of this size in pixels.
    ///
    /// # Errors
    /// Where a side is 0 or too long.
    pub fn new(width: u32, height: u32) -> Result<Self, SourceError> {
        let limits = Limits { side_px_max: 4096, pixels_max: 4096 * 4096 };
        if width.min(height) < 16 || width.max(height) > limits.side_px_max {
            let error = anyhow::anyhow!("expected 16 to 4096 px a side, found {width}x{height}");
            return Err(Trouble::Unusable.because(error.context("a test picture")));
        }
        let portrait = picture::decode(PORTRAIT, &limits);
        let portrait = portrait.map_err(|error| Trouble::Unusable.because(error))?;
        let side = width.min(height);
        let portrait = imageops::resize(&portrait, side, side, FilterType::Triangle);
        let bars = RgbImage::from_fn(width, height, |x, _| {
            Rgb(BARS[x as usize * BARS.len() / width as usize])
        });
        Ok(Self { bars, portrait, number: 0 })
    }

    /// How far the portrait is from the left and the top: there and back along the longer side.
    fn place_px(&self) -> (i64, i64) {
        let half = FRAMES_PER_ROUND / 2;
        let step = self.number % FRAMES_PER_ROUND;
        let share = step.min(FRAMES_PER_ROUND - step);
        let slide = |room: u32| i64::try_from(u64::from(room) * share / half).unwrap_or_default();
        let (width, height) = self.bars.dimensions();
        (slide(width - self.portrait.width()), slide(height - self.portrait.height()))
    }
}

impl Reel for Pattern {
    fn next_piece(&mut self) -> Result<Option<Piece>, SourceError> {
        let mut frame = self.bars.clone();
        let (x, y) = self.place_px();
        imageops::replace(&mut frame, &self.portrait, x, y);
        self.number += 1;
        let (width, height) = frame.dimensions();
        let layout = Layout { format: PixelFormat::Rgb3, width, height, stride: 3 * width };
        Ok(Some(Piece { bytes: frame.into_raw(), encoding: Encoding::Pixels(layout) }))
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.number = 0;
        Ok(())
    }

    fn fps(&self) -> Option<f64> {
        None
    }

    fn description(&self) -> String {
        format!("test picture, {}x{} px", self.bars.width(), self.bars.height())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::detect;
    use models::image::RgbView;
    use models::session::Options;

    fn check(pattern: &mut Pattern, number: u64, expected: (i64, i64)) {
        pattern.number = number;
        assert_eq!(pattern.place_px(), expected, "frame {number}");
        let piece = pattern.next_piece().unwrap().unwrap();
        let Encoding::Pixels(layout) = piece.encoding else { panic!("{:?}", piece.encoding) };
        assert_eq!(piece.bytes.len(), (layout.stride * layout.height) as usize);
    }

    #[test]
    fn the_portrait_slides_there_and_back_and_never_out() {
        let mut pattern = Pattern::new(160, 120).unwrap();
        check(&mut pattern, 0, (0, 0));
        check(&mut pattern, 150, (20, 0));
        check(&mut pattern, 300, (40, 0));
        check(&mut pattern, 450, (20, 0));
        check(&mut pattern, 600, (0, 0));
        check(&mut Pattern::new(32, 64).unwrap(), 300, (0, 32));
    }

    #[test]
    fn there_is_one_face_in_it_wherever_the_portrait_is() {
        let mut detector = detect::open(detect::embedded().unwrap(), &Options::default()).unwrap();
        let mut pattern = Pattern::new(640, 480).unwrap();
        let mut centers_px = Vec::new();
        for number in [0, 150, 300] {
            pattern.number = number;
            let pixels = pattern.next_piece().unwrap().unwrap().bytes;
            let frame = RgbView::new(&pixels, 640, 480, 3 * 640).unwrap();
            let faces = detector.detect(&frame).unwrap();
            // Below 0.6 it is sure of nothing: at the left end it takes an emblem on the suit for one more.
            let sure: Vec<_> = faces.iter().filter(|face| face.score >= 0.6).collect();
            assert_eq!(sure.len(), 1, "frame {number}");
            centers_px.push(sure[0].bounds.center().x);
        }
        assert!(centers_px.windows(2).all(|two| two[1] - two[0] > 60.0), "{centers_px:?}");
    }

    #[test]
    fn sizes_beyond_reason_are_refused() {
        for (width, height) in [(0, 100), (100, 15), (5000, 100), (u32::MAX, u32::MAX)] {
            let error = Pattern::new(width, height).unwrap_err();
            assert_eq!(error.trouble, Trouble::Unusable);
        }
    }
}
