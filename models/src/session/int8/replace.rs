//! Rebuilds a graph with our convolutions in place of tract's.
//!
//! Layer by layer: a layer's weights are let go once they are packed, so that a network is never in memory
//! twice. What our kernels cannot take (groups, dilations, weights with a zero point of their own) stays
//! tract's, and reads and writes tract's order of bytes.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::ThreadPool;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::conv::KernelFormat;
use tract_onnx::tract_core::ops::cnn::{Conv as TractConv, MaxPool, PoolSpec};
use tract_onnx::tract_core::ops::identity::Identity;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::nn::DataFormat;
use tract_onnx::tract_core::ops::source::TypedSource;

use super::conv::{Coding, Conv, Parts};
use super::ops::{FromPixels, IntegerConv, ToPixels};
use super::shape::Shape;
use super::tile::Tile;

/// The same graph, with `tile` doing what it can, by the threads of `pool`.
pub(crate) fn replace(
    model: TypedModel,
    tile: &'static Tile,
    pool: Option<&Arc<ThreadPool>>,
) -> TractResult<TypedModel> {
    let inputs = model.input_outlets()?.to_vec();
    let outputs = model.output_outlets()?.to_vec();
    let order = model.eval_order()?;
    let symbols = model.symbols.clone();
    let mut rebuilding = Rebuilding {
        old: model,
        new: TypedModel { symbols, ..TypedModel::default() },
        wires: HashMap::new(),
        pixels: HashMap::new(),
        tile,
        pool: pool.cloned(),
    };
    for id in order {
        rebuilding.node(id)?;
    }
    // An output that nothing computes is wired here.
    for &output in &outputs {
        rebuilding.wire(output)?;
    }
    let Rebuilding { mut new, wires, .. } = rebuilding;
    let wire = |outlets: Vec<OutletId>| -> TractResult<Vec<OutletId>> {
        let wires = outlets.iter().map(|outlet| wires.get(outlet).copied());
        wires.collect::<Option<_>>().context("an input or output is left")
    };
    new.set_input_outlets(&wire(inputs)?)?;
    new.select_output_outlets(&wire(outputs)?)?;
    new.compact()?;
    Ok(new)
}

/// A graph on its way from old to new.
struct Rebuilding {
    old: TypedModel,
    new: TypedModel,
    /// From old values to new ones.
    wires: HashMap<OutletId, OutletId>,
    /// From old values to new ones in our order of bytes.
    pixels: HashMap<OutletId, OutletId>,
    tile: &'static Tile,
    pool: Option<Arc<ThreadPool>>,
}

/// A convolution of the old graph.
struct Found {
    shape: Shape,
    /// What it is made of; see [`Inputs`].
    inputs: Vec<OutletId>,
    /// Whether its output is bytes; sums otherwise.
    coded: bool,
    /// The last old node that it stands for: itself, or the pooling behind it.
    end: usize,
}

impl Rebuilding {
    fn node(&mut self, id: usize) -> TractResult<()> {
        if self.wires.contains_key(&OutletId::new(id, 0)) {
            return Ok(());
        }
        if let Some(found) = self.find(id)?
            && let Some(conv) = self.pack(&found)
        {
            return self.put(id, &found, conv);
        }
        let node = self.old.node(id);
        if node.op_is::<Const>() {
            // Wired when somebody reads it: most are only read by what is replaced.
            return Ok(());
        }
        let (name, op, inputs) = (node.name.clone(), node.op.clone(), node.inputs.clone());
        let outputs = if op.is::<TypedSource>() {
            let fact = node.outputs[0].fact.clone();
            tvec!(self.new.add_source(name, fact)?)
        } else {
            let inputs = inputs.into_iter().map(|input| self.wire(input));
            let inputs = inputs.collect::<TractResult<TVec<_>>>()?;
            self.new.wire_node(name, op, &inputs)?
        };
        for (slot, output) in outputs.into_iter().enumerate() {
            self.wires.insert(OutletId::new(id, slot), output);
        }
        Ok(())
    }

    /// The new value for an old one.
    fn wire(&mut self, old: OutletId) -> TractResult<OutletId> {
        if let Some(&wire) = self.wires.get(&old) {
            return Ok(wire);
        }
        let node = self.old.node(old.node);
        let wire = self.new.wire_node(node.name.clone(), node.op.clone(), &[])?[0];
        self.wires.insert(old, wire);
        Ok(wire)
    }

    /// Puts a convolution where the old nodes from `id` to its end were.
    fn put(&mut self, id: usize, found: &Found, conv: Conv) -> TractResult<()> {
        let name = self.old.node(id).name.clone();
        let input = found.inputs[0];
        let pixels = match self.pixels.get(&input) {
            Some(&pixels) => pixels,
            None => {
                let planes = self.wire(input)?;
                let op = ToPixels { flip: self.tile.flip };
                let pixels = self.new.wire_node(format!("{name}.pixels"), op, &[planes])?[0];
                self.pixels.insert(input, pixels);
                pixels
            }
        };
        let op = IntegerConv { conv: Arc::new(conv), pool: self.pool.clone() };
        let output = self.new.wire_node(&name, op, &[pixels])?[0];
        let op = FromPixels { flip: self.tile.flip };
        let planes = self.new.wire_node(format!("{name}.planes"), op, &[output])?[0];
        let end = OutletId::new(found.end, 0);
        self.wires.insert(OutletId::new(id, 0), planes);
        self.wires.insert(end, planes);
        if found.coded {
            self.pixels.insert(end, output);
        }
        self.forget(found.inputs[1]);
        Ok(())
    }

    /// Lets go of weights that nobody else reads.
    fn forget(&mut self, weights: OutletId) {
        if self.old.output_outlets().is_ok_and(|outputs| outputs.contains(&weights)) {
            return;
        }
        let node = &mut self.old.nodes[weights.node];
        if node.outputs.iter().map(|output| output.successors.len()).sum::<usize>() == 1 {
            node.op = Box::new(Identity);
            node.outputs.iter_mut().for_each(|output| output.fact.konst = None);
        }
    }

    /// The convolution that `id` is, where its geometry and types are ours.
    fn find(&self, id: usize) -> TractResult<Option<Found>> {
        let node = self.old.node(id);
        let Some((conv, coded)) = node.op_as::<TractConv>().and_then(integer) else {
            return Ok(None);
        };
        let (input, output) = (self.old.outlet_fact(node.inputs[0])?, &node.outputs[0].fact);
        let (Some(&[1, channels, height, width]), Some(&[1, outputs, rows, columns])) =
            (input.shape.as_concrete(), output.shape.as_concrete())
        else {
            return Ok(None);
        };
        let pads = conv.pool_spec.computed_padding(&[height, width]);
        let end = self.pooling(id, [rows, columns])?;
        let shape = Shape {
            input: [height, width],
            channels,
            kernel: [conv.pool_spec.kernel_shape[0], conv.pool_spec.kernel_shape[1]],
            stride: [conv.pool_spec.stride(0), conv.pool_spec.stride(1)],
            pad: [pads[0].pad_before, pads[1].pad_before],
            output: [rows, columns],
            outputs,
            pooled: coded && end.is_some(),
        };
        let ours = input.datum_type == i8::datum_type();
        let end = end.filter(|_| coded).unwrap_or(id);
        Ok(ours.then(|| Found { shape, inputs: node.inputs.clone(), coded, end }))
    }

    /// The 2×2 pooling that is all that reads the map of `sides` that `id` makes.
    fn pooling(&self, id: usize, sides: [usize; 2]) -> TractResult<Option<usize>> {
        let outlet = OutletId::new(id, 0);
        let [reader] = &*self.old.node(id).outputs[0].successors else { return Ok(None) };
        let pool = self.old.node(reader.node);
        let halves = pool.op_as::<MaxPool>().is_some_and(|op| {
            let spec = &op.pool_spec;
            let pads = spec.computed_padding(&sides);
            op.with_index_outputs.is_none()
                && is_plain(spec)
                && *spec.kernel_shape == [2, 2]
                && (0..2).all(|axis| {
                    let pad = &pads[axis];
                    spec.stride(axis) == 2
                        && pad.pad_before == 0
                        && pad.convoluted == sides[axis] / 2
                })
        });
        let shown = self.old.output_outlets()?.contains(&outlet);
        Ok((halves && !shown).then_some(pool.id))
    }

    /// Its weights, packed; `None` where the kernel cannot take them.
    fn pack(&self, found: &Found) -> Option<Conv> {
        let inputs = Inputs { model: &self.old, outlets: &found.inputs };
        let weights = inputs.tensor(1)?;
        let weights = weights.try_as_plain_ram().ok()?;
        if inputs.whole(5)?.iter().any(|&zero| zero != 0) {
            return None;
        }
        let outputs = found.shape.outputs;
        let bias = inputs.whole(2)?;
        let bias = if bias.len() == 1 { vec![bias[0]; outputs] } else { bias };
        let coding = if found.coded { Some(inputs.coding(outputs)?) } else { None };
        let zero = inputs.zero(3)?;
        let parts = Parts { weights: weights.as_slice::<i8>().ok()?, bias: &bias, zero, coding };
        Conv::new(found.shape.clone(), self.tile, &parts)
    }
}

/// A convolution of integers in the order of axes that ours has, and whether it makes bytes.
fn integer(conv: &TractConv) -> Option<(&TractConv, bool)> {
    let coded = match conv.q_params? {
        DatumType::I32 => false,
        DatumType::I8 => true,
        _ => return None,
    };
    let plain =
        conv.group == 1 && conv.kernel_fmt == KernelFormat::OIHW && is_plain(&conv.pool_spec);
    plain.then_some((conv, coded))
}

/// Over two axes after the channels, without dilations.
fn is_plain(spec: &PoolSpec) -> bool {
    spec.data_format == DataFormat::NCHW
        && spec.kernel_shape.len() == 2
        && spec.dilations().iter().all(|&dilation| dilation == 1)
}

/// The inputs of tract's quantized convolution: input, weights, bias, then zero point and scale of the
/// input, of the weights and of the output.
struct Inputs<'a> {
    model: &'a TypedModel,
    outlets: &'a [OutletId],
}

impl Inputs<'_> {
    fn tensor(&self, slot: usize) -> Option<Arc<Tensor>> {
        constant(self.model, *self.outlets.get(slot)?, STEPS_MAX)
    }

    fn whole(&self, slot: usize) -> Option<Vec<i32>> {
        let tensor = self.tensor(slot)?;
        Some(tensor.try_as_plain_ram().ok()?.as_slice::<i32>().ok()?.to_vec())
    }

    /// The one zero point of bytes.
    fn zero(&self, slot: usize) -> Option<i8> {
        let [zero] = *self.whole(slot)? else { return None };
        i8::try_from(zero).ok()
    }

    fn real(&self, slot: usize) -> Option<Vec<f32>> {
        let tensor = self.tensor(slot)?;
        Some(tensor.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?.to_vec())
    }

    /// As onnxruntime computes them: input scale · weight scale ÷ output scale, in single precision.
    fn coding(&self, outputs: usize) -> Option<Coding> {
        let (input, weights, output) = (self.real(4)?, self.real(6)?, self.real(8)?);
        let ([input], [output]) = (&*input, &*output) else { return None };
        let weights = if weights.len() == 1 { vec![weights[0]; outputs] } else { weights };
        let factor: Vec<f32> = weights.iter().map(|weight| input * weight / output).collect();
        let zero = self.zero(7)?;
        factor.iter().all(|f| f.is_finite()).then_some(Coding { factor, zero })
    }
}

/// How many steps from a constant a layer's numbers may be: the trainer's are one cast away.
const STEPS_MAX: usize = 4;

/// The value of an outlet that nothing variable leads to, in at most so many `steps`: without a bound, a hostile
/// graph of a few nodes could take for ever.
fn constant(model: &TypedModel, outlet: OutletId, steps: usize) -> Option<Arc<Tensor>> {
    let node = model.node(outlet.node);
    if let Some(constant) = node.op_as::<Const>() {
        return Some(constant.val().clone());
    }
    if node.inputs.is_empty() || steps == 0 {
        return None;
    }
    let inputs = node.inputs.iter().map(|&input| constant(model, input, steps - 1));
    let inputs = inputs.map(|value| Some(value?.into_tvalue()));
    let outputs = node.op.eval_out_of_plan(inputs.collect::<Option<_>>()?).ok()??;
    outputs.into_iter().nth(outlet.slot).map(|value| value.into_arc_tensor())
}
