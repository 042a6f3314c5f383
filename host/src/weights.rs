//! A net's numbers by name, kept as safetensors.
//!
//! Names are those of [`crate::net`]: `NAME.weight`, `NAME.bias` and, while training,
//! `NAME.bn.{weight,bias,running_mean,running_var}`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use models::tensor::Tensor;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::files;

/// Tensors by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(pub BTreeMap<String, Tensor>);

impl Weights {
    /// The tensor `name`, which must have `shape`.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<&Tensor> {
        let Some(tensor) = self.0.get(name) else { bail!("{name} is missing, expected {shape:?}") };
        ensure!(tensor.shape == shape, "{name} is {:?}, expected {shape:?}", tensor.shape);
        Ok(tensor)
    }

    /// Adds or replaces a tensor.
    ///
    /// # Panics
    /// Where `values` do not fill `shape`.
    pub fn set(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        let tensor = Tensor::new(shape, values).expect("the caller counted the values");
        self.0.insert(name.into(), tensor);
    }

    /// Reads a safetensors file of f32 tensors.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        Self::from_bytes(&bytes).with_context(|| format!("reading {}", path.display()))
    }

    /// Parses the bytes of a safetensors file of f32 tensors.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).context("not a safetensors file")?;
        let tensors =
            file.iter().map(|(name, view)| Ok((name.to_owned(), f32_tensor(name, &view)?)));
        Ok(Self(tensors.collect::<Result<_>>()?))
    }

    /// Writes a safetensors file; a reader sees the old file or the whole new one.
    pub fn write(&self, path: &Path) -> Result<()> {
        let bytes: BTreeMap<&str, Vec<u8>> =
            self.0.iter().map(|(name, t)| (name.as_str(), le_bytes(&t.values))).collect();
        let views = self.0.iter().map(|(name, t)| {
            let view = TensorView::new(Dtype::F32, t.shape.clone(), &bytes[name.as_str()]);
            Ok((name.as_str(), view.with_context(|| format!("writing {name}"))?))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        let file = safetensors::serialize(views, None).context("packing safetensors")?;
        files::write_atomic(path, |out| Ok(out.write_all(&file)?))
    }
}

fn f32_tensor(name: &str, view: &TensorView<'_>) -> Result<Tensor> {
    ensure!(view.dtype() == Dtype::F32, "{name} is {:?}, expected F32", view.dtype());
    let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Tensor::new(view.shape(), values.collect()).with_context(|| format!("{name} is cut short"))
}

fn le_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Weights {
        let mut weights = Weights::default();
        weights.set("a.weight", &[2, 3], vec![1.0, -2.0, 3.5, f32::MIN_POSITIVE, 0.0, -0.0]);
        weights.set("a.bias", &[0], vec![]);
        weights
    }

    #[test]
    fn what_is_written_is_read_again_and_nothing_is_left_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.safetensors");
        Weights::default().write(&path).unwrap();
        two().write(&path).unwrap();
        assert_eq!(Weights::read(&path).unwrap(), two());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_wrong_shape_names_the_tensor_and_both_shapes() {
        let message = two().get("a.weight", &[3, 2]).unwrap_err().to_string();
        assert_eq!(message, "a.weight is [2, 3], expected [3, 2]");
        let message = two().get("b.weight", &[3]).unwrap_err().to_string();
        assert_eq!(message, "b.weight is missing, expected [3]");
    }

    #[test]
    fn broken_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.safetensors");
        two().write(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        for len in [0, 7, 8, 40, bytes.len() - 1] {
            assert!(Weights::from_bytes(&bytes[..len]).is_err(), "{len} bytes");
        }
        let halves = TensorView::new(Dtype::F16, vec![1], &[0, 0]).unwrap();
        let file = safetensors::serialize([("h", halves)], None).unwrap();
        assert_eq!(Weights::from_bytes(&file).unwrap_err().to_string(), "h is F16, expected F32");
    }
}
