//! Post-training quantization to bytes: layer by layer, one pass, bias-corrected.
//!
//! Every calibration picture goes through the net twice at once: exactly, and with everything rounded
//! so far. After each layer the mean difference of a channel is put into its bias (Nagel, van Baalen,
//! Blankevoort, Welling 2019, section 4.2), so that errors of one layer are not handed to the next;
//! then the layer's output range is chosen from the rounded values and they are rounded in turn. What
//! comes out at the end is what the integer graph computes ([`crate::onnx::export_int8`]), but for
//! the rounding of halves.

mod entropy;
mod equalize;
mod outputs;
mod pass;
mod patches;
mod range;
mod report;
mod rounding;
mod scheme;
mod sensitivity;

pub use equalize::{Equalizing, equalize};
pub use range::Calibration;
pub use report::{LayerReport, table};
pub use rounding::{Rounding, Scales};
pub use scheme::{Affine, Quantized, QuantizedLayer};
pub use sensitivity::{Sensitivity, sensitivities, sensitivity_table};

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use models::estimator::Logits;
use models::tensor::Tensor;

use crate::net::{Branch, Plan};
use crate::weights::Weights;
use pass::{Flow, Pair, Pass};
use range::Sample;

/// How a net becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, clap::Args)]
pub struct Settings {
    /// How activation ranges are chosen.
    #[arg(long, value_enum, default_value_t = Calibration::Mse)]
    pub calibration: Calibration,
    /// Which weights share a step.
    #[arg(long, value_enum, default_value_t = Scales::PerTensor)]
    pub scales: Scales,
    /// How weights are rounded.
    #[arg(long, value_enum, default_value_t = Rounding::Nearest)]
    pub rounding: Rounding,
    /// What channels are made even for, before anything is rounded.
    #[arg(long, value_enum, default_value_t = Equalizing::Weights)]
    pub equalize: Equalizing,
}

/// What [`quantize`] gives back.
pub struct Calibrated {
    /// The net in bytes.
    pub quantized: Quantized,
    /// The exact weights that were rounded: those given, made even.
    pub weights: Weights,
    /// One entry per layer with weights, in order.
    pub layers: Vec<LayerReport>,
    /// What the rounded net answers: for each output, in the plan's order, one tensor a picture.
    pub outputs: Vec<Vec<Tensor>>,
}

/// Quantizes a net after calibration pictures; `on_layer` is told of each layer once it is done.
///
/// # Shapes
/// - weights: folded ([`crate::fold`])
/// - pictures: `[1, 3, height, width]` each, as [`models::preprocess`] makes them
pub fn quantize<'a>(
    net: impl Into<Plan<'a>>,
    weights: &Weights,
    pictures: &[Tensor],
    settings: Settings,
    on_layer: &mut dyn FnMut(&LayerReport),
) -> Result<Calibrated> {
    let plan = net.into();
    let shape: Vec<usize> = [1].into_iter().chain(plan.input).collect();
    ensure!(!pictures.is_empty(), "no calibration pictures");
    for picture in pictures {
        ensure!(
            picture.shape == shape,
            "calibration picture is {:?}, expected {shape:?}",
            picture.shape
        );
    }
    let weights = equalize(&plan, weights, pictures, settings.equalize)?;
    let input = Sample::of(pictures.iter().map(|p| &*p.values)).affine(settings.calibration);
    let quantized = Quantized { input, layers: BTreeMap::new() };
    let mut pass = Pass { weights: &weights, settings, quantized, layers: vec![], on_layer };
    let pairs = pictures.iter().map(|picture| Pair::of(picture, input)).collect();
    let mut outputs = vec![];
    follow(&mut pass, &plan.root, Flow { pairs, coding: input }, &mut outputs)?;
    let Pass { quantized, layers, .. } = pass;
    Ok(Calibrated { outputs, quantized, layers, weights })
}

/// Takes all pictures through a branch and what reads it; its first reader decides how its values are coded.
fn follow(
    pass: &mut Pass<'_>,
    branch: &Branch<'_>,
    flow: Flow,
    outputs: &mut Vec<Vec<Tensor>>,
) -> Result<()> {
    let readers = branch.readers();
    let flow =
        pass.chain(branch.layers, readers.first().map_or(&[], |first| first.layers), flow)?;
    if readers.is_empty() {
        outputs.push(flow.pairs.into_iter().map(|pair| pair.rounded).collect());
        return Ok(());
    }
    readers.iter().try_for_each(|reader| follow(pass, reader, flow.clone(), outputs))
}

/// The last values of an age and a gender head as answers.
fn answers_of(age: &[Tensor], gender: &[Tensor]) -> Result<Vec<Logits>> {
    let logits = age.iter().zip(gender).map(|(age, gender)| {
        let age = age.values.as_slice().try_into().context("the age head's logits")?;
        let gender = gender.values.as_slice().try_into().context("the gender head's logits")?;
        Ok(Logits { age, gender })
    });
    logits.collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::net::{Layer, Net};
    use crate::{fold, init, net, onnx, verify};
    use models::session::{Options, Session};

    pub(crate) fn settings(calibration: Calibration) -> Settings {
        Settings {
            calibration,
            scales: Scales::PerTensor,
            rounding: Rounding::Nearest,
            equalize: Equalizing::Off,
        }
    }

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

    /// The answers of a rounded net are what calibration said, and nearly those in f32.
    fn check(settings: Settings) {
        let net = net::compact();
        let weights = fold::fold_batch_norm(&net, &init::he(&net, 1)).unwrap();
        let pictures: Vec<Tensor> = (0..8).map(|seed| picture(&net, seed)).collect();
        let calibrated = quantize(&net, &weights, &pictures, settings, &mut |_| {}).unwrap();
        let int8 = onnx::export_int8(&net, &calibrated.quantized).unwrap();
        let f32 = onnx::export_f32(&net, &weights).unwrap();

        let [age, gender] = &calibrated.outputs[..] else { panic!("two outputs") };
        let said = answers_of(age, gender).unwrap();
        let said = verify::compare(&said, &answers(&int8, &pictures)).unwrap();
        let seen = verify::compare(&answers(&f32, &pictures), &answers(&int8, &pictures)).unwrap();
        let new: Vec<Tensor> = (100..108).map(|seed| picture(&net, seed)).collect();
        let new = verify::compare(&answers(&f32, &new), &answers(&int8, &new)).unwrap();
        // Where a half is rounded to the other side, a byte of one layer is another one.
        assert!(said.age_years_max < 0.05, "{settings:?} {said:?}");
        assert!(seen.age_years_max < 0.5, "{settings:?} {seen:?}");
        assert!(new.age_years_max < 1.0, "{settings:?} {new:?}");
    }

    #[test]
    fn the_integer_graph_computes_what_calibration_said_and_nearly_what_f32_does() {
        check(settings(Calibration::Mse));
        check(Settings {
            calibration: Calibration::Measured,
            scales: Scales::PerChannel,
            rounding: Rounding::Compensated,
            equalize: Equalizing::Outputs,
        });
    }

    #[test]
    fn the_twin_without_signs_answers_the_same() {
        let net = net::compact();
        let weights = fold::fold_batch_norm(&net, &init::he(&net, 1)).unwrap();
        let pictures: Vec<Tensor> = (0..2).map(|seed| picture(&net, seed)).collect();
        for scales in [Scales::PerTensor, Scales::PerChannel] {
            let settings = Settings { scales, ..settings(Calibration::Minmax) };
            let done = quantize(&net, &weights, &pictures, settings, &mut |_| {}).unwrap();
            let ours = onnx::export_int8(&net, &done.quantized).unwrap();
            let twin = onnx::export_int8_twin(&net, &done.quantized).unwrap();
            assert_ne!(ours, twin);
            assert_eq!(answers(&ours, &pictures), answers(&twin, &pictures));
        }
    }

    #[test]
    fn every_layer_with_weights_is_one_integer_product() {
        let net = net::compact();
        let weights = fold::fold_batch_norm(&net, &init::he(&net, 2)).unwrap();
        let calibrated = quantize(
            &net,
            &weights,
            &[picture(&net, 0)],
            settings(Calibration::Minmax),
            &mut |_| {},
        );
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
        let refused =
            quantize(&net, &Weights::default(), &[small], settings(Calibration::Mse), &mut |_| {});
        let message = refused.err().unwrap().to_string();
        assert_eq!(message, "calibration picture is [1, 3, 8, 8], expected [1, 3, 96, 96]");
        assert!(
            quantize(&net, &Weights::default(), &[], settings(Calibration::Mse), &mut |_| {})
                .is_err()
        );
    }
}
