//! A [`Net`]'s layer list as torch tensors: its parameters and its forward pass.

use anyhow::{Context, Result};
use image::RgbImage;
use models::estimator::Logits;
use models::manifest::InputSpec;
use models::preprocess::Preprocessor;
use models::tensor::Tensor as Plain;
use tch::{Device, Kind, Tensor, no_grad};

use crate::net::{Conv, Layer, Linear, Net};
use crate::weights::Weights;

/// How batch norm and dropout behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Statistics of the batch, values dropped by chance.
    Train,
    /// Running statistics, nothing dropped.
    Eval,
}

/// The named tensors of a net; those that are trained require gradients.
pub struct Parameters {
    entries: Vec<Entry>,
    input: InputSpec,
    device: Device,
}

/// One of them.
pub struct Entry {
    /// `NAME.weight`, `NAME.bias`, …
    pub name: String,
    /// Its values.
    pub tensor: Tensor,
    /// Whether training changes it: by gradients, or as a running statistic.
    pub changes: bool,
}

/// Share of each batch in the running statistics of batch norm.
const BATCH_NORM_MOMENTUM: f64 = 0.1;
/// Added to a variance before its square root; export folds with the same.
const BATCH_NORM_EPS: f64 = 1e-5;

impl Parameters {
    /// Copies `weights` to `device`; those that `trained` names require gradients, running statistics
    /// never do.
    pub fn new(weights: &Weights, device: Device, trained: impl Fn(&str) -> bool) -> Result<Self> {
        let entries = weights.tensors.iter().map(|(name, plain)| {
            let (tensor, changes) = (to_torch(plain)?.f_to_device(device)?, trained(name));
            let tensor = tensor.set_requires_grad(changes && !name.contains(".running_"));
            Ok(Entry { name: name.clone(), tensor, changes })
        });
        Ok(Self { entries: entries.collect::<Result<_>>()?, input: weights.input.clone(), device })
    }

    /// As many parameters, each sharing the memory of the tensor that `of` gives; none of them learns.
    pub fn with<'t>(&'t self, of: impl Fn(usize) -> &'t Tensor) -> Self {
        let entries = self.entries.iter().enumerate().map(|(at, entry)| Entry {
            name: entry.name.clone(),
            tensor: of(at).detach(),
            changes: false,
        });
        Self { entries: entries.collect(), input: self.input.clone(), device: self.device }
    }

    /// A copy without torch, on the CPU, of the tensor that `of` gives for each.
    pub fn weights_by<'t>(&'t self, of: impl Fn(usize) -> &'t Tensor) -> Result<Weights> {
        let names = self.entries.iter().enumerate();
        let tensors = names.map(|(at, entry)| Ok((entry.name.clone(), to_plain(of(at))?)));
        Ok(Weights { tensors: tensors.collect::<Result<_>>()?, input: self.input.clone() })
    }

    /// Every tensor, in the order of their names.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where they lie.
    pub fn device(&self) -> Device {
        self.device
    }

    fn get(&self, name: &str) -> Result<&Tensor> {
        let at = self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name));
        at.map(|at| &self.entries[at].tensor)
            .ok()
            .with_context(|| format!("the net has no tensor {name}"))
    }
}

/// The logits of a batch; `None` where the net has no such head.
///
/// # Shapes
/// - age: `[batch, 101]`, gender: `[batch, 2]` as `[female, male]`; f32
pub struct Answers {
    /// Of the age head.
    pub age: Option<Tensor>,
    /// Of the gender head.
    pub gender: Option<Tensor>,
}

/// A net with its tensors, ready to run.
///
/// # Shapes
/// - input: `[batch, 3, S, S]`, f32, as the manifest's preprocessing makes it
/// - features: what the trunk makes of it, f32
pub struct Forward<'a> {
    /// The layer list.
    pub net: &'a Net,
    /// Its tensors.
    pub parameters: &'a Parameters,
    /// Batch statistics or running ones.
    pub mode: Mode,
    /// What all but the logits is computed in: `Float`, or `BFloat16` where the machine is quicker at it.
    pub kind: Kind,
}

impl Forward<'_> {
    /// Runs the whole net.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn run(&self, input: &Tensor) -> Result<Answers> {
        self.heads(&self.trunk(input)?)
    }

    /// Runs the trunk alone.
    ///
    /// # Errors
    /// As [`Forward::run`].
    pub fn trunk(&self, input: &Tensor) -> Result<Tensor> {
        let layers = self.layers();
        layers.chain(&self.net.trunk, layers.pixels(input)?)
    }

    /// Runs the heads alone, on what the trunk made.
    ///
    /// # Errors
    /// As [`Forward::run`].
    pub fn heads(&self, features: &Tensor) -> Result<Answers> {
        let head = |layers: &[Layer]| {
            let run = || self.layers().chain(layers, features.shallow_clone());
            (!layers.is_empty()).then(run).transpose()
        };
        Ok(Answers { age: head(&self.net.age)?, gender: head(&self.net.gender)? })
    }

    fn layers(&self) -> Layers<'_> {
        Layers { parameters: self.parameters, mode: self.mode, kind: self.kind }
    }
}

/// Any layers, run with tensors of their names.
pub(crate) struct Layers<'a> {
    pub(crate) parameters: &'a Parameters,
    pub(crate) mode: Mode,
    /// As in [`Forward`].
    pub(crate) kind: Kind,
}

impl Layers<'_> {
    /// Pictures as the first layer reads them.
    pub(crate) fn pixels(&self, input: &Tensor) -> Result<Tensor> {
        channels_last(&input.f_to_kind(self.kind)?)
    }

    /// What `layers` make of `input`, one after another.
    pub(crate) fn chain(&self, layers: &[Layer], input: Tensor) -> Result<Tensor> {
        layers.iter().try_fold(input, |x, layer| match layer {
            Layer::Conv(conv) => self.conv(conv, &x).with_context(|| conv.name.clone()),
            Layer::Linear(linear) => self.linear(linear, &x).with_context(|| linear.name.clone()),
            Layer::MaxPool => Ok(x.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)?),
            Layer::Flatten => Ok(x.f_contiguous()?.f_flatten(1, -1)?),
            Layer::Dropout(share) => Ok(x.f_dropout(*share, self.mode == Mode::Train)?),
        })
    }

    /// What no ReLU follows is computed in f32, as the logits are.
    fn conv(&self, conv: &Conv, x: &Tensor) -> Result<Tensor> {
        let kind = if conv.relu { self.kind } else { Kind::Float };
        let tensor = |part: &str| self.parameters.get(&format!("{}.{part}", conv.name));
        let weight = channels_last(&tensor("weight")?.f_to_kind(kind)?)?;
        let (stride, pad) = (conv.stride as i64, conv.pad as i64);
        let bias = if conv.batch_norm { None } else { Some(tensor("bias")?.f_to_kind(kind)?) };
        let mut y =
            x.f_to_kind(kind)?.f_conv2d(&weight, bias, [stride, stride], [pad, pad], [1, 1], 1)?;
        if conv.batch_norm {
            // A frozen layer keeps its statistics.
            let train = self.mode == Mode::Train && tensor("weight")?.requires_grad();
            y = y.f_batch_norm(
                Some(tensor("bn.weight")?),
                Some(tensor("bn.bias")?),
                Some(tensor("bn.running_mean")?),
                Some(tensor("bn.running_var")?),
                train,
                BATCH_NORM_MOMENTUM,
                BATCH_NORM_EPS,
                false,
            )?;
        }
        Ok(if conv.relu { y.f_relu()? } else { y })
    }

    /// The logits are computed in f32 always: they want the digits.
    fn linear(&self, linear: &Linear, x: &Tensor) -> Result<Tensor> {
        let kind = if linear.relu { self.kind } else { Kind::Float };
        let tensor = |part: &str| {
            let tensor = self.parameters.get(&format!("{}.{part}", linear.name))?;
            Ok::<_, anyhow::Error>(tensor.f_to_kind(kind)?)
        };
        let y = x.f_to_kind(kind)?.f_linear(&tensor("weight")?, Some(&tensor("bias")?))?;
        Ok(if linear.relu { y.f_relu()? } else { y })
    }
}

/// What torch answers to `pictures` in f32: the reference that bundles are verified against.
///
/// # Errors
/// A tensor that is missing or of another shape.
pub fn logits(net: &Net, weights: &Weights, pictures: &[RgbImage]) -> Result<Vec<Logits>> {
    let parameters = Parameters::new(weights, Device::Cpu, |_| false)?;
    let forward = Forward { net, parameters: &parameters, mode: Mode::Eval, kind: Kind::Float };
    let preprocessor = Preprocessor::new(&weights.input);
    let answer = |picture| {
        let answers = no_grad(|| forward.run(&to_torch(&preprocessor.tensor(picture))?))?;
        let values = |logits: Option<Tensor>| {
            Ok::<_, anyhow::Error>(to_plain(&logits.context("the net lacks a head")?)?.values)
        };
        Ok(Logits {
            age: values(answers.age)?.as_slice().try_into()?,
            gender: values(answers.gender)?.as_slice().try_into()?,
        })
    };
    pictures.iter().map(answer).collect()
}

/// The same values with channels innermost in memory: twice as fast in bf16 on CPUs (measured).
fn channels_last(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}

/// A torch copy of a plain tensor, on the CPU.
pub fn to_torch(plain: &Plain) -> Result<Tensor> {
    let shape: Vec<i64> = plain.shape.iter().map(|&axis| axis as i64).collect();
    Ok(Tensor::f_from_slice(&plain.values)?.f_reshape(shape)?)
}

/// A plain copy of a torch tensor.
pub fn to_plain(tensor: &Tensor) -> Result<Plain> {
    let shape = tensor.size().into_iter().map(usize::try_from);
    let shape = shape.collect::<Result<Vec<_>, _>>()?;
    let flat = tensor
        .detach()
        .f_to_device(Device::Cpu)?
        .f_to_kind(Kind::Float)?
        .f_contiguous()?
        .f_flatten(0, -1)?;
    let values: Vec<f32> = Vec::try_from(&flat)?;
    Plain::new(shape, values).context("a tensor with as many values as its shape says")
}
