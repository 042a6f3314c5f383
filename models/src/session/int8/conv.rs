//! A whole convolution: which pixels and weights meet in the inner loop, and in which order.
//!
//! Pixels are taken in groups: for each group, the weights of one block of outputs are used for all its
//! pixels while they are in the cache, then those of the next block.

#![allow(unsafe_code, reason = "calls kernels")]

use std::fmt;
use std::ops::Range;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::shape::Shape;
use super::taps::{Found, Taps};
use super::tile::{Rounding, Tile, Work};
use super::{largest, pack};

/// About so many pixels make a group: 8 tiles of 14.
const GROUP_PIXELS: usize = 112;

/// A convolution with its weights packed for one kernel.
pub(crate) struct Conv {
    /// `[height, width, channels]` of the input.
    read: [usize; 3],
    /// The input of a fully connected layer is flattened here.
    shape: Shape,
    tile: &'static Tile,
    /// See [`pack::weights`].
    weights: Vec<i8>,
    /// What is added to a kernel's sums: `[blocks · block]`.
    bias: Vec<i32>,
    /// How sums become bytes: `[blocks · block]`; empty where they stay sums.
    factor: Vec<f32>,
    /// The output's zero point.
    zero: i32,
    taps: Taps,
}

/// Weights and rules of a convolution as a graph has them.
pub(crate) struct Parts<'a> {
    /// `[outputs, channels, height, width]`
    pub(crate) weights: &'a [i8],
    /// `[outputs]`
    pub(crate) bias: &'a [i32],
    /// The input's zero point.
    pub(crate) zero: i8,
    /// How sums become bytes; without it they stay sums.
    pub(crate) coding: Option<Coding>,
}

/// How sums become the bytes of the next layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Coding {
    /// Input step · weight step ÷ output step, for each output.
    pub(crate) factor: Vec<f32>,
    /// The output's zero point.
    pub(crate) zero: i8,
}

/// What is computed in one go.
struct Part {
    pixels: Range<usize>,
    blocks: Range<usize>,
}

/// Memory of one thread, used again from group to group.
#[derive(Default)]
struct Scratch {
    taps: Found,
    /// `[pixels, outputs]` of one tile.
    sums: Vec<i32>,
    /// `[pixels, outputs]` of a group before pooling.
    bytes: Vec<u8>,
}

impl fmt::Debug for Conv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.weights.len();
        f.debug_struct("Conv").field("shape", &self.shape).field("weight_bytes", &bytes).finish()
    }
}

impl Conv {
    /// Packs the weights. `None` where the kernel cannot take them, or where a sum might not fit into 32 bits.
    pub(crate) fn new(shape: Shape, tile: &'static Tile, parts: &Parts<'_>) -> Option<Self> {
        if !(takes(&shape, parts) && (tile.takes_lowest || !parts.weights.contains(&i8::MIN))) {
            return None;
        }
        let weights = pack::weights(&shape, tile, parts.weights);
        let zero = parts.zero.cast_unsigned() ^ tile.flip;
        // Kernels sum up `byte · weight`, where it should be `(byte − zero) · weight`.
        let seen = if tile.flip == 0 { i32::from(parts.zero) } else { i32::from(zero) };
        let sums = pack::sums(&shape, parts.weights);
        let mut bias: Vec<i32> =
            parts.bias.iter().zip(sums).map(|(b, sum)| b - seen * sum).collect();
        let filled = shape.outputs.next_multiple_of(tile.outputs);
        bias.resize(filled, 0);
        let coding = parts.coding.clone().unwrap_or(Coding { factor: vec![], zero: 0 });
        let mut factor = coding.factor;
        factor.resize(if factor.is_empty() { 0 } else { filled }, 0.0);
        let read = [shape.input[0], shape.input[1], shape.channels];
        let shape = if shape.is_dense() { shape.flattened() } else { shape };
        let taps = Taps::new(&shape, tile, zero);
        let zero = coding.zero.into();
        Some(Self { read, shape, tile, weights, bias, factor, zero, taps })
    }

    /// `[height, width, channels]` that it reads.
    pub(crate) fn input(&self) -> [usize; 3] {
        self.read
    }

    /// `[height, width, outputs]` that it writes.
    pub(crate) fn output(&self) -> [usize; 3] {
        let [height, width] = self.shape.written();
        [height, width, self.shape.outputs]
    }

    /// Whether it writes bytes for the next layer; sums otherwise.
    pub(crate) fn makes_bytes(&self) -> bool {
        !self.factor.is_empty()
    }

    /// The next layer's bytes, `[height, width, outputs]`, by the threads of `pool`.
    pub(crate) fn bytes(&self, input: &[u8], output: &mut [u8], pool: Option<&ThreadPool>) {
        assert!(self.makes_bytes(), "these sums are no bytes");
        let put = |sums: &[i32], block: usize, bytes: &mut [u8]| self.round(sums, block, bytes);
        if !self.shape.pooled {
            return self.each_sum(input, output, pool, &put);
        }
        self.each_group(output, pool, |scratch, pixels, output| {
            let mut bytes = std::mem::take(&mut scratch.bytes);
            bytes.resize(pixels.len() * self.shape.outputs, 0);
            self.part(input, &self.all_blocks(pixels), scratch, &mut |place, block, sums| {
                put(sums, block, &mut bytes[place..]);
            });
            largest::largest(&bytes, self.shape.outputs, self.tile.flip, output);
            scratch.bytes = bytes;
        });
    }

    /// The sums themselves, `[height, width, outputs]`, by the threads of `pool`.
    pub(crate) fn sums(&self, input: &[u8], output: &mut [i32], pool: Option<&ThreadPool>) {
        assert!(!self.shape.pooled, "sums are not pooled");
        self.each_sum(input, output, pool, &|sums, block, output| {
            let (bias, width) = (self.block(&self.bias, block), self.width(block));
            let rows = output.chunks_mut(self.shape.outputs);
            for (sums, row) in sums.chunks(self.tile.outputs).zip(rows) {
                for ((value, sum), bias) in row[..width].iter_mut().zip(sums).zip(bias) {
                    *value = sum.wrapping_add(*bias);
                }
            }
        });
    }

    /// `put` takes the sums of some neighbouring pixels and one block, and the output from that block of the
    /// first of these pixels on.
    fn each_sum<T: Send>(
        &self,
        input: &[u8],
        output: &mut [T],
        pool: Option<&ThreadPool>,
        put: &(impl Fn(&[i32], usize, &mut [T]) + Sync),
    ) {
        if let Some(pool) = pool.filter(|_| self.shape.pixels() == 1) {
            return pool.install(|| {
                let blocks = output.par_chunks_mut(self.tile.outputs).enumerate();
                blocks.for_each_init(Scratch::default, |scratch, (block, output)| {
                    let sink = &mut |_, block, sums: &[i32]| put(sums, block, output);
                    let part = Part { pixels: 0..1, blocks: block..block + 1 };
                    self.part(input, &part, scratch, sink);
                });
            });
        }
        self.each_group(output, pool, |scratch, pixels, output| {
            self.part(input, &self.all_blocks(pixels), scratch, &mut |place, block, sums| {
                put(sums, block, &mut output[place..]);
            });
        });
    }

    /// Cuts the output into groups of pixels, and tells which computed pixels belong to each.
    fn each_group<T: Send>(
        &self,
        output: &mut [T],
        pool: Option<&ThreadPool>,
        work: impl Fn(&mut Scratch, Range<usize>, &mut [T]) + Sync,
    ) {
        assert_eq!(output.len(), self.output().iter().product::<usize>(), "the output's length");
        let each = self.shape.pixels_a_written();
        let written = self.group_pixels(pool.map_or(1, ThreadPool::current_num_threads)) / each;
        let work = |scratch: &mut Scratch, (number, output): (usize, &mut [T])| {
            let first = number * written * each;
            let pixels = first..first + output.len() / self.shape.outputs * each;
            work(scratch, pixels, output);
        };
        let chunk = written * self.shape.outputs;
        match pool {
            None => {
                let scratch = &mut Scratch::default();
                output.chunks_mut(chunk).enumerate().for_each(|group| work(scratch, group));
            }
            Some(pool) => pool.install(|| {
                let groups = output.par_chunks_mut(chunk).enumerate();
                groups.for_each_init(Scratch::default, work);
            }),
        }
    }

    fn all_blocks(&self, pixels: Range<usize>) -> Part {
        Part { pixels, blocks: 0..self.block_count() }
    }

    fn block_count(&self) -> usize {
        self.shape.outputs.div_ceil(self.tile.outputs)
    }

    /// Computed pixels of a group: whole tiles and whole pooled blocks, in about as many groups as there
    /// are threads, or a multiple of that.
    fn group_pixels(&self, threads: usize) -> usize {
        let whole = self.tile.pixels * self.shape.pixels_a_written();
        let wholes = self.shape.pixels().div_ceil(whole);
        let groups = self.shape.pixels().div_ceil(GROUP_PIXELS).next_multiple_of(threads);
        (wholes / groups).max(1) * whole
    }

    /// All sums of some pixels and blocks; `sink` is told where in `[pixels, outputs]` they begin, and which
    /// block they are.
    fn part(
        &self,
        input: &[u8],
        part: &Part,
        scratch: &mut Scratch,
        sink: &mut impl FnMut(usize, usize, &[i32]),
    ) {
        let Scratch { taps, sums, .. } = scratch;
        self.taps.find(input, &part.pixels, taps);
        let panel = self.weights.len() / self.block_count();
        sums.resize(taps.tile * self.tile.outputs, 0);
        for block in part.blocks.clone() {
            let sum = match 2 * self.width(block) <= self.tile.outputs {
                _ if taps.tile == 1 => self.tile.sum_one,
                true => self.tile.sum_half,
                false => self.tile.sum,
            };
            let weights = &self.weights[block * panel..][..panel];
            for (number, pixels) in taps.tiles().enumerate() {
                let work = Work { pixels, channels: taps.bytes, weights };
                // SAFETY: this kernel runs on this processor, or its tile would not have been given out;
                // behind each pointer that was found lie as many bytes.
                unsafe { sum(&work, sums) };
                let first = number * taps.tile;
                let count = taps.tile.min(part.pixels.len() - first);
                let place = first * self.shape.outputs + block * self.tile.outputs;
                sink(place, block, &sums[..count * self.tile.outputs]);
            }
        }
    }

    fn round(&self, sums: &[i32], block: usize, bytes: &mut [u8]) {
        let rounding = Rounding {
            bias: self.block(&self.bias, block),
            factor: self.block(&self.factor, block),
            zero: self.zero,
            flip: self.tile.flip,
            width: self.width(block),
            stride: self.shape.outputs,
        };
        // SAFETY: this kernel runs on this processor, or its tile would not have been given out.
        unsafe { (self.tile.round)(sums, &rounding, bytes) };
    }

    /// The part of a block in a list of all outputs.
    fn block<'v, T>(&self, values: &'v [T], block: usize) -> &'v [T] {
        &values[block * self.tile.outputs..][..self.tile.outputs]
    }

    /// Outputs of a block that are there.
    fn width(&self, block: usize) -> usize {
        self.tile.outputs.min(self.shape.outputs - block * self.tile.outputs)
    }
}

/// Whether there is something to compute, the parts are as long as the shape says, and no sum can leave 32 bits.
fn takes(shape: &Shape, parts: &Parts<'_>) -> bool {
    let sides = [shape.input, shape.kernel, shape.stride].concat();
    if sides.contains(&0) || shape.channels == 0 || shape.outputs == 0 || shape.pixels() == 0 {
        return false;
    }
    // The largest byte less any zero point, times the lowest weight, once for each weight of an output.
    let depth =
        shape.channels.checked_mul(shape.kernel[0]).and_then(|d| d.checked_mul(shape.kernel[1]));
    let most = depth.and_then(|depth| i64::try_from(depth).ok()?.checked_mul(128 * 255));
    let Some(most) = most.filter(|&most| most <= i64::from(i32::MAX)) else { return false };
    let factors = parts.coding.as_ref().map_or(shape.outputs, |coding| coding.factor.len());
    parts.weights.len() == shape.outputs * shape.depth()
        && parts.bias.len() == shape.outputs
        && factors == shape.outputs
        && parts.bias.iter().all(|b| most + i64::from(b.unsigned_abs()) <= i64::from(i32::MAX))
}
