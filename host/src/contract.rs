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

/// Where a face lies in the crop of the net that looks once more at what a detector found: with a little around it,
/// since landmarks and boxes are not in their places yet.
pub fn refine_crop() -> CropSpec {
    crop_with_margin(64, 0.15)
}

/// Where a face lies in the crop of a net that was taught on boxes with a margin: `margin` box sides are
/// added on each side of the box.
///
/// Aligned crops are of the same size about the same point as [`crop_spec`]'s would be, were its crops so
/// wide.
pub fn crop_with_margin(size_px: u32, margin: f32) -> CropSpec {
    let CropSpec { template, box_scale: from, box_shift_y: lower, .. } = crop_spec(size_px);
    let box_scale = 1.0 + 2.0 * margin;
    let share = from / box_scale;
    let about_box =
        |[x, y]: [f32; 2]| [0.5 + (x - 0.5) * share, 0.5 + (y - 0.5) * share + lower / box_scale];
    CropSpec { size_px, template: template.map(about_box), box_scale, box_shift_y: 0.0 }
}

#[cfg(test)]
mod tests {
    use models::geometry::{Landmarks, Point, Rect};

    use super::*;

    #[test]
    fn a_margin_widens_aligned_crops_and_those_by_the_box_alike() {
        let bounds = Rect::new(100.0, 200.0, 80.0, 80.0);
        let own = crop_spec(224);
        let place = own.place_box(&bounds);
        let on_face = |[x, y]: [f32; 2]| place.apply(Point::new(x * 224.0, y * 224.0));
        let landmarks = Landmarks(own.template.map(on_face));
        let wide = crop_with_margin(224, 0.4);
        let (by_box, aligned) = (wide.place_box(&bounds), wide.place(&bounds, Some(&landmarks)));
        assert!((by_box.scale() * 224.0 - 80.0 * 1.8).abs() < 1e-3, "{by_box:?}");
        let corner = bounds.center().x - 72.0;
        assert!((by_box.shift.x - corner).abs() < 1e-3 && (by_box.shift.y - 168.0).abs() < 1e-3);
        assert!((aligned.scale() - by_box.scale()).abs() < 1e-4, "{aligned:?}");
        assert!((aligned.shift.x - by_box.shift.x).abs() < 1e-2, "{aligned:?}");
        assert!((aligned.shift.y - by_box.shift.y).abs() < 1e-2, "{aligned:?}");
    }
}
