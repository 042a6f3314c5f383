//! Graphs that no net of ours is, on every kernel of this machine: each answers as tract alone does.

use models::session::{Kernel, Options, Session};
use models::tensor::Tensor;
use prost::Message;

use super::graph::{Graph, Values, int, ints};
use super::proto::{self, Attribute, element};
use super::{INPUT, conv_attributes, pool_attributes};

const SIDE_PX: usize = 9;

/// A graph under construction: bytes of one coding, convolutions and poolings.
struct Odd {
    graph: Graph,
    /// Outputs that are bytes themselves.
    bytes: Vec<&'static str>,
}

impl Odd {
    /// The input as `x`, bytes with or without a sign.
    fn new(zero: Values<'_>) -> Self {
        let mut graph = Graph::default();
        graph.input(INPUT, &[1, 2, SIDE_PX, SIDE_PX]);
        graph.constant("step", &[], Values::F32(&[0.03]));
        graph.constant("zero", &[], zero);
        // No sum is half a step: tract rounds halves another way.
        graph.constant("weight.step", &[], Values::F32(&[0.0137]));
        graph.constant("weight.zero", &[], Values::I8(&[0]));
        graph.node("QuantizeLinear", &[INPUT, "step", "zero"], "x", vec![]);
        Self { graph, bytes: vec![] }
    }

    /// Weights of 3 outputs over `inputs` channels.
    fn weights(&mut self, name: &str, inputs: usize, kernel: usize) -> String {
        let len = 3 * inputs * kernel * kernel;
        let weight = |at: usize| i8::try_from((at * 89 + 17) % 127).unwrap() - 63;
        let weights: Vec<i8> = (0..len).map(weight).collect();
        let shape = [3, inputs, kernel, kernel];
        self.graph.constant(&format!("{name}.weight"), &shape, Values::I8(&weights))
    }

    fn conv(&mut self, from: &str, name: &str, [inputs, kernel]: [usize; 2], how: Vec<Attribute>) {
        let weight = self.weights(name, inputs, kernel);
        let inputs = [from, "step", "zero", &weight, "weight.step", "weight.zero", "step", "zero"];
        self.graph.node("QLinearConv", &inputs, name, how);
    }

    fn pool(&mut self, from: &str, name: &str, more: Vec<Attribute>) {
        let how = pool_attributes().into_iter().chain(more).collect();
        self.graph.node("MaxPool", &[from], name, how);
    }

    /// Says that bytes, as real numbers, are an output.
    fn show(&mut self, name: &str, channels: usize, sides: [usize; 2]) {
        let real = format!("{name}.real");
        self.graph.node("DequantizeLinear", &[name, "step", "zero"], &real, vec![]);
        self.graph.output(&real, &[1, channels, sides[0], sides[1]]);
    }

    fn finish(self) -> Vec<u8> {
        let mut model = proto::Model::decode(&*self.graph.finish("odd")).unwrap();
        for output in model.graph.iter_mut().flat_map(|graph| &mut graph.output) {
            let name = output.name.clone().unwrap();
            let kind = output.kind.as_mut().and_then(|kind| kind.tensor.as_mut());
            if self.bytes.contains(&&*name) {
                kind.unwrap().element = Some(element::I8);
            }
        }
        model.encode_to_vec()
    }

    /// The same outputs on every kernel, by one thread and by two.
    fn check(self, what: &str) {
        let graph = self.finish();
        let value = |at: usize| ((at * 7919 % 1013) as f32 / 1013.0 - 0.5) * 8.0;
        let values = (0..2 * SIDE_PX * SIDE_PX).map(value).collect();
        let input = Tensor::new([1, 2, SIDE_PX, SIDE_PX], values).unwrap();
        let run = |kernel, threads| {
            let session = Session::open_any(graph.clone(), &Options { threads, kernel });
            session.and_then(|mut session| session.run(&input))
        };
        let expected = run(Kernel::Tract, 1).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(expected.iter().any(|output| output.values.iter().any(|&v| v != 0.0)), "{what}");
        for kernel in Kernel::available() {
            for threads in [1, 2] {
                let found = run(kernel, threads);
                let found = found.unwrap_or_else(|error| panic!("{what}, {kernel}: {error}"));
                assert!(found == expected, "{what}, {kernel}, {threads} threads");
            }
        }
    }
}

fn signed() -> Odd {
    Odd::new(Values::I8(&[3]))
}

fn same() -> Vec<Attribute> {
    conv_attributes(3, 1, 1)
}

#[test]
fn a_map_read_by_a_pooling_and_by_others_stays_whole() {
    let mut odd = signed();
    odd.conv("x", "a", [2, 3], same());
    odd.pool("a", "pooled", vec![]);
    odd.conv("a", "b", [3, 3], same());
    odd.show("pooled", 3, [4, 4]);
    odd.show("b", 3, [9, 9]);
    odd.check("a pooling and a layer");

    let mut odd = signed();
    odd.conv("x", "a", [2, 3], same());
    odd.pool("a", "left", vec![]);
    odd.pool("a", "right", vec![]);
    odd.show("left", 3, [4, 4]);
    odd.show("right", 3, [4, 4]);
    odd.check("two poolings");

    let mut odd = signed();
    odd.conv("x", "a", [2, 3], same());
    odd.pool("a", "pooled", vec![]);
    odd.graph.output("a", &[1, 3, 9, 9]);
    odd.bytes.push("a");
    odd.show("pooled", 3, [4, 4]);
    odd.check("a pooling and an output");
}

#[test]
fn poolings_with_edges_of_their_own_are_as_tract_has_them() {
    let table = [
        ("odd sides", vec![], [4, 4]),
        ("odd sides, rounded up", vec![int("ceil_mode", 1)], [5, 5]),
        ("padded behind", vec![ints("pads", &[0, 0, 1, 1])], [5, 5]),
        ("padded before", vec![ints("pads", &[1, 1, 0, 0])], [5, 5]),
    ];
    for (what, more, sides) in table {
        let mut odd = signed();
        odd.conv("x", "a", [2, 3], same());
        odd.pool("a", "pooled", more);
        odd.show("pooled", 3, sides);
        odd.check(what);
    }
}

#[test]
fn convolutions_with_unequal_edges_are_as_tract_has_them() {
    let table = [
        ([0, 1, 2, 1], [1, 1], [9, 9]),
        ([2, 0, 0, 1], [1, 1], [9, 8]),
        ([0, 0, 1, 2], [2, 2], [4, 5]),
        ([1, 1, 1, 1], [2, 1], [5, 9]),
    ];
    for (pads, strides, sides) in table {
        let how =
            vec![ints("kernel_shape", &[3, 3]), ints("strides", &strides), ints("pads", &pads)];
        let mut odd = signed();
        odd.conv("x", "a", [2, 3], how);
        odd.pool("a", "pooled", vec![]);
        odd.conv("pooled", "b", [3, 1], conv_attributes(1, 1, 0));
        odd.show("b", 3, sides.map(|side| side / 2));
        odd.check(&format!("pads {pads:?}, strides {strides:?}"));
    }
}

#[test]
fn sums_that_are_pooled_are_those_of_tract() {
    let mut odd = signed();
    let weight = odd.weights("a", 2, 3);
    odd.graph.node("ConvInteger", &["x", &weight, "zero", "weight.zero"], "a", same());
    odd.graph.node("Cast", &["a"], "a.real", vec![int("to", element::F32.into())]);
    odd.pool("a.real", "pooled", vec![]);
    odd.graph.output("pooled", &[1, 3, 4, 4]);
    odd.check("sums, pooled");
}

#[test]
fn bytes_without_a_sign_are_as_tract_has_them() {
    let mut odd = Odd::new(Values::U8(&[131]));
    odd.conv("x", "a", [2, 3], same());
    odd.pool("a", "pooled", vec![]);
    odd.conv("pooled", "b", [3, 3], same());
    odd.show("b", 3, [4, 4]);
    odd.check("no sign");
}
