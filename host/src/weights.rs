//! A net's numbers by name, kept as safetensors.
//!
//! Names are those of [`crate::net`]: `NAME.weight`, `NAME.bias` and, while training,
//! `NAME.bn.{weight,bias,running_mean,running_var}`. The file's metadata says what the net was taught to
//! read (`input`): the numbers mean nothing without it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use models::manifest::InputSpec;
use models::tensor::Tensor;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, View};
use sha2::{Digest, Sha256};

use crate::{contract, files};

/// The metadata's key for [`Weights::input`].
const INPUT: &str = "input";

/// Tensors by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// `NAME.weight`, `NAME.bias`, …
    pub tensors: BTreeMap<String, Tensor>,
    /// How a crop becomes what the net reads.
    pub input: InputSpec,
}

/// No tensors; the input is that of the nets which are trained here.
impl Default for Weights {
    fn default() -> Self {
        Self { tensors: BTreeMap::new(), input: contract::input_spec() }
    }
}

impl Weights {
    /// The tensor `name`, which must have `shape`.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<&Tensor> {
        let Some(tensor) = self.tensors.get(name) else {
            bail!("{name} is missing, expected {shape:?}")
        };
        ensure!(tensor.shape == shape, "{name} is {:?}, expected {shape:?}", tensor.shape);
        Ok(tensor)
    }

    /// Adds or replaces a tensor.
    ///
    /// # Panics
    /// Where `values` do not fill `shape`.
    pub fn set(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        let tensor = Tensor::new(shape, values).expect("the caller counted the values");
        self.tensors.insert(name.into(), tensor);
    }

    /// Reads a safetensors file of f32 tensors.
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        let bytes = files::map(&file).with_context(|| format!("reading {}", path.display()))?;
        Self::from_bytes(&bytes).with_context(|| format!("reading {}", path.display()))
    }

    /// Reads several files as one net's weights.
    ///
    /// # Errors
    /// A tensor that two of them hold, or inputs that differ.
    pub fn read_all(paths: &[PathBuf]) -> Result<Self> {
        let (first, rest) = paths.split_first().context("no weights")?;
        rest.iter().try_fold(Self::read(first)?, |mut all, path| {
            all.join(Self::read(path)?).with_context(|| format!("joining {}", path.display()))?;
            Ok(all)
        })
    }

    /// The SHA-256 of names, shapes, values and input: the same whichever file they came from.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{:?}", self.input));
        for (name, tensor) in &self.tensors {
            hash.update(format!("{name} {:?}", tensor.shape));
            hash.update(LittleEndian(tensor).data());
        }
        files::hex(&hash.finalize())
    }

    /// Takes up the tensors of `other`.
    ///
    /// # Errors
    /// A tensor that both hold, or inputs that differ.
    pub fn join(&mut self, other: Self) -> Result<()> {
        ensure!(
            self.input == other.input,
            "it was taught another input: {:?}, expected {:?}",
            other.input,
            self.input
        );
        for (name, tensor) in other.tensors {
            ensure!(!self.tensors.contains_key(&name), "{name} is there twice");
            self.tensors.insert(name, tensor);
        }
        Ok(())
    }

    /// Parses the bytes of a safetensors file of f32 tensors.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).context("not a safetensors file")?;
        let tensors =
            file.iter().map(|(name, view)| Ok((name.to_owned(), f32_tensor(name, &view)?)));
        Ok(Self { tensors: tensors.collect::<Result<_>>()?, input: read_input(bytes)? })
    }

    /// Writes a safetensors file; a reader sees the old file or the whole new one.
    ///
    /// Beside the tensors themselves, memory for the largest one is needed.
    pub fn write(&self, path: &Path) -> Result<()> {
        let views = self.tensors.iter().map(|(name, tensor)| (name, LittleEndian(tensor)));
        let about = HashMap::from([(INPUT.to_owned(), serde_json::to_string(&self.input)?)]);
        files::replace(path, |part| {
            safetensors::serialize_to_file(views, Some(about), part).context("packing safetensors")
        })
    }
}

/// What the metadata says of the input; files without it hold nets that were trained here.
fn read_input(bytes: &[u8]) -> Result<InputSpec> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).context("not a safetensors file")?;
    let text = metadata.metadata().as_ref().and_then(|about| about.get(INPUT));
    text.map_or_else(
        || Ok(contract::input_spec()),
        |text| serde_json::from_str(text).context("the metadata's `input`"),
    )
}

/// A tensor as safetensors writes it.
struct LittleEndian<'a>(&'a Tensor);

impl View for LittleEndian<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        4 * self.0.values.len()
    }
}

fn f32_tensor(name: &str, view: &TensorView<'_>) -> Result<Tensor> {
    ensure!(view.dtype() == Dtype::F32, "{name} is {:?}, expected F32", view.dtype());
    let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Tensor::new(view.shape(), values.collect()).with_context(|| format!("{name} is cut short"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use models::manifest::ChannelOrder;

    use super::*;

    fn two() -> Weights {
        let mut weights = Weights::default();
        weights.set("a.weight", &[2, 3], vec![1.0, -2.0, 3.5, f32::MIN_POSITIVE, 0.0, -0.0]);
        weights.set("a.bias", &[0], vec![]);
        weights.input.order = ChannelOrder::Bgr;
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
    fn files_are_joined_where_they_fit() {
        let mut weights = two();
        let error = weights.join(two()).unwrap_err().to_string();
        assert_eq!(error, "a.bias is there twice");
        let mut head = Weights::default();
        head.set("b.weight", &[1], vec![1.0]);
        assert!(weights.join(head.clone()).unwrap_err().to_string().contains("another input"));
        head.input = weights.input.clone();
        weights.join(head).unwrap();
        assert_eq!(weights.tensors.len(), 3);
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
