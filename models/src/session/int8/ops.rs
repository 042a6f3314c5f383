//! Our operators for tract: a convolution, and the two ways between its order of bytes and tract's.

use std::fmt;
use std::sync::Arc;

use rayon::ThreadPool;
use tract_onnx::tract_core::internal::*;

use super::conv::Conv;

/// A convolution: bytes `[height, width, channels]` to bytes, or to sums where no layer follows.
#[derive(Clone)]
pub(crate) struct IntegerConv {
    pub(super) conv: Arc<Conv>,
    pub(super) pool: Option<Arc<ThreadPool>>,
}

/// From tract's `[1, channels, height, width]` in i8 to `[height, width, channels]` as a kernel reads them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToPixels {
    /// Xored to each byte.
    pub(super) flip: u8,
}

/// The way back: of bytes, or of 32-bit sums, which stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FromPixels {
    /// Xored to each byte.
    pub(super) flip: u8,
}

impl Op for IntegerConv {
    fn name(&self) -> StaticName {
        "IntegerConv".into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        Ok(vec![format!("{:?}", self.conv)])
    }

    op_as_typed_op!();
}

impl EvalOp for IntegerConv {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = inputs[0].try_as_plain_ram()?;
        let (input, pool) = (input.as_slice::<u8>()?, self.pool.as_deref());
        let shape = self.conv.output();
        let output = if self.conv.makes_bytes() {
            filled::<u8>(&shape, |output| self.conv.bytes(input, output, pool))
        } else {
            filled::<i32>(&shape, |output| self.conv.sums(input, output, pool))
        };
        Ok(tvec!(output?.into_tvalue()))
    }
}

impl TypedOp for IntegerConv {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let (expected, found) = (self.conv.input(), inputs[0].shape.as_concrete());
        ensure!(found == Some(&expected[..]), "input is {found:?}, expected {expected:?}");
        let shape = self.conv.output();
        Ok(tvec!(if self.conv.makes_bytes() { u8::fact(shape) } else { i32::fact(shape) }))
    }

    as_op!();
}

impl fmt::Debug for IntegerConv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntegerConv").field(&self.conv).finish()
    }
}

impl PartialEq for IntegerConv {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.conv, &other.conv)
    }
}

impl Eq for IntegerConv {}

impl Op for ToPixels {
    fn name(&self) -> StaticName {
        "ToPixels".into()
    }

    op_as_typed_op!();
}

impl EvalOp for ToPixels {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = inputs[0].try_as_plain_ram()?;
        let (input, shape) = (input.as_slice::<i8>()?, inputs[0].shape());
        let (channels, pixels) = (shape[1], shape[2] * shape[3]);
        let output = filled::<u8>(&[shape[2], shape[3], channels], |output| {
            for (channel, plane) in input.chunks_exact(pixels).enumerate() {
                let places = output.iter_mut().skip(channel).step_by(channels);
                places.zip(plane).for_each(|(to, from)| *to = from.cast_unsigned() ^ self.flip);
            }
        });
        Ok(tvec!(output?.into_tvalue()))
    }
}

impl TypedOp for ToPixels {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shape = inputs[0].shape.as_concrete().context("expected a fixed shape")?;
        let &[1, channels, height, width] = shape else {
            bail!("input is {shape:?}, expected [1, channels, height, width]")
        };
        Ok(tvec!(u8::fact([height, width, channels])))
    }

    as_op!();
}

impl Op for FromPixels {
    fn name(&self) -> StaticName {
        "FromPixels".into()
    }

    op_as_typed_op!();
}

impl EvalOp for FromPixels {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let &[height, width, channels] = inputs[0].shape() else {
            bail!("input is {:?}, expected [height, width, channels]", inputs[0].shape())
        };
        let shape = [1, channels, height, width];
        let input = inputs[0].try_as_plain_ram()?;
        let output = if inputs[0].datum_type() == i32::datum_type() {
            let input = input.as_slice::<i32>()?;
            filled::<i32>(&shape, |output| planes(input, channels, output, |&sum| sum))
        } else {
            let (input, flip) = (input.as_slice::<u8>()?, self.flip);
            filled::<i8>(&shape, |output| {
                planes(input, channels, output, |&byte| (byte ^ flip).cast_signed());
            })
        };
        Ok(tvec!(output?.into_tvalue()))
    }
}

impl TypedOp for FromPixels {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shape = inputs[0].shape.as_concrete().context("expected a fixed shape")?;
        let &[height, width, channels] = shape else {
            bail!("input is {shape:?}, expected [height, width, channels]")
        };
        let shape = [1, channels, height, width];
        let sums = inputs[0].datum_type == i32::datum_type();
        Ok(tvec!(if sums { i32::fact(shape) } else { i8::fact(shape) }))
    }

    as_op!();
}

/// A plane for each channel.
fn planes<A, B>(pixels: &[A], channels: usize, planes: &mut [B], value: impl Fn(&A) -> B) {
    for (channel, plane) in planes.chunks_exact_mut(pixels.len() / channels).enumerate() {
        let values = pixels.iter().skip(channel).step_by(channels);
        plane.iter_mut().zip(values).for_each(|(to, from)| *to = value(from));
    }
}

/// A tensor whose every value `fill` writes.
fn filled<T: Datum>(shape: &[usize], fill: impl FnOnce(&mut [T])) -> TractResult<Tensor> {
    #[allow(unsafe_code, reason = "zeroing what is overwritten costs a hundredth of a run")]
    // SAFETY: plain numbers, and all of them are written before they are read.
    let mut tensor = unsafe { Tensor::uninitialized::<T>(shape)? };
    fill(tensor.try_as_plain_ram_mut()?.as_slice_mut::<T>()?);
    Ok(tensor)
}
