//! Every kernel of this processor against plain loops over the graph's own order of weights and pixels.

use proptest::prelude::*;
use rayon::ThreadPoolBuilder;

use super::conv::{Coding, Conv, Parts};
use super::shape::Shape;
use super::tile::Tile;
use crate::session::Kernel;

/// A convolution with all its numbers.
#[derive(Clone, Debug)]
struct Case {
    shape: Shape,
    /// `[outputs, channels, height, width]`
    weights: Vec<i8>,
    bias: Vec<i32>,
    /// `[height, width, channels]`
    input: Vec<i8>,
    zero: i8,
    coding: Coding,
}

impl Case {
    /// By the definition: for each output pixel, each tap, each channel.
    fn sum(&self, [row, column]: [usize; 2], output: usize) -> i32 {
        let shape = &self.shape;
        let mut sum = self.bias[output];
        for (y, x) in (0..shape.kernel[0]).flat_map(|y| (0..shape.kernel[1]).map(move |x| (y, x))) {
            let top = (row * shape.stride[0] + y).checked_sub(shape.pad[0]);
            let left = (column * shape.stride[1] + x).checked_sub(shape.pad[1]);
            let top = top.filter(|&y| y < shape.input[0]);
            let Some((top, left)) = top.zip(left.filter(|&x| x < shape.input[1])) else { continue };
            for channel in 0..shape.channels {
                let pixel = top * shape.input[1] + left;
                let byte = i32::from(self.input[pixel * shape.channels + channel]);
                let tap = (output * shape.channels + channel) * shape.taps();
                let weight = self.weights[tap + y * shape.kernel[1] + x];
                sum += (byte - i32::from(self.zero)) * i32::from(weight);
            }
        }
        sum
    }

    #[allow(clippy::cast_possible_truncation, reason = "clamped to a byte")]
    fn byte(&self, at: [usize; 2], output: usize) -> i8 {
        let real = (self.sum(at, output) as f32 * self.coding.factor[output]).round_ties_even();
        (real + f32::from(self.coding.zero)).clamp(-128.0, 127.0) as i8
    }

    fn sums(&self) -> Vec<i32> {
        let [rows, columns] = self.shape.output;
        let pixels = (0..rows * columns).map(|pixel| [pixel / columns, pixel % columns]);
        pixels.flat_map(|at| (0..self.shape.outputs).map(move |o| self.sum(at, o))).collect()
    }

    fn bytes(&self) -> Vec<i8> {
        let [rows, columns] = self.shape.written();
        let pixels = (0..rows * columns).map(|pixel| [pixel / columns, pixel % columns]);
        let byte = |[row, column]: [usize; 2], output| {
            if !self.shape.pooled {
                return self.byte([row, column], output);
            }
            let corners = [[0, 0], [0, 1], [1, 0], [1, 1]];
            let bytes = corners.map(|[y, x]| self.byte([2 * row + y, 2 * column + x], output));
            bytes.into_iter().max().unwrap()
        };
        pixels.flat_map(|at| (0..self.shape.outputs).map(move |o| byte(at, o))).collect()
    }

    /// What a kernel makes of it: bytes, and sums where they are not pooled.
    fn run(&self, tile: &'static Tile, threads: usize) -> Option<(Vec<i8>, Vec<i32>)> {
        let pool =
            (threads > 1).then(|| ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
        let (pool, weights, bias) = (pool.as_ref(), &*self.weights, &*self.bias);
        let input: Vec<u8> = self.input.iter().map(|b| b.cast_unsigned() ^ tile.flip).collect();
        let coding = Some(self.coding.clone());
        let parts = Parts { weights, bias, zero: self.zero, coding };
        let conv = Conv::new(self.shape.clone(), tile, &parts)?;
        let mut bytes = vec![0; conv.output().iter().product()];
        conv.bytes(&input, &mut bytes, pool);
        let bytes = bytes.iter().map(|b| (b ^ tile.flip).cast_signed()).collect();
        let mut sums = vec![];
        if !self.shape.pooled {
            let conv = Conv::new(self.shape.clone(), tile, &Parts { coding: None, ..parts })?;
            sums.resize(conv.output().iter().product(), 0);
            conv.sums(&input, &mut sums, pool);
        }
        Some((bytes, sums))
    }

    fn check(&self) {
        let tiles =
            Kernel::available().into_iter().filter_map(|kernel| Some((kernel, kernel.tile()?)));
        let sums = if self.shape.pooled { vec![] } else { self.sums() };
        let expected = (self.bytes(), sums);
        for (kernel, tile) in tiles {
            for threads in [1, 2] {
                match self.run(tile, threads) {
                    Some(found) => {
                        assert!(found == expected, "{kernel}, {threads} threads: {self:?}")
                    }
                    None => assert!(self.weights.contains(&i8::MIN) && !tile.takes_lowest),
                }
            }
        }
    }
}

/// Shapes with every kind of edge: odd sizes, few and many channels, padding, strides, pooling, a kernel as
/// large as its input.
fn shape() -> impl Strategy<Value = Shape> {
    let sides = (1usize..12, 1usize..12, 1usize..4, 1usize..4);
    let rest = (1usize..40, 1usize..70, 1usize..3, 0usize..3, any::<bool>(), 0u8..8);
    (sides, rest).prop_filter_map("no pixel", |((height, width, rows, columns), rest)| {
        let (channels, outputs, stride, pad, pooled, dense) = rest;
        let kernel = if dense == 0 { [height, width] } else { [rows, columns] };
        let (stride, pad) = if dense == 0 { (1, 0) } else { (stride, pad) };
        let side = |input: usize, kernel| Some((input + 2 * pad).checked_sub(kernel)? / stride + 1);
        let output = [side(height, kernel[0])?, side(width, kernel[1])?];
        let pooled = pooled && output.iter().all(|&side| side > 1);
        let (input, stride, pad) = ([height, width], [stride; 2], [pad; 2]);
        Some(Shape { input, channels, kernel, stride, pad, output, outputs, pooled })
    })
}

fn case() -> impl Strategy<Value = Case> {
    let lowest = prop_oneof![9 => Just(-127i8), 1 => Just(-128)];
    (shape(), any::<u64>(), any::<i8>(), any::<i8>(), lowest, 0..4u8).prop_map(
        |(shape, seed, zero, zero_out, lowest, extreme)| {
            let mut state = seed | 1;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            };
            // A quarter of the cases holds the ends of the range alone, where sums are largest.
            let mut byte = || match (extreme, next()) {
                (0, byte) => {
                    if byte > 127 {
                        i8::MAX
                    } else {
                        i8::MIN
                    }
                }
                (_, byte) => byte.cast_signed(),
            };
            let pixels = shape.input[0] * shape.input[1] * shape.channels;
            let input = (0..pixels).map(|_| byte()).collect();
            let weights = shape.outputs * shape.depth();
            let weights = (0..weights).map(|_| byte().max(lowest)).collect();
            let bias = (0..shape.outputs).map(|_| i32::from(byte()) * 1000).collect();
            let factor = (0..shape.outputs).map(|_| f32::from(byte()) * 1e-5).collect();
            let coding = Coding { factor, zero: zero_out };
            Case { shape, weights, bias, input, zero, coding }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_kernel_gives_the_bytes_and_sums_of_the_definition(case in case()) {
        case.check();
    }
}

/// Of the largest map and depth that VGG has, so that sums are as large as they get.
#[test]
fn the_deepest_sums_are_exact() {
    let shape = Shape {
        input: [7, 7],
        channels: 512,
        kernel: [7, 7],
        stride: [1, 1],
        pad: [0, 0],
        output: [1, 1],
        outputs: 3,
        pooled: false,
    };
    for (byte, weight) in [(-128, -127), (-128, 127), (127, 127), (127, -127)] {
        let case = Case {
            weights: vec![weight; 3 * shape.depth()],
            bias: vec![0, 1, -1],
            input: vec![byte; shape.depth()],
            zero: 0,
            coding: Coding { factor: vec![1e-7, 1.0, 1e30], zero: 3 },
            shape: shape.clone(),
        };
        case.check();
    }
}

#[test]
fn what_might_not_fit_into_a_sum_is_refused() {
    let shape = Shape {
        input: [1, 1],
        channels: 70_000,
        kernel: [1, 1],
        stride: [1, 1],
        pad: [0, 0],
        output: [1, 1],
        outputs: 1,
        pooled: false,
    };
    let weights = vec![1; 70_000];
    let tile = Kernel::Scalar.tile().unwrap();
    let parts = |bias, weights| Parts { weights, bias, zero: 0, coding: None };
    assert!(Conv::new(shape.clone(), tile, &parts(&[0], &weights)).is_none());
    let shape = Shape { channels: 10, ..shape };
    assert!(Conv::new(shape.clone(), tile, &parts(&[0], &weights[..10])).is_some());
    assert!(Conv::new(shape.clone(), tile, &parts(&[i32::MIN], &weights[..10])).is_none());
    assert!(Conv::new(shape.clone(), tile, &parts(&[0], &weights[..9])).is_none());
    let nothing = [
        Shape { outputs: 0, ..shape.clone() },
        Shape { channels: 0, ..shape.clone() },
        Shape { kernel: [0, 1], ..shape.clone() },
        Shape { input: [1, 0], ..shape.clone() },
        Shape { output: [0, 1], ..shape.clone() },
    ];
    for shape in nothing {
        assert!(Conv::new(shape.clone(), tile, &parts(&[], &[])).is_none(), "{shape:?}");
        assert!(
            Conv::new(shape.clone(), tile, &parts(&[0], &weights[..10])).is_none(),
            "{shape:?}"
        );
    }
    let huge = Shape { kernel: [1 << 33, 1 << 33], outputs: 0, ..shape };
    assert!(Conv::new(huge, tile, &parts(&[], &[])).is_none());
}
