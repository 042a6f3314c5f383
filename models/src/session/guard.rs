//! What is refused before tract builds anything: graphs that ask for more than their bytes warrant.

use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, TensorProto};

/// VGG-16 with quantization has about 60 nodes, YuNet about 200.
const NODES_MAX: usize = 4096;

/// Refuses control flow, data outside the file, too many nodes and tensors longer than the file.
pub(super) fn check(model: &ModelProto, bytes: usize) -> Result<(), String> {
    let graph = model.graph.as_ref().ok_or("it holds no graph")?;
    if graph.node.len() > NODES_MAX {
        return Err(format!("it has {} nodes, expected at most {NODES_MAX}", graph.node.len()));
    }
    if let Some(node) = graph.node.iter().find(|node| node.attribute.iter().any(is_control_flow)) {
        return Err(format!("node {} ({}) holds a graph of its own", node.name, node.op_type));
    }
    tensors(graph).try_for_each(|tensor| check_tensor(tensor, bytes))
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
    use tract_onnx::pb::NodeProto;

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
