//! A convolution small enough to try every kernel with, before a network is opened.
//!
//! There is no clock here: whoever has one times [`Probe::run`] and keeps the fastest.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::conv::KernelFormat;
use tract_onnx::tract_core::ops::cnn::{Conv, PaddingSpec, PoolSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;
use tract_onnx::tract_core::ops::quant::quantize_linear_i8;

use super::{Kernel, Options, Session, SessionError, graph_error, guarded};
use crate::tensor::Tensor as Values;

/// Side of the map in pixels: two tiles of the widest kernel.
const SIDE: usize = 28;
/// Channels in and out: 29 million products in all, some milliseconds on a slow core.
const CHANNELS: usize = 64;

/// A 3×3 convolution of 28×28 pixels with 64 channels, ready to run.
#[derive(Debug)]
pub struct Probe {
    session: Session,
    input: Values,
}

impl Probe {
    /// With one kernel and one thread.
    pub fn new(kernel: Kernel) -> Result<Self, SessionError> {
        let shape = [1, CHANNELS, SIDE, SIDE];
        let session = guarded(SessionError::Graph, || {
            let model = convolution(&shape).map_err(graph_error)?;
            Session::prepare(model, &Options { threads: 1, kernel })
        })?;
        let values = (0..shape.iter().product()).map(|i| (i % 255) as f32).collect();
        Ok(Self { session, input: Values { shape: shape.to_vec(), values } })
    }

    /// Computes it once.
    pub fn run(&mut self) -> Result<(), SessionError> {
        self.session.run(&self.input).map(drop)
    }
}

/// `QuantizeLinear` and `QLinearConv`, as the trainer's graphs have them.
fn convolution(shape: &[usize; 4]) -> TractResult<TypedModel> {
    let mut model = TypedModel::default();
    let input = model.add_source("input", f32::fact(shape))?;
    let bytes = model.wire_node("bytes", quantize_linear_i8(1.0, -128), &[input])?[0];
    let count = CHANNELS * CHANNELS * 9;
    let weights: Vec<i8> = (-127..=127).cycle().step_by(7).take(count).collect();
    let weights = Tensor::from_shape(&[CHANNELS, CHANNELS, 3, 3], &weights)?;
    let constants = [
        weights,
        tensor1(&[0i32; CHANNELS]),
        tensor0(-128i32),
        tensor0(1f32),
        tensor0(0i32),
        tensor0(1f32),
        tensor0(-128i32),
        tensor0(1000f32),
    ];
    let mut inputs = vec![bytes];
    for (slot, constant) in constants.into_iter().enumerate() {
        inputs.push(model.add_const(format!("constant.{slot}"), constant)?);
    }
    let pool_spec = PoolSpec {
        data_format: DataFormat::NCHW,
        kernel_shape: tvec![3, 3],
        padding: PaddingSpec::Explicit(tvec![1, 1], tvec![1, 1]),
        dilations: None,
        strides: None,
        input_channels: CHANNELS,
        output_channels: CHANNELS,
    };
    let conv = Conv::new(pool_spec, KernelFormat::OIHW, 1, Some(i8::datum_type()));
    let output = model.wire_node("output", conv, &inputs)?;
    model.select_output_outlets(&output)?;
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_of_this_processor_gives_the_same_bytes() {
        let run = |kernel| {
            let mut probe = Probe::new(kernel).unwrap();
            probe.session.run(&probe.input).unwrap().remove(0)
        };
        let expected = run(Kernel::Scalar);
        assert!(expected.values.iter().any(|&v| v > -100.0 && v < 100.0), "all saturated");
        for kernel in Kernel::available() {
            let found = run(kernel);
            assert_eq!(found.shape, [1, CHANNELS, SIDE, SIDE]);
            let pairs = found.values.iter().zip(&expected.values);
            let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // tract rounds halves in another way.
            let allowed = if kernel == Kernel::Tract { 1.0 } else { 0.0 };
            assert!(largest <= allowed, "{kernel}: {largest}");
        }
    }
}
