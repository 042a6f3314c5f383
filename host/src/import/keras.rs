//! For tests: a small net as Keras keeps and computes it, in plain loops that share nothing with ours.

#![allow(clippy::cast_possible_truncation, reason = "sums are made in f64")]

use image::RgbImage;
use models::manifest::{ChannelOrder, InputSpec};

use crate::convert::h5::tests::{Kept, keras};
use crate::net::{Conv, Layer, Linear, Net};

/// Side of the input in pixels.
const SIDE: usize = 32;

/// VGG-Face's kinds of layers: two blocks of convolutions, 32×32 → 8×8 pixels, and three layers a head.
pub(super) fn net() -> Net {
    let conv = |name: &str, inputs, outputs| {
        Layer::Conv(Conv {
            name: name.into(),
            inputs,
            outputs,
            kernel: 3,
            stride: 1,
            pad: 1,
            batch_norm: false,
            relu: true,
        })
    };
    Net {
        name: "vgg-face",
        input_px: SIDE,
        trunk: vec![
            conv("conv1_1", 3, 4),
            conv("conv1_2", 4, 4),
            Layer::MaxPool,
            conv("conv2_1", 4, 6),
            Layer::MaxPool,
        ],
        age: head("age", 101),
        gender: head("gender", 2),
    }
}

fn head(name: &str, classes: usize) -> Vec<Layer> {
    let linear =
        |name: String, inputs, outputs, relu| Layer::Linear(Linear { name, inputs, outputs, relu });
    vec![
        Layer::Flatten,
        linear(format!("{name}.fc6"), 8 * 8 * 6, 12, true),
        Layer::Dropout(0.5),
        linear(format!("{name}.fc7"), 12, 12, true),
        linear(name.into(), 12, classes, false),
    ]
}

/// A kernel `[height, width, in, out]` and a bias.
struct Layer2d {
    shape: [usize; 4],
    kernel: Vec<f32>,
    bias: Vec<f32>,
}

impl Layer2d {
    fn random(shape: [usize; 4], seed: &mut u64) -> Self {
        let [height, width, inputs, outputs] = shape;
        let fan_in = height * width * inputs;
        let spread = (6.0 / fan_in as f32).sqrt();
        let kernel = (0..fan_in * outputs).map(|_| uniform(seed) * spread).collect();
        Self { shape, kernel, bias: (0..outputs).map(|_| 0.1 * uniform(seed)).collect() }
    }

    fn weight(&self, [y, x, i, o]: [usize; 4]) -> f32 {
        let [_, width, inputs, outputs] = self.shape;
        self.kernel[((y * width + x) * inputs + i) * outputs + o]
    }

    /// A convolution without padding.
    fn valid(&self, input: &Picture) -> Picture {
        let [kernel_height, kernel_width, inputs, outputs] = self.shape;
        assert_eq!(input.channels, inputs);
        let (height, width) = (input.height - kernel_height + 1, input.width - kernel_width + 1);
        let mut output = Picture::new(height, width, outputs);
        for y in 0..height {
            for x in 0..width {
                for o in 0..outputs {
                    let mut sum = f64::from(self.bias[o]);
                    for ky in 0..kernel_height {
                        for kx in 0..kernel_width {
                            for i in 0..inputs {
                                let weight = f64::from(self.weight([ky, kx, i, o]));
                                sum += weight * f64::from(input.at(y + ky, x + kx, i));
                            }
                        }
                    }
                    output.values[(y * width + x) * outputs + o] = sum as f32;
                }
            }
        }
        output
    }
}

/// Values `[height, width, channels]`.
struct Picture {
    height: usize,
    width: usize,
    channels: usize,
    values: Vec<f32>,
}

impl Picture {
    fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels, values: vec![0.0; height * width * channels] }
    }

    fn at(&self, y: usize, x: usize, channel: usize) -> f32 {
        self.values[(y * self.width + x) * self.channels + channel]
    }

    /// ZeroPadding2D((1, 1)).
    fn padded(&self) -> Self {
        let mut padded = Self::new(self.height + 2, self.width + 2, self.channels);
        for y in 0..self.height {
            for x in 0..self.width {
                for c in 0..self.channels {
                    let at = ((y + 1) * padded.width + x + 1) * self.channels + c;
                    padded.values[at] = self.at(y, x, c);
                }
            }
        }
        padded
    }

    /// MaxPooling2D((2, 2), strides=(2, 2)).
    fn pooled(&self) -> Self {
        let mut pooled = Self::new(self.height / 2, self.width / 2, self.channels);
        for y in 0..pooled.height {
            for x in 0..pooled.width {
                for c in 0..self.channels {
                    let four = [(0, 0), (0, 1), (1, 0), (1, 1)];
                    let four = four.map(|(dy, dx)| self.at(2 * y + dy, 2 * x + dx, c));
                    let at = (y * pooled.width + x) * self.channels + c;
                    pooled.values[at] = four.into_iter().fold(f32::MIN, f32::max);
                }
            }
        }
        pooled
    }

    fn rectified(mut self) -> Self {
        self.values.iter_mut().for_each(|value| *value = value.max(0.0));
        self
    }
}

/// A net of one head, in the seed's layout: fully connected layers are convolutions.
pub(super) struct Keras(Vec<Layer2d>);

impl Keras {
    /// Random weights: convolutions by one seed, the head by another.
    pub(super) fn new(trunk: u64, head: u64, classes: usize) -> Self {
        let (mut trunk, mut head) = (trunk, head);
        let shapes = [[3, 3, 3, 4], [3, 3, 4, 4], [3, 3, 4, 6]];
        let mut layers: Vec<Layer2d> =
            shapes.into_iter().map(|shape| Layer2d::random(shape, &mut trunk)).collect();
        let shapes = [[8, 8, 6, 12], [1, 1, 12, 12], [1, 1, 12, classes]];
        layers.extend(shapes.into_iter().map(|shape| Layer2d::random(shape, &mut head)));
        Self(layers)
    }

    /// The file that `save_weights` writes.
    pub(super) fn file(&self) -> Vec<u8> {
        let none = |name: String| (name, vec![], vec![], vec![]);
        let mut kept: Vec<Kept> = vec![];
        for (at, layer) in (1..).zip(&self.0) {
            kept.push(none(format!("zero_padding2d_{at}")));
            let shape = layer.shape.map(|len| len as u64).to_vec();
            kept.push((format!("conv2d_{at}"), shape, layer.kernel.clone(), layer.bias.clone()));
        }
        kept.push(none("flatten_1".into()));
        keras(&kept)
    }

    /// What the net makes of a crop before its softmax.
    pub(super) fn logits(&self, crop: &RgbImage, input: &InputSpec) -> Vec<f32> {
        let [conv1_1, conv1_2, conv2_1, fc6, fc7, classes] = &self.0[..] else { unreachable!() };
        let x = read(crop, input);
        let x = conv1_1.valid(&x.padded()).rectified();
        let x = conv1_2.valid(&x.padded()).rectified().pooled();
        let x = conv2_1.valid(&x.padded()).rectified().pooled();
        let x = fc7.valid(&fc6.valid(&x).rectified()).rectified();
        classes.valid(&x).values
    }
}

fn read(crop: &RgbImage, input: &InputSpec) -> Picture {
    let mut picture = Picture::new(SIDE, SIDE, 3);
    for (x, y, pixel) in crop.enumerate_pixels() {
        for c in 0..3 {
            let byte = pixel.0[if input.order == ChannelOrder::Bgr { 2 - c } else { c }];
            let at = (y as usize * SIDE + x as usize) * 3 + c;
            picture.values[at] = (f32::from(byte) - input.mean[c]) * input.scale[c];
        }
    }
    picture
}

/// Probabilities of logits.
pub(super) fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// Fails where two lists are further apart than `most`.
pub(super) fn close(ours: &[f32], theirs: &[f32], most: f32) {
    assert_eq!(ours.len(), theirs.len());
    let far = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far <= most, "{far} apart: {ours:?} {theirs:?}");
}

/// A number in [−1, 1) (Knuth's generator).
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
}
