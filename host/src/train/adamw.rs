//! AdamW (Loshchilov & Hutter 2019; without decay it is Adam) whose state is plain named tensors, so
//! that a stopped run resumes exactly; beside it the running average of the weights.

use anyhow::{Context, Result};
use tch::{Device, Tensor, no_grad};

use super::forward::{Parameters, to_plain, to_torch};
use crate::weights::Weights;

/// Decay of the mean gradient.
const BETA1: f64 = 0.9;
/// Decay of the mean squared gradient.
const BETA2: f64 = 0.999;
/// Keeps the step finite where gradients vanish.
const EPS: f64 = 1e-8;
/// Values updated at once on the CPU: all that an update touches of them stays in the cache, where going
/// through whole tensors step by step reads them from memory each time.
const CHUNK: i64 = 1 << 18;

/// The optimizer's memory of each parameter that learns.
pub(super) struct AdamW {
    slots: Vec<Slot>,
    weight_decay: f64,
    /// Steps made.
    pub(super) steps: u64,
}

/// Beside the parameter at `at`.
struct Slot {
    at: usize,
    mean: Tensor,
    square: Tensor,
}

/// The running average of every parameter, or nothing where none is kept.
pub(super) struct Average {
    copies: Vec<Tensor>,
    decay: f64,
}

/// What one step multiplies by.
struct Factors {
    /// Of `mean / root`.
    rate: f64,
    /// Added to the root, in the same unit.
    eps: f64,
    decay: f64,
}

impl AdamW {
    /// No steps made.
    pub(super) fn new(parameters: &Parameters, weight_decay: f64) -> Result<Self> {
        let learning = parameters.entries().iter().enumerate();
        let slots =
            learning.filter(|(_, entry)| entry.tensor.requires_grad()).map(|(at, entry)| {
                let zeros = || {
                    Ok::<_, anyhow::Error>(entry.tensor.f_zeros_like()?.set_requires_grad(false))
                };
                Ok(Slot { at, mean: zeros()?, square: zeros()? })
            });
        Ok(Self { slots: slots.collect::<Result<_>>()?, weight_decay, steps: 0 })
    }

    /// One step down the gradient of `loss`.
    pub(super) fn step(&mut self, parameters: &Parameters, loss: &Tensor, lr: f64) -> Result<()> {
        let tensor = |slot: &Slot| &parameters.entries()[slot.at].tensor;
        let learning: Vec<&Tensor> = self.slots.iter().map(tensor).collect();
        let gradients = Tensor::f_run_backward(&[loss], &learning, false, false)?;
        self.steps += 1;
        let steps = self.steps as f64;
        let (bias1, bias2) = (1.0 - BETA1.powf(steps), 1.0 - BETA2.powf(steps));
        // θ − lr/bias1 · mean / (√(square/bias2) + eps), with both sides of the fraction scaled so that
        // it is added as it stands.
        let scale = -bias1 / lr;
        no_grad(|| {
            for ((slot, tensor), gradient) in self.slots.iter().zip(learning).zip(gradients) {
                // A bias before batch norm has no effect, and so no gradient.
                if gradient.defined() {
                    let decay = if tensor.dim() > 1 { lr * self.weight_decay } else { 0.0 };
                    let factors = Factors { rate: scale / bias2.sqrt(), eps: scale * EPS, decay };
                    slot.step(tensor, &gradient, &factors)?;
                }
            }
            Ok(())
        })
    }

    /// Its state as named tensors: `mean/NAME`, `square/NAME`.
    pub(super) fn state(&self, parameters: &Parameters) -> Result<Weights> {
        let mut state = Weights::default();
        for slot in &self.slots {
            let name = &parameters.entries()[slot.at].name;
            state.tensors.insert(format!("mean/{name}"), to_plain(&slot.mean)?);
            state.tensors.insert(format!("square/{name}"), to_plain(&slot.square)?);
        }
        Ok(state)
    }

    /// Takes up the state that [`AdamW::state`] gave after `steps` steps.
    pub(super) fn restore(
        &mut self,
        parameters: &Parameters,
        state: &Weights,
        steps: u64,
    ) -> Result<()> {
        for slot in &mut self.slots {
            let name = &parameters.entries()[slot.at].name;
            slot.mean = load(state, &format!("mean/{name}"), parameters.device())?;
            slot.square = load(state, &format!("square/{name}"), parameters.device())?;
        }
        self.steps = steps;
        Ok(())
    }
}

fn load(state: &Weights, key: &str, device: Device) -> Result<Tensor> {
    let plain = state.tensors.get(key).with_context(|| format!("the checkpoint has no {key}"))?;
    Ok(to_torch(plain)?.f_to_device(device)?)
}

impl Slot {
    fn step(&self, tensor: &Tensor, gradient: &Tensor, factors: &Factors) -> Result<()> {
        let len = i64::try_from(tensor.numel())?;
        let whole = if tensor.device().is_cuda() { len.max(1) } else { CHUNK };
        let flat = |tensor: &Tensor| tensor.f_view(-1);
        let (tensor, gradient) = (flat(tensor)?, gradient.f_contiguous()?.f_view(-1)?);
        let (mean, square) = (flat(&self.mean)?, flat(&self.square)?);
        for begin in (0..len).step_by(usize::try_from(whole)?) {
            let part = |of: &Tensor| of.f_narrow(0, begin, whole.min(len - begin));
            update(
                &mut part(&tensor)?,
                &part(&gradient)?,
                [part(&mean)?, part(&square)?],
                factors,
            )?;
        }
        Ok(())
    }
}

/// AdamW's step on some values.
fn update(
    tensor: &mut Tensor,
    gradient: &Tensor,
    [mut mean, mut square]: [Tensor; 2],
    factors: &Factors,
) -> Result<()> {
    if factors.decay != 0.0 {
        let _ = tensor.f_mul_scalar_(1.0 - factors.decay)?;
    }
    let _ = mean.f_lerp_(gradient, 1.0 - BETA1)?;
    let _ = square.f_mul_scalar_(BETA2)?;
    let scaled = gradient.f_mul_scalar((1.0 - BETA2).sqrt())?;
    let _ = square.f_addcmul_(&scaled, &scaled)?;
    let mut root = square.f_sqrt()?;
    let _ = root.f_mul_scalar_(factors.rate)?;
    let _ = root.f_add_scalar_(factors.eps)?;
    let _ = tensor.f_addcdiv_(&mean, &root)?;
    Ok(())
}

impl Average {
    /// The weights as they are; nothing where `decay` is 0.
    pub(super) fn new(parameters: &Parameters, decay: f64) -> Result<Self> {
        if decay == 0.0 {
            return Ok(Self { copies: vec![], decay });
        }
        let copies = parameters.entries().iter().map(|entry| {
            let tensor = &entry.tensor;
            Ok(if entry.changes { tensor.f_detach_copy()? } else { tensor.shallow_clone() })
        });
        Ok(Self { copies: copies.collect::<Result<_>>()?, decay })
    }

    /// Moves towards the weights after `steps` steps; faster while it warms up.
    pub(super) fn follow(&mut self, parameters: &Parameters, steps: u64) -> Result<()> {
        let steps = steps as f64;
        let towards = 1.0 - self.decay.min((1.0 + steps) / (10.0 + steps));
        no_grad(|| {
            for (entry, average) in parameters.entries().iter().zip(&mut self.copies) {
                if entry.changes {
                    let _ = average.f_lerp_(&entry.tensor, towards)?;
                }
            }
            Ok(())
        })
    }

    /// What is kept of a run: the average, or the weights themselves where there is none.
    pub(super) fn kept(&self, parameters: &Parameters) -> Result<Weights> {
        parameters.weights_by(|at| self.copies.get(at).unwrap_or(&parameters.entries()[at].tensor))
    }

    /// Parameters that share the memory of what is kept.
    pub(super) fn parameters(&self, parameters: &Parameters) -> Parameters {
        parameters.with(|at| self.copies.get(at).unwrap_or(&parameters.entries()[at].tensor))
    }

    /// Its state as named tensors: `average/NAME`.
    pub(super) fn state(&self, parameters: &Parameters) -> Result<Weights> {
        let mut state = Weights::default();
        for (entry, average) in parameters.entries().iter().zip(&self.copies) {
            if entry.changes {
                state.tensors.insert(format!("average/{}", entry.name), to_plain(average)?);
            }
        }
        Ok(state)
    }

    /// Takes up what [`Average::state`] gave.
    pub(super) fn restore(&mut self, parameters: &Parameters, state: &Weights) -> Result<()> {
        for (entry, average) in parameters.entries().iter().zip(&mut self.copies) {
            if entry.changes {
                let key = format!("average/{}", entry.name);
                *average = load(state, &key, parameters.device())?;
            }
        }
        Ok(())
    }
}
