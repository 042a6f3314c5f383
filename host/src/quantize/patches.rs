//! What a layer's sums read: some of its inputs as columns of a matrix.

use models::tensor::Tensor;
use ndarray::Array2;

use crate::net::{Conv, Layer};

/// Samples for each weight of an output channel: fewer tell little of how inputs go together.
const EACH: usize = 2;

/// Evenly spread samples of what the layer multiplies its weights with; `None` where the pictures give
/// less than twice as many as an output channel has weights.
///
/// # Shapes
/// - inputs: `[1, channels, height, width]` or `[1, features]` each
/// - result: `[weights of an output channel, samples]`
pub(super) fn sample(layer: &Layer, inputs: &[&Tensor]) -> Option<Array2<f32>> {
    let Layer::Conv(conv) = layer else { return None };
    let shape = &inputs.first()?.shape[1..];
    let out = layer.output_shape(shape);
    let (places, weights) = (out[1] * out[2], conv.inputs * conv.kernel * conv.kernel);
    let (there, wanted) = (places * inputs.len(), weights * EACH);
    if there <= wanted {
        return None;
    }
    // No whole share, so that samples do not keep to the same columns of a map.
    let samples = wanted + 1;
    let mut columns = Array2::zeros((weights, samples));
    for (at, mut column) in columns.columns_mut().into_iter().enumerate() {
        let (picture, place) = (at * there / samples / places, at * there / samples % places);
        let patch =
            Patch { conv, size: [shape[1], shape[2]], at: [place / out[2], place % out[2]] };
        let values = patch.values(&inputs[picture].values);
        column.iter_mut().zip(values).for_each(|(cell, value)| *cell = value);
    }
    Some(columns)
}

/// What one output pixel of a convolution reads.
struct Patch<'a> {
    conv: &'a Conv,
    /// Height and width of the input.
    size: [usize; 2],
    /// Row and column of the output pixel.
    at: [usize; 2],
}

impl Patch<'_> {
    /// In the order of the weights: channel, row, column; 0 outside.
    fn values<'v>(&'v self, map: &'v [f32]) -> impl Iterator<Item = f32> + 'v {
        let side = self.conv.kernel;
        (0..self.conv.inputs * side * side).map(move |k| {
            let (channel, dy, dx) = (k / side / side, k / side % side, k % side);
            let (y, x) = (self.inside(0, dy), self.inside(1, dx));
            let [height, width] = self.size;
            y.zip(x).map_or(0.0, |(y, x)| map[(channel * height + y) * width + x])
        })
    }

    /// The input row or column under one of the kernel's.
    fn inside(&self, axis: usize, offset: usize) -> Option<usize> {
        let at = (self.at[axis] * self.conv.stride + offset).checked_sub(self.conv.pad)?;
        (at < self.size[axis]).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net;

    #[test]
    fn a_patch_times_the_weights_is_what_the_layer_computes() {
        let conv = Conv {
            name: "c".into(),
            inputs: 2,
            outputs: 1,
            kernel: 3,
            stride: 2,
            pad: 1,
            batch_norm: false,
            relu: false,
        };
        let layer = Layer::Conv(conv);
        let values: Vec<f32> = (0..2 * 13 * 13).map(|i| (i as f32).sin()).collect();
        let input = Tensor::new([1, 2, 13, 13], values).unwrap();
        let columns = sample(&layer, &[&input]).unwrap();
        assert_eq!(columns.dim(), (18, 37));
        let mut weights = crate::weights::Weights::default();
        let kernel: Vec<f32> = (0..18).map(|i| (i as f32).cos()).collect();
        weights.set("c.weight".to_owned(), &[1, 2, 3, 3], kernel.clone());
        weights.set("c.bias".to_owned(), &[1], vec![0.0]);
        let graph = crate::onnx::export_layer(&layer, &weights, &[2, 13, 13]).unwrap();
        let options = models::session::Options::default();
        let mut session = models::session::Session::open_any(graph, &options).unwrap();
        let sums = &session.run(&input).unwrap()[0].values;
        for (at, column) in columns.columns().into_iter().enumerate() {
            let ours: f32 = kernel.iter().zip(column).map(|(a, b)| a * b).sum();
            assert!((sums[at * 49 / 37] - ours).abs() < 1e-4, "{at}");
        }
    }

    #[test]
    fn layers_with_too_few_samples_have_none() {
        let compact = net::compact();
        let layer = compact.trunk.iter().find(|layer| matches!(layer, Layer::Conv(_))).unwrap();
        let input = Tensor::new([1, 3, 8, 8], vec![1.0; 192]).unwrap();
        assert!(sample(layer, &[&input]).is_none(), "16 places for 27 weights");
        assert!(sample(layer, &[&input; 4]).is_some());
        assert!(sample(&Layer::MaxPool, &[&input]).is_none());
    }
}
