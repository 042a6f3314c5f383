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
    entries: Vec<(String, Tensor)>,
    input: InputSpec,
    device: Device,
}

/// Share of each batch in the running statistics of batch norm.
const BATCH_NORM_MOMENTUM: f64 = 0.1;
/// Added to a variance before its square root; export folds with the same.
const BATCH_NORM_EPS: f64 = 1e-5;

impl Parameters {
    /// Copies `weights` to `device`; running statistics require no gradient.
    pub fn new(weights: &Weights, device: Device) -> Result<Self> {
        let entries = weights.tensors.iter().map(|(name, plain)| {
            let tensor = to_torch(plain)?.f_to_device(device)?;
            Ok((name.clone(), tensor.set_requires_grad(!name.contains(".running_"))))
        });
        Ok(Self { entries: entries.collect::<Result<_>>()?, input: weights.input.clone(), device })
    }

    /// A copy on the CPU without torch.
    pub fn weights(&self) -> Result<Weights> {
        self.weights_by(|at| &self.entries[at].1)
    }

    /// As [`Parameters::weights`], with another tensor in the place of each.
    pub(super) fn weights_by<'t>(&'t self, of: impl Fn(usize) -> &'t Tensor) -> Result<Weights> {
        let names = self.entries.iter().enumerate();
        let tensors = names.map(|(at, (name, _))| Ok((name.clone(), to_plain(of(at))?)));
        Ok(Weights { tensors: tensors.collect::<Result<_>>()?, input: self.input.clone() })
    }

    /// Every tensor with its name, in a fixed order.
    pub fn entries(&self) -> &[(String, Tensor)] {
        &self.entries
    }

    /// Where they lie.
    pub fn device(&self) -> Device {
        self.device
    }

    fn get(&self, name: &str) -> Result<&Tensor> {
        let at = self.entries.binary_search_by(|(entry, _)| entry.as_str().cmp(name));
        at.map(|at| &self.entries[at].1)
            .ok()
            .with_context(|| format!("the net has no tensor {name}"))
    }
}

/// Age and gender logits of a batch.
///
/// # Shapes
/// - input: `[batch, 3, S, S]`, f32, as the manifest's preprocessing makes it
/// - age: `[batch, 101]`, gender: `[batch, 2]`; f32 logits
pub struct Forward<'a> {
    /// The layer list.
    pub net: &'a Net,
    /// Its tensors.
    pub parameters: &'a Parameters,
    /// Batch statistics or running ones.
    pub mode: Mode,
    /// What convolutions compute in: `Float`, or `BFloat16` where the machine is quicker at it.
    pub kind: Kind,
}

impl Forward<'_> {
    /// Runs the net.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn run(&self, input: &Tensor) -> Result<(Tensor, Tensor)> {
        let input = input.f_to_kind(self.kind)?;
        let trunk = self.layers(&self.net.trunk, channels_last(&input)?)?;
        let age = self.layers(&self.net.age, trunk.shallow_clone())?;
        let gender = self.layers(&self.net.gender, trunk)?;
        Ok((age, gender))
    }

    fn layers(&self, layers: &[Layer], input: Tensor) -> Result<Tensor> {
        layers.iter().try_fold(input, |x, layer| match layer {
            Layer::Conv(conv) => self.conv(conv, &x).with_context(|| conv.name.clone()),
            Layer::Linear(linear) => self.linear(linear, &x).with_context(|| linear.name.clone()),
            Layer::MaxPool => Ok(x.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)?),
            Layer::Flatten => Ok(x.f_contiguous()?.f_flatten(1, -1)?),
            Layer::Dropout(share) => Ok(x.f_dropout(*share, self.mode == Mode::Train)?),
        })
    }

    fn conv(&self, conv: &Conv, x: &Tensor) -> Result<Tensor> {
        let tensor = |part: &str| self.parameters.get(&format!("{}.{part}", conv.name));
        let weight = channels_last(&tensor("weight")?.f_to_kind(self.kind)?)?;
        let (stride, pad) = (conv.stride as i64, conv.pad as i64);
        let bias = if conv.batch_norm { None } else { Some(tensor("bias")?.f_to_kind(self.kind)?) };
        let mut y = x.f_conv2d(&weight, bias, [stride, stride], [pad, pad], [1, 1], 1)?;
        if conv.batch_norm {
            y = y.f_batch_norm(
                Some(tensor("bn.weight")?),
                Some(tensor("bn.bias")?),
                Some(tensor("bn.running_mean")?),
                Some(tensor("bn.running_var")?),
                self.mode == Mode::Train,
                BATCH_NORM_MOMENTUM,
                BATCH_NORM_EPS,
                false,
            )?;
        }
        Ok(if conv.relu { y.f_relu()? } else { y })
    }

    /// In f32 always: the heads are small, and their logits want the digits.
    fn linear(&self, linear: &Linear, x: &Tensor) -> Result<Tensor> {
        let tensor = |part: &str| self.parameters.get(&format!("{}.{part}", linear.name));
        let y = x.f_to_kind(Kind::Float)?.f_linear(tensor("weight")?, Some(tensor("bias")?))?;
        Ok(if linear.relu { y.f_relu()? } else { y })
    }
}

/// What torch answers to `pictures` in f32: the reference that bundles are verified against.
///
/// # Errors
/// A tensor that is missing or of another shape.
pub fn logits(net: &Net, weights: &Weights, pictures: &[RgbImage]) -> Result<Vec<Logits>> {
    let parameters = Parameters::new(weights, Device::Cpu)?;
    let forward = Forward { net, parameters: &parameters, mode: Mode::Eval, kind: Kind::Float };
    let preprocessor = Preprocessor::new(&weights.input);
    let answer = |picture| {
        let (age, gender) = no_grad(|| forward.run(&to_torch(&preprocessor.tensor(picture))?))?;
        let (age, gender) = (to_plain(&age)?, to_plain(&gender)?);
        Ok(Logits {
            age: age.values.as_slice().try_into()?,
            gender: gender.values.as_slice().try_into()?,
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
