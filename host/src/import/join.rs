//! Two nets of one head each as one net.

use anyhow::{Context, Result};

use crate::net::{Layer, Net, Weighted};
use crate::weights::Weights;

/// The order of a gender net's classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Genders {
    /// As IMDB-WIKI codes them, and so the seed: 0 female, 1 male. Ours too.
    #[value(name = "female,male")]
    FemaleMale,
    /// As UTKFace codes them: 0 male, 1 female.
    #[value(name = "male,female")]
    MaleFemale,
}

/// The weights of a gender net with its last layer's classes as female, male.
///
/// # Errors
/// There is no last layer of two classes.
pub(super) fn in_our_order(mut weights: Weights, genders: Genders) -> Result<Weights> {
    if genders == Genders::MaleFemale {
        for name in ["gender.weight", "gender.bias"] {
            let values = weights.tensors.get_mut(name).with_context(|| format!("no {name}"))?;
            let half = values.values.len() / 2;
            values.values.rotate_left(half);
        }
    }
    Ok(weights)
}

/// One net of two that have their own trunks: with one trunk where both are the same to the bit, else
/// without a trunk, and each head a whole net whose layers are called `age.…` and `gender.…`.
///
/// # Errors
/// A layer is missing, or both hold the same.
pub(super) fn joined(net: &Net, age: Weights, gender: Weights) -> Result<(Net, Weights)> {
    let trunk: Vec<String> = tensors(&net.trunk);
    let same = trunk.iter().all(|name| match (age.tensors.get(name), gender.tensors.get(name)) {
        (Some(a), Some(b)) => a.shape == b.shape && same_bits(&a.values, &b.values),
        _ => false,
    });
    let (mut age, mut gender) = (age, gender);
    let net = if same {
        trunk.iter().for_each(|name| drop(gender.tensors.remove(name)));
        net.clone()
    } else {
        prefix(&mut age, &trunk, "age")?;
        prefix(&mut gender, &trunk, "gender")?;
        apart(net)
    };
    age.join(gender)?;
    Ok((net, age))
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// The names of the tensors of some layers.
fn tensors(layers: &[Layer]) -> Vec<String> {
    let names = layers.iter().filter_map(Layer::weighted);
    names
        .flat_map(|Weighted { name, .. }| [format!("{name}.weight"), format!("{name}.bias")])
        .collect()
}

fn prefix(weights: &mut Weights, names: &[String], prefix: &str) -> Result<()> {
    for name in names {
        let tensor = weights.tensors.remove(name).with_context(|| format!("no {name}"))?;
        weights.tensors.insert(format!("{prefix}.{name}"), tensor);
    }
    Ok(())
}

/// The net with its trunk in front of each head instead.
fn apart(net: &Net) -> Net {
    let whole = |prefix: &str, head: &[Layer]| {
        let trunk = net.trunk.iter().map(|layer| called(layer, prefix));
        trunk.chain(head.iter().cloned()).collect()
    };
    Net {
        age: whole("age", &net.age),
        gender: whole("gender", &net.gender),
        trunk: vec![],
        ..net.clone()
    }
}

fn called(layer: &Layer, prefix: &str) -> Layer {
    let mut layer = layer.clone();
    match &mut layer {
        Layer::Conv(conv) => conv.name = format!("{prefix}.{}", conv.name),
        Layer::Linear(linear) => linear.name = format!("{prefix}.{}", linear.name),
        Layer::MaxPool | Layer::Flatten | Layer::Dropout(_) => {}
    }
    layer
}
