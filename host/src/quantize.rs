//! Post-training quantization to bytes: layer by layer, one pass, bias-corrected.
//!
//! Every calibration picture goes through the net twice at once: exactly, and with everything rounded
//! so far. After each layer the mean difference of a channel is put into its bias (Nagel, van Baalen,
//! Blankevoort, Welling 2019, section 4.2), so that errors of one layer are not handed to the next;
//! then the layer's output range is chosen from the rounded values and they are rounded in turn. What
//! comes out at the end is what the integer graph computes ([`crate::onnx::export_int8`]), but for
//! the rounding of halves.

mod equalize;
mod range;
mod report;
mod scheme;

pub use equalize::equalize;
pub use range::Calibration;
pub use report::{LayerReport, table};
pub use scheme::{Affine, Quantized, QuantizedLayer};

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use models::estimator::Logits;
use models::session::{Options, Session};
use models::tensor::Tensor;

use crate::net::{Layer, Net, Weighted};
use crate::onnx;
use crate::weights::Weights;
use range::Sample;

/// What [`quantize`] gives back.
pub struct Calibrated {
    /// The net in bytes.
    pub quantized: Quantized,
    /// One entry per layer with weights, in order.
    pub layers: Vec<LayerReport>,
    /// What the rounded net answers to each calibration picture; empty where it has one head.
    pub logits: Vec<Logits>,
}

/// Quantizes a net after calibration pictures; `on_layer` is told of each layer once it is done.
///
/// # Shapes
/// - weights: folded ([`crate::fold`])
/// - pictures: `[1, 3, S, S]` each, as [`models::preprocess`] makes them
pub fn quantize(
    net: &Net,
    weights: &Weights,
    pictures: &[Tensor],
    calibration: Calibration,
    on_layer: &mut dyn FnMut(&LayerReport),
) -> Result<Calibrated> {
    let shape = [1, 3, net.input_px, net.input_px];
    ensure!(!pictures.is_empty(), "no calibration pictures");
    for picture in pictures {
        ensure!(
            picture.shape == shape,
            "calibration picture is {:?}, expected {shape:?}",
            picture.shape
        );
    }
    let input = Sample::of(pictures.iter().map(|p| &*p.values)).affine(calibration);
    let quantized = Quantized { input, layers: BTreeMap::new() };
    let mut pass = Pass { weights, calibration, quantized, layers: vec![], on_layer };
    let pairs = pictures.iter().map(|picture| Pair::of(picture, input)).collect();
    let features = pass.chain(&net.trunk, Flow { pairs, coding: input })?;
    let age = pass.chain(&net.age, features.clone())?;
    let gender = pass.chain(&net.gender, features)?;
    let both = !net.age.is_empty() && !net.gender.is_empty();
    let logits = if both { rounded_logits(&age, &gender)? } else { vec![] };
    Ok(Calibrated { logits, quantized: pass.quantized, layers: pass.layers })
}

fn rounded_logits(age: &Flow, gender: &Flow) -> Result<Vec<Logits>> {
    let logits = age.pairs.iter().zip(&gender.pairs).map(|(age, gender)| {
        let age = age.rounded.values.as_slice().try_into().context("the age head's logits")?;
        let gender =
            gender.rounded.values.as_slice().try_into().context("the gender head's logits")?;
        Ok(Logits { age, gender })
    });
    logits.collect()
}

/// One picture on its two ways through the net.
#[derive(Clone)]
struct Pair {
    exact: Tensor,
    rounded: Tensor,
}

impl Pair {
    fn of(picture: &Tensor, coding: Affine) -> Self {
        let mut rounded = picture.clone();
        rounded.values.iter_mut().for_each(|v| *v = coding.round(*v));
        Self { exact: picture.clone(), rounded }
    }
}

/// All pictures between two layers, and how their bytes are coded.
#[derive(Clone)]
struct Flow {
    pairs: Vec<Pair>,
    coding: Affine,
}

impl Flow {
    /// Smallest and largest exact value, 0 among them.
    fn ends(&self) -> (f32, f32) {
        let values = self.pairs.iter().flat_map(|pair| &pair.exact.values);
        values.fold((0.0, 0.0), |(low, high), &v| (v.min(low), v.max(high)))
    }

    /// ReLU, and bytes for what is left.
    fn rectify(&mut self, calibration: Calibration) -> Affine {
        for pair in &mut self.pairs {
            let values = pair.exact.values.iter_mut().chain(&mut pair.rounded.values);
            values.for_each(|v| *v = v.max(0.0));
        }
        let sample = Sample::of(self.pairs.iter().map(|pair| &*pair.rounded.values));
        self.coding = sample.affine(calibration);
        for value in self.pairs.iter_mut().flat_map(|pair| &mut pair.rounded.values) {
            *value = self.coding.round(*value);
        }
        self.coding
    }
}

struct Pass<'a> {
    weights: &'a Weights,
    calibration: Calibration,
    quantized: Quantized,
    layers: Vec<LayerReport>,
    on_layer: &'a mut dyn FnMut(&LayerReport),
}

impl Pass<'_> {
    fn chain(&mut self, layers: &[Layer], mut flow: Flow) -> Result<Flow> {
        for layer in layers {
            match layer.weighted() {
                Some(weighted) => self.product(layer, &weighted, &mut flow)?,
                None => run(layer, [self.weights; 2], &mut flow.pairs)?,
            }
        }
        Ok(flow)
    }

    /// A layer with weights: multiply, correct the bias, round.
    fn product(&mut self, layer: &Layer, weighted: &Weighted<'_>, flow: &mut Flow) -> Result<()> {
        let Weighted { name, shape, relu } = weighted;
        let kernel = &self.weights.get(&format!("{name}.weight"), shape)?.values;
        let bias = &self.weights.get(&format!("{name}.bias"), &shape[..1])?.values;
        let step = Affine { scale: range::weight_scale(kernel), zero: 0 };
        let weight: Vec<i8> = kernel.iter().map(|&w| step.byte(w).max(-127)).collect();
        let rounded_kernel: Vec<f32> = weight.iter().map(|&byte| step.real(byte)).collect();
        let weight_sqnr_db = report::sqnr_db([(&**kernel, &*rounded_kernel)]);
        let mut rounded = Weights::default();
        rounded.set(format!("{name}.weight"), shape, rounded_kernel);
        rounded.set(format!("{name}.bias"), &shape[..1], bias.clone());

        run(&without_relu(layer), [self.weights, &rounded], &mut flow.pairs)?;
        let bias = correct(bias, flow.coding.scale * step.scale, &mut flow.pairs);
        let output = relu.then(|| flow.rectify(self.calibration));
        let pairs = flow.pairs.iter().map(|p| (&*p.exact.values, &*p.rounded.values));
        let layer_report = LayerReport {
            name: (*name).to_owned(),
            weight_sqnr_db,
            sqnr_db: report::sqnr_db(pairs),
            seen: flow.ends(),
            coded: output.map(|coding| (coding.real(i8::MIN), coding.real(i8::MAX))),
        };
        (self.on_layer)(&layer_report);
        self.layers.push(layer_report);
        let layer = QuantizedLayer { weight, weight_scale: step.scale, bias, output };
        self.quantized.layers.insert((*name).to_owned(), layer);
        Ok(())
    }
}

/// Takes every picture through a layer, exactly with the first weights and rounded with the second.
fn run(layer: &Layer, weights: [&Weights; 2], pairs: &mut [Pair]) -> Result<()> {
    let Some(first) = pairs.first() else { return Ok(()) };
    let shape = first.exact.shape[1..].to_vec();
    let open = |weights| -> Result<Session> {
        let graph = onnx::export_layer(layer, weights, &shape)?;
        Session::open_any(graph, &Options::default()).with_context(|| format!("running {layer:?}"))
    };
    let (mut exact, mut rounded) = (open(weights[0])?, open(weights[1])?);
    for pair in pairs {
        pair.exact = only(exact.run(&pair.exact)?)?;
        pair.rounded = only(rounded.run(&pair.rounded)?)?;
    }
    Ok(())
}

fn only(outputs: Vec<Tensor>) -> Result<Tensor> {
    outputs.into_iter().next().context("a layer without output")
}

/// Moves the rounded values so that each channel's mean is the exact one; gives the bias that does it,
/// in whole `unit`s.
fn correct(bias: &[f32], unit: f32, pairs: &mut [Pair]) -> Vec<i32> {
    let mut error = vec![0.0f64; bias.len()];
    let mut count = 0;
    for pair in pairs.iter() {
        let len = pair.exact.values.len() / bias.len();
        count += len;
        let channels = pair.exact.values.chunks(len).zip(pair.rounded.values.chunks(len));
        for (error, (exact, rounded)) in error.iter_mut().zip(channels) {
            *error += exact.iter().zip(rounded).map(|(e, r)| f64::from(e - r)).sum::<f64>();
        }
    }
    let wanted = bias.iter().zip(&error).map(|(&b, error)| f64::from(b) + error / count as f64);
    #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
    let whole: Vec<i32> = wanted.map(|w| (w / f64::from(unit)).round() as i32).collect();
    for pair in pairs {
        let len = pair.rounded.values.len() / bias.len();
        for ((values, &whole), bias) in pair.rounded.values.chunks_mut(len).zip(&whole).zip(bias) {
            let shift = whole as f32 * unit - bias;
            values.iter_mut().for_each(|v| *v += shift);
        }
    }
    whole
}

fn without_relu(layer: &Layer) -> Layer {
    let mut layer = layer.clone();
    match &mut layer {
        Layer::Conv(conv) => conv.relu = false,
        Layer::Linear(linear) => linear.relu = false,
        Layer::MaxPool | Layer::Flatten | Layer::Dropout(_) => {}
    }
    layer
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{fold, init, net, verify};

    /// A smooth random picture in [−1, 1), as bytes around 128 give it.
    pub(crate) fn picture(net: &Net, seed: u64) -> Tensor {
        let side = net.input_px;
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 24) as f32
        };
        let waves: Vec<[f32; 4]> = (0..24).map(|_| [next(), next(), next(), next()]).collect();
        let mut values = Vec::with_capacity(3 * side * side);
        for i in 0..3 * side * side {
            let (channel, y, x) = (i / side / side, i / side % side, i % side);
            let sum: f32 = waves[channel * 8..][..8]
                .iter()
                .map(|[a, b, c, d]| {
                    let (fx, fy) = (a * 0.4, b * 0.4);
                    (fx * x as f32 + fy * y as f32 + c * 6.3).sin() * d
                })
                .sum();
            values.push(((sum * 40.0).round() / 128.0).clamp(-1.0, 127.0 / 128.0));
        }
        Tensor::new([1, 3, side, side], values).unwrap()
    }

    fn answers(graph: &[u8], pictures: &[Tensor]) -> Vec<Logits> {
        verify::answers(
            &mut Session::open_any(graph.to_vec(), &Options::default()).unwrap(),
            pictures,
        )
        .unwrap()
    }

    #[test]
    fn the_integer_graph_computes_what_calibration_said_and_nearly_what_f32_does() {
        let net = net::compact();
        let weights = fold::fold_batch_norm(&net, &init::he(&net, 1)).unwrap();
        let pictures: Vec<Tensor> = (0..8).map(|seed| picture(&net, seed)).collect();
        let calibrated =
            quantize(&net, &weights, &pictures, Calibration::Mse, &mut |_| {}).unwrap();
        let int8 = onnx::export_int8(&net, &calibrated.quantized).unwrap();
        let f32 = onnx::export_f32(&net, &weights).unwrap();

        let said = verify::compare(&calibrated.logits, &answers(&int8, &pictures)).unwrap();
        let seen = verify::compare(&answers(&f32, &pictures), &answers(&int8, &pictures)).unwrap();
        let new: Vec<Tensor> = (100..108).map(|seed| picture(&net, seed)).collect();
        let new = verify::compare(&answers(&f32, &new), &answers(&int8, &new)).unwrap();
        // Where a half is rounded to the other side, a byte of one layer is another one.
        assert!(said.age_years_max < 0.05, "{said:?}");
        assert!(seen.age_years_max < 0.5, "{seen:?}");
        assert!(new.age_years_max < 1.0, "{new:?}");
    }

    #[test]
    fn every_layer_with_weights_is_one_integer_product() {
        let net = net::compact();
        let weights = fold::fold_batch_norm(&net, &init::he(&net, 2)).unwrap();
        let calibrated =
            quantize(&net, &weights, &[picture(&net, 0)], Calibration::Minmax, &mut |_| {});
        let graph = onnx::export_int8(&net, &calibrated.unwrap().quantized).unwrap();
        let operators = Session::open_any(graph, &Options::default()).unwrap().operators();
        let products: Vec<_> = operators.iter().filter(|o| o.is_product()).collect();
        assert_eq!(products.len(), net.layers().filter_map(Layer::weighted).count());
        assert!(products.iter().all(|o| o.is_integer_product()), "{products:?}");
        assert!(!operators.iter().any(|o| o.is_other_convolution()), "{operators:?}");
    }

    #[test]
    fn pictures_of_another_size_are_refused_with_both_sizes() {
        let net = net::compact();
        let small = Tensor::new([1, 3, 8, 8], vec![0.0; 192]).unwrap();
        let refused = quantize(&net, &Weights::default(), &[small], Calibration::Mse, &mut |_| {});
        let message = refused.err().unwrap().to_string();
        assert_eq!(message, "calibration picture is [1, 3, 8, 8], expected [1, 3, 96, 96]");
        assert!(quantize(&net, &Weights::default(), &[], Calibration::Mse, &mut |_| {}).is_err());
    }
}
