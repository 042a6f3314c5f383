//! The `[detector]` table of `model.toml`: how a face detector is fed and read.

use serde::{Deserialize, Serialize};

use super::{ChannelOrder, InputSpec, ManifestError, Precision, require};

/// The longest side of an input, in pixels.
const SIDE_PX_MAX: u32 = 2048;

/// How to feed and read a face detector.
///
/// # Shapes
/// - input: `[1, 3, height, width]`, f32
/// - outputs: as its [`Family`] says
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorSpec {
    /// How its outputs are read.
    pub family: Family,
    /// The arithmetic of its convolutions; left out, it is f32.
    #[serde(default)]
    pub precision: Precision,
    /// Width and height of its input in pixels.
    pub input: [u32; 2],
    /// How a picture of another shape is brought into the input; left out, it is letterboxed.
    #[serde(default)]
    pub fit: Fit,
    /// The least score of a face that is reported, in (0, 1).
    pub score_min: f32,
    /// Of two boxes whose IoU is above this, only the better one stays; in (0, 1).
    pub nms_iou: f32,
    /// How the picture becomes a tensor; only YuNet's, which reads BGR bytes as they are, may be left out.
    pub pixels: Option<InputSpec>,
}

/// Detectors whose outputs are read alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// YuNet (Wu et al. 2023): strides 8, 16, 32, five landmarks.
    Yunet,
    /// This project's own: a box and five landmarks for each cell of three grids.
    Grid,
}

/// How a picture is brought into a network's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Scaled alike in both directions, at the left top; black where the input goes on.
    #[default]
    Letterbox,
    /// Scaled to the whole input, whatever that does to its shape.
    Stretch,
}

impl DetectorSpec {
    /// How the picture becomes a tensor.
    pub fn pixels(&self) -> InputSpec {
        let bytes = InputSpec { order: ChannelOrder::Bgr, mean: [0.0; 3], scale: [1.0; 3] };
        self.pixels.clone().unwrap_or(bytes)
    }

    pub(super) fn check(&self) -> Result<(), ManifestError> {
        let [width, height] = self.input;
        let valid = |side: u32| side.is_multiple_of(32) && (32..=SIDE_PX_MAX).contains(&side);
        let sides = format!("{width}x{height}");
        let expected = format!("multiples of 32 up to {SIDE_PX_MAX}");
        require("detector.input", sides, expected, valid(width) && valid(height))?;
        let open = |share: f32| share > 0.0 && share < 1.0;
        require("detector.score_min", self.score_min, "between 0 and 1", open(self.score_min))?;
        require("detector.nms_iou", self.nms_iou, "between 0 and 1", open(self.nms_iou))?;
        self.check_pixels()
    }

    fn check_pixels(&self) -> Result<(), ManifestError> {
        let known = self.pixels.is_some() || self.family == Family::Yunet;
        require("detector.pixels", "left out", "a table of order, mean and scale", known)?;
        self.pixels().check(["detector.pixels.mean", "detector.pixels.scale"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: &str = r#"
        family = "grid"
        precision = "int8"
        input = [320, 256]
        score_min = 0.6
        nms_iou = 0.3
        [pixels]
        order = "rgb"
        mean = [128, 128, 128]
        scale = [0.015625, 0.015625, 0.015625]
    "#;

    fn parse(text: &str) -> Result<DetectorSpec, String> {
        let spec: DetectorSpec = toml::from_str(text).map_err(|error| error.to_string())?;
        spec.check().map_err(|error| error.to_string())?;
        Ok(spec)
    }

    fn refusal(text: &str, from: &str, to: &str) -> String {
        assert!(text.contains(from), "the case replaces nothing");
        parse(&text.replace(from, to)).unwrap_err()
    }

    #[test]
    fn what_may_be_left_out_is_as_it_always_was() {
        let text = "family = 'yunet'\ninput = [320, 320]\nscore_min = 0.6\nnms_iou = 0.3";
        let spec = parse(text).unwrap();
        assert_eq!((spec.precision, spec.fit), (Precision::F32, Fit::Letterbox));
        let (order, mean, scale) = (ChannelOrder::Bgr, [0.0; 3], [1.0; 3]);
        assert_eq!(spec.pixels(), InputSpec { order, mean, scale });
    }

    #[test]
    fn every_field_is_read() {
        let spec = parse(&GRID.replace("score_min", "fit = 'stretch'\nscore_min")).unwrap();
        assert_eq!((spec.family, spec.precision), (Family::Grid, Precision::Int8));
        assert_eq!((spec.input, spec.fit), ([320, 256], Fit::Stretch));
        assert_eq!((spec.pixels().mean[0], spec.pixels().scale[0]), (128.0, 1.0 / 64.0));
    }

    #[test]
    fn a_value_that_cannot_be_is_told_with_what_was_expected() {
        let refused = |from, to| refusal(GRID, from, to);
        let side = refused("320, 256", "320, 260");
        assert_eq!(side, "detector.input is 320x260, expected multiples of 32 up to 2048");
        assert!(refused("320, 256", "2080, 256").contains("2080x256"));
        assert!(refused("nms_iou = 0.3", "nms_iou = 1.0").starts_with("detector.nms_iou is 1,"));
        assert!(refused("[0.015625,", "[0.0,").starts_with("detector.pixels.scale is zero"));
        assert!(refused("[128,", "[nan,").starts_with("detector.pixels.mean is not finite"));
        let pixels = &GRID[GRID.find("[pixels]").unwrap()..];
        let left_out = refused(pixels, "");
        assert_eq!(
            left_out,
            "detector.pixels is left out, expected a table of order, mean and scale"
        );
        assert!(refused("\"grid\"", "\"other\"").contains("unknown variant `other`"));
        assert!(refused("precision", "accuracy").contains("unknown field `accuracy`"));
    }
}
