//! A layer's weights in bytes: each to its nearest step, or so that the errors of a sum cancel.

use anyhow::{Context, Result};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

use super::range;
use crate::matrix::{add_square, cholesky};

/// How weights become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Rounding {
    /// Each to the nearest step.
    Nearest,
    /// One after the other, each making good what those before it did to the layer's sums, where there
    /// are enough inputs to tell (GPTQ: Frantar, Ashkboos, Hoefler, Alistarh 2023).
    Compensated,
}

/// Which weights share a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scales {
    /// All of a layer.
    PerTensor,
    /// Those of one output channel.
    PerChannel,
}

/// Added to the diagonal of the inputs' covariance, as a share of its mean; the authors' choice.
const DAMPING: f32 = 0.01;
/// Output channels that one task rounds, and weights between two products.
const BLOCK: usize = 64;

/// A layer's weights in bytes.
pub(super) struct Bytes {
    /// Output channels by weights, row-major, −127 to 127.
    pub(super) weight: Vec<i8>,
    /// One step: one for all, or one an output channel.
    pub(super) scales: Vec<f32>,
}

impl Bytes {
    /// What they stand for.
    pub(super) fn real(&self) -> Vec<f32> {
        let steps = each(&self.scales, self.weight.len());
        self.weight.iter().zip(steps).map(|(&byte, step)| f32::from(byte) * step).collect()
    }
}

/// The steps of a layer's weights that lose least.
pub(super) fn scales(kernel: &[f32], outputs: usize, scales: Scales) -> Vec<f32> {
    match scales {
        Scales::PerTensor => vec![range::weight_scale(kernel)],
        Scales::PerChannel => {
            kernel.par_chunks(kernel.len() / outputs).map(range::weight_scale).collect()
        }
    }
}

/// Each weight to its nearest step.
pub(super) fn nearest(kernel: &[f32], scales: Vec<f32>) -> Bytes {
    let steps = each(&scales, kernel.len());
    let weight = kernel.iter().zip(steps).map(|(&w, step)| byte(w / step)).collect();
    Bytes { weight, scales }
}

/// Weights whose errors cancel in sums over inputs such as `inputs`. The mean of an error is left to
/// bias correction.
///
/// Last to first, each weight takes the step at which the error left so far is smallest. That is GPTQ's
/// order turned round: it then needs Cholesky's factor of the covariance, and no inverse.
///
/// # Shapes
/// - inputs: `[weights of a channel, samples]`, more samples than weights
pub(super) fn compensated(kernel: &[f32], scales: Vec<f32>, inputs: Array2<f32>) -> Result<Bytes> {
    let len = inputs.nrows();
    let factor = factor(inputs).context("the covariance of a layer's inputs")?;
    let steps: Vec<f32> = each(&scales, kernel.len()).step_by(len).collect();
    let mut weight = vec![0i8; kernel.len()];
    let tasks = weight.par_chunks_mut(BLOCK * len).zip(kernel.par_chunks(BLOCK * len));
    let done = tasks.zip(steps.par_chunks(BLOCK)).map(|((weight, kernel), steps)| {
        let weight = ArrayViewMut2::from_shape((steps.len(), len), weight)?;
        let kernel = ArrayView2::from_shape((steps.len(), len), kernel)?;
        round_rows(factor.view(), kernel, steps, weight);
        anyhow::Ok(())
    });
    done.collect::<Result<()>>()?;
    Ok(Bytes { weight, scales })
}

/// Cholesky's factor of the inputs' damped covariance.
fn factor(mut inputs: Array2<f32>) -> Result<Array2<f32>> {
    let (len, samples) = inputs.dim();
    for mut row in inputs.axis_iter_mut(Axis(0)) {
        let mean = row.sum() / samples as f32;
        row -= mean;
    }
    let mut covariance = Array2::zeros((len, len));
    add_square(1.0 / samples as f32, inputs.view(), covariance.view_mut());
    let mean = covariance.diag().sum() / len as f32;
    covariance.diag_mut().mapv_inplace(|v| v + DAMPING * mean + f32::MIN_POSITIVE);
    cholesky(&mut covariance)?;
    Ok(covariance)
}

/// Rounds some output channels.
fn round_rows(
    factor: ArrayView2<'_, f32>,
    kernel: ArrayView2<'_, f32>,
    steps: &[f32],
    mut weight: ArrayViewMut2<'_, i8>,
) {
    let (rows, len) = kernel.dim();
    // What the errors so far add to each weight's own term.
    let mut carried = Array2::<f32>::zeros((rows, len));
    for begin in (0..len).step_by(BLOCK).rev() {
        let end = (begin + BLOCK).min(len);
        let mut errors = Array2::<f32>::zeros((rows, end - begin));
        let block = factor.slice(s![begin..end, begin..end]);
        for (row, &step) in steps.iter().enumerate() {
            for j in (begin..end).rev() {
                let pull = carried[[row, j]] / factor[[j, j]];
                let byte = byte((kernel[[row, j]] + pull) / step);
                let error = kernel[[row, j]] - f32::from(byte) * step;
                (weight[[row, j]], errors[[row, j - begin]]) = (byte, error);
                let mut inside = carried.slice_mut(s![row, begin..j]);
                inside.scaled_add(error, &block.slice(s![j - begin, ..j - begin]));
            }
        }
        let before = factor.slice(s![begin..end, ..begin]);
        general_mat_mul(1.0, &errors, &before, 1.0, &mut carried.slice_mut(s![.., ..begin]));
    }
}

/// The step of every weight, in order.
fn each(scales: &[f32], weights: usize) -> impl Iterator<Item = f32> {
    let len = weights / scales.len();
    (0..weights).map(move |at| scales[at / len])
}

#[allow(clippy::cast_possible_truncation, reason = "clamped")]
fn byte(steps: f32) -> i8 {
    steps.round_ties_even().clamp(-127.0, 127.0) as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rows: usize, cols: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, cols), |(i, j)| {
            ((i * 7919 + j * 104_729) as f32 * 0.37 + (i * j % 89) as f32).sin()
        })
    }

    /// Inputs that go together, as neighbouring pixels do, and are never below 0.
    fn inputs(len: usize, samples: usize) -> Array2<f32> {
        let (common, own) = (numbers(1, samples), numbers(len, samples));
        let mut inputs = own.mapv(|v| 0.3 * v);
        inputs.axis_iter_mut(Axis(0)).for_each(|mut row| row += &common.row(0));
        inputs.mapv(|v| v.max(0.0))
    }

    /// Variance of the errors of a layer's sums.
    fn noise(kernel: &Array2<f32>, bytes: &Bytes, inputs: &Array2<f32>) -> f32 {
        let rounded = Array2::from_shape_vec(kernel.dim(), bytes.real()).unwrap();
        let errors = (kernel - &rounded).dot(inputs);
        errors.var_axis(Axis(1), 0.0).sum()
    }

    #[test]
    fn errors_that_cancel_leave_less_noise_on_inputs_seen_and_unseen() {
        let (len, outputs) = (150, 70);
        let kernel = numbers(outputs, len);
        let all = inputs(len, 4000);
        let (seen, unseen) = all.view().split_at(Axis(1), 2000);
        for kind in [Scales::PerTensor, Scales::PerChannel] {
            let flat = kernel.as_slice().unwrap();
            let scales = scales(flat, outputs, kind);
            let plain = nearest(flat, scales.clone());
            let better = compensated(flat, scales, seen.to_owned()).unwrap();
            for inputs in [seen, unseen].map(|part| part.to_owned()) {
                let ratio = noise(&kernel, &better, &inputs) / noise(&kernel, &plain, &inputs);
                assert!(ratio < 0.7, "{ratio}");
            }
        }
    }

    #[test]
    fn inputs_that_are_always_zero_do_no_harm() {
        let kernel = numbers(3, 10);
        let flat = kernel.as_slice().unwrap();
        let scales = scales(flat, 3, Scales::PerTensor);
        let plain = nearest(flat, scales.clone());
        let same = compensated(flat, scales, Array2::zeros((10, 40))).unwrap();
        assert_eq!(same.weight, plain.weight);
    }

    #[test]
    fn a_channel_of_small_weights_has_a_small_step_of_its_own() {
        let kernel = [1.0, -0.5, 0.01, -0.02];
        let one = nearest(&kernel, scales(&kernel, 2, Scales::PerTensor));
        let two = nearest(&kernel, scales(&kernel, 2, Scales::PerChannel));
        assert_eq!((one.scales.len(), two.scales.len()), (1, 2));
        let off = |bytes: &Bytes| (bytes.real()[2] - 0.01).abs();
        assert!(off(&two) < 1e-4 && off(&one) > 1e-3, "{} {}", off(&two), off(&one));
    }
}
