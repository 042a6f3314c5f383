//! A bundle's stored crops and answers against what this machine computes.
//!
//! `golden.safetensors` holds `crops` `[n, size, size, 3]` u8 sRGB, `age` `[n, 101]` and `gender`
//! `[n, 2]` f32 logits: what the trainer got from this very network.

use image::RgbImage;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use thiserror::Error;

use crate::age::AGE_CLASSES;
use crate::bundle::Bundle;
use crate::estimator::{EstimatorError, FaceEstimator, Logits};
use crate::manifest::Role;
use crate::session::Options;

/// More crops than a bundle needs.
const CROPS_MAX: usize = 1024;
/// The largest crop that a manifest allows, in pixels a side.
const SIDE_PX_MAX: u32 = 1024;

/// Why goldens could not be read or compared.
#[derive(Debug, Error)]
pub enum GoldenError {
    /// The bundle holds none.
    #[error("bundle {name} has no file with role golden")]
    Missing {
        /// The bundle's name.
        name: String,
    },
    /// The bytes are no safetensors file: what its reader says.
    #[error("goldens: {0}")]
    File(String),
    /// A tensor has another shape or type.
    #[error("goldens: {tensor} is {found}, expected {expected}")]
    Shape {
        /// Its name.
        tensor: &'static str,
        /// In the file.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// The network gave no answer.
    #[error("running the goldens")]
    Estimator(#[from] EstimatorError),
    /// A stored answer is not finite.
    #[error("goldens: the stored answer {idx} is not finite")]
    NotFinite {
        /// Which, from 0.
        idx: usize,
    },
}

impl From<SafeTensorError> for GoldenError {
    /// Keeps the text alone: a [`SafeTensorError`] repeats its source.
    fn from(error: SafeTensorError) -> Self {
        Self::File(error.to_string())
    }
}

/// Crops and the answers to them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Golden {
    /// Pairs of a crop and what the network answered to it.
    pub cases: Vec<(RgbImage, Logits)>,
}

/// How far this machine's answers are from the stored ones, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deviation {
    /// How many crops were compared.
    pub crops: usize,
    /// Of a logit.
    pub logit_max: f32,
    /// Of the apparent age, in years.
    pub age_years_max: f32,
    /// Of the probability *female*.
    pub gender_max: f32,
}

impl Golden {
    /// Reads a `golden.safetensors`.
    pub fn read(bytes: &[u8]) -> Result<Self, GoldenError> {
        let file = SafeTensors::deserialize(bytes)?;
        let crops = file.tensor("crops")?;
        let &[count, side, width, 3] = crops.shape() else {
            return Err(shape_error("crops", &crops, "[n, size, size, 3] U8"));
        };
        let side_px = u32::try_from(side).ok().filter(|px| (1..=SIDE_PX_MAX).contains(px));
        let counts = (1..=CROPS_MAX).contains(&count) && width == side;
        let Some(side_px) = side_px.filter(|_| counts && crops.dtype() == Dtype::U8) else {
            return Err(shape_error("crops", &crops, "[1–1024, size, size, 3] U8, size 1–1024"));
        };
        let ages = floats::<AGE_CLASSES>(&file, "age", count)?;
        let genders = floats::<2>(&file, "gender", count)?;
        let pictures = crops.data().chunks_exact(side * side * 3).map(|pixels| {
            RgbImage::from_raw(side_px, side_px, pixels.to_vec()).expect("a chunk holds one crop")
        });
        let logits = ages.into_iter().zip(genders).map(|(age, gender)| Logits { age, gender });
        Ok(Self { cases: pictures.zip(logits).collect() })
    }

    /// The bytes of a `golden.safetensors`; crops of another size than the first are left out.
    pub fn write(&self) -> Vec<u8> {
        let side = self.cases.first().map_or(1, |(crop, _)| crop.width());
        let cases = || self.cases.iter().filter(|(crop, _)| crop.dimensions() == (side, side));
        let crops: Vec<u8> = cases().flat_map(|(crop, _)| crop.as_raw()).copied().collect();
        let bytes =
            |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        let ages: Vec<u8> = cases().flat_map(|(_, logits)| bytes(&logits.age)).collect();
        let genders: Vec<u8> = cases().flat_map(|(_, logits)| bytes(&logits.gender)).collect();
        let (count, side) = (cases().count(), side as usize);
        let view = |dtype, shape: &[usize], data| {
            TensorView::new(dtype, shape.to_vec(), data)
                .expect("each tensor is as long as its shape")
        };
        let tensors = [
            ("age", view(Dtype::F32, &[count, AGE_CLASSES], &ages)),
            ("crops", view(Dtype::U8, &[count, side, side, 3], &crops)),
            ("gender", view(Dtype::F32, &[count, 2], &genders)),
        ];
        safetensors::serialize(tensors, None).expect("three small tensors make a file")
    }

    /// Runs every crop again and compares.
    pub fn compare(&self, estimator: &mut FaceEstimator) -> Result<Deviation, GoldenError> {
        let mut worst = Deviation { crops: self.cases.len(), ..Deviation::default() };
        for (idx, (crop, stored)) in self.cases.iter().enumerate() {
            worst
                .include(stored, &estimator.logits(crop)?)
                .ok_or(GoldenError::NotFinite { idx })?;
        }
        Ok(worst)
    }
}

impl Deviation {
    /// Widens to the distance of two answers; `None` where one is not finite.
    pub fn include(&mut self, stored: &Logits, found: &Logits) -> Option<()> {
        let (before, now) = (stored.decode()?, found.decode()?);
        let apart =
            |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0.0, |d: f32, (a, b)| d.max((a - b).abs()));
        let logit = apart(&stored.age, &found.age).max(apart(&stored.gender, &found.gender));
        let years = (before.age.expected_years() - now.age.expected_years()).abs();
        let gender = (before.gender.female() - now.gender.female()).abs();
        self.logit_max = self.logit_max.max(logit);
        self.age_years_max = self.age_years_max.max(years);
        self.gender_max = self.gender_max.max(gender);
        Some(())
    }
}

/// Runs a bundle's network on its stored crops and tells how far the answers moved.
pub fn check(bundle: Bundle, options: &Options) -> Result<Deviation, GoldenError> {
    let missing = || GoldenError::Missing { name: bundle.manifest().name.clone() };
    let golden = Golden::read(bundle.file(Role::Golden).ok_or_else(missing)?)?;
    golden.compare(&mut FaceEstimator::open(bundle, options)?)
}

fn floats<const N: usize>(
    file: &SafeTensors<'_>,
    name: &'static str,
    count: usize,
) -> Result<Vec<[f32; N]>, GoldenError> {
    let tensor = file.tensor(name)?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != [count, N] {
        return Err(shape_error(name, &tensor, &format!("[{count}, {N}] F32")));
    }
    let values: Vec<f32> =
        tensor.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Ok(values.as_chunks().0.to_vec())
}

fn shape_error(tensor: &'static str, view: &TensorView<'_>, expected: &str) -> GoldenError {
    let found = format!("{:?} {:?}", view.shape(), view.dtype());
    GoldenError::Shape { tensor, found, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> Golden {
        let crop = |shade| RgbImage::from_pixel(16, 16, image::Rgb([shade, 1, 2]));
        let logits =
            |at: f32| Logits { age: std::array::from_fn(|i| at + i as f32), gender: [at, 0.5] };
        Golden { cases: vec![(crop(3), logits(0.25)), (crop(200), logits(-7.0))] }
    }

    #[test]
    fn goldens_survive_being_written_and_read() {
        assert_eq!(Golden::read(&golden().write()).unwrap(), golden());
    }

    #[test]
    fn goldens_of_another_shape_are_refused_with_both() {
        let mut bytes = golden().write();
        let at = bytes.windows(7).position(|w| w == b"[2,101]").unwrap();
        bytes[at..at + 7].copy_from_slice(b"[101,2]");
        let refusal = Golden::read(&bytes).unwrap_err().to_string();
        assert_eq!(refusal, "goldens: age is [101, 2] F32, expected [2, 101] F32");
    }

    #[test]
    fn goldens_without_a_crop_or_with_huge_ones_are_refused() {
        for [count, side] in [[0, 16], [0, 1 << 40], [0, 1 << 62], [1, 1025], [1025, 1], [1, 0]] {
            let zeros = vec![0; 1025 * 1025 * 3];
            let view = |dtype, shape: &[usize], bytes| {
                TensorView::new(dtype, shape.to_vec(), &zeros[..bytes]).unwrap()
            };
            let crops_bytes = if count == 0 { 0 } else { count * side * side * 3 };
            let tensors = [
                ("age", view(Dtype::F32, &[count, AGE_CLASSES], count * AGE_CLASSES * 4)),
                ("crops", view(Dtype::U8, &[count, side, side, 3], crops_bytes)),
                ("gender", view(Dtype::F32, &[count, 2], count * 8)),
            ];
            let refusal = Golden::read(&safetensors::serialize(tensors, None).unwrap());
            let refusal = refusal.unwrap_err().to_string();
            assert!(refusal.contains("expected [1–1024, size, size, 3] U8"), "{refusal}");
        }
    }

    #[test]
    fn broken_goldens_are_refused() {
        let bytes = golden().write();
        for end in [0, 7, 8, 100, bytes.len() - 1] {
            assert!(Golden::read(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn the_deviation_is_the_largest_difference() {
        let stored = golden().cases.remove(0).1;
        let mut moved = stored.clone();
        moved.gender[0] += 1.0;
        let mut worst = Deviation::default();
        worst.include(&stored, &moved).unwrap();
        assert_eq!(worst.logit_max, 1.0);
        assert_eq!(worst.age_years_max, 0.0);
        assert!(worst.gender_max > 0.2);
        moved.age[4] = f32::NAN;
        assert!(worst.include(&stored, &moved).is_none());
    }
}
