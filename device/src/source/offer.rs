//! What a camera offers, and which of it is taken: pure choice, no device.

use super::format::{CameraFormat, FourCc};

/// A rate of this many frames a second looks alive; below it, size counts for nothing.
const FPS_LIVELY: f64 = 15.0;

/// One format at one size, or at a range of sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// What a frame is.
    pub fourcc: FourCc,
    /// Width and height, or the ranges of both.
    pub sizes: Sizes,
    /// Frames a second, highest first; empty where the camera does not say.
    pub rates_fps: Vec<f64>,
}

/// Sizes in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// Width and height.
    One(u32, u32),
    /// Any within.
    Range {
        /// Widths.
        width: Steps,
        /// Heights.
        height: Steps,
    },
}

/// Numbers from `min` to `max`, `step` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The smallest.
    pub min: u32,
    /// The largest.
    pub max: u32,
    /// From one to the next; 0 counts as 1.
    pub step: u32,
}

/// What is wanted of a camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Frames a second.
    pub fps: f64,
    /// Only this format, where it is set.
    pub format: Option<CameraFormat>,
}

/// What is asked of the camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// What the frames are.
    pub format: CameraFormat,
    /// As the camera calls it.
    pub fourcc: FourCc,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// The offer that suits best: one that is fast enough to look alive, then the nearest in size, then one
/// that reaches the rate, then the format that comes first in
/// [`CAMERA_FORMATS`](super::format::CAMERA_FORMATS).
///
/// `None` where nothing offered can be decoded.
pub fn choose(offers: &[Offer], wanted: &Wanted) -> Option<Chosen> {
    let usable = offers.iter().filter_map(|offer| {
        let format = CameraFormat::of(offer.fourcc)?;
        let fits = wanted.format.is_none_or(|only| only == format);
        fits.then(|| (cost(offer, format, wanted), offer, format))
    });
    let (_, offer, format) = usable.min_by_key(|(cost, ..)| *cost)?;
    let (width, height) = offer.sizes.nearest(wanted.width, wanted.height);
    Some(Chosen { format, fourcc: offer.fourcc, width, height })
}

fn cost(offer: &Offer, format: CameraFormat, wanted: &Wanted) -> (bool, u64, bool, usize) {
    // Cameras say 29.97 where 30 is meant.
    let reaches = |fps: f64| offer.rates_fps.first().is_none_or(|rate| *rate > fps - 0.5);
    let (width, height) = offer.sizes.nearest(wanted.width, wanted.height);
    let distance = distance((width, height), (wanted.width, wanted.height));
    (!reaches(wanted.fps.min(FPS_LIVELY)), distance, !reaches(wanted.fps), format.rank())
}

/// How far one size is from another. Too small by as much counts twice: what is not there cannot be shown.
fn distance(size: (u32, u32), wanted: (u32, u32)) -> u64 {
    let side = |px: u32, wanted: u32| {
        let off = u64::from(px.abs_diff(wanted));
        if px < wanted { 2 * off } else { off }
    };
    side(size.0, wanted.0) + side(size.1, wanted.1)
}

/// A rate as people write it: 30, 7.5, 29.97.
pub fn rate_text(fps: f64) -> String {
    let text = format!("{fps:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Sizes {
    /// The size that is nearest to what is wanted.
    pub fn nearest(self, width: u32, height: u32) -> (u32, u32) {
        match self {
            Self::One(width, height) => (width, height),
            Self::Range { width: widths, height: heights } => {
                (widths.nearest(width), heights.nearest(height))
            }
        }
    }
}

impl Steps {
    fn nearest(self, wanted: u32) -> u32 {
        let above = wanted.clamp(self.min, self.max.max(self.min)) - self.min;
        self.min + above / self.step.max(1) * self.step.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VGA: Wanted = Wanted { width: 640, height: 480, fps: 30.0, format: None };

    fn offer(fourcc: &[u8; 4], width: u32, height: u32, fps: f64) -> Offer {
        let sizes = Sizes::One(width, height);
        Offer { fourcc: FourCc(*fourcc), sizes, rates_fps: vec![fps] }
    }

    fn check(offers: &[Offer], wanted: &Wanted, expected: &str) {
        let chosen = choose(offers, wanted);
        let chosen = chosen.map_or("none".to_owned(), |chosen| {
            format!("{} {}x{}", chosen.fourcc, chosen.width, chosen.height)
        });
        assert_eq!(chosen, expected, "{offers:?}");
    }

    #[test]
    fn compressed_frames_are_taken_first_where_size_and_rate_are_the_same() {
        let both = [offer(b"YUYV", 640, 480, 30.0), offer(b"MJPG", 640, 480, 30.0)];
        check(&both, &VGA, "MJPG 640x480");
        let yuyv = CameraFormat::of(FourCc(*b"YUYV"));
        check(&both, &Wanted { format: yuyv, ..VGA }, "YUYV 640x480");
    }

    #[test]
    fn a_rate_that_is_reached_counts_more_than_the_format_and_size_more_than_that() {
        let slow = offer(b"MJPG", 640, 480, 20.0);
        check(&[slow.clone(), offer(b"YUYV", 640, 480, 29.97)], &VGA, "YUYV 640x480");
        check(&[slow, offer(b"YUYV", 1280, 720, 30.0)], &VGA, "MJPG 640x480");
    }

    #[test]
    fn what_does_not_look_alive_is_taken_last() {
        let slow = offer(b"YUYV", 640, 480, 5.0);
        check(&[slow.clone(), offer(b"MJPG", 1280, 720, 30.0)], &VGA, "MJPG 1280x720");
        check(std::slice::from_ref(&slow), &VGA, "YUYV 640x480");
        check(&[slow, offer(b"MJPG", 320, 240, 30.0)], &Wanted { fps: 5.0, ..VGA }, "YUYV 640x480");
    }

    #[test]
    fn of_two_other_sizes_the_larger_is_taken() {
        let sizes = [offer(b"MJPG", 320, 240, 30.0), offer(b"MJPG", 800, 600, 30.0)];
        check(&sizes, &VGA, "MJPG 800x600");
    }

    #[test]
    fn a_range_is_met_within_its_steps() {
        let width = Steps { min: 32, max: 2592, step: 16 };
        let height = Steps { min: 32, max: 400, step: 0 };
        let any = Offer {
            fourcc: FourCc(*b"NV12"),
            sizes: Sizes::Range { width, height },
            rates_fps: Vec::new(),
        };
        check(&[any], &Wanted { width: 650, ..VGA }, "NV12 640x400");
    }

    #[test]
    fn without_anything_to_decode_there_is_no_choice() {
        check(&[], &VGA, "none");
        check(&[offer(b"pBAA", 640, 480, 30.0), offer(b"H264", 640, 480, 30.0)], &VGA, "none");
    }

    #[test]
    fn rates_are_written_without_needless_digits() {
        let texts = [30.0, 7.5, 30_000.0 / 1001.0, 100.0].map(rate_text);
        assert_eq!(texts, ["30", "7.5", "29.97", "100"]);
    }

    proptest! {
        #[test]
        fn whatever_is_chosen_was_offered(
            ranges in proptest::collection::vec((any::<[u32; 6]>(), 0.0..100.0f64), 0..4),
            width in any::<u32>(),
        ) {
            let offers: Vec<Offer> = ranges.iter().map(|(n, fps)| Offer {
                fourcc: FourCc(*b"MJPG"),
                sizes: Sizes::Range {
                    width: Steps { min: n[0], max: n[1], step: n[2] },
                    height: Steps { min: n[3], max: n[4], step: n[5] },
                },
                rates_fps: vec![*fps],
            }).collect();
            let chosen = choose(&offers, &Wanted { width, ..VGA });
            prop_assert_eq!(chosen.is_some(), !offers.is_empty());
        }
    }
}
