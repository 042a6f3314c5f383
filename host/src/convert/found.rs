//! A layer as another program keeps it, and how its numbers are put into our order.

use anyhow::{Result, bail, ensure};

use crate::net::{Layer, Weighted};

/// Values that are moved at once: as many as a line of the processor's cache holds.
const TOGETHER: usize = 16;

/// A layer with weights, as its file holds it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// What the file calls its weights.
    pub(crate) name: String,
    /// As in the file.
    pub(crate) shape: Vec<usize>,
    /// As in the file; as many as the shape says.
    pub(crate) values: Vec<f32>,
    /// One an output; empty where the layer has none.
    pub(crate) bias: Vec<f32>,
    /// Which axis of `shape` is which.
    pub(crate) layout: Layout,
}

/// How a program orders the axes of its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `[out, in, y, x]` and `[out, in]`, flattened channel by channel: torch, ONNX, ours.
    OutFirst,
    /// `[in, out]`, flattened in either order: what ONNX multiplies by.
    InFirst,
    /// `[y, x, in, out]` and `[in, out]`, flattened pixel by pixel: Keras, TensorFlow.
    OutLast,
}

/// A layer that is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Expected<'a> {
    /// What we call it.
    pub(crate) name: &'a str,
    /// Of its weight.
    pub(crate) shape: Vec<usize>,
    /// What was flattened before it: `[channels, height, width]`, or `[features, 1, 1]`.
    pub(crate) before: [usize; 3],
}

/// The layers with weights among `layers`, whose first one reads `input`.
pub(crate) fn expected(layers: &[Layer], input: Vec<usize>) -> Vec<Expected<'_>> {
    let mut expected = vec![];
    let (mut shape, mut before) = (input, [0; 3]);
    for layer in layers {
        if let Some(Weighted { name, shape: weight, .. }) = layer.weighted() {
            if let [features] = *shape
                && before.iter().product::<usize>() != features
            {
                before = [features, 1, 1];
            }
            expected.push(Expected { name, shape: weight, before });
            before = [0; 3];
        }
        if let (Layer::Flatten, &[c, h, w]) = (layer, &*shape) {
            before = [c, h, w];
        }
        shape = layer.output_shape(&shape);
    }
    expected
}

impl Found {
    /// What the file calls the layer.
    pub(crate) fn layer(&self) -> &str {
        let endings = [".weight", "/kernel:0", "/kernel"];
        endings.iter().find_map(|ending| self.name.strip_suffix(ending)).unwrap_or(&self.name)
    }

    /// Weights and biases in our order.
    ///
    /// # Errors
    /// Another shape than expected, or numbers that are not finite.
    pub(crate) fn fit(self, expected: &Expected<'_>) -> Result<(Vec<f32>, Vec<f32>)> {
        let Some((split, axes)) = self.layout.moves(&self.shape, expected) else {
            let shape = self.layout.written(self.shape.len(), expected);
            bail!("{} is {:?}, expected {} {shape:?}", self.name, self.shape, expected.name)
        };
        let [_, height, width] = expected.before;
        ensure!(
            self.layout != Layout::InFirst || height * width <= 1,
            "{} reads what was flattened in an order that the file does not tell, \
             expected a Gemm with transB, as torch writes it, or Keras's .h5",
            self.name
        );
        let outputs = expected.shape[0];
        let bias = if self.bias.is_empty() { vec![0.0; outputs] } else { self.bias };
        ensure!(
            bias.len() == outputs,
            "{} has {} biases, expected {outputs}",
            self.name,
            bias.len()
        );
        let finite = self.values.iter().chain(&bias).all(|value| value.is_finite());
        ensure!(finite, "{} or its bias holds a value that is not finite", self.name);
        Ok((permuted(self.values, &split, &axes), bias))
    }
}

impl Layout {
    /// A shape of as many values as `shape`, and the order of its axes that brings them into ours; `None`
    /// where the layer is another one.
    fn moves(self, shape: &[usize], expected: &Expected<'_>) -> Option<(Vec<usize>, Vec<usize>)> {
        if shape != self.written(shape.len(), expected) {
            return None;
        }
        let ([c, h, w], out) = (expected.before, expected.shape[0]);
        Some(match (self, shape.len()) {
            (Self::OutFirst, _) => (shape.to_vec(), (0..shape.len()).collect()),
            (Self::InFirst, _) => (shape.to_vec(), vec![1, 0]),
            (Self::OutLast, 4) => (shape.to_vec(), vec![3, 2, 0, 1]),
            (Self::OutLast, _) => (vec![h, w, c, out], vec![3, 2, 0, 1]),
        })
    }

    /// The shape that a file of this layout gives the expected weight, with `axes` axes where there is a
    /// choice: fully connected layers may be convolutions as wide as their input.
    fn written(self, axes: usize, expected: &Expected<'_>) -> Vec<usize> {
        let [c, h, w] = expected.before;
        let as_conv = match *expected.shape {
            [out, _] if axes == 4 => vec![out, c, h, w],
            _ => expected.shape.clone(),
        };
        match (self, &*as_conv) {
            (Self::OutLast, &[out, inputs, y, x]) => vec![y, x, inputs, out],
            (Self::OutLast | Self::InFirst, &[out, inputs]) => vec![inputs, out],
            _ => as_conv,
        }
    }
}

/// The values of `shape` with its axes in another order.
fn permuted(values: Vec<f32>, shape: &[usize], axes: &[usize]) -> Vec<f32> {
    if axes.is_sorted() {
        return values;
    }
    let stride = |axis: usize| shape[axis + 1..].iter().product::<usize>();
    // Offsets of all but the first of the new axes, once; then each place along that first one.
    let mut inner = vec![0];
    for &axis in &axes[1..] {
        let step = stride(axis);
        inner = inner.iter().flat_map(|at| (0..shape[axis]).map(move |i| at + i * step)).collect();
    }
    let (first, step) = (shape[axes[0]], stride(axes[0]));
    let mut moved = vec![0.0; values.len()];
    // Some places together, since they lie side by side where that first axis was the last one.
    for block in (0..first).step_by(TOGETHER) {
        for (to, from) in inner.iter().enumerate() {
            for i in block..first.min(block + TOGETHER) {
                moved[i * inner.len() + to] = values[i * step + from];
            }
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net;

    fn count(shape: &[usize]) -> Vec<f32> {
        (0..shape.iter().product::<usize>()).map(|i| i as f32).collect()
    }

    fn found(layout: Layout, shape: &[usize]) -> Found {
        Found {
            name: "theirs".into(),
            shape: shape.into(),
            values: count(shape),
            bias: vec![],
            layout,
        }
    }

    fn linear(before: [usize; 3]) -> Expected<'static> {
        Expected { name: "fc", shape: vec![2, before.iter().product()], before }
    }

    #[test]
    fn keras_kernels_are_turned_over() {
        let conv = Expected { name: "conv", shape: vec![4, 3, 2, 2], before: [0; 3] };
        let (kernel, bias) = found(Layout::OutLast, &[2, 2, 3, 4]).fit(&conv).unwrap();
        for (o, i, y, x) in [(0, 0, 0, 0), (3, 1, 0, 1), (1, 2, 1, 0)] {
            let theirs = ((y * 2 + x) * 3 + i) * 4 + o;
            assert_eq!(kernel[((o * 3 + i) * 2 + y) * 2 + x], theirs as f32);
        }
        assert_eq!(bias, [0.0; 4]);
    }

    #[test]
    fn a_dense_layer_and_a_convolution_as_wide_as_its_input_are_one() {
        let (dense, _) = found(Layout::OutLast, &[12, 2]).fit(&linear([3, 2, 2])).unwrap();
        let (conv, _) = found(Layout::OutLast, &[2, 2, 3, 2]).fit(&linear([3, 2, 2])).unwrap();
        assert_eq!(dense, conv);
        // Output 1, channel 2, pixel (1, 0): Keras flattens pixel by pixel.
        assert_eq!(dense[12 + 2 * 4 + 2], ((2 * 3 + 2) * 2 + 1) as f32);
        let (wide, _) = found(Layout::OutFirst, &[2, 3, 2, 2]).fit(&linear([3, 2, 2])).unwrap();
        assert_eq!(wide, count(&[24]));
        let (times, _) = found(Layout::InFirst, &[12, 2]).fit(&linear([12, 1, 1])).unwrap();
        assert_eq!(times[..3], [0.0, 2.0, 4.0]);
        let unsure = found(Layout::InFirst, &[12, 2]).fit(&linear([3, 2, 2])).unwrap_err();
        assert!(unsure.to_string().contains("in an order that the file does not tell"));
        let (one, _) = found(Layout::OutLast, &[1, 1, 5, 2]).fit(&linear([5, 1, 1])).unwrap();
        assert_eq!(one, [0.0, 2.0, 4.0, 6.0, 8.0, 1.0, 3.0, 5.0, 7.0, 9.0]);
    }

    #[test]
    fn what_does_not_fit_is_told_in_the_file_s_own_order() {
        let refused = |layout, shape: &[usize], expected: &Expected<'_>| {
            found(layout, shape).fit(expected).unwrap_err().to_string()
        };
        let conv = Expected { name: "conv2_1", shape: vec![128, 64, 3, 3], before: [0; 3] };
        assert_eq!(
            refused(Layout::OutLast, &[3, 3, 64, 64], &conv),
            "theirs is [3, 3, 64, 64], expected conv2_1 [3, 3, 64, 128]"
        );
        assert!(refused(Layout::OutFirst, &[7], &conv).ends_with("conv2_1 [128, 64, 3, 3]"));
        let fc = linear([3, 2, 2]);
        assert!(refused(Layout::OutLast, &[2, 2, 2, 3], &fc).ends_with("fc [2, 2, 3, 2]"));
        assert!(refused(Layout::InFirst, &[2, 12], &fc).ends_with("fc [12, 2]"));
        let mut broken = found(Layout::OutFirst, &[2, 12]);
        broken.bias = vec![0.0; 3];
        assert_eq!(
            broken.clone().fit(&fc).unwrap_err().to_string(),
            "theirs has 3 biases, expected 2"
        );
        broken.bias = vec![0.0, f32::NAN];
        assert!(broken.fit(&fc).unwrap_err().to_string().contains("not finite"));
    }

    #[test]
    fn the_layers_of_a_head_know_what_was_flattened() {
        let net = net::vgg_face();
        let head = expected(&net.age, net.trunk_shape());
        let before: Vec<_> = head.iter().map(|layer| layer.before).collect();
        assert_eq!(before, [[512, 7, 7], [4096, 1, 1], [4096, 1, 1]]);
    }
}
