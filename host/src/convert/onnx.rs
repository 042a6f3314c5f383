//! Weights of an ONNX file: of its Conv, Gemm and MatMul nodes, in the graph's order.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use prost::Message;

use super::found::{Found, Layout};
use crate::files;
use crate::onnx::proto::{Constant, EXTERNAL, Graph, Model, Node, element};

/// Protobuf's own limit.
const BYTES_MAX: u64 = 2 << 30;

/// The layers with weights of the file at `path`.
///
/// # Errors
/// Broken, too large, without a graph, or with weights that are not 32-bit floats.
pub(super) fn read(path: &Path) -> Result<Vec<Found>> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    ensure!(len <= BYTES_MAX, "{len} bytes, expected an ONNX file of at most {BYTES_MAX}");
    layers(&files::map(&file)?)
}

fn layers(bytes: &[u8]) -> Result<Vec<Found>> {
    let model = Model::decode(bytes).context("not an ONNX file")?;
    let graph = model.graph.context("no graph in it, expected an ONNX file")?;
    let constants = graph.initializer.iter().map(|c| (c.name(), c)).collect();
    let reader = Reader { graph: &graph, constants };
    let layers = graph.node.iter().map(|node| {
        reader.layer(node).with_context(|| format!("{} node {:?}", node.op_type(), node.name()))
    });
    layers.filter_map(Result::transpose).collect()
}

struct Reader<'a> {
    graph: &'a Graph,
    constants: HashMap<&'a str, &'a Constant>,
}

impl Reader<'_> {
    /// What a node multiplies by; `None` for all nodes that have no weights.
    fn layer(&self, node: &Node) -> Result<Option<Found>> {
        let layout = match node.op_type() {
            "Conv" | "BatchNormalization" => Layout::OutFirst,
            "Gemm" if node.int("transB") == Some(1) => Layout::OutFirst,
            "Gemm" => Layout::InFirst,
            // Two values that are both computed make no layer.
            "MatMul" if self.constant(node, 1).is_none() => return Ok(None),
            "MatMul" => Layout::InFirst,
            _ => return Ok(None),
        };
        let factors = ["alpha", "beta"].map(|name| node.float(name).unwrap_or(1.0));
        ensure!(factors == [1.0; 2], "alpha and beta are {factors:?}, expected 1");
        let kernel = self.constant(node, 1).context("its weight is not among the initializers")?;
        let bias = match node.op_type() {
            "MatMul" => self.added(node),
            _ => self.constant(node, 2),
        };
        let (shape, values) = numbers(kernel)?;
        let bias = bias.map(numbers).transpose()?.map_or(vec![], |(_, values)| values);
        Ok(Some(Found { name: kernel.name().to_owned(), shape, values, bias, layout }))
    }

    fn constant(&self, node: &Node, input: usize) -> Option<&Constant> {
        self.constants.get(node.input.get(input)?.as_str()).copied()
    }

    /// The constant that an Add adds to what `node` makes.
    fn added(&self, node: &Node) -> Option<&Constant> {
        let made = node.output.first()?;
        let adds = |add: &&Node| add.op_type() == "Add" && add.input.contains(made);
        let add = self.graph.node.iter().find(adds)?;
        self.constant(add, 0).or_else(|| self.constant(add, 1))
    }
}

impl Node {
    fn int(&self, name: &str) -> Option<i64> {
        self.attribute.iter().find(|a| a.name() == name)?.i
    }

    fn float(&self, name: &str) -> Option<f32> {
        self.attribute.iter().find(|a| a.name() == name)?.f
    }
}

/// The shape and values of a constant of 32-bit floats.
fn numbers(constant: &Constant) -> Result<(Vec<usize>, Vec<f32>)> {
    let name = constant.name();
    ensure!(constant.location() != EXTERNAL, "{name} is kept in another file, expected it inside");
    let kind = constant.data_type();
    ensure!(kind == element::F32, "{name} is of type {kind}, expected {} (f32)", element::F32);
    let shape =
        constant.dims.iter().map(|&len| usize::try_from(len)).collect::<Result<Vec<_>, _>>();
    let shape = shape.with_context(|| format!("{name} is {:?}", constant.dims))?;
    let values = match &constant.raw_data {
        Some(raw) => raw.chunks(4).map(|b| Some(f32::from_le_bytes(b.try_into().ok()?))).collect(),
        None => Some(constant.float_data.clone()),
    };
    let values: Vec<f32> = values.with_context(|| format!("{name} is cut short"))?;
    let count = shape.iter().try_fold(1usize, |count, &len| count.checked_mul(len));
    ensure!(count == Some(values.len()), "{name} is {shape:?}, but holds {} values", values.len());
    Ok((shape, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{self, Layer, Net};
    use crate::onnx::export_f32;
    use crate::onnx::proto::Attribute;
    use crate::{fold, init};

    /// The trunk and age head of a small net, as an ONNX file and as weights.
    fn small() -> (Net, crate::weights::Weights, Vec<u8>) {
        let net = net::compact();
        let weights = fold::fold_batch_norm(&net, &init::he(&net, 1)).unwrap();
        let bytes = export_f32(&net, &weights).unwrap();
        (net, weights, bytes)
    }

    #[test]
    fn what_we_export_is_read_again_in_order() {
        let (net, weights, bytes) = small();
        let found = layers(&bytes).unwrap();
        let expected: Vec<_> = net.layers().filter_map(Layer::weighted).collect();
        assert_eq!(found.len(), expected.len());
        for (found, layer) in found.iter().zip(expected) {
            assert_eq!((&found.shape, found.layout), (&layer.shape, Layout::OutFirst));
            assert_eq!(found.name, format!("{}.weight", layer.name));
            assert_eq!(found.values, weights.tensors[&found.name].values);
            assert_eq!(found.bias.len(), layer.shape[0]);
        }
    }

    fn constant(name: &str, dims: &[i64], values: &[f32]) -> Constant {
        Constant {
            name: Some(name.into()),
            dims: dims.into(),
            data_type: Some(element::F32),
            float_data: values.into(),
            ..Constant::default()
        }
    }

    fn node(op: &str, inputs: &[&str], output: &str) -> Node {
        Node {
            op_type: Some(op.into()),
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![output.into()],
            ..Node::default()
        }
    }

    fn file(initializer: Vec<Constant>, node: Vec<Node>) -> Vec<u8> {
        let graph = Graph { initializer, node, ..Graph::default() };
        Model { graph: Some(graph), ..Model::default() }.encode_to_vec()
    }

    #[test]
    fn a_product_takes_the_bias_that_is_added_to_it() {
        let constants = vec![constant("w", &[2, 1], &[1.0, 2.0]), constant("b", &[1], &[3.0])];
        let nodes = vec![
            node("MatMul", &["x", "w"], "y"),
            node("MatMul", &["x", "x"], "square"),
            node("Add", &["b", "y"], "z"),
        ];
        let found = layers(&file(constants, nodes)).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].layout, &*found[0].bias), (Layout::InFirst, &[3.0][..]));
    }

    fn refusal(constant: Constant, node: Node) -> String {
        format!("{:#}", layers(&file(vec![constant], vec![node])).unwrap_err())
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let conv = || node("Conv", &["x", "w"], "y");
        let message = refusal(constant("w", &[2, 1], &[1.0]), conv());
        assert!(message.ends_with("w is [2, 1], but holds 1 values"), "{message}");
        let message = refusal(constant("w", &[-1], &[1.0]), conv());
        assert!(message.contains("w is [-1]"), "{message}");
        let half = Constant { data_type: Some(10), ..constant("w", &[1], &[1.0]) };
        assert!(refusal(half, conv()).contains("w is of type 10, expected 1 (f32)"));
        let away = Constant { location: Some(EXTERNAL), ..constant("w", &[1], &[]) };
        assert!(refusal(away, conv()).contains("another file"));
        let torn = Constant { raw_data: Some(vec![0; 3]), ..constant("w", &[1], &[]) };
        assert!(refusal(torn, conv()).contains("cut short"));
        assert!(refusal(constant("v", &[1], &[1.0]), conv()).contains("not among"));
        let huge = constant("w", &[i64::MAX, i64::MAX], &[1.0]);
        assert!(refusal(huge, conv()).contains("holds 1 values"));
        let mut gemm = node("Gemm", &["x", "w"], "y");
        gemm.attribute.push(Attribute {
            name: Some("alpha".into()),
            f: Some(0.5),
            ..Attribute::default()
        });
        assert!(refusal(constant("w", &[1, 1], &[1.0]), gemm).contains("alpha and beta"));
    }

    #[test]
    fn a_file_that_was_cut_off_or_is_another_is_refused() {
        let (_, _, bytes) = small();
        for len in (1..1200).chain((1200..bytes.len()).step_by(bytes.len() / 50)) {
            assert!(layers(&bytes[..len]).is_err(), "{len} bytes");
        }
        assert!(layers(b"\x89HDF\r\n\x1a\n").is_err());
        assert!(layers(b"").unwrap_err().to_string().contains("no graph"));
    }
}
