//! The contract of the models that this trainer makes: what of a face they see, and how.
//!
//! It is written into each bundle's `model.toml`; whoever runs a bundle reads it from there.

use models::crop::CropSpec;
use models::manifest::{ChannelOrder, InputSpec};

/// Where a face lies in its crop.
///
/// The template is the one that worked best in a first trial; the box numbers are the medians over
/// FairFace's train part of YuNet's boxes against the crops that its landmarks give.
pub fn crop_spec(size_px: u32) -> CropSpec {
    CropSpec {
        size_px,
        template: [[0.32, 0.36], [0.68, 0.36], [0.5, 0.56], [0.35, 0.75], [0.65, 0.75]],
        box_scale: 1.09,
        box_shift_y: -0.012,
    }
}

/// RGB, (byte − 128) / 64: about unit variance, and each byte is exactly one int8 step.
pub fn input_spec() -> InputSpec {
    InputSpec { order: ChannelOrder::Rgb, mean: [128.0; 3], scale: [1.0 / 64.0; 3] }
}
