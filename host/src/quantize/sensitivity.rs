//! What rounding one layer alone, its weights and its outputs, does to the answers.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use models::estimator::Logits;
use models::tensor::Tensor;
use serde::Serialize;

use super::pass::{round, run, without_relu};
use super::scheme::QuantizedLayer;
use super::{Calibrated, answers_of};
use crate::net::{Layer, Net};
use crate::verify;
use crate::weights::Weights;

/// What one layer costs, all others being exact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sensitivity {
    /// The layer's name.
    pub name: String,
    /// Mean |Δ apparent age| in years.
    pub age_years_mean: f32,
    /// Mean difference of the probabilities *female*.
    pub gender_mean: f32,
    /// How many predicted genders are other ones.
    pub gender_flips: usize,
}

/// Rounds each layer of a net with two heads alone, in order.
///
/// # Errors
/// A layer that is not quantized, or answers that are not finite.
pub fn sensitivities(
    net: &Net,
    calibrated: &Calibrated,
    pictures: &[Tensor],
) -> Result<Vec<Sensitivity>> {
    let mut probe = Probe { calibrated, found: vec![], reference: vec![] };
    let whole: Vec<&Layer> = net.trunk.iter().collect();
    let features = probe.through(&whole, pictures.to_vec())?;
    let (age, gender): (Vec<&Layer>, Vec<&Layer>) =
        (net.age.iter().collect(), net.gender.iter().collect());
    let exact_age = probe.through(&age, features.clone())?;
    let exact_gender = probe.through(&gender, features.clone())?;
    probe.reference = answers_of(&exact_age, &exact_gender)?;

    probe.alone(&whole, pictures.to_vec(), &|probe, features| {
        let gender = probe.through(&gender, features.clone())?;
        answers_of(&probe.through(&age, features)?, &gender)
    })?;
    probe.alone(&age, features.clone(), &|_, age| answers_of(&age, &exact_gender))?;
    probe.alone(&gender, features, &|_, gender| answers_of(&exact_age, &gender))?;
    Ok(probe.found)
}

/// The answers that a layer list's last values lead to.
type Ending<'a> = &'a dyn Fn(&Probe<'_>, Vec<Tensor>) -> Result<Vec<Logits>>;

struct Probe<'a> {
    calibrated: &'a Calibrated,
    reference: Vec<Logits>,
    found: Vec<Sensitivity>,
}

impl Probe<'_> {
    /// Exactly through layers.
    fn through(&self, layers: &[&Layer], mut tensors: Vec<Tensor>) -> Result<Vec<Tensor>> {
        for layer in layers {
            run(layer, &self.calibrated.weights, tensors.iter_mut())?;
        }
        Ok(tensors)
    }

    /// Rounds each of some layers alone and notes what that does to the answers.
    fn alone(
        &mut self,
        layers: &[&Layer],
        mut tensors: Vec<Tensor>,
        ending: Ending<'_>,
    ) -> Result<()> {
        for (at, layer) in layers.iter().enumerate() {
            let Some(weighted) = layer.weighted() else {
                run(layer, &self.calibrated.weights, tensors.iter_mut())?;
                continue;
            };
            let name = weighted.name.to_owned();
            let bytes = self.calibrated.quantized.layers.get(&name);
            let bytes = bytes.with_context(|| format!("{name} is not quantized"))?;
            let rounded = rounded(layer, &self.calibrated.weights, bytes, &mut tensors)?;
            let last = self.through(&layers[at + 1..], rounded)?;
            let moved = verify::compare(&self.reference, &ending(self, last)?)?;
            self.found.push(Sensitivity {
                name,
                age_years_mean: moved.age_years_mean,
                gender_mean: moved.gender_mean,
                gender_flips: moved.gender_flips,
            });
        }
        Ok(())
    }
}

/// Takes tensors exactly through a layer with weights; gives them as rounding it alone leaves them, each
/// channel's mean corrected.
fn rounded(
    layer: &Layer,
    weights: &Weights,
    bytes: &QuantizedLayer,
    tensors: &mut [Tensor],
) -> Result<Vec<Tensor>> {
    let weighted = layer.weighted().context("a layer without weights")?;
    let (name, shape) = (weighted.name, &weighted.shape);
    let bias = weights.get(&format!("{name}.bias"), &shape[..1])?.values.clone();
    let mut changed = Weights::default();
    changed.set(format!("{name}.weight"), shape, bytes.real_weights());
    changed.set(format!("{name}.bias"), &shape[..1], bias);
    let mut rounded = tensors.to_vec();
    let sums = without_relu(layer);
    run(&sums, weights, tensors.iter_mut())?;
    run(&sums, &changed, rounded.iter_mut())?;
    align(tensors, &mut rounded, shape[0]);
    for tensor in tensors.iter_mut().chain(&mut rounded).filter(|_| weighted.relu) {
        tensor.values.iter_mut().for_each(|v| *v = v.max(0.0));
    }
    if let Some(coding) = bytes.output {
        rounded.iter_mut().for_each(|tensor| *tensor = round(tensor, coding));
    }
    Ok(rounded)
}

/// Moves every channel of `rounded` so that its mean is that of `exact`.
fn align(exact: &[Tensor], rounded: &mut [Tensor], channels: usize) {
    let mut errors = vec![0.0f64; channels];
    let mut count = 0;
    for (exact, rounded) in exact.iter().zip(&*rounded) {
        let len = exact.values.len() / channels;
        count += len;
        let maps = exact.values.chunks(len).zip(rounded.values.chunks(len));
        for (error, (exact, rounded)) in errors.iter_mut().zip(maps) {
            *error += exact.iter().zip(rounded).map(|(e, r)| f64::from(e - r)).sum::<f64>();
        }
    }
    for tensor in rounded {
        let len = tensor.values.len() / channels;
        for (map, error) in tensor.values.chunks_mut(len).zip(&errors) {
            #[allow(clippy::cast_possible_truncation, reason = "a mean of f32 values")]
            let shift = (error / count as f64) as f32;
            map.iter_mut().for_each(|v| *v += shift);
        }
    }
}

/// As a Markdown table.
pub fn sensitivity_table(layers: &[Sensitivity]) -> String {
    let mut text = String::from(
        "| only this layer rounded | mean \\|Δ apparent age\\|, years | mean \\|Δ female\\| | other genders |\n\
         |---|--:|--:|--:|\n",
    );
    for Sensitivity { name, age_years_mean, gender_mean, gender_flips } in layers {
        // Writing to a string cannot fail.
        let _ =
            writeln!(text, "| {name} | {age_years_mean:.4} | {gender_mean:.5} | {gender_flips} |");
    }
    text
}
