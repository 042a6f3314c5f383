//! Batch norm (Ioffe, Szegedy 2015) folded into the convolution before it: the same numbers with one
//! step fewer.

use anyhow::Result;

use crate::net::{Conv, Layer, Plan, Weighted};
use crate::weights::Weights;

/// What is added to each variance; torch's default, with which the nets are trained.
pub const EPSILON: f32 = 1e-5;

/// Weights and biases alone, each batch norm folded into its convolution.
pub fn fold_batch_norm<'a>(net: impl Into<Plan<'a>>, weights: &Weights) -> Result<Weights> {
    let mut folded = Weights { input: weights.input.clone(), ..Weights::default() };
    for layer in net.into().layers() {
        let Some(Weighted { name, shape, .. }) = layer.weighted() else { continue };
        let mut kernel = weights.get(&format!("{name}.weight"), &shape)?.values.clone();
        let mut bias = weights.get(&format!("{name}.bias"), &shape[..1])?.values.clone();
        if let Layer::Conv(conv) = layer
            && conv.batch_norm
        {
            fold(conv, weights, &mut kernel, &mut bias)?;
        }
        folded.set(format!("{name}.weight"), &shape, kernel);
        folded.set(format!("{name}.bias"), &shape[..1], bias);
    }
    Ok(folded)
}

/// `y = (x − mean) · gain / √(var + ε) + shift` moved into the kernel and bias that make `x`.
fn fold(conv: &Conv, weights: &Weights, kernel: &mut [f32], bias: &mut [f32]) -> Result<()> {
    let part = |part: &str| weights.get(&format!("{}.bn.{part}", conv.name), &[conv.outputs]);
    let (gain, shift) = (part("weight")?, part("bias")?);
    let (mean, var) = (part("running_mean")?, part("running_var")?);
    let rows = kernel.chunks_exact_mut(conv.inputs * conv.kernel * conv.kernel);
    for (channel, (row, bias)) in rows.zip(bias).enumerate() {
        let factor = gain.values[channel] / (var.values[channel] + EPSILON).sqrt();
        row.iter_mut().for_each(|w| *w *= factor);
        *bias = (*bias - mean.values[channel]) * factor + shift.values[channel];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Net;

    #[test]
    fn a_folded_convolution_computes_what_the_pair_did() {
        let conv = Conv {
            name: "c".into(),
            inputs: 1,
            outputs: 2,
            kernel: 1,
            stride: 1,
            pad: 0,
            batch_norm: true,
            relu: false,
        };
        let net = Net {
            name: "tiny",
            input_px: 1,
            trunk: vec![Layer::Conv(conv)],
            age: vec![],
            gender: vec![],
        };
        let mut weights = Weights::default();
        weights.set("c.weight", &[2, 1, 1, 1], vec![3.0, -1.0]);
        weights.set("c.bias", &[2], vec![0.5, 1.0]);
        weights.set("c.bn.weight", &[2], vec![2.0, 1.0]);
        weights.set("c.bn.bias", &[2], vec![-1.0, 4.0]);
        weights.set("c.bn.running_mean", &[2], vec![1.5, 0.0]);
        assert!(
            fold_batch_norm(&net, &weights).unwrap_err().to_string().contains("c.bn.running_var")
        );
        weights.set("c.bn.running_var", &[2], vec![4.0, 0.25]);

        let folded = fold_batch_norm(&net, &weights).unwrap();
        assert_eq!(folded.tensors.len(), 2);
        let (kernel, bias) = (&folded.tensors["c.weight"].values, &folded.tensors["c.bias"].values);
        let x = 0.7;
        // Channel 0: ((3x + 0.5) − 1.5) · 2 / √4 − 1; channel 1: (−x + 1) · 1 / √0.25 + 4.
        assert!((kernel[0] * x + bias[0] - (3.0 * x - 2.0)).abs() < 1e-4);
        assert!((kernel[1] * x + bias[1] - (-2.0 * x + 6.0)).abs() < 1e-4);
    }
}
