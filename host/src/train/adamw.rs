//! AdamW (Loshchilov & Hutter 2019) whose state is plain named tensors, so that a stopped run resumes
//! exactly; beside it the running average of the weights, which is what is kept and exported.

use anyhow::{Context, Result};
use tch::{Tensor, no_grad};

use super::forward::{Parameters, to_plain, to_torch};
use crate::weights::Weights;

/// Decay of the mean gradient.
const BETA1: f64 = 0.9;
/// Decay of the mean squared gradient.
const BETA2: f64 = 0.999;
/// Keeps the step finite where gradients vanish.
const EPS: f64 = 1e-8;
/// Decay of the average of the weights, once it is warm.
const AVERAGE_DECAY: f64 = 0.999;

/// The optimizer's memory of each parameter.
pub(super) struct AdamW {
    slots: Vec<Slot>,
    /// Steps made.
    pub(super) steps: u64,
}

struct Slot {
    mean: Tensor,
    square: Tensor,
    average: Tensor,
}

impl AdamW {
    /// No steps made; the average is the weights as they are.
    pub(super) fn new(parameters: &Parameters) -> Result<Self> {
        let slots = parameters.entries().iter().map(|(_, tensor)| {
            Ok(Slot {
                mean: tensor.f_zeros_like()?.set_requires_grad(false),
                square: tensor.f_zeros_like()?.set_requires_grad(false),
                average: tensor.f_detach_copy()?,
            })
        });
        Ok(Self { slots: slots.collect::<Result<_>>()?, steps: 0 })
    }

    /// One step along the gradients that `loss.backward()` left, which are then cleared.
    pub(super) fn step(
        &mut self,
        parameters: &Parameters,
        lr: f64,
        weight_decay: f64,
    ) -> Result<()> {
        self.steps += 1;
        let steps = self.steps as f64;
        let (bias1, bias2) = (1.0 - BETA1.powf(steps), 1.0 - BETA2.powf(steps));
        let keep = AVERAGE_DECAY.min((1.0 + steps) / (10.0 + steps));
        no_grad(|| {
            for ((_, tensor), slot) in parameters.entries().iter().zip(&mut self.slots) {
                // A bias before batch norm has no effect, and so no gradient.
                let mut gradient = tensor.grad();
                if gradient.defined() {
                    let mut tensor = tensor.shallow_clone();
                    if tensor.dim() > 1 {
                        let _ = tensor.f_mul_scalar_(1.0 - lr * weight_decay)?;
                    }
                    let _ = slot.mean.f_lerp_(&gradient, 1.0 - BETA1)?;
                    let _ = slot.square.f_mul_scalar_(BETA2)?;
                    let _ = slot.square.f_add_(&(&gradient * &gradient * (1.0 - BETA2)))?;
                    let root = (&slot.square / bias2).f_sqrt()? + EPS;
                    let _ = tensor.f_sub_(&(&slot.mean / root * (lr / bias1)))?;
                    let _ = gradient.f_zero_()?;
                }
                let _ = slot.average.f_lerp_(tensor, 1.0 - keep)?;
            }
            Ok(())
        })
    }

    /// The running average of the weights.
    pub(super) fn average(&self, parameters: &Parameters) -> Result<Weights> {
        parameters.weights_by(|at| &self.slots[at].average)
    }

    /// Its state as named tensors: `mean/NAME`, `square/NAME`, `average/NAME`.
    pub(super) fn state(&self, parameters: &Parameters) -> Result<Weights> {
        let mut state = Weights::default();
        for ((name, _), slot) in parameters.entries().iter().zip(&self.slots) {
            for (kind, tensor) in
                [("mean", &slot.mean), ("square", &slot.square), ("average", &slot.average)]
            {
                state.tensors.insert(format!("{kind}/{name}"), to_plain(tensor)?);
            }
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
        for ((name, _), slot) in parameters.entries().iter().zip(&mut self.slots) {
            let load = |kind: &str| {
                let key = format!("{kind}/{name}");
                let plain = state
                    .tensors
                    .get(&key)
                    .with_context(|| format!("the checkpoint has no {key}"))?;
                Ok::<_, anyhow::Error>(to_torch(plain)?.f_to_device(parameters.device())?)
            };
            *slot =
                Slot { mean: load("mean")?, square: load("square")?, average: load("average")? };
        }
        self.steps = steps;
        Ok(())
    }
}
