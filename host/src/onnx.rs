//! Nets as ONNX files, for tract and every other runtime.
//!
//! # Shapes
//! - `input`: `[1, 3, height, width]`, f32
//! - `age`: `[1, 101]`, `gender`: `[1, 2]` as `[female, male]`; f32 logits
//! - of the detector, `s8`, `s16`, `s32`: `[1, 15, height / stride, width / stride]`, f32

mod float;
mod graph;
mod int8;
#[cfg(test)]
mod odd;
pub(crate) mod proto;

pub use int8::{export_int8, export_int8_twin};

use anyhow::Result;

use crate::net::{Branch, End, Layer, Plan};
use crate::weights::Weights;
use graph::{Graph, ints};
use proto::Attribute;

/// The name of a net's input.
pub const INPUT: &str = "input";

/// The net in 32-bit floating point; `weights` are folded ([`crate::fold`]).
pub fn export_f32<'a>(net: impl Into<Plan<'a>>, weights: &Weights) -> Result<Vec<u8>> {
    let plan = net.into();
    let mut graph = Graph::default();
    graph.input(INPUT, &batch(&plan.input));
    let pixels = Flow { value: INPUT.into(), shape: plan.input.to_vec() };
    add_branch(&mut graph, &plan.root, weights, (&pixels, "trunk"))?;
    Ok(graph.finish(plan.name))
}

/// Appends a branch that reads `flow`, and all that read it in turn; its values are `NAME.0`, `NAME.1`, …
fn add_branch(
    graph: &mut Graph,
    branch: &Branch<'_>,
    weights: &Weights,
    (flow, name): (&Flow, &str),
) -> Result<()> {
    let mut flow = flow.clone();
    let output = match branch.end {
        End::Output(output) => Some(output),
        End::Branches(_) => None,
    };
    for (i, layer) in branch.layers.iter().enumerate() {
        let last = i + 1 == branch.layers.len();
        let value = match output.filter(|_| last) {
            Some(output) => output.into(),
            None => format!("{}.{i}", output.unwrap_or(name)),
        };
        flow = flow.through(graph, layer, weights, value)?;
    }
    if let Some(output) = output {
        graph.output(output, &batch(&flow.shape));
    }
    for (i, reader) in branch.readers().iter().enumerate() {
        add_branch(graph, reader, weights, (&flow, &format!("{name}.{i}")))?;
    }
    Ok(())
}

/// One layer alone in 32-bit floating point, from `input` to `output`.
///
/// # Shapes
/// - shape: of one picture's values, without the batch
pub fn export_layer(layer: &Layer, weights: &Weights, shape: &[usize]) -> Result<Vec<u8>> {
    let mut graph = Graph::default();
    graph.input(INPUT, &batch(shape));
    float::add_layer(&mut graph, layer, weights, INPUT, "output")?;
    graph.output("output", &batch(&layer.output_shape(shape)));
    Ok(graph.finish("layer"))
}

/// A value on its way through the net.
#[derive(Clone)]
struct Flow {
    value: String,
    shape: Vec<usize>,
}

impl Flow {
    fn through(
        self,
        graph: &mut Graph,
        layer: &Layer,
        weights: &Weights,
        y: String,
    ) -> Result<Self> {
        float::add_layer(graph, layer, weights, &self.value, &y)?;
        Ok(Self { value: y, shape: layer.output_shape(&self.shape) })
    }
}

/// The shape of one picture's values with a batch of one before it.
fn batch(shape: &[usize]) -> Vec<usize> {
    std::iter::once(1).chain(shape.iter().copied()).collect()
}

fn conv_attributes(kernel: usize, stride: usize, pad: usize) -> Vec<Attribute> {
    vec![ints("kernel_shape", &[kernel; 2]), ints("strides", &[stride; 2]), ints("pads", &[pad; 4])]
}

fn pool_attributes() -> Vec<Attribute> {
    vec![ints("kernel_shape", &[2; 2]), ints("strides", &[2; 2])]
}
