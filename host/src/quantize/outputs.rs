//! Equalization by outputs: channels that never get far are spread over more of the 256 steps.
//!
//! Where each output channel has a weight step of its own, its size costs that channel nothing, but what
//! reads it has one step for all its inputs. So outputs are made even only as far as those weights can
//! bear: SmoothQuant's balance (Xiao et al. 2023, equation 4), here between layers of one net.

use std::collections::BTreeMap;

use anyhow::Result;
use models::tensor::Tensor;

use super::equalize::{Axis, find, largest, scale};
use super::pass::run;
use crate::net::{Layer, Net, Weighted};
use crate::weights::Weights;

/// How much of the unevenness moves from the outputs into the weights that read them: the authors' α.
const SHARE: f32 = 0.5;
/// Pictures whose outputs are looked at.
const PICTURES: usize = 16;
/// Channels that stay below this share of the mean peak count as if they reached it: others may light
/// them up.
const FLOOR: f32 = 0.1;

/// The same net with evener outputs.
pub(super) fn even_out(net: &Net, weights: &Weights, pictures: &[Tensor]) -> Result<Weights> {
    let pictures = pictures.iter().take(PICTURES).cloned().collect();
    let mut peaks = BTreeMap::new();
    let features = watch(&net.trunk, weights, pictures, &mut peaks)?;
    watch(&net.age, weights, features.clone(), &mut peaks)?;
    watch(&net.gender, weights, features, &mut peaks)?;
    let mut even = weights.clone();
    for (layer, readers) in neighbours(net) {
        if let Some(peaks) = peaks.get(layer.name) {
            spread(&mut even, layer.name, &readers, peaks)?;
        }
    }
    Ok(even)
}

/// Runs layers on pictures and notes the largest value of every channel that a ReLU ends.
fn watch(
    layers: &[Layer],
    weights: &Weights,
    mut tensors: Vec<Tensor>,
    peaks: &mut BTreeMap<String, Vec<f32>>,
) -> Result<Vec<Tensor>> {
    for layer in layers {
        run(layer, weights, tensors.iter_mut())?;
        let Some(Weighted { name, shape, relu: true }) = layer.weighted() else { continue };
        let mut seen = vec![0.0f32; shape[0]];
        for values in tensors.iter().map(|tensor| &tensor.values) {
            for (peak, map) in seen.iter_mut().zip(values.chunks(values.len() / shape[0])) {
                *peak = map.iter().fold(*peak, |max, &v| max.max(v));
            }
        }
        peaks.insert(name.to_owned(), seen);
    }
    Ok(tensors)
}

/// Each layer with weights and those that read it; what the trunk ends in is read by both heads.
fn neighbours(net: &Net) -> Vec<(Weighted<'_>, Vec<&str>)> {
    let mut pairs = vec![];
    for part in [&net.trunk, &net.age, &net.gender] {
        let layers: Vec<_> = part.iter().filter_map(Layer::weighted).collect();
        for pair in layers.windows(2) {
            pairs.push((pair[0].clone(), vec![pair[1].name]));
        }
    }
    let heads = [&net.age, &net.gender].into_iter();
    let heads = heads.filter_map(|head| head.iter().find_map(|layer| Some(layer.weighted()?.name)));
    let heads: Vec<&str> = heads.collect();
    if let Some(last) = net.trunk.iter().rev().find_map(Layer::weighted) {
        pairs.push((last, heads));
    }
    pairs
}

/// Divides each output channel of a layer by what its readers are multiplied with.
fn spread(weights: &mut Weights, layer: &str, readers: &[&str], peaks: &[f32]) -> Result<()> {
    let channels = peaks.len();
    let mut read = vec![0.0f32; channels];
    for reader in readers {
        let tensor = find(weights, &format!("{reader}.weight"))?;
        let largest = largest(tensor, channels, Axis::Input);
        read.iter_mut().zip(largest).for_each(|(read, largest)| *read = read.max(largest));
    }
    let mean = peaks.iter().sum::<f32>() / channels as f32;
    let balance =
        |(peak, read): (&f32, &f32)| peak.max(FLOOR * mean).powf(SHARE) / read.powf(1.0 - SHARE);
    let factors = peaks.iter().zip(&read).map(balance);
    let factors: Vec<f32> = factors.map(|f| if f.is_normal() { f } else { 1.0 }).collect();
    let divisors: Vec<f32> = factors.iter().map(|f| f.recip()).collect();
    for part in ["weight", "bias"] {
        scale(find(weights, &format!("{layer}.{part}"))?, &divisors, Axis::Output);
    }
    for reader in readers {
        scale(find(weights, &format!("{reader}.weight"))?, &factors, Axis::Input);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use models::session::{Options, Session};

    use super::*;
    use crate::{fold, init, net, onnx, quantize};

    #[test]
    fn evener_outputs_are_those_of_the_same_net() {
        let net = net::compact();
        let before = fold::fold_batch_norm(&net, &init::he(&net, 5)).unwrap();
        let pictures: Vec<Tensor> = (0..4).map(|k| quantize::tests::picture(&net, k)).collect();
        let after = even_out(&net, &before, &pictures).unwrap();

        let unevenness = |weights: &Weights| {
            let mut peaks = BTreeMap::new();
            watch(&net.trunk, weights, pictures.clone(), &mut peaks).unwrap();
            let peaks = &peaks["conv3_1"];
            let mean = peaks.iter().sum::<f32>() / peaks.len() as f32;
            peaks.iter().map(|p| (p / mean - 1.0).powi(2)).sum::<f32>() / peaks.len() as f32
        };
        assert!(unevenness(&after) < 0.5 * unevenness(&before));

        let run = |weights| {
            let graph = onnx::export_f32(&net, weights).unwrap();
            let mut session = Session::open_any(graph, &Options::default()).unwrap();
            session.run(&pictures[0]).unwrap()
        };
        for (a, b) in run(&before).iter().zip(run(&after)) {
            let max = a.values.iter().fold(0.0f32, |max, v| max.max(v.abs()));
            assert!(a.values.iter().zip(&b.values).all(|(a, b)| (a - b).abs() <= 1e-4 * max));
        }
    }

    #[test]
    fn both_heads_read_the_last_layer_of_the_trunk() {
        let vgg = net::vgg_face();
        let pairs = neighbours(&vgg);
        let (layer, readers) = &pairs[pairs.len() - 1];
        assert_eq!((layer.name, &readers[..]), ("conv5_3", &["age.fc6", "gender.fc6"][..]));
        assert_eq!(pairs.len(), 12 + 2 + 2 + 1);
    }
}
