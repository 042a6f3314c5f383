//! Weights of a safetensors file, as torch names them: `LAYER.weight` and `LAYER.bias`.

use std::path::Path;

use anyhow::Result;
use models::tensor::Tensor;

use super::found::{Found, Layout};
use crate::weights::Weights;

/// The layers with weights of the file at `path`: convolutions first, then fully connected ones, each in
/// the order of the numbers in their names.
///
/// # Errors
/// Broken, or with tensors that are not 32-bit floats.
pub(super) fn read(path: &Path) -> Result<Vec<Found>> {
    let mut tensors = Weights::read(path)?.tensors;
    let mut names: Vec<String> =
        tensors.keys().filter(|name| name.ends_with(".weight")).cloned().collect();
    // As text, "classifier" comes before "features", and "features.10" before "features.2".
    names.sort_by_cached_key(|name| (tensors[name].shape.len() == 2, in_numbers(name)));
    let mut take = |name: &str| tensors.remove(name);
    let layers = names.iter().filter_map(|name| {
        let Tensor { shape, values } = take(name)?;
        let stem = name.strip_suffix(".weight").unwrap_or(name);
        let bias = take(&format!("{stem}.bias")).map_or(vec![], |bias| bias.values);
        Some(Found { name: name.clone(), shape, values, bias, layout: Layout::OutFirst })
    });
    Ok(layers.collect())
}

/// A name cut into texts and numbers, so that 10 comes after 2.
fn in_numbers(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0u64)];
    let mut in_number = false;
    for c in name.chars() {
        match (c.to_digit(10), parts.last_mut()) {
            (Some(digit), Some((_, number))) => {
                *number = number.saturating_mul(10).saturating_add(digit.into());
                in_number = true;
            }
            (None, Some((text, _))) if !in_number => text.push(c),
            _ => {
                parts.push((c.into(), 0));
                in_number = false;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torch_s_names_are_put_in_the_net_s_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vgg.safetensors");
        let mut weights = Weights::default();
        for (name, shape) in [
            ("classifier.0", vec![2, 2]),
            ("features.10", vec![2, 2, 1, 1]),
            ("features.2", vec![2, 2, 1, 1]),
        ] {
            weights.set(format!("{name}.weight"), &shape, vec![1.0; 4]);
        }
        weights.set("features.2.bias", &[2], vec![3.0; 2]);
        weights.set("features.2.running_mean", &[2], vec![0.0; 2]);
        weights.write(&path).unwrap();
        let found = read(&path).unwrap();
        let names: Vec<_> = found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["features.2.weight", "features.10.weight", "classifier.0.weight"]);
        assert_eq!(found[0].bias, [3.0; 2]);
        assert!(found[1].bias.is_empty());
    }
}
