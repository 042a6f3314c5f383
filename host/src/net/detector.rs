//! Our face detector's net: plain 3×3 convolutions, read at strides of 8, 16 and 32 pixels.
//!
//! Anchor-free as FCOS (Tian et al. 2019) and YuNet (Wu et al. 2023) are; without depthwise convolutions
//! and without a way back from coarse maps to fine ones, since integer kernels gain nothing from either. A
//! head sees 47, 143 and 335 pixels around its cell: more than the largest face that it is asked for.

use super::{Branch, Conv, End, Layer, Plan, conv3x3};

/// What a cell tells: a score, a box and five landmarks ([`models::detect`] says how they are read).
pub const CHANNELS: usize = 15;

/// A trunk with a head at each stride.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorNet {
    /// Width and height of the input in pixels, multiples of 32.
    pub size: [usize; 2],
    /// From fine to coarse.
    pub levels: [Level; 3],
}

/// The part of the trunk that leads to a stride, and what reads it there.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The name of the head's output.
    pub output: &'static str,
    /// From the level before, or from the picture.
    pub trunk: Vec<Layer>,
    /// Ends in [`CHANNELS`].
    pub head: Vec<Layer>,
}

impl DetectorNet {
    /// The net over pictures of `size` (width and height) pixels; its weights are the same for all.
    ///
    /// # Shapes
    /// - input: `[batch, 3, height, width]`, f32
    /// - `s8`, `s16`, `s32`: `[batch, 15, height / stride, width / stride]`, f32
    pub fn new(size: [usize; 2]) -> Self {
        let trunk = |layers: &[(&str, usize, usize, usize)]| {
            let conv = |&(name, inputs, outputs, stride)| {
                Layer::Conv(Conv { stride, batch_norm: true, ..conv3x3(name, inputs, outputs) })
            };
            layers.iter().map(conv).collect()
        };
        let head = |name: &str, inputs| {
            vec![Layer::Conv(Conv { relu: false, ..conv3x3(name, inputs, CHANNELS) })]
        };
        let fine: [_; 4] =
            [("conv1", 3, 16, 2), ("conv2", 16, 32, 2), ("conv3", 32, 40, 2), ("conv4", 40, 40, 1)];
        Self {
            size,
            levels: [
                Level { output: "s8", trunk: trunk(&fine), head: head("head8", 40) },
                Level {
                    output: "s16",
                    trunk: trunk(&[
                        ("conv5", 40, 40, 2),
                        ("conv6", 40, 40, 1),
                        ("conv7", 40, 40, 1),
                    ]),
                    head: head("head16", 40),
                },
                Level {
                    output: "s32",
                    trunk: trunk(&[
                        ("conv8", 40, 32, 2),
                        ("conv9", 32, 32, 1),
                        ("conv10", 32, 32, 1),
                    ]),
                    head: head("head32", 32),
                },
            ],
        }
    }
}

impl<'a> From<&'a DetectorNet> for Plan<'a> {
    fn from(net: &'a DetectorNet) -> Self {
        let [width, height] = net.size;
        Plan { name: "detector", input: [3, height, width], root: branch(&net.levels) }
    }
}

/// A level's trunk, read by its head and, where there is one, by the next level.
fn branch(levels: &[Level]) -> Branch<'_> {
    let [level, coarser @ ..] = levels else {
        return Branch { layers: &[], end: End::Branches(vec![]) };
    };
    let head = Branch { layers: &level.head, end: End::Output(level.output) };
    let next = (!coarser.is_empty()).then(|| branch(coarser));
    Branch { layers: &level.trunk, end: End::Branches([head].into_iter().chain(next).collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::parameter_count;

    /// Multiplications of a layer on its way to `output`.
    fn products(layer: &Layer, output: &[usize]) -> usize {
        let Layer::Conv(conv) = layer else { return 0 };
        conv.inputs * conv.kernel * conv.kernel * output.iter().product::<usize>()
    }

    fn walk(
        branch: &Branch<'_>,
        mut shape: Vec<usize>,
        told: &mut Vec<(String, Vec<usize>)>,
    ) -> usize {
        let mut sum = 0;
        for layer in branch.layers {
            shape = layer.output_shape(&shape);
            sum += products(layer, &shape);
        }
        match &branch.end {
            End::Output(name) => told.push(((*name).to_owned(), shape)),
            End::Branches(branches) => {
                sum += branches.iter().map(|b| walk(b, shape.clone(), told)).sum::<usize>();
            }
        }
        sum
    }

    #[test]
    fn it_is_small_and_tells_fifteen_numbers_a_cell() {
        let net = DetectorNet::new([320, 256]);
        let plan = Plan::from(&net);
        let mut told = vec![];
        walk(&plan.root, plan.input.to_vec(), &mut told);
        let expected = [("s8", [15, 32, 40]), ("s16", [15, 16, 20]), ("s32", [15, 8, 10])];
        assert_eq!(told, expected.map(|(name, shape)| (name.to_owned(), shape.to_vec())));
        let parameters = parameter_count(plan.layers());
        assert!(parameters <= 120_000, "{parameters}");
        let products = walk(&plan.root, vec![3, 240, 320], &mut vec![]);
        assert!(products <= 100_000_000, "{products}");
    }
}
