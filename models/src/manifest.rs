//! `model.toml`: what a bundle holds, how to feed it and how good it was measured to be.
//!
//! Unknown fields are refused, so that an older program never half-understands a newer bundle.

pub mod detector;

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::age::AGE_CLASSES;
use crate::calibration::Calibration;
use crate::crop::CropSpec;
use detector::DetectorSpec;

/// The version of `model.toml` that this program reads and writes.
pub const FORMAT: u32 = 1;

/// Why a `model.toml` was refused.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Not TOML, a field unknown or missing, or of the wrong type; the message shows the line.
    #[error("{0}")]
    Syntax(String),
    /// A field is there but its value cannot be used.
    #[error("{field} is {found}, expected {expected}")]
    Value {
        /// Its name, with the table it is in.
        field: &'static str,
        /// What `model.toml` says.
        found: String,
        /// What it may say.
        expected: String,
    },
}

/// A whole `model.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The bundle's name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Counts the bundles of this name from 1, so that a later one is known from an earlier one.
    #[serde(default = "first_version", skip_serializing_if = "is_first_version")]
    pub version: u32,
    /// Set where the network tells age and gender.
    pub estimator: Option<EstimatorSpec>,
    /// Set where the network finds faces; exactly one of the two is.
    pub detector: Option<DetectorSpec>,
    /// The files beside `model.toml`.
    pub files: Vec<FileEntry>,
    /// Where the weights come from.
    pub provenance: Provenance,
    /// What was measured, and on what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality: Vec<Quality>,
}

fn first_version() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first_version(version: &u32) -> bool {
    *version == first_version()
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// What it is for.
    pub role: Role,
    /// Its plain name, without folders.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// What a file of a bundle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The ONNX graph.
    Network,
    /// The ONNX graph that looks once more at each face that a detector found.
    Refine,
    /// Stored crops and what the network answers to them.
    Golden,
}

/// How to feed and read an age and gender network.
///
/// # Shapes
/// - `input`: `[1, 3, size_px, size_px]`, f32
/// - `age`: `[1, age_classes]`, f32 logits
/// - `gender`: `[1, 2]`, f32 logits
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimatorSpec {
    /// The arithmetic of its convolutions.
    pub precision: Precision,
    /// One class a year from 0: 101.
    pub age_classes: u32,
    /// `["female", "male"]`, in the order of the logits.
    pub genders: Vec<String>,
    /// Below this probability the predicted gender is shown as unsure; in [0.5, 1].
    pub gender_sure_min: f32,
    /// How logits become probabilities; left out where they are taken as they are.
    #[serde(default, skip_serializing_if = "Calibration::is_none")]
    pub calibration: Calibration,
    /// How a face is cut out.
    pub crop: CropSpec,
    /// How the crop becomes a tensor.
    pub input: InputSpec,
}

/// The arithmetic of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    F32,
    /// 8-bit integers with 32-bit sums.
    Int8,
}

/// From the bytes of a picture to values: `(byte − mean) · scale`, each a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// The order of the tensor's channels.
    pub order: ChannelOrder,
    /// Subtracted first; in the tensor's channel order, 0–255.
    pub mean: [f32; 3],
    /// Multiplied then; in the tensor's channel order.
    pub scale: [f32; 3],
}

/// The order of a tensor's colour channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// Where the weights of a bundle come from and what one may do with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// SPDX name of the licence.
    pub licence: String,
    /// Whom the licence asks to be named.
    pub attribution: String,
    /// What it was trained on.
    pub data: String,
    /// The command that made it.
    pub made_by: String,
    /// The version of the program that made it.
    pub version: String,
}

/// One measured figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// The set of pictures it was measured on.
    pub set: String,
    /// What was measured, with its unit.
    pub metric: String,
    /// The figure.
    pub value: f32,
    /// Lower end of its 95 % interval.
    pub low: Option<f32>,
    /// Upper end of its 95 % interval.
    pub high: Option<f32>,
    /// What one must know to read it.
    pub note: Option<String>,
}

impl Manifest {
    /// Reads and checks the text of a `model.toml`.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text)
            .map_err(|error| ManifestError::Syntax(error.to_string().trim_end().to_owned()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The text of a `model.toml` that [`Manifest::parse`] reads back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every key of a manifest is a string")
    }

    /// The file for `role`, if the bundle has one.
    pub fn file(&self, role: Role) -> Option<&FileEntry> {
        self.files.iter().find(|file| file.role == role)
    }

    fn check(&self) -> Result<(), ManifestError> {
        require("format", self.format, FORMAT, self.format == FORMAT)?;
        require(
            "name",
            &self.name,
            "letters, digits, '-', '_' and '.'",
            is_plain_name(&self.name),
        )?;
        let kinds = u8::from(self.estimator.is_some()) + u8::from(self.detector.is_some());
        require("number of [estimator] and [detector] tables", kinds, 1, kinds == 1)?;
        self.check_files()?;
        self.estimator.as_ref().map_or(Ok(()), EstimatorSpec::check)?;
        self.detector.as_ref().map_or(Ok(()), DetectorSpec::check)
    }

    fn check_files(&self) -> Result<(), ManifestError> {
        for file in &self.files {
            require("files.path", &file.path, "a plain file name", is_plain_name(&file.path))?;
            let hex = file.sha256.len() == 64
                && file.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            require("files.sha256", &file.sha256, "64 lower-case hexadecimal digits", hex)?;
        }
        let refined = self.detector.as_ref().is_some_and(|detector| detector.refine.is_some());
        self.check_count("number of files with role network", Role::Network, 1..=1)?;
        let refine = usize::from(refined);
        self.check_count("number of files with role refine", Role::Refine, refine..=refine)?;
        self.check_count("number of files with role golden", Role::Golden, 0..=1)
    }

    fn check_count(
        &self,
        field: &'static str,
        role: Role,
        expected: RangeInclusive<usize>,
    ) -> Result<(), ManifestError> {
        let count = self.files.iter().filter(|file| file.role == role).count();
        let (least, most) = expected.clone().into_inner();
        let words = if least == most { most.to_string() } else { format!("at most {most}") };
        require(field, count, words, expected.contains(&count))
    }
}

impl EstimatorSpec {
    fn check(&self) -> Result<(), ManifestError> {
        let classes = self.age_classes as usize;
        require("estimator.age_classes", classes, AGE_CLASSES, classes == AGE_CLASSES)?;
        let genders = ["female", "male"];
        require(
            "estimator.genders",
            self.genders.join(", "),
            "female, male",
            self.genders == genders,
        )?;
        let sure = self.gender_sure_min;
        require("estimator.gender_sure_min", sure, "0.5 to 1", (0.5..=1.0).contains(&sure))?;
        let Calibration { age_temperature, age_spread, gender_temperature } = self.calibration;
        for (field, value) in [
            ("estimator.calibration.age_temperature", age_temperature),
            ("estimator.calibration.age_spread", age_spread),
            ("estimator.calibration.gender_temperature", gender_temperature),
        ] {
            require(field, value, "0.1 to 10", (0.1..=10.0).contains(&value))?;
        }
        let fields = [
            "estimator.crop.size_px",
            "estimator.crop.template",
            "estimator.crop.box_scale",
            "estimator.crop.box_shift_y",
        ];
        check_crop(&self.crop, fields)?;
        self.input.check(["estimator.input.mean", "estimator.input.scale"])
    }
}

/// Checks a crop; `fields` are what side, template, scale and shift are called in `model.toml`.
fn check_crop(
    crop: &CropSpec,
    [size_px, template, box_scale, box_shift_y]: [&'static str; 4],
) -> Result<(), ManifestError> {
    let CropSpec { size_px: size, box_scale: scale, box_shift_y: shift, .. } = *crop;
    require(size_px, size, "16 to 1024", (16..=1024).contains(&size))?;
    let inside = crop.template.as_flattened().iter().all(|v| (-1.0..=2.0).contains(v));
    require(template, "out of range", "shares of the side, -1 to 2", inside)?;
    require(box_scale, scale, "0.1 to 10", (0.1..=10.0).contains(&scale))?;
    require(box_shift_y, shift, "-2 to 2", (-2.0..=2.0).contains(&shift))
}

impl InputSpec {
    /// Checks it; `fields` are what mean and scale are called in `model.toml`.
    fn check(&self, [mean, scale]: [&'static str; 2]) -> Result<(), ManifestError> {
        let means = self.mean.iter().all(|m| m.is_finite());
        require(mean, "not finite", "finite numbers", means)?;
        let scales = self.scale.iter().all(|s| s.is_normal());
        require(scale, "zero or not finite", "finite numbers but 0", scales)
    }
}

/// Whether `name` names a file or folder in place: no separators, no `..`, nothing hidden.
pub fn is_plain_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=128).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain)
}

fn require(
    field: &'static str,
    found: impl ToString,
    expected: impl ToString,
    holds: bool,
) -> Result<(), ManifestError> {
    if holds {
        return Ok(());
    }
    Err(ManifestError::Value { field, found: found.to_string(), expected: expected.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DETECTOR: &str = r#"
        format = 1
        name = "yunet"
        [detector]
        family = "yunet"
        input = [640, 640]
        score_min = 0.6
        nms_iou = 0.3
        [[files]]
        role = "network"
        path = "network.onnx"
        bytes = 3
        sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        [provenance]
        licence = "MIT"
        attribution = "somebody"
        data = "WIDER FACE"
        made_by = "scripts/get-detector.sh"
        version = "1"
    "#;

    fn refusal(from: &str, to: &str) -> String {
        assert!(DETECTOR.contains(from), "the case replaces nothing");
        Manifest::parse(&DETECTOR.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_survives_being_written_and_read() {
        let mut manifest = Manifest::parse(DETECTOR).unwrap();
        manifest.quality.push(Quality {
            set: "scenes".into(),
            metric: "faces found".into(),
            value: 0.977,
            low: Some(0.9),
            high: None,
            note: None,
        });
        assert_eq!(Manifest::parse(&manifest.to_toml()).unwrap(), manifest);
    }

    #[test]
    fn an_unknown_field_is_named() {
        assert!(refusal("nms_iou = 0.3", "nms_iou = 0.3\ncolour = 1").contains("colour"));
    }

    #[test]
    fn a_refused_value_is_told_with_what_was_expected() {
        assert_eq!(refusal("format = 1", "format = 2"), "format is 2, expected 1");
        assert!(
            refusal("network.onnx", "../network.onnx").contains("files.path is ../network.onnx")
        );
        assert!(refusal("0.6", "nan").contains("detector.score_min is NaN"));
        assert!(refusal("[640, 640]", "[641, 640]").contains("641x640"));
        assert!(refusal("\"network\"", "\"golden\"").contains("role network is 0, expected 1"));
        let again = "[detector.refine]\nscore_min = 0.5\n[detector.refine.crop]\nsize_px = 64\n\
                     box_scale = 1.4\nbox_shift_y = 0\ntemplate = [[0.3, 0.4], [0.7, 0.4], [0.5, 0.5], \
                     [0.4, 0.7], [0.6, 0.7]]\n[[files]]";
        assert!(refusal("[[files]]", again).contains("role refine is 0, expected 1"));
    }

    #[test]
    fn names_stay_in_their_folder() {
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0", "/etc/passwd"] {
            assert!(!is_plain_name(bad), "{bad:?}");
        }
        assert!(is_plain_name("golden.safetensors"));
    }
}
