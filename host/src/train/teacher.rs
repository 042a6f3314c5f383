//! What another net thinks of the ages of a run's crops: it knows single years where our labels are ranges.
//!
//! A safetensors file (`scripts/teach-ages.sh` writes one): `age` `[faces, 101]`, f32, a distribution for
//! each row of crops.csv; the metadata's `crops` is the SHA-256 of that crops.csv.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use models::age::AGE_CLASSES;
use safetensors::SafeTensors;

use crate::files;
use crate::weights::Weights;

/// One age distribution a crop.
pub(super) struct Teacher {
    ages: Vec<f32>,
}

impl Teacher {
    /// Reads what a teacher said of the `faces` crops in `folder`.
    ///
    /// # Errors
    /// A file of other crops, or one that holds no distributions.
    pub(super) fn open(path: &Path, folder: &Path, faces: usize) -> Result<Self> {
        let name = path.display();
        let bytes = fs::read(path).with_context(|| format!("opening the teacher's {name}"))?;
        let crops = files::sha256_of(&folder.join("crops.csv"))?;
        let of = said_of(&bytes).with_context(|| format!("reading {name}"))?;
        ensure!(of == crops, "{name} was said of other crops than those in {}", folder.display());
        let mut tensors =
            Weights::from_bytes(&bytes).with_context(|| format!("reading {name}"))?.tensors;
        let ages = tensors.remove("age").with_context(|| format!("{name} holds no age"))?;
        let expected = [faces, AGE_CLASSES];
        ensure!(ages.shape == expected, "age in {name} is {:?}, expected {expected:?}", ages.shape);
        let whole = |row: &[f32]| {
            row.iter().all(|&p| p >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-3
        };
        let broken = ages.values.chunks_exact(AGE_CLASSES).position(|row| !whole(row));
        ensure!(broken.is_none(), "row {} in {name} does not sum to 1", broken.unwrap_or_default());
        Ok(Self { ages: ages.values })
    }

    /// Of crop `at`.
    ///
    /// # Shapes
    /// - distribution: `[101]`, f32, sums to 1
    pub(super) fn age(&self, at: usize) -> &[f32] {
        &self.ages[at * AGE_CLASSES..][..AGE_CLASSES]
    }
}

/// The SHA-256 of the crops.csv whose faces a teacher's file is about.
fn said_of(bytes: &[u8]) -> Result<String> {
    let (_, about) = SafeTensors::read_metadata(bytes).context("not a safetensors file")?;
    let crops = about.metadata().as_ref().and_then(|about| about.get("crops"));
    crops.cloned().context("its metadata does not say of which crops")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use safetensors::tensor::{Dtype, TensorView};

    use super::*;

    /// What opening a file of `rows` says, for two faces whose crops.csv holds `2 faces`.
    fn open(rows: &[[f32; AGE_CLASSES]], crops: &str) -> Result<Teacher> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("crops.csv"), "2 faces").unwrap();
        fs::write(folder.path().join("said-of"), crops).unwrap();
        let bytes: Vec<u8> = rows.iter().flatten().flat_map(|p| p.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![rows.len(), AGE_CLASSES], &bytes).unwrap();
        let hash = files::sha256_of(&folder.path().join("said-of")).unwrap();
        let about = HashMap::from([("crops".to_owned(), hash)]);
        let path = folder.path().join("teacher.safetensors");
        fs::write(&path, safetensors::serialize([("age", view)], Some(about)).unwrap()).unwrap();
        Teacher::open(&path, folder.path(), 2)
    }

    #[test]
    fn each_face_has_what_the_teacher_said_of_it() {
        let even = [1.0 / AGE_CLASSES as f32; AGE_CLASSES];
        let mut sure = [0.0; AGE_CLASSES];
        sure[30] = 1.0;
        let teacher = open(&[even, sure], "2 faces").unwrap();
        assert_eq!((teacher.age(0), teacher.age(1)), (&even[..], &sure[..]));
    }

    #[test]
    fn a_teacher_of_other_faces_or_without_distributions_is_refused() {
        let even = [1.0 / AGE_CLASSES as f32; AGE_CLASSES];
        let error = |rows: &[[f32; AGE_CLASSES]], crops| {
            open(rows, crops).err().map(|error| format!("{error:#}")).unwrap_or_default()
        };
        assert!(error(&[even; 2], "3 faces").contains("said of other crops"));
        assert!(error(&[even; 3], "2 faces").contains("is [3, 101], expected [2, 101]"));
        assert!(error(&[even, [0.0; AGE_CLASSES]], "2 faces").contains("row 1"));
    }
}
