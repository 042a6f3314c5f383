//! Weights of a Keras `.h5`, as `model.save_weights` and `model.save` wrote them before Keras 3: groups
//! named by the attribute `layer_names`, their datasets by `weight_names`, both in the net's order.
//!
//! The reader is the crate hdf5-pure. A file says how much it holds before it is read, and what it says is
//! held against the length of the file, so a broken one cannot make us ask for more memory than that.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use hdf5_pure::{AttrValue, File, Group};

use super::found::{Found, Layout};

/// VGG-Face with 2,622 people is 580 MB.
const BYTES_MAX: u64 = 4 << 30;

/// The layers with weights of the file at `path`.
///
/// # Errors
/// Not HDF5, another layout of it, broken, or too large.
pub(super) fn read(path: &Path) -> Result<Vec<Found>> {
    let len = std::fs::metadata(path)?.len();
    ensure!(len <= BYTES_MAX, "{len} bytes, expected a Keras .h5 file of at most {BYTES_MAX}");
    let file = File::open_streaming(path).context("not an HDF5 file, expected Keras's .h5")?;
    layers(&file, len)
}

fn layers(file: &File, len: u64) -> Result<Vec<Found>> {
    let root = file.root();
    // `model.save` puts what `save_weights` writes into a group beside the model's description.
    let weights = root.group("model_weights").unwrap_or(root);
    let names = names(&weights, "layer_names")?.context(
        "no attribute layer_names, expected weights that Keras wrote as .h5 (not as .weights.h5)",
    )?;
    let mut budget = len;
    let layers = names.iter().map(|name| {
        let group = weights.group(name).with_context(|| format!("layer {name}"))?;
        layer(&group, &mut budget).with_context(|| format!("layer {name}"))
    });
    layers.filter_map(Result::transpose).collect()
}

/// A layer's kernel and bias; `None` where it has none.
fn layer(group: &Group, budget: &mut u64) -> Result<Option<Found>> {
    let names = names(group, "weight_names")?.context("no attribute weight_names")?;
    let [kernel, rest @ ..] = &*names else { return Ok(None) };
    let (shape, values) = numbers(group, kernel, budget)?;
    let bias = match rest {
        [] => vec![],
        [bias, ..] => numbers(group, bias, budget)?.1,
    };
    Ok(Some(Found { name: kernel.clone(), shape, values, bias, layout: Layout::OutLast }))
}

/// The texts of an attribute, if it is there; Keras cuts one that is too long for HDF5 into NAME0,
/// NAME1, ….
fn names(group: &Group, name: &str) -> Result<Option<Vec<String>>> {
    let attributes = group.attrs()?;
    if let Some(whole) = attributes.get(name) {
        return texts(name, whole).map(Some);
    }
    let part = |k: usize| attributes.get(&format!("{name}{k}"));
    let parts = (0..).map_while(part).map(|part| texts(name, part));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    Ok((!parts.is_empty()).then(|| parts.concat()))
}

fn texts(name: &str, value: &AttrValue) -> Result<Vec<String>> {
    match value.as_strings() {
        Some(texts) => Ok(texts.to_vec()),
        // A layer without weights has an empty list, which h5py writes as one of floats.
        None if value.to_f64s().is_some_and(|numbers| numbers.is_empty()) => Ok(vec![]),
        None => bail!("{name} is of type {}, expected texts", value.type_name()),
    }
}

/// The shape and values of a dataset of floats. `budget` is how many more values are believed: in all, one
/// a byte of the file, which lets Keras's own 32-bit floats be packed to a quarter.
fn numbers(group: &Group, name: &str, budget: &mut u64) -> Result<(Vec<usize>, Vec<f32>)> {
    let dataset = group.dataset(name).with_context(|| format!("dataset {name}"))?;
    let shape = dataset.shape()?;
    let count = shape.iter().try_fold(1u64, |count, &len| count.checked_mul(len));
    let left = count.and_then(|count| budget.checked_sub(count));
    *budget = left.with_context(|| format!("{name} is {shape:?}: more than the file has bytes"))?;
    let values = dataset.read_f32().with_context(|| format!("dataset {name}"))?;
    ensure!(count == Some(values.len() as u64), "{name} is {shape:?}, holds {}", values.len());
    let shape = shape.iter().map(|&len| usize::try_from(len)).collect::<Result<_, _>>()?;
    Ok((shape, values))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use hdf5_pure::{FileBuilder, ReadSeekSource};

    use super::*;

    /// A layer as Keras keeps it: name, kernel's shape and values, bias; no kernel where it has none.
    pub(crate) type Kept = (String, Vec<u64>, Vec<f32>, Vec<f32>);

    /// The bytes of a file as `save_weights` writes it.
    pub(crate) fn keras(layers: &[Kept]) -> Vec<u8> {
        let mut file = FileBuilder::new();
        let texts = |names: Vec<String>| AttrValue::AsciiStringArray(names);
        file.set_attr("layer_names", texts(layers.iter().map(|layer| layer.0.clone()).collect()));
        for (name, shape, kernel, bias) in layers {
            let mut group = file.create_group(name);
            let paths = ["kernel:0", "bias:0"].map(|part| format!("{name}/{part}"));
            if kernel.is_empty() {
                group.set_attr("weight_names", AttrValue::F64Array(vec![]));
            } else {
                group.set_attr("weight_names", texts(paths.to_vec()));
                let mut inner = group.create_group(name);
                inner.create_dataset("kernel:0").with_f32_data(kernel).with_shape(shape);
                inner.create_dataset("bias:0").with_f32_data(bias);
                group.add_group(inner.finish());
            }
            file.add_group(group.finish());
        }
        file.finish().unwrap()
    }

    fn two() -> Vec<u8> {
        keras(&[
            ("zero_padding2d_1".into(), vec![], vec![], vec![]),
            ("conv2d_1".into(), vec![1, 1, 2, 2], vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0]),
            ("conv2d_10".into(), vec![2, 1], vec![7.0, 8.0], vec![9.0]),
        ])
    }

    fn parse(bytes: Vec<u8>) -> Result<Vec<Found>> {
        let len = bytes.len() as u64;
        let source = ReadSeekSource::new(Cursor::new(bytes))?;
        layers(&File::from_source(source)?, len)
    }

    #[test]
    fn layers_are_read_in_keras_s_order() {
        let found = parse(two()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((&*found[0].name, &*found[0].shape), ("conv2d_1/kernel:0", &[1, 1, 2, 2][..]));
        assert_eq!(
            (&*found[0].values, &*found[0].bias),
            (&[1.0, 2.0, 3.0, 4.0][..], &[5.0, 6.0][..])
        );
        assert_eq!((&*found[1].values, found[1].layer()), (&[7.0, 8.0][..], "conv2d_10"));
    }

    #[test]
    fn a_file_from_disk_that_h5py_made_is_read_too() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/keras.h5");
        let found = read(Path::new(path)).unwrap();
        let seen: Vec<_> = found.iter().map(|found| (&*found.name, &*found.shape)).collect();
        assert_eq!(seen, [("b/kernel:0", &[1, 1, 2, 2][..]), ("a/kernel:0", &[2, 1][..])]);
        assert_eq!(
            (&*found[0].values, &*found[0].bias),
            (&[1.0, 2.0, 3.0, 4.0][..], &[5.0, 6.0][..])
        );
        assert!(found[1].bias.is_empty());
    }

    #[test]
    fn a_saved_model_and_names_in_parts_are_read_too() {
        let mut file = FileBuilder::new();
        let mut weights = file.create_group("model_weights");
        for (at, name) in ["a", "b"].into_iter().enumerate() {
            let attribute = format!("layer_names{at}");
            weights.set_attr(&attribute, AttrValue::AsciiStringArray(vec![name.into()]));
            let mut group = weights.create_group(name);
            group.set_attr("weight_names", AttrValue::AsciiStringArray(vec!["k".into()]));
            group.create_dataset("k").with_f32_data(&[at as f32]).with_shape(&[1, 1]);
            weights.add_group(group.finish());
        }
        file.add_group(weights.finish());
        let found = parse(file.finish().unwrap()).unwrap();
        let values: Vec<_> = found.iter().flat_map(|found| &found.values).collect();
        assert_eq!(values, [&0.0, &1.0]);
    }

    #[test]
    fn other_files_are_refused_with_what_was_expected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        std::fs::write(&path, "no HDF5").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("expected Keras's .h5"));
        let mut file = FileBuilder::new();
        file.create_dataset("x").with_f32_data(&[1.0]);
        let message = parse(file.finish().unwrap()).unwrap_err().to_string();
        assert!(message.starts_with("no attribute layer_names, expected"), "{message}");
        let mut file = FileBuilder::new();
        file.set_attr("layer_names", AttrValue::I64(3));
        let message = format!("{:#}", parse(file.finish().unwrap()).unwrap_err());
        assert!(message.ends_with("layer_names is of type i64, expected texts"), "{message}");
    }

    #[test]
    fn broken_files_end_in_an_error_or_other_numbers_never_in_a_panic() {
        for file in [
            two(),
            std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/keras.h5")).unwrap(),
        ] {
            for len in 0..file.len() {
                let _ = parse(file[..len].to_vec());
            }
            for at in 0..file.len() {
                for byte in [0, 0xff, file[at] ^ 1, file[at] ^ 0x80] {
                    let mut broken = file.clone();
                    broken[at] = byte;
                    let _ = parse(broken);
                }
            }
        }
    }
}
