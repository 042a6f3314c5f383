//! Weights in the order in which a kernel reads them.

use super::shape::Shape;
use super::tile::Tile;

/// `[blocks, depth / chunk, block, chunk]`: a kernel goes through one block of outputs from its first byte
/// to its last. Outputs and depth are filled up with zeros.
pub(crate) fn weights(shape: &Shape, tile: &Tile, oihw: &[i8]) -> Vec<i8> {
    let (block, chunk) = (tile.outputs, tile.chunk);
    let depth = tile.depth(shape.depth());
    let blocks = shape.outputs.div_ceil(block);
    let mut packed = vec![0; blocks * block * depth];
    let (taps, channels) = (shape.taps(), shape.channels);
    for (output, kernel) in oihw.chunks_exact(taps * channels).enumerate() {
        let panel = &mut packed[output / block * block * depth..][..block * depth];
        let row = output % block * chunk;
        for (channel, weights) in kernel.chunks_exact(taps).enumerate() {
            for (tap, &weight) in weights.iter().enumerate() {
                let k = tap * channels + channel;
                panel[k / chunk * block * chunk + row + k % chunk] = weight;
            }
        }
    }
    packed
}

/// Sums of each output's weights.
pub(crate) fn sums(shape: &Shape, oihw: &[i8]) -> Vec<i32> {
    let kernels = oihw.chunks_exact(shape.depth());
    kernels.map(|kernel| kernel.iter().map(|&weight| i32::from(weight)).sum()).collect()
}
