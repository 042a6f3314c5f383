//! Networks as lists of layers: one list that training, export and calibration all follow.
//!
//! A [`Net`] is a trunk and two heads, as in VGG-Face (Parkhi, Vedaldi, Zisserman 2015): square pictures
//! in, age and gender logits out. What export and calibration follow is its [`Plan`], which other nets have
//! too.

pub mod detector;
pub mod refine;

use anyhow::{Context, Result};
use models::age::AGE_CLASSES;
use serde::{Deserialize, Serialize};

/// The name of the age logits.
pub const AGE: &str = "age";
/// The name of the gender logits.
pub const GENDER: &str = "gender";

/// A 2-D convolution over `[channels, height, width]`, stride and padding alike on both axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Names its tensors: `NAME.weight` `[out, in, kernel, kernel]`, `NAME.bias` `[out]`.
    pub name: String,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step in pixels.
    pub stride: usize,
    /// Zeros added on each side.
    pub pad: usize,
    /// Whether batch norm (`NAME.bn.{weight,bias,running_mean,running_var}`) follows while training;
    /// export folds it into weight and bias.
    pub batch_norm: bool,
    /// Whether a ReLU ends the layer.
    pub relu: bool,
}

/// A fully connected layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Names its tensors: `NAME.weight` `[out, in]`, `NAME.bias` `[out]`.
    pub name: String,
    /// Input features.
    pub inputs: usize,
    /// Output features.
    pub outputs: usize,
    /// Whether a ReLU ends the layer.
    pub relu: bool,
}

/// One step of a net.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Convolution, optional batch norm, optional ReLU.
    Conv(Conv),
    /// Largest value of each 2×2 block, stride 2; an odd last row or column is dropped.
    MaxPool,
    /// `[channels, height, width]` → `[channels · height · width]`.
    Flatten,
    /// Fully connected, optional ReLU.
    Linear(Linear),
    /// Only while training: drops this share of the values.
    Dropout(f64),
}

/// What names and shapes a layer's weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted<'a> {
    /// Its tensors are `NAME.weight` and `NAME.bias`.
    pub name: &'a str,
    /// `[out, in, kernel, kernel]` or `[out, in]`.
    pub shape: Vec<usize>,
    /// Whether a ReLU ends the layer.
    pub relu: bool,
}

impl Layer {
    /// Its weights; `None` where the layer has none.
    pub fn weighted(&self) -> Option<Weighted<'_>> {
        match self {
            Layer::Conv(c) => {
                let shape = vec![c.outputs, c.inputs, c.kernel, c.kernel];
                Some(Weighted { name: &c.name, shape, relu: c.relu })
            }
            Layer::Linear(l) => {
                Some(Weighted { name: &l.name, shape: vec![l.outputs, l.inputs], relu: l.relu })
            }
            Layer::MaxPool | Layer::Flatten | Layer::Dropout(_) => None,
        }
    }

    /// The shape after this layer, for one picture: `[channels, height, width]` or `[features]`.
    pub fn output_shape(&self, input: &[usize]) -> Vec<usize> {
        match self {
            Layer::Conv(conv) => {
                let side = |len: usize| (len + 2 * conv.pad - conv.kernel) / conv.stride + 1;
                let sides = input.iter().skip(1).map(|&len| side(len));
                std::iter::once(conv.outputs).chain(sides).collect()
            }
            Layer::MaxPool => {
                let sides = input.iter().skip(1).map(|len| len / 2);
                input.iter().copied().take(1).chain(sides).collect()
            }
            Layer::Flatten => vec![input.iter().product()],
            Layer::Linear(linear) => vec![linear.outputs],
            Layer::Dropout(_) => input.to_vec(),
        }
    }
}

/// What a net is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Apparent age: 101 classes, one a year.
    Age,
    /// Predicted gender: female, male.
    Gender,
}

impl Task {
    /// As the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Gender => "gender",
        }
    }
}

/// A trunk and two heads; one alone after [`Net::only`].
///
/// # Shapes
/// - input: `[batch, 3, input_px, input_px]`, f32
/// - age: `[batch, 101]`, gender: `[batch, 2]` as `[female, male]`; f32 logits
#[derive(Clone, Debug, PartialEq)]
pub struct Net {
    /// What `--net` calls it.
    pub name: &'static str,
    /// Side of the input in pixels.
    pub input_px: usize,
    /// What both heads share.
    pub trunk: Vec<Layer>,
    /// Ends in 101 logits; empty where age is not asked.
    pub age: Vec<Layer>,
    /// Ends in 2 logits; empty where gender is not asked.
    pub gender: Vec<Layer>,
}

impl Net {
    /// Every layer: the trunk's, then the age head's, then the gender head's.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.trunk.iter().chain(&self.age).chain(&self.gender)
    }

    /// The trunk and the head of one task.
    pub fn only(mut self, task: Task) -> Self {
        match task {
            Task::Age => self.gender.clear(),
            Task::Gender => self.age.clear(),
        }
        self
    }

    /// The head of a task.
    pub fn head(&self, task: Task) -> &[Layer] {
        match task {
            Task::Age => &self.age,
            Task::Gender => &self.gender,
        }
    }

    /// What the trunk makes of one picture: `[channels, height, width]` or `[features]`.
    pub fn trunk_shape(&self) -> Vec<usize> {
        let input = vec![3, self.input_px, self.input_px];
        self.trunk.iter().fold(input, |shape, layer| layer.output_shape(&shape))
    }
}

/// A net as a tree: what is computed from the picture, in order, and what comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<'a> {
    /// The net's name.
    pub name: &'static str,
    /// Of one picture: `[3, height, width]`.
    pub input: [usize; 3],
    /// What reads the picture.
    pub root: Branch<'a>,
}

/// Layers one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch<'a> {
    /// In order.
    pub layers: &'a [Layer],
    /// What becomes of what they make.
    pub end: End<'a>,
}

/// What becomes of a branch's values.
#[derive(Clone, Debug, PartialEq)]
pub enum End<'a> {
    /// They are an output of the net, of this name.
    Output(&'static str),
    /// These read them.
    Branches(Vec<Branch<'a>>),
}

impl<'a> Plan<'a> {
    /// Every layer, a branch's own before those that read it.
    pub fn layers(&self) -> Vec<&'a Layer> {
        self.root.all()
    }
}

impl<'a> Branch<'a> {
    fn all(&self) -> Vec<&'a Layer> {
        let after = self.readers().iter().flat_map(Branch::all);
        self.layers.iter().chain(after).collect()
    }

    /// The branches that read this one's values.
    pub fn readers(&self) -> &[Branch<'a>] {
        match &self.end {
            End::Output(_) => &[],
            End::Branches(branches) => branches,
        }
    }
}

impl<'a> From<&'a Net> for Plan<'a> {
    fn from(net: &'a Net) -> Self {
        let heads = [(AGE, &net.age), (GENDER, &net.gender)].into_iter();
        let heads = heads.filter(|(_, head)| !head.is_empty());
        let heads = heads.map(|(name, layers)| Branch { layers, end: End::Output(name) });
        let side = net.input_px;
        let root = Branch { layers: &net.trunk, end: End::Branches(heads.collect()) };
        Self { name: net.name, input: [3, side, side], root }
    }
}

/// The layer that a tensor belongs to: `conv1_1` of `conv1_1.weight` and `conv1_1.bn.bias`.
pub fn layer_of(tensor: &str) -> &str {
    let plain = tensor.rsplit_once('.').map_or(tensor, |(layer, _)| layer);
    plain.strip_suffix(".bn").unwrap_or(plain)
}

/// Weights and biases of some layers, batch norm not counted.
pub fn parameter_count<'a>(layers: impl IntoIterator<Item = &'a Layer>) -> usize {
    let weighted = layers.into_iter().filter_map(Layer::weighted);
    weighted.map(|layer| layer.shape.iter().product::<usize>() + layer.shape[0]).sum()
}

/// The net that `--net NAME` asks for.
///
/// # Errors
/// There is none of that name; those that are there are listed.
pub fn named(name: &str) -> Result<Net> {
    let nets = [compact(), vgg_face(), vgg_two()];
    let names = nets.each_ref().map(|net| net.name).join(", ");
    let found = nets.into_iter().find(|net| net.name == name);
    found.with_context(|| format!("no net is called {name}, there are {names}"))
}

/// The small VGG-style net of `models/bundles/compact`: plain 3×3 convolutions, which int8 tract runs
/// well (depthwise ones it does not).
pub fn compact() -> Net {
    let conv = |name, inputs, outputs, stride| {
        Layer::Conv(Conv { stride, batch_norm: true, ..conv3x3(name, inputs, outputs) })
    };
    Net {
        name: "compact",
        input_px: 96,
        trunk: vec![
            conv("conv1_1", 3, 24, 2),
            conv("conv1_2", 24, 48, 1),
            Layer::MaxPool,
            conv("conv2_1", 48, 80, 1),
            conv("conv2_2", 80, 80, 1),
            Layer::MaxPool,
            conv("conv3_1", 80, 128, 1),
            conv("conv3_2", 128, 128, 1),
            Layer::MaxPool,
            conv("conv4_1", 128, 224, 1),
            conv("conv4_2", 224, 224, 1),
            Layer::MaxPool,
            Layer::Flatten,
            Layer::Dropout(0.2),
            linear("fc5", 224 * 3 * 3, 256, true),
            Layer::Dropout(0.2),
        ],
        age: vec![linear("age", 256, AGE_CLASSES, false)],
        gender: vec![linear("gender", 256, 2, false)],
    }
}

/// VGG-16 as VGG-Face has it (Parkhi, Vedaldi, Zisserman 2015, table 3, net D): the trunk is its 13
/// convolutions, and each head has fully connected layers of its own.
pub fn vgg_face() -> Net {
    Net {
        name: "vgg-face",
        input_px: 224,
        trunk: vgg_convolutions(),
        age: vgg_head("age", AGE_CLASSES),
        gender: vgg_head("gender", 2),
    }
}

/// VGG-16 whose heads share fc6 and fc7 as well: as much work a picture as one VGG-16, which is what the
/// speed of other programs is compared on.
pub fn vgg_two() -> Net {
    let mut trunk = vgg_convolutions();
    trunk.extend(vgg_fully_connected(""));
    Net {
        name: "vgg-two",
        input_px: 224,
        trunk,
        age: vec![linear("age", 4096, AGE_CLASSES, false)],
        gender: vec![linear("gender", 4096, 2, false)],
    }
}

/// The 13 convolutions of VGG-16, `[3, 224, 224]` → `[512, 7, 7]`.
fn vgg_convolutions() -> Vec<Layer> {
    let conv = |name, inputs, outputs| Layer::Conv(conv3x3(name, inputs, outputs));
    vec![
        conv("conv1_1", 3, 64),
        conv("conv1_2", 64, 64),
        Layer::MaxPool,
        conv("conv2_1", 64, 128),
        conv("conv2_2", 128, 128),
        Layer::MaxPool,
        conv("conv3_1", 128, 256),
        conv("conv3_2", 256, 256),
        conv("conv3_3", 256, 256),
        Layer::MaxPool,
        conv("conv4_1", 256, 512),
        conv("conv4_2", 512, 512),
        conv("conv4_3", 512, 512),
        Layer::MaxPool,
        conv("conv5_1", 512, 512),
        conv("conv5_2", 512, 512),
        conv("conv5_3", 512, 512),
        Layer::MaxPool,
    ]
}

/// VGG-Face's fully connected layers, ending in `classes` logits.
fn vgg_head(name: &str, classes: usize) -> Vec<Layer> {
    let mut layers = vgg_fully_connected(&format!("{name}."));
    layers.push(linear(name, 4096, classes, false));
    layers
}

/// fc6 and fc7 of VGG-16, `[512, 7, 7]` → `[4096]`; their names begin with `prefix`.
fn vgg_fully_connected(prefix: &str) -> Vec<Layer> {
    vec![
        Layer::Flatten,
        linear(&format!("{prefix}fc6"), 512 * 7 * 7, 4096, true),
        Layer::Dropout(0.5),
        linear(&format!("{prefix}fc7"), 4096, 4096, true),
        Layer::Dropout(0.5),
    ]
}

/// A 3×3 convolution that keeps the picture's size, with a ReLU and no batch norm.
fn conv3x3(name: &str, inputs: usize, outputs: usize) -> Conv {
    let name = name.into();
    Conv { name, inputs, outputs, kernel: 3, stride: 1, pad: 1, batch_norm: false, relu: true }
}

fn linear(name: &str, inputs: usize, outputs: usize, relu: bool) -> Layer {
    Layer::Linear(Linear { name: name.into(), inputs, outputs, relu })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_fits_the_one_before() {
        for net in [compact(), vgg_face(), vgg_two()] {
            let fits = |mut shape: Vec<usize>, layers: &[Layer]| {
                for layer in layers {
                    match layer {
                        Layer::Conv(conv) => assert_eq!(shape[0], conv.inputs, "{}", conv.name),
                        Layer::Linear(linear) => {
                            assert_eq!(shape, [linear.inputs], "{}", linear.name)
                        }
                        _ => {}
                    }
                    shape = layer.output_shape(&shape);
                }
                shape
            };
            let features = fits(vec![3, net.input_px, net.input_px], &net.trunk);
            assert_eq!(fits(features.clone(), &net.age), [AGE_CLASSES]);
            assert_eq!(fits(features, &net.gender), [2]);
        }
    }

    #[test]
    fn vgg_face_has_the_seed_s_size_and_its_last_three_layers_are_the_head() {
        let net = vgg_face().only(Task::Age);
        assert_eq!(net.trunk_shape(), [512, 7, 7]);
        assert_eq!(parameter_count(&net.trunk), 14_714_688);
        assert_eq!(parameter_count(&net.age), 119_959_653);
        assert_eq!(parameter_count(net.layers()), 134_674_341);
        let shapes: Vec<_> = net.layers().filter_map(Layer::weighted).map(|w| w.shape).collect();
        assert_eq!(shapes.iter().filter(|shape| shape.len() == 4).count(), 13);
        assert_eq!(shapes[..2], [[64, 3, 3, 3], [64, 64, 3, 3]]);
        assert_eq!(shapes[13..], [vec![4096, 25_088], vec![4096, 4096], vec![101, 4096]]);
        assert_eq!(parameter_count(&vgg_face().gender), 119_554_050);
    }

    #[test]
    fn vgg_two_is_one_vgg_with_two_small_heads() {
        assert_eq!(parameter_count(vgg_two().layers()), 134_682_535);
        assert_eq!(vgg_two().trunk_shape(), [4096]);
    }

    #[test]
    fn tensors_are_told_by_their_layer() {
        let layers = ["age.fc6.weight", "age.bias", "conv1_1.bn.running_var"].map(layer_of);
        assert_eq!(layers, ["age.fc6", "age", "conv1_1"]);
    }

    #[test]
    fn nets_are_found_by_name() {
        assert_eq!(named("compact").unwrap(), compact());
        assert_eq!(named("vgg-face").unwrap(), vgg_face());
        assert_eq!(named("vgg-two").unwrap(), vgg_two());
        assert_eq!(
            named("vgg").unwrap_err().to_string(),
            "no net is called vgg, there are compact, vgg-face, vgg-two"
        );
    }
}
