//! Every calibration picture on two ways through the net at once: exactly, and with everything rounded
//! so far.

use anyhow::{Context, Result};
use models::session::{Options, Session};
use models::tensor::Tensor;

use super::range::Sample;
use super::report::{self, LayerReport};
use super::rounding::{self, Bytes, Rounding};
use super::scheme::{Affine, Quantized, QuantizedLayer};
use super::{Settings, patches};
use crate::net::{Layer, Weighted};
use crate::onnx;
use crate::weights::Weights;

/// Pictures on which ranges are held against each other.
const MEASURED: usize = 8;

/// One picture on its two ways through the net.
#[derive(Clone)]
pub(super) struct Pair {
    exact: Tensor,
    pub(super) rounded: Tensor,
}

impl Pair {
    pub(super) fn of(picture: &Tensor, coding: Affine) -> Self {
        Self { exact: picture.clone(), rounded: round(picture, coding) }
    }
}

/// All pictures between two layers, and how their bytes are coded.
#[derive(Clone)]
pub(super) struct Flow {
    pub(super) pairs: Vec<Pair>,
    pub(super) coding: Affine,
}

impl Flow {
    /// Smallest and largest exact value, 0 among them.
    fn ends(&self) -> (f32, f32) {
        let values = self.pairs.iter().flat_map(|pair| &pair.exact.values);
        values.fold((0.0, 0.0), |(low, high), &v| (v.min(low), v.max(high)))
    }

    fn exact(&mut self) -> impl Iterator<Item = &mut Tensor> {
        self.pairs.iter_mut().map(|pair| &mut pair.exact)
    }

    fn rounded(&mut self) -> impl Iterator<Item = &mut Tensor> {
        self.pairs.iter_mut().map(|pair| &mut pair.rounded)
    }

    /// Both ways through a layer that has no weights.
    fn through(&mut self, layer: &Layer, weights: &Weights) -> Result<()> {
        run(layer, weights, self.pairs.iter_mut().flat_map(|p| [&mut p.exact, &mut p.rounded]))
    }
}

/// One pass over a net.
pub(super) struct Pass<'a> {
    pub(super) weights: &'a Weights,
    pub(super) settings: Settings,
    pub(super) quantized: Quantized,
    pub(super) layers: Vec<LayerReport>,
    pub(super) on_layer: &'a mut dyn FnMut(&LayerReport),
}

impl Pass<'_> {
    /// Takes all pictures through `layers`; `after` is what reads them then.
    pub(super) fn chain(
        &mut self,
        layers: &[Layer],
        after: &[Layer],
        mut flow: Flow,
    ) -> Result<Flow> {
        for (at, layer) in layers.iter().enumerate() {
            match layer.weighted() {
                Some(weighted) => {
                    self.product(layer, &weighted, &mut flow)?;
                    let readers = layers[at + 1..].iter().chain(after);
                    self.round(&weighted, &upto_product(readers), &mut flow)?;
                }
                None => flow.through(layer, self.weights)?,
            }
        }
        Ok(flow)
    }

    /// A layer with weights: multiply, correct the bias; the sums are not rounded yet.
    fn product(&mut self, layer: &Layer, weighted: &Weighted<'_>, flow: &mut Flow) -> Result<()> {
        let Weighted { name, shape, .. } = weighted;
        let kernel = &self.weights.get(&format!("{name}.weight"), shape)?.values;
        let bias = &self.weights.get(&format!("{name}.bias"), &shape[..1])?.values;
        let bytes = self.bytes(layer, kernel, flow)?;
        let mut rounded = Weights::default();
        rounded.set(format!("{name}.weight"), shape, bytes.real());
        rounded.set(format!("{name}.bias"), &shape[..1], bias.clone());
        let layer = without_relu(layer);
        run(&layer, self.weights, flow.exact())?;
        run(&layer, &rounded, flow.rounded())?;

        let units: Vec<f32> = bytes.scales.iter().map(|step| step * flow.coding.scale).collect();
        let bias = correct(bias, &units, &mut flow.pairs);
        let real = &rounded.get(&format!("{name}.weight"), shape)?.values;
        self.layers.push(LayerReport {
            name: (*name).to_owned(),
            weight_sqnr_db: report::sqnr_db([(&**kernel, &**real)]),
            sqnr_db: 0.0,
            seen: (0.0, 0.0),
            coded: None,
        });
        let Bytes { weight, scales } = bytes;
        let layer = QuantizedLayer { weight, weight_scales: scales, bias, output: None };
        self.quantized.layers.insert((*name).to_owned(), layer);
        Ok(())
    }

    fn bytes(&self, layer: &Layer, kernel: &[f32], flow: &Flow) -> Result<Bytes> {
        let outputs = layer.weighted().map_or(1, |weighted| weighted.shape[0]);
        let scales = rounding::scales(kernel, outputs, self.settings.scales);
        let inputs: Vec<&Tensor> = flow.pairs.iter().map(|pair| &pair.rounded).collect();
        let samples = match self.settings.rounding {
            Rounding::Nearest => None,
            Rounding::Compensated => patches::sample(layer, &inputs),
        };
        match samples {
            Some(samples) => rounding::compensated(kernel, scales, samples),
            None => Ok(rounding::nearest(kernel, scales)),
        }
    }

    /// ReLU and bytes for what is left, unless the sums are logits; then the layer is reported.
    fn round(&mut self, layer: &Weighted<'_>, next: &[Layer], flow: &mut Flow) -> Result<()> {
        if layer.relu {
            let values =
                flow.pairs.iter_mut().flat_map(|pair| [&mut pair.exact, &mut pair.rounded]);
            values.flat_map(|tensor| &mut tensor.values).for_each(|v| *v = v.max(0.0));
        }
        let last = next.is_empty() && !layer.relu;
        let output = if last { None } else { Some(self.encode(next, flow)?) };
        let (Some(report), Some(bytes)) =
            (self.layers.last_mut(), self.quantized.layers.get_mut(layer.name))
        else {
            return Ok(());
        };
        bytes.output = output;
        let pairs = flow.pairs.iter().map(|p| (&*p.exact.values, &*p.rounded.values));
        report.sqnr_db = report::sqnr_db(pairs);
        report.seen = flow.ends();
        report.coded = output.map(|coding| (coding.real(i8::MIN), coding.real(i8::MAX)));
        (self.on_layer)(report);
        Ok(())
    }

    /// Rounds a layer's outputs to bytes.
    fn encode(&self, next: &[Layer], flow: &mut Flow) -> Result<Affine> {
        let sample = Sample::of(flow.pairs.iter().map(|pair| &*pair.rounded.values));
        let codings = sample.codings(self.settings.calibration);
        flow.coding = match codings.as_slice() {
            [only] => *only,
            _ if next.is_empty() => codings[0],
            _ => self.quietest(&codings, next, &flow.pairs)?,
        };
        let coding = flow.coding;
        flow.rounded().for_each(|tensor| *tensor = round(tensor, coding));
        Ok(coding)
    }

    /// The coding that leaves the least noise in the sums of the next layer with weights.
    fn quietest(&self, codings: &[Affine], next: &[Layer], pairs: &[Pair]) -> Result<Affine> {
        let some: Vec<&Pair> = pairs.iter().step_by(pairs.len().div_ceil(MEASURED)).collect();
        let mut tensors: Vec<Tensor> = some.iter().map(|pair| pair.exact.clone()).collect();
        for coding in codings {
            tensors.extend(some.iter().map(|pair| round(&pair.rounded, *coding)));
        }
        for layer in next {
            run(&without_relu(layer), self.weights, tensors.iter_mut())?;
        }
        let channels = next.iter().rev().find_map(|l| Some(l.weighted()?.shape[0])).unwrap_or(1);
        let (exact, tried) = tensors.split_at(some.len());
        let noise = tried.chunks(some.len()).map(|rounded| noise(exact, rounded, channels));
        let quietest = noise.zip(codings).min_by(|(a, _), (b, _)| a.total_cmp(b));
        quietest.map(|(_, coding)| *coding).context("no coding to choose from")
    }
}

/// The layers up to the first with weights; none where there is no such layer.
fn upto_product<'a>(layers: impl Iterator<Item = &'a Layer>) -> Vec<Layer> {
    let mut upto = vec![];
    for layer in layers {
        upto.push(layer.clone());
        if layer.weighted().is_some() {
            return upto;
        }
    }
    vec![]
}

/// Variance of the errors, summed over the channels: their means are left to bias correction.
fn noise(exact: &[Tensor], rounded: &[Tensor], channels: usize) -> f64 {
    let mut sums = vec![(0.0f64, 0.0f64); channels];
    let mut count = 0;
    for (exact, rounded) in exact.iter().zip(rounded) {
        let len = exact.values.len() / channels;
        count += len;
        let maps = exact.values.chunks(len).zip(rounded.values.chunks(len));
        for ((sum, square), (exact, rounded)) in sums.iter_mut().zip(maps) {
            for error in exact.iter().zip(rounded).map(|(e, r)| f64::from(e - r)) {
                *sum += error;
                *square += error * error;
            }
        }
    }
    sums.iter().map(|(sum, square)| square - sum * sum / count.max(1) as f64).sum()
}

pub(super) fn round(tensor: &Tensor, coding: Affine) -> Tensor {
    let mut rounded = tensor.clone();
    rounded.values.iter_mut().for_each(|v| *v = coding.round(*v));
    rounded
}

/// Takes tensors of one shape through a layer.
pub(super) fn run<'t>(
    layer: &Layer,
    weights: &Weights,
    tensors: impl Iterator<Item = &'t mut Tensor>,
) -> Result<()> {
    let mut session: Option<Session> = None;
    for tensor in tensors {
        let session = match &mut session {
            Some(session) => session,
            none => {
                let graph = onnx::export_layer(layer, weights, &tensor.shape[1..])?;
                let open = Session::open_any(graph, &Options::default());
                none.insert(open.with_context(|| format!("running {layer:?}"))?)
            }
        };
        let output = session.run(tensor)?.into_iter().next();
        *tensor = output.context("a layer without output")?;
    }
    Ok(())
}

/// Moves the rounded values so that each channel's mean is the exact one; gives the bias that does it,
/// in whole `units`: one for all channels, or one each.
fn correct(bias: &[f32], units: &[f32], pairs: &mut [Pair]) -> Vec<i32> {
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
    let unit = |channel: usize| units[if units.len() == 1 { 0 } else { channel }];
    let wanted = bias.iter().zip(&error).map(|(&b, error)| f64::from(b) + error / count as f64);
    #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
    let whole = |(at, wanted): (usize, f64)| (wanted / f64::from(unit(at))).round() as i32;
    let whole: Vec<i32> = wanted.enumerate().map(whole).collect();
    for pair in pairs {
        let len = pair.rounded.values.len() / bias.len();
        for (at, values) in pair.rounded.values.chunks_mut(len).enumerate() {
            let shift = whole[at] as f32 * unit(at) - bias[at];
            values.iter_mut().for_each(|v| *v += shift);
        }
    }
    whole
}

pub(super) fn without_relu(layer: &Layer) -> Layer {
    let mut layer = layer.clone();
    match &mut layer {
        Layer::Conv(conv) => conv.relu = false,
        Layer::Linear(linear) => linear.relu = false,
        Layer::MaxPool | Layer::Flatten | Layer::Dropout(_) => {}
    }
    layer
}
