//! What the cameras of this machine are and offer.

use std::io;
use std::path::{Path, PathBuf};

use v4l::capability::Flags;
use v4l::fraction::Fraction;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;

use super::kernel::Node;
use crate::source::camera::Places;
use crate::source::device::{Device, Kind};
use crate::source::format::FourCc;
use crate::source::offer::{Offer, Sizes, Steps, Wanted};

/// No camera offers more sizes of a format than this; more would only take time.
const SIZES_MAX: usize = 64;

/// All video devices, by their numbers; a device that cannot be opened comes with the reason.
pub fn all(places: &Places, wanted: &Wanted) -> Vec<(PathBuf, io::Result<Device>)> {
    let opened = |path: PathBuf| {
        let device = Node::open(&path).and_then(|node| of(&node, &path, wanted));
        (path, device)
    };
    places.videos().into_iter().map(opened).collect()
}

/// What an open device is and offers; of a range of sizes, rates are asked for what is wanted.
pub(super) fn of(node: &Node, path: &Path, wanted: &Wanted) -> io::Result<Device> {
    let capability = node.capability()?;
    let kind = kind(capability.flags);
    let fourccs = if kind == Kind::Camera { node.formats() } else { Vec::new() };
    let offers = fourccs.into_iter().flat_map(|fourcc| offers(node, fourcc, wanted));
    Ok(Device {
        path: path.to_owned(),
        name: capability.card,
        driver: capability.driver,
        bus: capability.bus,
        kind,
        offers: offers.collect(),
    })
}

fn kind(flags: Flags) -> Kind {
    if flags.intersects(Flags::VIDEO_M2M | Flags::VIDEO_M2M_MPLANE) {
        Kind::Converter
    } else if flags.contains(Flags::VIDEO_CAPTURE) {
        if flags.contains(Flags::STREAMING) { Kind::Camera } else { Kind::Other }
    } else if flags.contains(Flags::VIDEO_CAPTURE_MPLANE) {
        Kind::MultiPlanar
    } else {
        Kind::Other
    }
}

fn offers(node: &Node, fourcc: FourCc, wanted: &Wanted) -> Vec<Offer> {
    let name = v4l::FourCC::new(&fourcc.0);
    // Where a driver names no sizes, it takes what it is asked for.
    let anything = Sizes::One(wanted.width, wanted.height);
    let sizes = match node.device().enum_framesizes(name) {
        Ok(sizes) if !sizes.is_empty() => {
            sizes.into_iter().take(SIZES_MAX).map(|size| size_of(size.size)).collect()
        }
        _ => vec![anything],
    };
    let offer = |sizes: Sizes| {
        let (width, height) = sizes.nearest(wanted.width, wanted.height);
        let intervals = node.device().enum_frameintervals(name, width, height).unwrap_or_default();
        let mut rates_fps: Vec<f64> =
            intervals.into_iter().flat_map(|interval| rates_of(interval.interval)).collect();
        rates_fps.sort_by(|a, b| b.total_cmp(a));
        rates_fps.dedup();
        Offer { fourcc, sizes, rates_fps }
    };
    sizes.into_iter().map(offer).collect()
}

fn size_of(size: FrameSizeEnum) -> Sizes {
    match size {
        FrameSizeEnum::Discrete(size) => Sizes::One(size.width, size.height),
        FrameSizeEnum::Stepwise(range) => Sizes::Range {
            width: Steps { min: range.min_width, max: range.max_width, step: range.step_width },
            height: Steps { min: range.min_height, max: range.max_height, step: range.step_height },
        },
    }
}

/// A camera says how long a frame takes; of a range, its ends count.
fn rates_of(interval: FrameIntervalEnum) -> Vec<f64> {
    let ends = match interval {
        FrameIntervalEnum::Discrete(one) => vec![one],
        FrameIntervalEnum::Stepwise(range) => vec![range.min, range.max],
    };
    let rate = |seconds: &Fraction| f64::from(seconds.denominator) / f64::from(seconds.numerator);
    ends.iter().map(rate).filter(|fps| fps.is_finite() && *fps > 0.0).collect()
}
