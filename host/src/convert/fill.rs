//! Which of a file's layers is which of the net's.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::Part;
use super::found::{Expected, Found, expected};
use crate::net::{Layer, Net};
use crate::out;
use crate::weights::Weights;

/// What of a net is filled.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) net: &'a Net,
    pub(crate) part: Part,
    pub(crate) but_last: bool,
}

impl Wanted<'_> {
    /// The layers to fill, in order.
    fn layers(&self) -> Vec<Expected<'_>> {
        let net = self.net;
        let trunk = expected(&net.trunk, vec![3, net.input_px, net.input_px]);
        let head = |layers| {
            let mut layers = expected(layers, net.trunk_shape());
            layers.truncate(layers.len().saturating_sub(usize::from(self.but_last)));
            layers
        };
        match self.part {
            Part::Trunk => trunk,
            Part::Age => head(&net.age),
            Part::Gender => head(&net.gender),
            Part::All => [trunk, head(&net.age), head(&net.gender)].concat(),
        }
    }

    /// How many of the file's layers come before the first one wanted.
    fn skipped(&self, found: usize, wanted: usize) -> usize {
        let trunk = self.net.trunk.iter().filter_map(Layer::weighted).count();
        let head = matches!(self.part, Part::Age | Part::Gender);
        if head && found >= trunk + wanted { trunk } else { 0 }
    }
}

/// The wanted weights from the layers of the file at `path`; `names` are pairs of our name and theirs.
///
/// # Errors
/// A layer that is missing or another than expected.
pub(crate) fn fill(
    wanted: &Wanted<'_>,
    names: &[(String, String)],
    path: &Path,
    found: Vec<Found>,
) -> Result<Weights> {
    let reading = || format!("reading {}", path.display());
    let found = by_name(found, &wanted.layers(), names).with_context(reading)?;
    in_order(wanted, path, found)
}

/// Only the wanted layers, in the net's order, where names tell them; else all as they were.
fn by_name(
    mut found: Vec<Found>,
    wanted: &[Expected<'_>],
    names: &[(String, String)],
) -> Result<Vec<Found>> {
    for (ours, _) in names {
        let known = wanted.iter().any(|layer| layer.name == ours);
        ensure!(known, "--name {ours}: the part has no such layer");
    }
    let theirs = |layer: &Expected<'_>| {
        let named = names.iter().find(|(ours, _)| ours == layer.name);
        named.map_or(layer.name, |(_, theirs)| theirs).to_owned()
    };
    let theirs: Vec<String> = wanted.iter().map(theirs).collect();
    let place = |found: &Found| theirs.iter().position(|name| name == found.layer());
    for name in &theirs {
        match found.iter().filter(|found| found.layer() == name).count() {
            1 => {}
            _ if names.is_empty() => return Ok(found),
            0 => bail!("no layer is called {name}, there are {}", called(&found)),
            _ => bail!("several layers are called {name}"),
        }
    }
    found.retain(|found| place(found).is_some());
    found.sort_by_key(place);
    Ok(found)
}

fn called(found: &[Found]) -> String {
    found.iter().map(Found::layer).collect::<Vec<_>>().join(", ")
}

/// The wanted layers from those of the file.
fn in_order(wanted: &Wanted<'_>, path: &Path, found: Vec<Found>) -> Result<Weights> {
    let batch_norm = |layer: &&Layer| matches!(layer, Layer::Conv(conv) if conv.batch_norm);
    ensure!(
        !wanted.net.layers().any(|layer| batch_norm(&layer)),
        "net {} has batch norm, expected one of plain convolutions: vgg-face",
        wanted.net.name
    );
    let layers = wanted.layers();
    let skipped = wanted.skipped(found.len(), layers.len());
    let there = found.len() - skipped;
    ensure!(
        there >= layers.len(),
        "{} has {there} layers with weights, expected {}: {} to {}",
        path.display(),
        layers.len(),
        layers.first().map_or("", |layer| layer.name),
        layers.last().map_or("", |layer| layer.name)
    );
    let mut weights = Weights::default();
    for ((at, found), layer) in found.into_iter().enumerate().skip(skipped).zip(&layers) {
        let from = found.name.clone();
        let at = || format!("layer {} of {}", at + 1, path.display());
        let (kernel, bias) = found.fit(layer).with_context(at)?;
        tell(layer, &from, (&kernel, &bias))?;
        weights.set(format!("{}.weight", layer.name), &layer.shape, kernel);
        weights.set(format!("{}.bias", layer.name), &layer.shape[..1], bias);
    }
    Ok(weights)
}

/// Prints which layer came from where.
fn tell(layer: &Expected<'_>, from: &str, (kernel, bias): (&[f32], &[f32])) -> Result<()> {
    let first = |values: &[f32]| values.first().copied().unwrap_or_default();
    let (name, shape, weight, bias) = (layer.name, &layer.shape, first(kernel), first(bias));
    out::print(&format!("{name} {shape:?} first weight {weight} bias {bias} from {from}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::found::Layout;
    use crate::net::{Conv, Linear};

    fn linear(name: &str, inputs: usize, outputs: usize) -> Layer {
        Layer::Linear(Linear { name: name.into(), inputs, outputs, relu: false })
    }

    /// One convolution, 4×4 pixels to 2×2 of 2 channels, and two layers a head.
    fn small() -> Net {
        let conv = Conv {
            name: "conv1_1".into(),
            inputs: 3,
            outputs: 2,
            kernel: 3,
            stride: 1,
            pad: 1,
            batch_norm: false,
            relu: true,
        };
        let head = |name: &str, classes| {
            vec![Layer::Flatten, linear(&format!("{name}.fc"), 8, 4), linear(name, 4, classes)]
        };
        Net {
            name: "small",
            input_px: 4,
            trunk: vec![Layer::Conv(conv), Layer::MaxPool],
            age: head("age", 101),
            gender: head("gender", 2),
        }
    }

    fn found(name: &str, shape: &[usize]) -> Found {
        let values = (0..shape.iter().product::<usize>()).map(|i| i as f32).collect();
        Found {
            name: name.into(),
            shape: shape.into(),
            values,
            bias: vec![],
            layout: Layout::OutLast,
        }
    }

    /// A net of one head as Keras keeps it, with as many classes as are asked for.
    fn keras(classes: usize) -> Vec<Found> {
        vec![
            found("conv2d_1/kernel:0", &[3, 3, 3, 2]),
            found("conv2d_2/kernel:0", &[2, 2, 2, 4]),
            found("conv2d_3/kernel:0", &[1, 1, 4, classes]),
        ]
    }

    fn filled(part: Part, names: &[(&str, &str)], found: Vec<Found>) -> Result<Weights> {
        let net = small();
        let names: Vec<_> = names.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        fill(&Wanted { net: &net, part, but_last: false }, &names, Path::new("a.h5"), found)
    }

    fn names(weights: &Weights) -> Vec<&str> {
        weights.tensors.keys().map(String::as_str).collect()
    }

    #[test]
    fn a_part_takes_the_layers_in_its_place() {
        let trunk = filled(Part::Trunk, &[], keras(2622)).unwrap();
        assert_eq!(names(&trunk), ["conv1_1.bias", "conv1_1.weight"]);
        let age = filled(Part::Age, &[], keras(101)).unwrap();
        assert_eq!(names(&age), ["age.bias", "age.fc.bias", "age.fc.weight", "age.weight"]);
        let head = keras(2).into_iter().skip(1).collect();
        assert!(filled(Part::Gender, &[], head).is_ok(), "a file of the head alone");
    }

    #[test]
    fn a_layer_of_another_shape_is_told_with_its_place() {
        let error = format!("{:#}", filled(Part::Age, &[], keras(2622)).unwrap_err());
        assert_eq!(
            error,
            "layer 3 of a.h5: conv2d_3/kernel:0 is [1, 1, 4, 2622], expected age [1, 1, 4, 101]"
        );
        let error = filled(Part::All, &[], keras(101)).unwrap_err().to_string();
        assert_eq!(error, "a.h5 has 3 layers with weights, expected 5: conv1_1 to gender");
    }

    #[test]
    fn the_last_layer_may_be_left_out() {
        let net = small();
        let wanted = Wanted { net: &net, part: Part::Age, but_last: true };
        let age = fill(&wanted, &[], Path::new("a.h5"), keras(2622)).unwrap();
        assert_eq!(names(&age), ["age.fc.bias", "age.fc.weight"]);
    }

    #[test]
    fn names_go_before_the_order() {
        let ours = vec![
            found("gender/kernel:0", &[4, 2]),
            found("conv1_1/kernel:0", &[3, 3, 3, 2]),
            found("gender.fc/kernel:0", &[8, 4]),
        ];
        assert!(filled(Part::Gender, &[], ours.clone()).is_ok());
        let pairs = [("age.fc", "gender.fc"), ("age", "gender")];
        let error = format!("{:#}", filled(Part::Age, &pairs, ours.clone()).unwrap_err());
        assert!(error.ends_with("gender/kernel:0 is [4, 2], expected age [4, 101]"), "{error}");
        let error = format!("{:#}", filled(Part::Trunk, &[("conv1_1", "c")], ours).unwrap_err());
        assert_eq!(
            error,
            "reading a.h5: no layer is called c, there are gender, conv1_1, gender.fc"
        );
        assert!(filled(Part::Trunk, &[("conv9", "c")], keras(2)).is_err());
    }

    #[test]
    fn batch_norm_is_refused() {
        let net = crate::net::compact();
        let wanted = Wanted { net: &net, part: Part::Trunk, but_last: false };
        let error = fill(&wanted, &[], Path::new("a.h5"), keras(2)).unwrap_err().to_string();
        assert!(error.starts_with("net compact has batch norm"), "{error}");
    }
}
