//! Random weights for any net, so that its speed can be measured before anything is trained.
//!
//! He, Zhang, Ren, Sun 2015, equation 10: variance 2 / inputs where a ReLU follows, else 1 / inputs.

use std::f32::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::net::{Layer, Plan, Weighted};
use crate::weights::Weights;

/// He-normal weights, zero biases and batch norms that pass everything through; `seed` fixes them all.
pub fn he<'a>(net: impl Into<Plan<'a>>, seed: u64) -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = Weights::default();
    for layer in net.into().layers() {
        add_layer(&mut weights, layer, &mut rng);
    }
    weights
}

fn add_layer(weights: &mut Weights, layer: &Layer, rng: &mut ChaCha8Rng) {
    let Some(Weighted { name, shape, relu }) = layer.weighted() else { return };
    let (outputs, inputs) = (shape[0], shape[1..].iter().product::<usize>());
    let deviation = (if relu { 2.0 } else { 1.0 } / inputs as f32).sqrt();
    let values = (0..outputs * inputs).map(|_| normal(rng) * deviation).collect();
    weights.set(format!("{name}.weight"), &shape, values);
    weights.set(format!("{name}.bias"), &[outputs], vec![0.0; outputs]);
    if matches!(layer, Layer::Conv(conv) if conv.batch_norm) {
        for (part, value) in
            [("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)]
        {
            weights.set(format!("{name}.bn.{part}"), &[outputs], vec![value; outputs]);
        }
    }
}

/// A draw from the standard normal distribution (Box and Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let (u, v): (f32, f32) = (rng.random(), rng.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net;

    #[test]
    fn one_seed_gives_one_net_of_the_right_spread() {
        let weights = he(&net::compact(), 7);
        assert_eq!(weights, he(&net::compact(), 7));
        assert_ne!(weights, he(&net::compact(), 8));
        let conv = weights.get("conv4_2.weight", &[224, 224, 3, 3]).unwrap();
        let square = conv.values.iter().map(|v| v * v).sum::<f32>() / conv.values.len() as f32;
        assert!((square * 224.0 * 9.0 - 2.0).abs() < 0.02, "{square}");
        assert!(weights.get("conv1_1.bn.running_var", &[24]).is_ok());
        assert!(weights.get("age.weight", &[101, 256]).is_ok());
    }
}
