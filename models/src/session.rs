//! Runs a network: the only module, with those under it, that names tract.
//!
//! A graph is parsed from bytes in memory, held against the shapes that the manifest promises, and
//! only then optimized. Whatever tract does with hostile bytes, a caller sees an error.

mod axes;
mod fold;
mod guard;
mod int8;
mod kernel;
mod probe;
#[cfg(test)]
pub(crate) mod said;

pub use kernel::Kernel;
pub use probe::Probe;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;
use rayon::{ThreadPool, ThreadPoolBuilder};
use thiserror::Error;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::matmul::optimized::OptMatMul;
use tract_onnx::tract_core::plan::{SimpleState, eval};
use tract_onnx::tract_core::runtime::RunOptions;

use crate::manifest::Precision;
use crate::tensor::Tensor;
use int8::IntegerConv;

/// Why a network was refused or could not run.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The bytes are not a graph that can be run.
    #[error("network is not a usable ONNX graph: {0}")]
    Graph(String),
    /// The graph is fine, but another one than the manifest describes.
    #[error("{what} is {found}, the manifest says {expected}")]
    Shape {
        /// The input, an output, or how many there are.
        what: String,
        /// In the graph.
        found: String,
        /// By the manifest.
        expected: String,
    },
    /// The caller's tensor has another shape than the input.
    #[error("tensor is {found:?}, the network reads {expected:?}")]
    Input {
        /// The caller's.
        found: Vec<usize>,
        /// The network's.
        expected: Vec<usize>,
    },
    /// This processor lacks the kernel's instructions.
    #[error("kernel {0} does not run on this processor")]
    Kernel(Kernel),
    /// The graph broke off while it ran.
    #[error("network did not run: {0}")]
    Run(String),
}

/// The shapes a graph must have: what the manifest promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Of its only input.
    pub input: Vec<usize>,
    /// Of its outputs, in the graph's order.
    pub outputs: Vec<Vec<usize>>,
    /// With [`Precision::Int8`], a graph that multiplies in floating point is refused.
    pub precision: Precision,
}

/// How a network is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// At least 1.
    pub threads: usize,
    /// How integer convolutions are computed.
    pub kernel: Kernel,
}

impl Default for Options {
    /// One thread, and the kernel that is expected to be the fastest here.
    fn default() -> Self {
        Self { threads: 1, kernel: Kernel::expected_best() }
    }
}

/// One step of the plan that really runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The node's name, made from the graph's.
    pub name: String,
    /// What it does, in tract's words.
    pub op: String,
    /// The type of its first output: `F32`, `I8`, …
    pub output: String,
    /// For a matrix product: the type in which it sums, `I32` or `F32`.
    pub sum: Option<String>,
    /// The outputs that depend on it, by their numbers: of two heads, a shared trunk leads to both.
    pub leads_to: Vec<usize>,
    /// Whether it computes the same each time, since nothing of the input reaches it.
    pub is_constant: bool,
}

impl Operator {
    /// Whether it is a matrix product.
    pub fn is_product(&self) -> bool {
        self.sum.is_some()
    }

    /// Whether it is a matrix product of integers.
    pub fn is_integer_product(&self) -> bool {
        self.sum.as_deref() == Some("I32")
    }

    /// Whether it convolves in another way than as a matrix product.
    pub fn is_other_convolution(&self) -> bool {
        !self.is_product() && self.op.to_lowercase().contains("conv")
    }
}

/// A network ready to run.
pub struct Session {
    state: TypedSimpleState,
    pool: Option<Arc<ThreadPool>>,
    input: Vec<usize>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("input", &self.input).finish_non_exhaustive()
    }
}

impl Session {
    /// Loads an ONNX graph and refuses it where its shapes are not the `expected` ones; axes of the input
    /// whose lengths it leaves open get those.
    ///
    /// The bytes are taken, and let go as soon as they are parsed: a large network is not kept twice.
    pub fn open(
        onnx: Vec<u8>,
        expected: &Contract,
        options: &Options,
    ) -> Result<Self, SessionError> {
        guarded(SessionError::Graph, || {
            let mut proto = decode(onnx)?;
            if expected.precision == Precision::Int8 {
                guard::check_integers(&proto).map_err(SessionError::Graph)?;
            }
            axes::fix(&mut proto, &expected.input);
            let model = typed(proto)?;
            check_contract(&model, expected)?;
            Self::prepare(model, options)
        })
    }

    /// Loads an ONNX graph of one input, with whatever fixed shapes it has.
    pub fn open_any(onnx: Vec<u8>, options: &Options) -> Result<Self, SessionError> {
        guarded(SessionError::Graph, || Self::prepare(typed(decode(onnx)?)?, options))
    }

    /// The shape of the input.
    pub fn input(&self) -> &[usize] {
        &self.input
    }

    /// Runs the network once; the outputs come in the graph's order, as f32.
    pub fn run(&mut self, input: &Tensor) -> Result<Vec<Tensor>, SessionError> {
        self.run_observed(input, &mut |_| {})
    }

    /// As [`Session::run`]; `after` is told of each step once it is done, by its number in
    /// [`Session::operators`]: whoever has a clock can time them.
    pub fn run_observed(
        &mut self,
        input: &Tensor,
        after: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Vec<Tensor>, SessionError> {
        if input.shape != self.input || input.values.len() != self.input.iter().product::<usize>() {
            let (found, expected) = (input.shape.clone(), self.input.clone());
            return Err(SessionError::Input { found, expected });
        }
        // From inside of the pool, a step is handed to its threads without waking one first.
        let (state, pool) = (&mut self.state, self.pool.as_deref());
        guarded(SessionError::Run, || match pool {
            None => run(state, input, after),
            Some(pool) => pool.install(|| run(state, input, after)),
        })
    }

    /// The plan that runs, step by step.
    pub fn operators(&self) -> Vec<Operator> {
        let plan = self.state.plan();
        let (leads_to, varies) = (leads_to(plan.model()), varies(plan.model()));
        let describe = |&id: &usize| Operator {
            leads_to: leads_to[id].clone(),
            is_constant: !varies[id],
            ..describe(plan.model().node(id))
        };
        plan.order_without_consts().iter().map(describe).collect()
    }

    fn prepare(model: TypedModel, options: &Options) -> Result<Self, SessionError> {
        let input = only_input(&model)?;
        if !options.kernel.runs_here() {
            return Err(SessionError::Kernel(options.kernel));
        }
        let pool = threads(options.threads)?;
        let model = match options.kernel.tile() {
            Some(tile) => int8::replace(model, tile, pool.as_ref()).map_err(graph_error)?,
            None => model,
        };
        let mut model = model.into_optimized().map_err(graph_error)?;
        if options.kernel != Kernel::Tract {
            fold::constants(&mut model).map_err(graph_error)?;
        }
        let plan =
            model.into_runnable_with_options(&run_options(pool.as_ref())).map_err(graph_error)?;
        Ok(Self { state: SimpleState::new(&plan).map_err(graph_error)?, pool, input })
    }
}

fn run(
    state: &mut TypedSimpleState,
    input: &Tensor,
    after: &mut (dyn FnMut(usize) + Send),
) -> Result<Vec<Tensor>, SessionError> {
    let tensor = tract_onnx::prelude::Tensor::from_shape(&input.shape, &input.values);
    let input = tvec!(tensor.map_err(run_error)?.into_tvalue());
    let mut steps = 0;
    let outputs = state.run_plan_with_eval(input, |context, state, node, inputs| {
        let output = eval(context, state, node, inputs);
        after(steps);
        steps += 1;
        output
    });
    outputs.map_err(run_error)?.iter().map(read_output).collect()
}

/// What tract multiplies itself, it does by these threads.
#[cfg(feature = "f32-threads")]
fn run_options(pool: Option<&Arc<ThreadPool>>) -> RunOptions {
    let executor = pool.cloned().map(tract_linalg::multithread::Executor::MultiThread);
    RunOptions { executor, ..RunOptions::default() }
}

/// What tract multiplies itself, it does by the caller's thread alone.
#[cfg(not(feature = "f32-threads"))]
fn run_options(_: Option<&Arc<ThreadPool>>) -> RunOptions {
    RunOptions::default()
}

/// As many threads as asked for; `None` for one, which is the caller's own.
fn threads(count: usize) -> Result<Option<Arc<ThreadPool>>, SessionError> {
    if count <= 1 {
        return Ok(None);
    }
    let pool = ThreadPoolBuilder::new().num_threads(count).build();
    pool.map(|pool| Some(Arc::new(pool)))
        .map_err(|error| SessionError::Run(format!("starting {count} threads: {error}")))
}

/// Takes tract's AMX kernel for bytes out of its choice: now and then it reads past the end of a packed matrix
/// and ends the program (tract-linalg 0.23.9 on an Intel Xeon, two of twelve runs of a 1.6 MB network). Only
/// [`Kernel::Tract`] ever multiplies bytes by tract.
#[cfg(target_arch = "x86_64")]
fn leave_amx_out() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let knob = &tract_linalg::knobs::TRACT_CPU_ISA;
        let asked = knob.get().map(|asked| asked + ",").unwrap_or_default();
        knob.set(Some(asked + "-amx-int8"));
    });
}

#[cfg(not(target_arch = "x86_64"))]
fn leave_amx_out() {}

fn decode(onnx: Vec<u8>) -> Result<ModelProto, SessionError> {
    leave_amx_out();
    // The bytes are let go of once the weights are copied out of them.
    let (len, file) = (onnx.len(), Bytes::from(onnx));
    let proto = ModelProto::decode(file).map_err(|error| SessionError::Graph(error.to_string()))?;
    guard::check(&proto, len).map_err(SessionError::Graph)?;
    Ok(proto)
}

fn typed(proto: ModelProto) -> Result<TypedModel, SessionError> {
    let model = tract_onnx::onnx().model_for_proto_model(&proto).map_err(graph_error)?;
    drop(proto);
    let model = model.into_typed().map_err(graph_error)?;
    guard::check_sizes(&model).map_err(SessionError::Graph)?;
    Ok(model)
}

fn only_input(model: &TypedModel) -> Result<Vec<usize>, SessionError> {
    let inputs = model.input_outlets().map_err(graph_error)?.len();
    if inputs != 1 {
        return Err(SessionError::Graph(format!("it has {inputs} inputs, expected 1")));
    }
    let fact = model.input_fact(0).map_err(graph_error)?;
    if fact.datum_type != DatumType::F32 {
        return Err(SessionError::Graph(format!(
            "its input is {:?}, expected F32",
            fact.datum_type
        )));
    }
    let shape = fact.shape.as_concrete();
    shape.map(<[usize]>::to_vec).ok_or_else(|| {
        SessionError::Graph(format!("its input is {}, expected a fixed shape", shape_of(fact)))
    })
}

fn check_contract(model: &TypedModel, expected: &Contract) -> Result<(), SessionError> {
    let (inputs, outputs) = (
        model.input_outlets().map_err(graph_error)?.len(),
        model.output_outlets().map_err(graph_error)?.len(),
    );
    check_same("number of inputs", inputs.to_string(), "1".to_owned())?;
    let count = expected.outputs.len().to_string();
    check_same("number of outputs", outputs.to_string(), count)?;
    let input = model.input_fact(0).map_err(graph_error)?;
    check_same("input", shape_of(input), format!("{:?}", expected.input))?;
    for (idx, shape) in expected.outputs.iter().enumerate() {
        let output = model.output_fact(idx).map_err(graph_error)?;
        check_same(&format!("output {idx}"), shape_of(output), format!("{shape:?}"))?;
    }
    Ok(())
}

fn check_same(what: &str, found: String, expected: String) -> Result<(), SessionError> {
    if found == expected {
        return Ok(());
    }
    Err(SessionError::Shape { what: what.to_owned(), found, expected })
}

/// A shape as `[1, 3, 112, 112]`, an unknown length by its name.
fn shape_of(fact: &TypedFact) -> String {
    let axes: Vec<String> = fact.shape.iter().map(ToString::to_string).collect();
    format!("[{}]", axes.join(", "))
}

fn read_output(value: &TValue) -> Result<Tensor, SessionError> {
    let cast = value.cast_to::<f32>().map_err(run_error)?;
    let values = cast.view().as_slice::<f32>().map_err(run_error)?.to_vec();
    Ok(Tensor { shape: cast.shape().to_vec(), values })
}

/// For each node, the numbers of the outputs that depend on it.
fn leads_to(model: &TypedModel) -> Vec<Vec<usize>> {
    let mut leads_to = vec![vec![]; model.nodes().len()];
    for (number, output) in model.output_outlets().into_iter().flatten().enumerate() {
        let mut open = vec![output.node];
        while let Some(id) = open.pop() {
            if leads_to[id].last() != Some(&number) {
                leads_to[id].push(number);
                open.extend(model.node(id).inputs.iter().map(|input| input.node));
            }
        }
    }
    leads_to
}

/// For each node, whether it depends on the input.
fn varies(model: &TypedModel) -> Vec<bool> {
    let mut varies = vec![false; model.nodes().len()];
    let mut open: Vec<usize> =
        model.input_outlets().into_iter().flatten().map(|i| i.node).collect();
    while let Some(id) = open.pop() {
        if !varies[id] {
            varies[id] = true;
            let readers = model.node(id).outputs.iter().flat_map(|output| &output.successors);
            open.extend(readers.map(|reader| reader.node));
        }
    }
    varies
}

fn describe(node: &TypedNode) -> Operator {
    let product = node.op_as::<OptMatMul>().and_then(|product| product.mmm.first());
    let ours = node.op_as::<IntegerConv>().map(|_| "I32".to_owned());
    let output = node.outputs.first().map(|outlet| outlet.fact.datum_type);
    Operator {
        name: node.name.clone(),
        op: node.op.name().into_owned(),
        output: output.map_or_else(String::new, |kind| format!("{:?}", kind.unquantized())),
        sum: product.map(|kernel| format!("{:?}", kernel.internal_type())).or(ours),
        leads_to: vec![],
        is_constant: false,
    }
}

/// Runs `work` so that a panic inside tract becomes the error `wrap` makes of its message.
fn guarded<T>(
    wrap: fn(String) -> SessionError,
    work: impl FnOnce() -> Result<T, SessionError>,
) -> Result<T, SessionError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(wrap(format!("it panicked: {}", text.unwrap_or("without a message"))))
    })
}

fn graph_error(error: TractError) -> SessionError {
    SessionError::Graph(format!("{error:#}"))
}

fn run_error(error: TractError) -> SessionError {
    SessionError::Run(format!("{error:#}"))
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use tract_linalg::isa::{Isa, native};

    #[test]
    fn bytes_are_never_multiplied_by_tract_s_amx_kernel() {
        super::leave_amx_out();
        assert!(!native().has(Isa::X86_64AmxInt8));
    }
}
