//! The `[detector]` table of `model.toml`: how a face detector is fed and read.

use serde::{Deserialize, Serialize};

use super::{ChannelOrder, InputSpec, ManifestError, Precision, check_crop, require};
use crate::crop::CropSpec;

/// The longest side of an input, in pixels.
const SIDE_PX_MAX: u32 = 2048;

/// The most boxes that a network may tell: RetinaFace tells 172,032 of a picture of 2048×2048 px.
const BOXES_MAX: u64 = 1 << 18;

/// The most strides, and sizes for each, that priors may have.
const LIST_LEN_MAX: usize = 16;

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
    /// What the outputs are, in the graph's order: of an SSD or RetinaFace alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    /// How many boxes an SSD tells by their corners, as shares of the input, rather than from priors.
    pub corners: Option<u32>,
    /// How the picture becomes a tensor; only YuNet's, which reads BGR bytes as they are, may be left out.
    pub pixels: Option<InputSpec>,
    /// From which boxes an SSD or RetinaFace tells those it sees.
    pub priors: Option<Priors>,
    /// How a second network looks once more at each face that was found.
    pub refine: Option<RefineSpec>,
}

/// How to feed and read the network that looks at each found face once more, closer; its file's role is `refine`.
///
/// # Shapes
/// - input: `[1, 3, size_px, size_px]`, f32, made as the detector's own
/// - output: `[1, 11]`, f32: the logit of its being a face, and from the middle of the crop to each of the five
///   landmarks, x and y, in halves of the crop's side
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefineSpec {
    /// The least score of a face that is reported, in (0, 1): the geometric mean of what both networks say.
    pub score_min: f32,
    /// How a found face is cut out.
    pub crop: CropSpec,
}

impl RefineSpec {
    fn check(&self) -> Result<(), ManifestError> {
        let score = self.score_min;
        let open = score > 0.0 && score < 1.0;
        require("detector.refine.score_min", score, "between 0 and 1", open)?;
        let fields = [
            "detector.refine.crop.size_px",
            "detector.refine.crop.template",
            "detector.refine.crop.box_scale",
            "detector.refine.crop.box_shift_y",
        ];
        check_crop(&self.crop, fields)
    }
}

/// Detectors whose outputs are read alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// YuNet (Wu et al. 2023): strides 8, 16, 32, five landmarks.
    Yunet,
    /// This project's own: a box and five landmarks for each cell of three grids.
    Grid,
    /// Boxes without landmarks (Liu et al. 2016), such as UltraFace.
    Ssd,
    /// RetinaFace (Deng et al. 2020): boxes from priors, and five landmarks.
    Retinaface,
}

/// What an output of an SSD or RetinaFace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Probabilities of background and face.
    Scores,
    /// The boxes, by their corners or from priors.
    Boxes,
    /// Five landmarks, from priors.
    Landmarks,
}

/// Prior boxes: for each stride, row, column and size a square around the middle of the cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Priors {
    /// Input pixels a cell of each grid.
    pub strides: Vec<u32>,
    /// For each stride, the sides of its squares in pixels of the input.
    pub min_sizes: Vec<Vec<f32>>,
    /// What offsets of places and of logarithms of sizes are multiplied by; mostly 0.1 and 0.2.
    pub variances: [f32; 2],
    /// Whether no prior is larger than the input; left out, they are as large as their sizes say.
    #[serde(default)]
    pub clip: bool,
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
        self.check_input()?;
        let open = |share: f32| share > 0.0 && share < 1.0;
        require("detector.score_min", self.score_min, "between 0 and 1", open(self.score_min))?;
        require("detector.nms_iou", self.nms_iou, "between 0 and 1", open(self.nms_iou))?;
        self.check_pixels()?;
        self.check_outputs()?;
        self.check_boxes()?;
        self.refine.as_ref().map_or(Ok(()), RefineSpec::check)
    }

    fn check_input(&self) -> Result<(), ManifestError> {
        let (multiple, words) = match self.family {
            Family::Yunet | Family::Grid => (32, "multiples of 32 up to 2048"),
            Family::Ssd | Family::Retinaface => (1, "sides of 32 to 2048"),
        };
        let fits =
            |&side: &u32| side.is_multiple_of(multiple) && (32..=SIDE_PX_MAX).contains(&side);
        let [width, height] = self.input;
        require("detector.input", format!("{width}x{height}"), words, self.input.iter().all(fits))
    }

    fn check_outputs(&self) -> Result<(), ManifestError> {
        let (wanted, words): (&[Output], _) = match self.family {
            Family::Yunet | Family::Grid => (&[], "nothing: this family's are always the same"),
            Family::Ssd => (&[Output::Scores, Output::Boxes], "scores and boxes, each once"),
            Family::Retinaface => (
                &[Output::Scores, Output::Boxes, Output::Landmarks],
                "scores, boxes and landmarks, each once",
            ),
        };
        let each = wanted.iter().all(|output| self.outputs.contains(output));
        let found = format!("{:?}", self.outputs).to_lowercase();
        require("detector.outputs", found, words, each && self.outputs.len() == wanted.len())
    }

    /// Checks that it says in one way only how boxes are told.
    fn check_boxes(&self) -> Result<(), ManifestError> {
        let (corners, priors) = (self.corners, &self.priors);
        let (holds, words) = match self.family {
            Family::Yunet | Family::Grid => (
                corners.is_none() && priors.is_none(),
                "none: this family's boxes are told from its cells",
            ),
            Family::Ssd => (corners.is_some() != priors.is_some(), "either corners or priors"),
            Family::Retinaface => (corners.is_none() && priors.is_some(), "a table of priors"),
        };
        let given = [corners.map(|_| "corners"), priors.as_ref().map(|_| "priors")];
        let given: Vec<&str> = given.into_iter().flatten().collect();
        let given = if given.is_empty() { "nothing".to_owned() } else { given.join(" and ") };
        require("what [detector] says of its boxes", given, words, holds)?;
        if let Some(count) = corners {
            let fits = (1..=BOXES_MAX).contains(&count.into());
            require("detector.corners", count, format!("1 to {BOXES_MAX} boxes"), fits)?;
        }
        priors.as_ref().map_or(Ok(()), |priors| priors.check(self.input))
    }

    fn check_pixels(&self) -> Result<(), ManifestError> {
        let known = self.pixels.is_some() || self.family == Family::Yunet;
        require("detector.pixels", "left out", "a table of order, mean and scale", known)?;
        self.pixels().check(["detector.pixels.mean", "detector.pixels.scale"])
    }
}

impl Priors {
    fn check(&self, input: [u32; 2]) -> Result<(), ManifestError> {
        let strides = self.strides.iter().all(|stride| (1..=SIDE_PX_MAX).contains(stride));
        let few = (1..=LIST_LEN_MAX).contains(&self.strides.len());
        let found = format!("{:?}", self.strides);
        require("detector.priors.strides", found, "1 to 16 strides of 1 to 2048", few && strides)?;
        let fits = |sizes: &Vec<f32>| {
            let side = |side: &f32| *side > 0.0 && *side <= 4096.0;
            (1..=LIST_LEN_MAX).contains(&sizes.len()) && sizes.iter().all(side)
        };
        let lists = self.min_sizes.len() == self.strides.len() && self.min_sizes.iter().all(fits);
        let (found, words) = ("other lists", "for each stride 1 to 16 sides above 0 up to 4096");
        require("detector.priors.min_sizes", found, words, lists)?;
        let fits = self.variances.iter().all(|variance| *variance > 0.0 && *variance <= 10.0);
        let found = format!("{:?}", self.variances);
        require("detector.priors.variances", found, "two numbers above 0 up to 10", fits)?;
        let count = self.count(input);
        let words = format!("at most {BOXES_MAX}");
        require("number of detector.priors", count, words, count <= BOXES_MAX)
    }

    /// How many boxes there are in an input of this width and height.
    fn count(&self, input: [u32; 2]) -> u64 {
        let cells = |stride: u32| input.map(|side| u64::from(side.div_ceil(stride)));
        let levels = self.strides.iter().zip(&self.min_sizes);
        levels
            .map(|(&stride, sizes)| cells(stride).iter().product::<u64>() * sizes.len() as u64)
            .sum()
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

    const RETINAFACE: &str = r#"
        family = "retinaface"
        input = [320, 240]
        score_min = 0.6
        nms_iou = 0.4
        outputs = ["boxes", "scores", "landmarks"]
        [pixels]
        order = "bgr"
        mean = [104, 117, 123]
        scale = [1, 1, 1]
        [priors]
        strides = [8, 16, 32]
        min_sizes = [[16, 32], [64, 128], [256, 512]]
        variances = [0.1, 0.2]
    "#;

    #[test]
    fn priors_are_read_and_their_sides_need_be_no_multiples() {
        let spec = parse(RETINAFACE).unwrap();
        assert_eq!(spec.outputs, [Output::Boxes, Output::Scores, Output::Landmarks]);
        let priors = spec.priors.unwrap();
        assert_eq!((priors.strides, priors.clip), (vec![8, 16, 32], false));
        assert_eq!(priors.min_sizes[2], [256.0, 512.0]);
    }

    #[test]
    fn priors_that_cannot_be_are_told_with_what_was_expected() {
        let refused = |from, to| refusal(RETINAFACE, from, to);
        assert!(
            refused("[8, 16, 32]", "[8, 16]").starts_with("detector.priors.min_sizes is other")
        );
        assert!(
            refused("[8, 16, 32]", "[0, 16, 32]").contains("strides is [0, 16, 32], expected 1 to")
        );
        assert!(refused("256, 512", "nan, 512").starts_with("detector.priors.min_sizes is"));
        assert!(refused("[0.1, 0.2]", "[0.1, inf]").contains("variances is [0.1, inf]"));
        assert!(refused("[0.1, 0.2]", "[0.1, 0.2]\nratio = 2").contains("unknown field `ratio`"));
        assert!(refused("320, 240", "16, 240").contains("16x240, expected sides of 32 to 2048"));
    }

    #[test]
    fn priors_in_numbers_that_no_picture_needs_are_refused_before_they_are_made() {
        let text =
            RETINAFACE.replace("[8, 16, 32]", "[1, 16, 32]").replace("320, 240", "2048, 2048");
        let refusal = parse(&text).unwrap_err();
        assert_eq!(refusal, "number of detector.priors is 8429568, expected at most 262144");
    }

    #[test]
    fn each_family_says_how_its_boxes_are_told() {
        let refused = |text: &str| parse(text).unwrap_err();
        let said = "what [detector] says of its boxes is";
        let both = RETINAFACE.replace("score_min", "corners = 3\nscore_min");
        assert_eq!(
            refused(&both),
            format!("{said} corners and priors, expected a table of priors")
        );
        let ssd = RETINAFACE.replace("retinaface", "ssd").replace(", \"landmarks\"", "");
        parse(&ssd).unwrap();
        let bare = &ssd[..ssd.find("[priors]").unwrap()];
        assert_eq!(refused(bare), format!("{said} nothing, expected either corners or priors"));
        parse(&bare.replace("score_min", "corners = 4420\nscore_min")).unwrap();
        let many = refused(&bare.replace("score_min", "corners = 262145\nscore_min"));
        assert_eq!(many, "detector.corners is 262145, expected 1 to 262144 boxes");
        let grid = GRID.replace("score_min", "corners = 3\nscore_min");
        assert!(refused(&grid).starts_with(&format!("{said} corners, expected none")));
    }

    #[test]
    fn a_second_look_that_cannot_be_is_told_with_what_was_expected() {
        let crop = "size_px = 64\nbox_scale = 1.4\nbox_shift_y = 0\ntemplate = \
                    [[0.3, 0.4], [0.7, 0.4], [0.5, 0.5], [0.4, 0.7], [0.6, 0.7]]";
        let again = format!("{GRID}\n[refine]\nscore_min = 0.5\n[refine.crop]\n{crop}");
        assert_eq!(parse(&again).unwrap().refine.unwrap().crop.size_px, 64);
        let refused = |from, to| refusal(&again, from, to);
        assert_eq!(refused("64", "8"), "detector.refine.crop.size_px is 8, expected 16 to 1024");
        assert!(refused("1.4", "nan").starts_with("detector.refine.crop.box_scale is NaN"));
        assert!(refused("score_min = 0.5", "score_min = 1").starts_with("detector.refine.score"));
        assert!(refused("size_px", "colour = 1\nsize_px").contains("unknown field `colour`"));
    }

    #[test]
    fn outputs_are_named_each_once() {
        for wrong in ["\"boxes\"", "\"scores\"", "\"boxes\", \"scores\", \"scores\""] {
            let refusal = refusal(RETINAFACE, "\"boxes\", \"scores\", \"landmarks\"", wrong);
            assert!(
                refusal.contains("expected scores, boxes and landmarks, each once"),
                "{refusal}"
            );
        }
        let grid = GRID.replace("score_min", "outputs = ['boxes']\nscore_min");
        assert!(
            parse(&grid).unwrap_err().starts_with("detector.outputs is [boxes], expected nothing")
        );
    }
}
