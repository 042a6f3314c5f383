//! Graphs that leave the lengths of axes open: their input gets those that the manifest says.
//!
//! Exporters leave the batch open, and of detectors often height and width as well. What runs here has one
//! size, and a graph whose sizes are known is checked and planned as a whole.

use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension::Value};
use tract_onnx::pb::{GraphProto, ModelProto, TensorShapeProto, ValueInfoProto, type_proto};

/// Gives each open axis of the input the length that `expected` has there; what the graph says of values
/// that came of it is forgotten, for it names axes that are open no more.
pub(super) fn fix(model: &mut ModelProto, expected: &[usize]) {
    let Some(graph) = &mut model.graph else { return };
    if !fix_input(graph, expected) {
        return;
    }
    graph.value_info.clear();
    for output in &mut graph.output {
        if shape(output).is_some_and(|shape| shape.dim.iter().any(is_open)) {
            forget_shape(output);
        }
    }
}

/// Whether the only input had an open axis, which has a length now.
fn fix_input(graph: &mut GraphProto, expected: &[usize]) -> bool {
    let constants = &graph.initializer;
    let is_fed = |input: &&mut ValueInfoProto| constants.iter().all(|c| c.name != input.name);
    let mut fed = graph.input.iter_mut().filter(is_fed);
    let (Some(input), None) = (fed.next(), fed.next()) else { return false };
    let Some(shape) = shape(input).filter(|shape| shape.dim.len() == expected.len()) else {
        return false;
    };
    let mut was_open = false;
    for (axis, &length) in shape.dim.iter_mut().zip(expected) {
        if let (true, Ok(length)) = (is_open(axis), i64::try_from(length)) {
            axis.value = Some(Value::DimValue(length));
            was_open = true;
        }
    }
    was_open
}

/// Whether an axis has a name, or nothing, in place of a length.
fn is_open(axis: &Dimension) -> bool {
    !matches!(axis.value, Some(Value::DimValue(length)) if length > 0)
}

fn shape(value: &mut ValueInfoProto) -> Option<&mut TensorShapeProto> {
    match value.r#type.as_mut()?.value.as_mut()? {
        type_proto::Value::TensorType(tensor) => tensor.shape.as_mut(),
    }
}

fn forget_shape(value: &mut ValueInfoProto) {
    let kind = value.r#type.as_mut().and_then(|kind| kind.value.as_mut());
    if let Some(type_proto::Value::TensorType(tensor)) = kind {
        tensor.shape = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Precision;
    use crate::session::{Contract, Options, Session, said};
    use crate::tensor::Tensor;
    use prost::Message;

    /// A graph of which `change` opened axes of the input.
    fn session(
        input: [usize; 4],
        change: impl FnOnce(&mut [Dimension]),
    ) -> Result<Session, String> {
        let output = Tensor { shape: vec![1, 2], values: vec![3.0, 4.0] };
        let graph = said::graph(&[1, 3, 8, 8], &[output]);
        let mut model = ModelProto::decode(graph.as_slice()).unwrap();
        let graph = model.graph.as_mut().unwrap();
        change(&mut shape(&mut graph.input[0]).unwrap().dim);
        shape(&mut graph.output[0]).unwrap().dim[0].value = Some(Value::DimParam("N".into()));
        let (input, outputs) = (input.into(), vec![vec![1, 2]]);
        let contract = Contract { input, outputs, precision: Precision::F32 };
        let opened = Session::open(model.encode_to_vec(), &contract, &Options::default());
        opened.map_err(|error| error.to_string())
    }

    #[test]
    fn open_axes_have_the_lengths_of_the_manifest() {
        let mut session = session([1, 3, 16, 24], |axes| {
            axes[0].value = Some(Value::DimParam("N".into()));
            axes[2].value = None;
            axes[3].value = Some(Value::DimValue(-1));
        })
        .unwrap();
        assert_eq!(session.input(), [1, 3, 16, 24]);
        let zeros = Tensor { shape: vec![1, 3, 16, 24], values: vec![0.0; 3 * 16 * 24] };
        assert_eq!(session.run(&zeros).unwrap()[0].values, [3.0, 4.0]);
    }

    #[test]
    fn a_length_that_the_graph_has_stays() {
        let refusal = session([1, 3, 16, 16], |axes| {
            axes[0].value = Some(Value::DimParam("N".into()));
        });
        let expected = "input is [1, 3, 8, 8], the manifest says [1, 3, 16, 16]";
        assert_eq!(refusal.unwrap_err(), expected);
    }
}
