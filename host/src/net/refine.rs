//! The net that looks once more, closer, at each face that the detector found: whether it is one, and where its
//! landmarks are, as the output net of MTCNN does (Zhang et al. 2016).

use super::{Branch, Conv, End, Layer, Plan, conv3x3, linear};

/// What it tells of a crop: a score and five landmarks ([`models::manifest::detector::RefineSpec`]).
pub const CHANNELS: usize = 11;

/// Side of the crop in pixels.
pub const CROP_PX: usize = 64;

/// Plain 3×3 convolutions and one layer that is fully connected.
#[derive(Clone, Debug, PartialEq)]
pub struct RefineNet {
    layers: Vec<Layer>,
}

impl Default for RefineNet {
    /// The net over crops of [`CROP_PX`].
    ///
    /// # Shapes
    /// - input: `[batch, 3, 64, 64]`, f32
    /// - `face`: `[batch, 11]`, f32
    fn default() -> Self {
        let convs = [
            ("conv1", 3, 16, 2),
            ("conv2", 16, 32, 2),
            ("conv3", 32, 48, 2),
            ("conv4", 48, 48, 1),
            ("conv5", 48, 64, 2),
            ("conv6", 64, 64, 1),
        ];
        let convs = convs.map(|(name, inputs, outputs, stride)| {
            Layer::Conv(Conv { stride, batch_norm: true, ..conv3x3(name, inputs, outputs) })
        });
        let side = CROP_PX / 16;
        let face = [Layer::Flatten, linear("face", 64 * side * side, CHANNELS, false)];
        Self { layers: convs.into_iter().chain(face).collect() }
    }
}

impl RefineNet {
    /// Its layers, in order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }
}

impl<'a> From<&'a RefineNet> for Plan<'a> {
    fn from(net: &'a RefineNet) -> Self {
        let root = Branch { layers: &net.layers, end: End::Output("face") };
        Plan { name: "refine", input: [3, CROP_PX, CROP_PX], root }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;
    use crate::net::parameter_count;

    #[test]
    fn it_is_small_and_tells_eleven_numbers() {
        let net = RefineNet::default();
        let shape = |shape: Vec<usize>, layer: &Layer| layer.output_shape(&shape);
        assert_eq!(net.layers().iter().fold(vec![3, CROP_PX, CROP_PX], shape), [CHANNELS]);
        let parameters = parameter_count(net.layers());
        assert!(parameters <= 120_000, "{parameters}");
        assert_eq!(contract::refine_crop().size_px as usize, CROP_PX);
    }
}
