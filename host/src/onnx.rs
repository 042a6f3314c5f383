//! Nets as ONNX files, for tract and every other runtime.
//!
//! # Shapes
//! - `input`: `[1, 3, S, S]`, f32
//! - `age`: `[1, 101]`, `gender`: `[1, 2]` as `[female, male]`; f32 logits

mod float;
mod graph;
mod int8;
#[cfg(test)]
mod odd;
pub(crate) mod proto;

pub use int8::{export_int8, export_int8_twin};

use anyhow::Result;

use crate::net::{Layer, Net};
use crate::weights::Weights;
use graph::{Graph, ints};
use proto::Attribute;

/// The name of a net's input.
pub const INPUT: &str = "input";
/// The name of its age logits.
pub const AGE: &str = "age";
/// The name of its gender logits.
pub const GENDER: &str = "gender";

/// The net in 32-bit floating point; `weights` are folded ([`crate::fold`]).
pub fn export_f32(net: &Net, weights: &Weights) -> Result<Vec<u8>> {
    let mut graph = Graph::default();
    let input = [3, net.input_px, net.input_px];
    graph.input(INPUT, &batch(&input));
    let mut features = Flow { value: INPUT.into(), shape: input.to_vec() };
    for (i, layer) in net.trunk.iter().enumerate() {
        features = features.through(&mut graph, layer, weights, format!("trunk.{i}"))?;
    }
    for (output, head) in heads(net) {
        let mut flow = features.clone();
        for (i, layer) in head.iter().enumerate() {
            let last = i + 1 == head.len();
            let value = if last { output.into() } else { format!("{output}.{i}") };
            flow = flow.through(&mut graph, layer, weights, value)?;
        }
        graph.output(output, &batch(&flow.shape));
    }
    Ok(graph.finish(net.name))
}

/// The heads that are there, each with the name of its output.
fn heads(net: &Net) -> impl Iterator<Item = (&'static str, &[Layer])> {
    [(AGE, &*net.age), (GENDER, &*net.gender)].into_iter().filter(|(_, head)| !head.is_empty())
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
