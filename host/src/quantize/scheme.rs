//! What a quantized net is: bytes for weights and activations, and what they stand for.

use std::collections::BTreeMap;

/// Smallest and largest byte, as whole numbers in f32.
const BYTE: (f32, f32) = (-128.0, 127.0);

/// Bytes for real numbers: `real = scale · (byte − zero)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// One step, above 0.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero: i8,
}

impl Affine {
    /// The coding whose 256 steps just cover `low` to `high` and, exactly, 0.
    pub fn covering(low: f32, high: f32) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = ((high - low) / (BYTE.1 - BYTE.0)).max(f32::MIN_POSITIVE);
        Self { scale, zero: to_byte(BYTE.0 - low / scale) }
    }

    /// The nearest byte, halves to even as ONNX demands; what is out of range saturates.
    pub fn byte(&self, real: f32) -> i8 {
        to_byte((real / self.scale).round_ties_even() + f32::from(self.zero))
    }

    /// What a byte stands for.
    pub fn real(&self, byte: i8) -> f32 {
        self.scale * (f32::from(byte) - f32::from(self.zero))
    }

    /// What is left of a number that went through a byte.
    pub fn round(&self, real: f32) -> f32 {
        let whole = (real / self.scale).round_ties_even() + f32::from(self.zero);
        self.scale * (whole.clamp(BYTE.0, BYTE.1) - f32::from(self.zero))
    }
}

/// A layer with weights.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedLayer {
    /// `[out, in, kernel, kernel]` or `[out, in]`, row-major; the zero point is 0.
    pub weight: Vec<i8>,
    /// One step of the weights: one for the whole layer, or one an output channel.
    pub weight_scales: Vec<f32>,
    /// `[out]`, in steps of input scale × weight scale, corrected.
    pub bias: Vec<i32>,
    /// What the output bytes stand for; `None` for a head's last layer, whose 32-bit sums are the
    /// logits.
    pub output: Option<Affine>,
}

impl QuantizedLayer {
    /// What the weights stand for, in the same order.
    pub fn real_weights(&self) -> Vec<f32> {
        let len = self.weight.len() / self.weight_scales.len().max(1);
        let steps = self.weight.chunks(len.max(1)).zip(&self.weight_scales);
        steps.flat_map(|(bytes, step)| bytes.iter().map(move |&b| f32::from(b) * step)).collect()
    }
}

/// A net in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// What the input bytes stand for.
    pub input: Affine,
    /// By name, as in [`crate::net`].
    pub layers: BTreeMap<String, QuantizedLayer>,
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "`as` rounds to zero and saturates; NaN becomes 0"
)]
fn to_byte(value: f32) -> i8 {
    value.round_ties_even() as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_exact_and_the_ends_are_reached() {
        for (low, high) in [(0.0, 6.0), (-1.0, 1.0), (-3.0, 0.2), (0.5, 2.0)] {
            let affine = Affine::covering(low, high);
            assert_eq!(affine.round(0.0), 0.0);
            assert!((affine.round(high) - high).abs() <= affine.scale * 0.5001, "{low} {high}");
            assert!((affine.round(low) - low).abs() <= affine.scale * 0.5001, "{low} {high}");
        }
    }

    #[test]
    fn a_relu_is_free() {
        let affine = Affine::covering(0.0, 255.0);
        assert_eq!((affine.zero, affine.scale), (-128, 1.0));
        assert_eq!((affine.byte(-7.0), affine.byte(2.5), affine.byte(1e9)), (-128, -126, 127));
        assert_eq!(affine.real(affine.byte(77.2)), 77.0);
    }

    #[test]
    fn nothing_but_zeros_has_a_coding_too() {
        assert_eq!(Affine::covering(0.0, 0.0).round(0.0), 0.0);
    }
}
