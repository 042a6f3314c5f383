//! The eleven protobuf messages of ONNX that our graphs need, written by hand so that no protoc is.
//!
//! Field numbers: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

use prost::Message;

/// A whole file.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Model {
    /// Version of the file format.
    #[prost(int64, optional, tag = "1")]
    pub ir_version: Option<i64>,
    /// What wrote it.
    #[prost(string, optional, tag = "2")]
    pub producer_name: Option<String>,
    /// Which version of that.
    #[prost(string, optional, tag = "3")]
    pub producer_version: Option<String>,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// Which operators it may use.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
}

/// A set of operators.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OperatorSet {
    /// Empty for ONNX's own.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// Version of the set.
    #[prost(int64, optional, tag = "2")]
    pub version: Option<i64>,
}

/// Nodes in an order in which they can run, and what they read.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Graph {
    /// Operations.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// Any name.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    /// Constants.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Constant>,
    /// What is fed.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<Value>,
    /// What comes out.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<Value>,
}

/// One operation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Node {
    /// Names of the values it reads.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values it makes.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its own name.
    #[prost(string, optional, tag = "3")]
    pub name: Option<String>,
    /// What it does.
    #[prost(string, optional, tag = "4")]
    pub op_type: Option<String>,
    /// How it does it.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
}

/// A named setting of a node: one whole number or several.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Attribute {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// The number, where other programs write a fraction.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// The number, where `kind` is [`Attribute::INT`].
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// The numbers, where `kind` is [`Attribute::INTS`].
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Which of the two.
    #[prost(int32, optional, tag = "20")]
    pub kind: Option<i32>,
}

impl Attribute {
    /// The kind of one whole number.
    pub(crate) const INT: i32 = 2;
    /// The kind of several.
    pub(crate) const INTS: i32 = 7;
}

/// A named constant tensor.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Constant {
    /// Shape, outermost axis first.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// One of [`element`].
    #[prost(int32, optional, tag = "2")]
    pub data_type: Option<i32>,
    /// Values one by one, where other programs write them so.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Its name.
    #[prost(string, optional, tag = "8")]
    pub name: Option<String>,
    /// Little-endian values, row-major.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    /// [`EXTERNAL`] where the values are in another file.
    #[prost(int32, optional, tag = "14")]
    pub location: Option<i32>,
}

/// The values of a constant are in another file.
pub(crate) const EXTERNAL: i32 = 1;

/// Types of tensor elements.
pub(crate) mod element {
    /// 32-bit floating point.
    pub(crate) const F32: i32 = 1;
    /// 8-bit whole numbers without sign.
    pub(crate) const U8: i32 = 2;
    /// 8-bit whole numbers with sign.
    pub(crate) const I8: i32 = 3;
    /// 32-bit whole numbers with sign.
    pub(crate) const I32: i32 = 6;
}

/// A named input or output.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Value {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub kind: Option<Kind>,
}

/// The type of a value; here always a tensor.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Kind {
    /// Element type and shape.
    #[prost(message, optional, tag = "1")]
    pub tensor: Option<TensorKind>,
}

/// The type of a tensor.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TensorKind {
    /// One of [`element`].
    #[prost(int32, optional, tag = "1")]
    pub element: Option<i32>,
    /// Its axes.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// The axes of a tensor, outermost first.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Shape {
    /// One entry each.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// One axis.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Dimension {
    /// Its length.
    #[prost(int64, optional, tag = "1")]
    pub len: Option<i64>,
}
