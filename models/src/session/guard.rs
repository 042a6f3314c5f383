//! What is refused before tract builds anything: graphs that ask for more than their bytes warrant.

use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};
use tract_onnx::prelude::TypedModel;

/// VGG-16 with quantization has about 60 nodes, YuNet about 200.
const NODES_MAX: usize = 4096;

/// The operators of the networks this project makes and fetches, and the plain ones of other
/// detectors and classifiers. None makes a large tensor of a shape alone, as `Expand` does.
#[rustfmt::skip]
const OPERATORS: &[&str] = &[
    "Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant", "Conv",
    "ConvInteger", "DequantizeLinear", "Div", "Dropout", "DynamicQuantizeLinear", "Elu", "Exp",
    "Flatten", "Gather", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish",
    "Identity", "LRN", "LeakyRelu", "Log", "LogSoftmax", "MatMul", "MatMulInteger", "Max",
    "MaxPool", "Min", "Mul", "Neg", "PRelu", "Pad", "Pow", "QLinearConv", "QLinearMatMul",
    "QuantizeLinear", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Resize", "Shape", "Sigmoid",
    "Slice", "Softmax", "Softplus", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Transpose",
    "Unsqueeze",
];

/// Of these, the ones that an int8 network may hold: they multiply integers, move bytes, or make sums the f32
/// logits at its end.
#[rustfmt::skip]
const INTEGER_OPERATORS: &[&str] = &[
    "Add", "Cast", "Constant", "ConvInteger", "DequantizeLinear", "Dropout", "Flatten", "Identity",
    "MatMulInteger", "MaxPool", "Mul", "QLinearConv", "QLinearMatMul", "QuantizeLinear", "Reshape",
    "Softmax", "Squeeze", "Transpose", "Unsqueeze",
];

/// Twice the numbers in the largest layer of VGG-16, 25,088 × 4,096.
const TENSOR_LEN_MAX: usize = 2 * 25_088 * 4_096;

/// Refuses other operators, control flow, data outside the file, too many nodes and tensors longer than the file.
pub(super) fn check(model: &ModelProto, bytes: usize) -> Result<(), String> {
    let graph = model.graph.as_ref().ok_or("it holds no graph")?;
    if graph.node.len() > NODES_MAX {
        return Err(format!("it has {} nodes, expected at most {NODES_MAX}", graph.node.len()));
    }
    if let Some(node) = graph.node.iter().find(|node| node.attribute.iter().any(is_control_flow)) {
        return Err(format!("node {} ({}) holds a graph of its own", node.name, node.op_type));
    }
    let unknown = |node: &&NodeProto| !OPERATORS.contains(&node.op_type.as_str());
    if let Some(node) = graph.node.iter().find(unknown) {
        return Err(format!("node {} is {}, which is not run here", node.name, node.op_type));
    }
    tensors(graph).try_for_each(|tensor| check_tensor(tensor, bytes))
}

/// Refuses operators that multiply in floating point, where integers are promised.
pub(super) fn check_integers(model: &ModelProto) -> Result<(), String> {
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    let mut real = nodes.filter(|node| !INTEGER_OPERATORS.contains(&node.op_type.as_str()));
    real.next().map_or(Ok(()), |node| {
        let (name, op) = (&node.name, &node.op_type);
        Err(format!(
            "node {name} is {op}, which is no operator of the int8 network that is promised"
        ))
    })
}

/// Refuses a graph in which any tensor is longer than those of the largest network.
pub(super) fn check_sizes(model: &TypedModel) -> Result<(), String> {
    for node in model.nodes() {
        for shape in node.outputs.iter().filter_map(|output| output.fact.shape.as_concrete()) {
            let length = shape.iter().try_fold(1, |sum: usize, &axis| sum.checked_mul(axis));
            if length.is_none_or(|length| length > TENSOR_LEN_MAX) {
                return Err(format!(
                    "node {} makes {shape:?}, expected at most {TENSOR_LEN_MAX} numbers",
                    node.name
                ));
            }
        }
    }
    Ok(())
}

fn is_control_flow(attribute: &AttributeProto) -> bool {
    attribute.g.is_some() || !attribute.graphs.is_empty()
}

fn tensors(graph: &GraphProto) -> impl Iterator<Item = &TensorProto> {
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let inside = attributes.flat_map(|attribute| attribute.t.iter().chain(&attribute.tensors));
    graph.initializer.iter().chain(inside)
}

fn check_tensor(tensor: &TensorProto, bytes: usize) -> Result<(), String> {
    let TensorProto { name, dims, .. } = tensor;
    if tensor.data_location == Some(DataLocation::External as i32) {
        return Err(format!("tensor {name} lies in another file"));
    }
    let length = |sum: usize, &axis: &i64| sum.checked_mul(usize::try_from(axis).ok()?);
    match dims.iter().try_fold(1, length) {
        Some(length) if length <= bytes => Ok(()),
        _ => Err(format!("tensor {name} is {dims:?}, which is more than the file's {bytes} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::prelude::DatumExt;

    fn refusal(change: impl FnOnce(&mut GraphProto)) -> String {
        let mut graph = GraphProto::default();
        let dims = vec![2, 3];
        graph.initializer.push(TensorProto { name: "w".into(), dims, ..TensorProto::default() });
        change(&mut graph);
        let model = ModelProto { graph: Some(graph), ..ModelProto::default() };
        check(&model, 100).err().unwrap_or_default()
    }

    #[test]
    fn a_graph_that_asks_for_no_more_than_its_bytes_passes() {
        assert_eq!(refusal(|_| ()), "");
        assert_eq!(check(&ModelProto::default(), 100).unwrap_err(), "it holds no graph");
    }

    #[test]
    fn a_tensor_that_claims_more_than_the_file_is_refused() {
        for dims in [vec![101], vec![-1], vec![i64::MAX, i64::MAX]] {
            assert!(refusal(|g| g.initializer[0].dims = dims).starts_with("tensor w is ["));
        }
    }

    #[test]
    fn operators_that_make_tensors_of_a_shape_alone_are_refused() {
        for op in ["Expand", "Tile", "ConstantOfShape"] {
            let (name, op_type) = ("big".into(), op.into());
            let node = NodeProto { name, op_type, ..NodeProto::default() };
            let refusal = refusal(|g| g.node.push(node));
            assert_eq!(refusal, format!("node big is {op}, which is not run here"));
        }
    }

    #[test]
    fn tensors_longer_than_the_largest_networks_are_refused() {
        let of = |shape: &[usize]| {
            let mut model = TypedModel::default();
            model.add_source("x", f32::fact(shape)).unwrap();
            check_sizes(&model).err().unwrap_or_default()
        };
        assert_eq!(of(&[25_088, 4_096]), "");
        for shape in [&[1 << 20, 1 << 20][..], &[1 << 40, 1 << 40]] {
            assert!(of(shape).starts_with("node x makes ["));
        }
    }

    #[test]
    fn other_files_are_never_read() {
        let external = Some(DataLocation::External as i32);
        let refusal = refusal(|g| g.initializer[0].data_location = external);
        assert_eq!(refusal, "tensor w lies in another file");
    }

    #[test]
    fn too_many_nodes_and_control_flow_are_refused() {
        let nodes = vec![NodeProto::default(); NODES_MAX + 1];
        assert_eq!(refusal(|g| g.node = nodes), "it has 4097 nodes, expected at most 4096");
        let branch = AttributeProto { g: Some(GraphProto::default()), ..AttributeProto::default() };
        let op =
            NodeProto { op_type: "If".into(), attribute: vec![branch], ..NodeProto::default() };
        assert_eq!(refusal(|g| g.node.push(op)), "node  (If) holds a graph of its own");
    }
}
