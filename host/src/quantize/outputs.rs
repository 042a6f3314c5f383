//! Equalization by outputs: channels that never get far are spread over more of the 256 steps.
//!
//! Where each output channel has a weight step of its own, its size costs that channel nothing: outputs are
//! divided by their peaks, and the weights that read them multiplied. A peak must be known for that. One
//! that another picture passes is cut off, which costs more than coarse steps do; so half of the pictures
//! set the peaks and the other half decide how far to go by them.

use anyhow::{Context, Result};
use models::tensor::Tensor;
use rayon::prelude::*;

use super::equalize::{Axis, find, scale};
use super::pass::run;
use super::scheme::Affine;
use crate::net::{Branch, Layer, Plan, Weighted};
use crate::weights::Weights;

/// How far to go: outputs are divided by such a power of their channel's peak.
const POWERS: [f32; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Channels that stay below this share of the mean peak count as if they reached it: others may light
/// them up.
const FLOOR: f32 = 0.1;

/// The same net with evener outputs.
pub(super) fn even_out(plan: &Plan<'_>, weights: &Weights, pictures: &[Tensor]) -> Result<Weights> {
    let mut evening = Evening { weights, even: weights.clone() };
    evening.branch(&plan.root, pictures.to_vec())?;
    Ok(evening.even)
}

struct Evening<'a> {
    weights: &'a Weights,
    even: Weights,
}

impl Evening<'_> {
    /// Takes pictures through a branch and all that read it.
    fn branch<'n>(&mut self, branch: &Branch<'n>, tensors: Vec<Tensor>) -> Result<()> {
        let readers = branch.readers();
        let first =
            |reader: &Branch<'n>| reader.layers.iter().find_map(|l| Some(l.weighted()?.name));
        let names: Vec<_> = readers.iter().filter_map(first).collect();
        let tensors = self.follow(branch.layers, &names, tensors)?;
        readers.iter().try_for_each(|reader| self.branch(reader, tensors.clone()))
    }

    /// Takes pictures through layers and evens out all that is read, at the end by `after`.
    fn follow(
        &mut self,
        layers: &[Layer],
        after: &[&str],
        mut tensors: Vec<Tensor>,
    ) -> Result<Vec<Tensor>> {
        let mut writer: Option<Weighted<'_>> = None;
        for layer in layers {
            if let Some(reader) = layer.weighted() {
                self.even_out(writer.as_ref(), &[reader.name], &tensors)?;
                writer = Some(reader);
            }
            run(layer, self.weights, tensors.iter_mut())?;
        }
        self.even_out(writer.as_ref(), after, &tensors)?;
        Ok(tensors)
    }

    /// Divides each output channel of a layer by what its readers are multiplied with; `tensors` are what
    /// these read.
    fn even_out(
        &mut self,
        writer: Option<&Weighted<'_>>,
        readers: &[&str],
        tensors: &[Tensor],
    ) -> Result<()> {
        let Some(Weighted { name, shape, relu: true }) = writer else { return Ok(()) };
        if readers.is_empty() {
            return Ok(());
        }
        let names = readers.iter().map(|reader| format!("{reader}.weight"));
        let names: Vec<String> = names.collect();
        let factors = factors(tensors, &self.gains(&names, shape[0])?);
        let divisors: Vec<f32> = factors.iter().map(|f| f.recip()).collect();
        for part in ["weight", "bias"] {
            scale(find(&mut self.even, &format!("{name}.{part}"))?, &divisors, Axis::Output);
        }
        for reader in &names {
            scale(find(&mut self.even, reader)?, &factors, Axis::Input);
        }
        Ok(())
    }

    /// What noise in each channel is multiplied with on its way into the readers' sums, squared.
    fn gains(&self, readers: &[String], channels: usize) -> Result<Vec<f64>> {
        let mut gains = vec![0.0; channels];
        for reader in readers {
            let tensor = self.weights.tensors.get(reader);
            let tensor = tensor.with_context(|| format!("{reader} is missing"))?;
            for (at, values) in tensor.values.chunks(Axis::Input.run(tensor, channels)).enumerate()
            {
                gains[at % channels] += values.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>();
            }
        }
        Ok(gains)
    }
}

/// What each channel is divided by: the power of its peak that leaves the least noise on pictures which did
/// not set the peaks. Nothing is known of these where there is but one picture.
///
/// # Shapes
/// - tensors: `[1, channels, …]` each, not below 0
/// - gains: `[channels]`
fn factors(tensors: &[Tensor], gains: &[f64]) -> Vec<f32> {
    let set = peaks(tensors.iter().step_by(2), gains.len());
    let held: Vec<&Tensor> = tensors.iter().skip(1).step_by(2).collect();
    let tried = POWERS.map(|power| (noise(&held, &set, power, gains), power));
    let best = tried.into_iter().min_by(|(a, _), (b, _)| a.total_cmp(b));
    powers(&peaks(tensors.iter(), gains.len()), best.map_or(0.0, |(_, power)| power))
}

/// The largest value of every channel.
fn peaks<'t>(tensors: impl Iterator<Item = &'t Tensor>, channels: usize) -> Vec<f32> {
    let mut peaks = vec![0.0f32; channels];
    for tensor in tensors {
        let maps = tensor.values.chunks(tensor.values.len() / channels);
        for (peak, map) in peaks.iter_mut().zip(maps) {
            *peak = map.iter().fold(*peak, |max, &v| max.max(v));
        }
    }
    peaks
}

fn powers(peaks: &[f32], power: f32) -> Vec<f32> {
    let floor = FLOOR * peaks.iter().sum::<f32>() / peaks.len() as f32;
    let factors = peaks.iter().map(|peak| peak.max(floor).powf(power));
    factors.map(|f| if f.is_normal() { f } else { 1.0 }).collect()
}

/// Square error of bytes for outputs that are divided by a power of their peaks, as the readers see it.
fn noise(tensors: &[&Tensor], peaks: &[f32], power: f32, gains: &[f64]) -> f64 {
    let factors = powers(peaks, power);
    let top = peaks.iter().zip(&factors).fold(0.0f32, |top, (peak, f)| top.max(peak / f));
    let coding = Affine::covering(0.0, top);
    let of_tensor = |tensor: &&Tensor| -> f64 {
        let maps = tensor.values.chunks(tensor.values.len() / gains.len());
        let errors = maps.zip(&factors).map(|(map, &factor)| {
            let error = |&v: &f32| f64::from(v - factor * coding.round(v / factor)).powi(2);
            map.iter().map(error).sum::<f64>()
        });
        errors.zip(gains).map(|(error, gain)| error * gain).sum()
    };
    // Summed in order, so that the same pictures give the same net.
    tensors.par_iter().map(of_tensor).collect::<Vec<f64>>().iter().sum()
}

#[cfg(test)]
mod tests {
    use models::session::{Options, Session};

    use super::*;
    use crate::{fold, init, net, onnx, quantize};

    #[test]
    fn evener_outputs_are_those_of_the_same_net() {
        let net = net::compact();
        let before = fold::fold_batch_norm(&net, &init::he(&net, 5)).unwrap();
        let pictures: Vec<Tensor> = (0..4).map(|k| quantize::tests::picture(&net, k)).collect();
        let after = even_out(&(&net).into(), &before, &pictures).unwrap();
        assert!(before != after);

        let run = |weights| {
            let graph = onnx::export_f32(&net, weights).unwrap();
            let mut session = Session::open_any(graph, &Options::default()).unwrap();
            session.run(&pictures[0]).unwrap()
        };
        for (a, b) in run(&before).iter().zip(run(&after)) {
            let max = a.values.iter().fold(0.0f32, |max, v| max.max(v.abs()));
            assert!(a.values.iter().zip(&b.values).all(|(a, b)| (a - b).abs() <= 1e-4 * max));
        }
    }

    #[test]
    fn what_the_trunk_ends_in_is_evened_out_for_both_heads() {
        let net = net::compact();
        let before = fold::fold_batch_norm(&net, &init::he(&net, 5)).unwrap();
        let mut evening = Evening { weights: &before, even: before.clone() };
        let writer = net.trunk.iter().rev().find_map(Layer::weighted).unwrap();
        let readers = [&net.age, &net.gender].map(|head| head.iter().find_map(Layer::weighted));
        let readers = readers.map(|reader| reader.unwrap().name);
        let channels = writer.shape[0];
        let peaks = (1..=channels).map(|channel| channel as f32).collect();
        let alike = vec![Tensor::new([1, channels], peaks).unwrap(); 4];
        evening.even_out(Some(&writer), &readers, &alike).unwrap();
        for name in readers.into_iter().chain([writer.name]) {
            let name = format!("{name}.weight");
            let row = |weights: &Weights| weights.tensors[&name].values[channels / 2];
            assert_ne!(row(&before), row(&evening.even), "{name}");
        }
    }

    /// Two channels; the second reaches a tenth of the first, and now and then what `rare` says.
    fn pictures(rare: f32) -> Vec<Tensor> {
        let value = |at: usize, k: usize| (at * 7919 + k * 104_729) as f32 % 97.0 / 97.0;
        let picture = |k| {
            let mut values: Vec<f32> = (0..50).map(|at| value(at, k)).collect();
            values.extend((0..50).map(|at| value(at, k) / 10.0));
            (values[0], values[50]) = (1.0, 0.1);
            // The last picture is one of those that set no peak.
            values[99] = if k == 7 { rare } else { 0.0 };
            Tensor::new([1, 2, 5, 10], values).unwrap()
        };
        (0..8).map(picture).collect()
    }

    #[test]
    fn small_channels_are_spread_out_unless_unseen_pictures_pass_their_peaks() {
        let ratio = |factors: Vec<f32>| factors[0] / factors[1];
        let whole = ratio(factors(&pictures(0.0), &[1.0, 1.0]));
        assert!((9.0..11.0).contains(&whole), "{whole}");
        let none = ratio(factors(&pictures(1.0), &[1.0, 1.0]));
        assert_eq!(none, 1.0, "a cut of nine tenths costs more than coarse steps");
    }

    #[test]
    fn one_picture_silence_and_none_at_all_change_nothing() {
        assert_eq!(factors(&pictures(0.0)[..1], &[1.0, 1.0]), [1.0, 1.0]);
        assert_eq!(factors(&[], &[1.0, 1.0]), [1.0, 1.0]);
        let silent = vec![Tensor::new([1, 2, 5, 10], vec![0.0; 100]).unwrap(); 4];
        assert_eq!(factors(&silent, &[1.0, 1.0]), [1.0, 1.0]);
    }
}
