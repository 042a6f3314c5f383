//! From the bytes of a crop to the values a network reads: the only place with mean and scale.

use image::RgbImage;

use crate::manifest::{ChannelOrder, InputSpec};
use crate::tensor::Tensor;

/// Turns crops into tensors by the manifest's rules.
#[derive(Clone, Debug)]
pub struct Preprocessor {
    /// Which byte of a pixel each channel of the tensor reads.
    channels: [usize; 3],
    /// What each of the 256 bytes becomes, by channel of the tensor.
    values: [[f32; 256]; 3],
}

impl Preprocessor {
    /// The rules of `spec`: `(byte − mean) · scale`.
    pub fn new(spec: &InputSpec) -> Self {
        let channels = match spec.order {
            ChannelOrder::Rgb => [0, 1, 2],
            ChannelOrder::Bgr => [2, 1, 0],
        };
        let value = |c: usize, byte: usize| (byte as f32 - spec.mean[c]) * spec.scale[c];
        let values = std::array::from_fn(|c| std::array::from_fn(|byte| value(c, byte)));
        Self { channels, values }
    }

    /// The tensor of one crop.
    ///
    /// # Shapes
    /// - crop: `[height, width, 3]`, u8, sRGB
    /// - tensor: `[1, 3, height, width]`, f32, channels in the manifest's order
    pub fn tensor(&self, crop: &RgbImage) -> Tensor {
        let (width, height) = (crop.width() as usize, crop.height() as usize);
        let mut values = Vec::with_capacity(3 * width * height);
        for (channel, table) in self.channels.iter().zip(&self.values) {
            let bytes = crop.as_raw().iter().skip(*channel).step_by(3);
            values.extend(bytes.map(|&byte| table[usize::from(byte)]));
        }
        Tensor { shape: vec![1, 3, height, width], values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(order: ChannelOrder, expected: [f32; 6]) {
        let spec = InputSpec { order, mean: [10.0, 20.0, 30.0], scale: [1.0, 0.5, 0.1] };
        let crop = RgbImage::from_raw(2, 1, vec![10, 20, 30, 110, 120, 130]).unwrap();
        let tensor = Preprocessor::new(&spec).tensor(&crop);
        assert_eq!(tensor.shape, [1, 3, 1, 2]);
        for (found, expected) in tensor.values.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{:?}", tensor.values);
        }
    }

    #[test]
    fn each_channel_has_its_own_mean_and_scale() {
        check(ChannelOrder::Rgb, [0.0, 100.0, 0.0, 50.0, 0.0, 10.0]);
    }

    #[test]
    fn mean_and_scale_follow_the_order_of_the_tensor() {
        check(ChannelOrder::Bgr, [20.0, 120.0, 0.0, 50.0, -2.0, 8.0]);
    }
}
