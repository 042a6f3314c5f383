//! What a run changes step by step: parameters, the optimizer's memory of them, and their running average.

use anyhow::Result;
use tch::Tensor;

use super::adamw::{AdamW, Average};
use super::forward::{Entry, Parameters, to_plain, to_torch};
use crate::weights::Weights;

/// Parameters that learn.
pub(crate) struct Learner {
    pub(crate) parameters: Parameters,
    optimizer: AdamW,
    average: Average,
}

impl Learner {
    /// No steps made; an `average_decay` of 0 keeps no average.
    pub(crate) fn new(
        parameters: Parameters,
        weight_decay: f64,
        average_decay: f64,
    ) -> Result<Self> {
        let optimizer = AdamW::new(&parameters, weight_decay)?;
        let average = Average::new(&parameters, average_decay)?;
        Ok(Self { parameters, optimizer, average })
    }

    /// Steps made.
    pub(crate) fn steps(&self) -> u64 {
        self.optimizer.steps
    }

    /// One step down the gradient of `loss`.
    pub(crate) fn step(&mut self, loss: &Tensor, lr: f64) -> Result<()> {
        self.optimizer.step(&self.parameters, loss, lr)?;
        self.average.follow(&self.parameters, self.optimizer.steps)
    }

    /// What is kept of a run: the average, or the weights themselves where there is none.
    pub(crate) fn kept(&self) -> Result<Weights> {
        self.average.kept(&self.parameters)
    }

    /// Parameters that share the memory of what is kept.
    pub(crate) fn kept_parameters(&self) -> Parameters {
        self.average.parameters(&self.parameters)
    }

    /// Everything to go on from, as named tensors.
    pub(super) fn state(&self) -> Result<Weights> {
        let mut state = self.optimizer.state(&self.parameters)?;
        state.tensors.append(&mut self.average.state(&self.parameters)?.tensors);
        for Entry { name, tensor, .. } in self.changing() {
            state.tensors.insert(format!("weights/{name}"), to_plain(tensor)?);
        }
        Ok(state)
    }

    /// Takes up what [`Learner::state`] gave after `steps` steps.
    pub(super) fn restore(&mut self, state: &Weights, steps: u64) -> Result<()> {
        for Entry { name, tensor, .. } in self.changing() {
            let shape: Vec<usize> =
                tensor.size().into_iter().map(usize::try_from).collect::<Result<_, _>>()?;
            let saved = to_torch(state.get(&format!("weights/{name}"), &shape)?)?;
            tch::no_grad(|| tensor.shallow_clone().f_copy_(&saved))?;
        }
        self.average.restore(&self.parameters, state)?;
        self.optimizer.restore(&self.parameters, state, steps)
    }

    fn changing(&self) -> impl Iterator<Item = &Entry> {
        self.parameters.entries().iter().filter(|entry| entry.changes)
    }
}
