//! Builds one ONNX graph, node by node.

use prost::Message;

use super::proto::{self, Attribute, Constant, element};

/// Format version that onnxruntime ≥ 1.7 reads, and the operator set of that time.
const IR_VERSION: i64 = 7;
const OPSET_VERSION: i64 = 13;

/// A graph under construction; values are named by strings.
#[derive(Default)]
pub(super) struct Graph {
    proto: proto::Graph,
}

/// Values of a constant.
pub(super) enum Values<'a> {
    /// Floating point.
    F32(&'a [f32]),
    /// Bytes without sign.
    U8(&'a [u8]),
    /// Bytes with sign.
    I8(&'a [i8]),
    /// 32-bit whole numbers.
    I32(&'a [i32]),
}

impl Graph {
    /// Adds an f32 input.
    pub(super) fn input(&mut self, name: &str, shape: &[usize]) {
        self.proto.input.push(f32_value(name, shape));
    }

    /// Says that the f32 value `name` is an output.
    pub(super) fn output(&mut self, name: &str, shape: &[usize]) {
        self.proto.output.push(f32_value(name, shape));
    }

    /// Adds a constant; an empty `shape` is a single value.
    pub(super) fn constant(&mut self, name: &str, shape: &[usize], values: Values<'_>) -> String {
        let (data_type, raw_data) = match values {
            Values::F32(v) => (element::F32, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Values::U8(v) => (element::U8, v.to_vec()),
            Values::I8(v) => (element::I8, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Values::I32(v) => (element::I32, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        };
        self.proto.initializer.push(Constant {
            dims: signed(shape),
            data_type: Some(data_type),
            name: Some(name.into()),
            raw_data: Some(raw_data),
            ..Constant::default()
        });
        name.into()
    }

    /// Adds a node, named after its `output`.
    pub(super) fn node(
        &mut self,
        op: &str,
        inputs: &[&str],
        output: &str,
        attributes: Vec<Attribute>,
    ) {
        self.proto.node.push(proto::Node {
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![output.into()],
            name: Some(output.into()),
            op_type: Some(op.into()),
            attribute: attributes,
        });
    }

    /// The bytes of the `.onnx` file.
    pub(super) fn finish(mut self, name: &str) -> Vec<u8> {
        self.proto.name = Some(name.into());
        let opset =
            proto::OperatorSet { domain: Some(String::new()), version: Some(OPSET_VERSION) };
        let model = proto::Model {
            ir_version: Some(IR_VERSION),
            producer_name: Some("apparent trainer".into()),
            producer_version: Some(env!("CARGO_PKG_VERSION").into()),
            graph: Some(self.proto),
            opset_import: vec![opset],
        };
        model.encode_to_vec()
    }
}

/// A setting of one whole number.
pub(super) fn int(name: &str, value: i64) -> Attribute {
    let kind = Some(Attribute::INT);
    Attribute { name: Some(name.into()), i: Some(value), kind, ..Attribute::default() }
}

/// A setting of several sizes.
pub(super) fn ints(name: &str, values: &[usize]) -> Attribute {
    let (ints, kind) = (signed(values), Some(Attribute::INTS));
    Attribute { name: Some(name.into()), ints, kind, ..Attribute::default() }
}

fn f32_value(name: &str, shape: &[usize]) -> proto::Value {
    let dim = signed(shape).into_iter().map(|len| proto::Dimension { len: Some(len) }).collect();
    let shape = Some(proto::Shape { dim });
    let tensor = Some(proto::TensorKind { element: Some(element::F32), shape });
    proto::Value { name: Some(name.into()), kind: Some(proto::Kind { tensor }) }
}

#[allow(clippy::cast_possible_wrap, reason = "sizes of tensors that lie in memory")]
fn signed(sizes: &[usize]) -> Vec<i64> {
    sizes.iter().map(|&size| size as i64).collect()
}
