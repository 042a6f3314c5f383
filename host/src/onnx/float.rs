//! Layers as f32 operators.

use anyhow::Result;

use super::graph::{Graph, Values, int};
use super::{conv_attributes, pool_attributes};
use crate::net::{Conv, Layer, Linear, Weighted};
use crate::weights::Weights;

/// Appends `layer`, which reads value `x` and makes value `y`.
pub(super) fn add_layer(
    graph: &mut Graph,
    layer: &Layer,
    weights: &Weights,
    x: &str,
    y: &str,
) -> Result<()> {
    match layer {
        Layer::Conv(Conv { relu: true, .. }) | Layer::Linear(Linear { relu: true, .. }) => {
            let sum = format!("{y}.sum");
            add_sum(graph, layer, weights, x, &sum)?;
            graph.node("Relu", &[&sum], y, vec![]);
        }
        Layer::Conv(_) | Layer::Linear(_) => add_sum(graph, layer, weights, x, y)?,
        Layer::MaxPool => graph.node("MaxPool", &[x], y, pool_attributes()),
        Layer::Flatten => graph.node("Flatten", &[x], y, vec![int("axis", 1)]),
        Layer::Dropout(_) => graph.node("Identity", &[x], y, vec![]),
    }
    Ok(())
}

/// Appends the products and sums of a layer with weights, without its ReLU.
fn add_sum(graph: &mut Graph, layer: &Layer, weights: &Weights, x: &str, y: &str) -> Result<()> {
    let Some(Weighted { name, shape, .. }) = layer.weighted() else { return Ok(()) };
    let (kernel, bias) = (format!("{name}.weight"), format!("{name}.bias"));
    graph.constant(&kernel, &shape, Values::F32(&weights.get(&kernel, &shape)?.values));
    graph.constant(&bias, &shape[..1], Values::F32(&weights.get(&bias, &shape[..1])?.values));
    let (op, attributes) = match layer {
        Layer::Conv(conv) => ("Conv", conv_attributes(conv.kernel, conv.stride, conv.pad)),
        _ => ("Gemm", vec![int("transB", 1)]),
    };
    graph.node(op, &[x, &kernel, &bias], y, attributes);
    Ok(())
}
