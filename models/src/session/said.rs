//! For tests: a graph that says the same of every picture.

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

use crate::tensor::Tensor;

/// The ONNX graph that reads `input` and answers `outputs`, to each of whose numbers it adds 0 times the
/// mean of what it is shown.
pub(crate) fn graph(input: &[usize], outputs: &[Tensor]) -> Vec<u8> {
    let names: Vec<String> = (0..outputs.len()).map(|i| format!("output{i}")).collect();
    let zero = constant("zero", &Tensor { shape: vec![], values: vec![0.0] });
    let said = outputs.iter().zip(&names);
    let constants = said.clone().map(|(output, name)| constant(&format!("{name}.said"), output));
    let mut mean = node("ReduceMean", ["input"], "mean");
    mean.attribute = vec![AttributeProto {
        name: "keepdims".into(),
        r#type: AttributeType::Int as i32,
        i: 0,
        ..AttributeProto::default()
    }];
    let nothing = node("Mul", ["mean", "zero"], "nothing");
    let sums = names.iter().map(|name| node("Add", [&*format!("{name}.said"), "nothing"], name));
    let graph = GraphProto {
        name: "said".into(),
        initializer: constants.chain([zero]).collect(),
        node: [mean, nothing].into_iter().chain(sums).collect(),
        input: vec![value("input", input)],
        output: said.map(|(output, name)| value(name, &output.shape)).collect(),
        ..GraphProto::default()
    };
    let opset = OperatorSetIdProto { domain: String::new(), version: 13 };
    let model = ModelProto {
        ir_version: 8,
        opset_import: vec![opset],
        graph: Some(graph),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

fn node<const N: usize>(op: &str, inputs: [&str; N], output: &str) -> NodeProto {
    NodeProto {
        input: inputs.map(str::to_owned).into(),
        output: vec![output.into()],
        name: output.into(),
        op_type: op.into(),
        ..NodeProto::default()
    }
}

fn constant(name: &str, tensor: &Tensor) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: tensor.shape.iter().map(|&axis| axis as i64).collect(),
        data_type: DataType::Float as i32,
        raw_data: tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..TensorProto::default()
    }
}

fn value(name: &str, shape: &[usize]) -> ValueInfoProto {
    let axis = |&axis: &usize| Dimension {
        value: Some(dimension::Value::DimValue(axis as i64)),
        ..Dimension::default()
    };
    let shape = TensorShapeProto { dim: shape.iter().map(axis).collect() };
    let kind = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let kind =
        TypeProto { value: Some(type_proto::Value::TensorType(kind)), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind), ..ValueInfoProto::default() }
}
