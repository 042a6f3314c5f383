//! Cross-layer equalization: channels of neighbouring layers are scaled against each other, so that
//! one step per layer serves all of its channels.
//!
//! Nagel, van Baalen, Blankevoort, Welling 2019, section 4.1: a ReLU, a maximum and a reshape pass a
//! positive factor through, so what divides a channel's weights may multiply its readers'. The net
//! computes the same.

use anyhow::{Context, Result};
use models::tensor::Tensor;

use super::outputs;
use crate::net::{Branch, Layer, Plan, Weighted};
use crate::weights::Weights;

/// What neighbouring layers' channels are scaled against each other for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Equalizing {
    /// Weights of like size on both sides: for one step per layer.
    Weights,
    /// Outputs of like peak, as far as other pictures keep to the peaks: for one step per channel.
    Outputs,
    /// Nothing: channels stay as trained.
    Off,
}

/// Sweeps over the net; the factors are then within a fraction of a percent of 1.
const SWEEPS: usize = 12;

/// The same net with evener channels; `weights` are folded ([`crate::fold`]).
///
/// # Errors
/// Weights that are missing, or pictures of another size.
pub fn equalize(
    plan: &Plan<'_>,
    weights: &Weights,
    pictures: &[Tensor],
    equalizing: Equalizing,
) -> Result<Weights> {
    match equalizing {
        Equalizing::Weights => by_weights(plan, weights),
        Equalizing::Outputs => outputs::even_out(plan, weights, pictures),
        Equalizing::Off => Ok(weights.clone()),
    }
}

/// A layer that several branches read is left alone: made even for all it served none (0.198 instead of
/// 0.177 years between f32 and int8, a trained compact net on 1,024 faces).
fn by_weights(plan: &Plan<'_>, weights: &Weights) -> Result<Weights> {
    let mut even = weights.clone();
    for _ in 0..SWEEPS {
        even_branch(&mut even, &plan.root)?;
    }
    Ok(even)
}

fn even_branch(even: &mut Weights, branch: &Branch<'_>) -> Result<()> {
    let layers: Vec<Weighted<'_>> = branch.layers.iter().filter_map(Layer::weighted).collect();
    for pair in layers.windows(2).filter(|pair| pair[0].relu) {
        even_out(even, &pair[0], pair[1].name)?;
    }
    branch.readers().iter().try_for_each(|reader| even_branch(even, reader))
}

/// Scales each output channel so that its largest weight and its reader's largest are alike.
fn even_out(weights: &mut Weights, layer: &Weighted<'_>, reader: &str) -> Result<()> {
    let channels = layer.shape[0];
    let [kernel, bias] = ["weight", "bias"].map(|part| format!("{}.{part}", layer.name));
    let reader = format!("{reader}.weight");
    let written = largest(find(weights, &kernel)?, channels, Axis::Output);
    let read = largest(find(weights, &reader)?, channels, Axis::Input);
    let factors = written.iter().zip(&read).map(|(written, read)| (written / read).sqrt());
    let factors: Vec<f32> = factors.map(|f| if f.is_normal() { f } else { 1.0 }).collect();
    let divisors: Vec<f32> = factors.iter().map(|f| f.recip()).collect();
    scale(find(weights, &kernel)?, &divisors, Axis::Output);
    scale(find(weights, &bias)?, &divisors, Axis::Output);
    scale(find(weights, &reader)?, &factors, Axis::Input);
    Ok(())
}

/// The axis of a weight along which channels are told apart.
#[derive(Clone, Copy)]
pub(super) enum Axis {
    /// The first.
    Output,
    /// The second; after a flatten, each channel is several columns of it.
    Input,
}

impl Axis {
    /// How many values lie together that belong to one of `channels`.
    pub(super) fn run(self, tensor: &Tensor, channels: usize) -> usize {
        let groups = match self {
            Axis::Output => channels,
            Axis::Input => channels * tensor.shape[0],
        };
        (tensor.values.len() / groups).max(1)
    }
}

pub(super) fn find<'a>(weights: &'a mut Weights, name: &str) -> Result<&'a mut Tensor> {
    weights.tensors.get_mut(name).with_context(|| format!("{name} is missing"))
}

fn largest(tensor: &Tensor, channels: usize, axis: Axis) -> Vec<f32> {
    let mut largest = vec![0.0f32; channels];
    for (i, values) in tensor.values.chunks(axis.run(tensor, channels)).enumerate() {
        let channel = &mut largest[i % channels];
        *channel = values.iter().fold(*channel, |max, v| max.max(v.abs()));
    }
    largest
}

pub(super) fn scale(tensor: &mut Tensor, factors: &[f32], axis: Axis) {
    let run = axis.run(tensor, factors.len());
    for (values, factor) in tensor.values.chunks_mut(run).zip(factors.iter().cycle()) {
        values.iter_mut().for_each(|v| *v *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Net;
    use crate::{fold, init, net, onnx};
    use models::session::{Options, Session};

    /// Weights whose channels differ by a factor of up to 64, as folded batch norms do.
    fn uneven(net: &Net) -> Weights {
        let mut weights = fold::fold_batch_norm(net, &init::he(net, 5)).unwrap();
        for layer in net.layers().filter_map(Layer::weighted).filter(|layer| layer.relu) {
            let factors: Vec<f32> =
                (0..layer.shape[0]).map(|i| 0.125 * (1 << (i % 7)) as f32).collect();
            scale(
                find(&mut weights, &format!("{}.weight", layer.name)).unwrap(),
                &factors,
                Axis::Output,
            );
        }
        weights
    }

    #[test]
    fn the_equalized_net_computes_the_same_with_evener_channels() {
        let net = net::compact();
        let before = uneven(&net);
        let after = equalize(&(&net).into(), &before, &[], Equalizing::Weights).unwrap();
        let spread = |weights: &Weights| {
            let rows = largest(&weights.tensors["conv3_1.weight"], 128, Axis::Output);
            rows.iter().fold(0.0f32, |a, &b| a.max(b))
                / rows.iter().fold(f32::MAX, |a, &b| a.min(b))
        };
        // What one layer had alone, it now shares with its reader: the square root each.
        let (before_spread, after_spread) = (spread(&before), spread(&after));
        assert!(before_spread > 40.0, "{before_spread}");
        assert!(after_spread < 1.2 * before_spread.sqrt(), "{before_spread} {after_spread}");

        let picture = crate::quantize::tests::picture(&net, 3);
        let run = |weights| {
            let graph = onnx::export_f32(&net, weights).unwrap();
            Session::open_any(graph, &Options::default()).unwrap().run(&picture).unwrap()
        };
        for (a, b) in run(&before).iter().zip(run(&after)) {
            let max = a.values.iter().fold(0.0f32, |max, v| max.max(v.abs()));
            assert!(a.values.iter().zip(&b.values).all(|(a, b)| (a - b).abs() <= 1e-4 * max));
        }
    }
}
