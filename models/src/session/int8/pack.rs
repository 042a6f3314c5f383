//! Weights in the order in which a kernel reads them.

use super::shape::Shape;
use super::tile::Tile;

/// `[blocks, depth / chunk, block, chunk]`: a kernel goes through one block of outputs from its first byte
/// to its last. Outputs and depth are filled up with zeros.
pub(crate) fn weights(shape: &Shape, tile: &Tile, oihw: &[i8]) -> Vec<i8> {
    let panel = tile.outputs * tile.depth(shape.depth());
    let mut packed = vec![0; shape.outputs.div_ceil(tile.outputs) * panel];
    let blocks = oihw.chunks(tile.outputs * shape.depth()).zip(packed.chunks_exact_mut(panel));
    for (kernels, panel) in blocks {
        for (row, kernel) in kernels.chunks_exact(shape.depth()).enumerate() {
            if shape.channels.is_multiple_of(tile.chunk) {
                chunks(shape, tile, kernel, row, panel);
            } else {
                bytes(shape, tile, kernel, row, panel);
            }
        }
    }
    packed
}

/// Puts one output's kernel `[channels, taps]` into its row of the panel, a chunk of channels at once.
fn chunks(shape: &Shape, tile: &Tile, kernel: &[i8], row: usize, panel: &mut [i8]) {
    let (chunk, taps, step) = (tile.chunk, shape.taps(), tile.outputs * tile.chunk);
    let chunks_a_tap = shape.channels / chunk;
    for (first, channels) in kernel.chunks_exact(chunk * taps).enumerate() {
        let places = panel[first * step + row * chunk..].chunks_mut(chunks_a_tap * step);
        for (tap, place) in (0..taps).zip(places) {
            let weights = channels.iter().skip(tap).step_by(taps);
            place[..chunk].iter_mut().zip(weights).for_each(|(to, &weight)| *to = weight);
        }
    }
}

/// The same byte by byte, where a chunk spans taps.
fn bytes(shape: &Shape, tile: &Tile, kernel: &[i8], row: usize, panel: &mut [i8]) {
    let (chunk, taps, step) = (tile.chunk, shape.taps(), tile.outputs * tile.chunk);
    for (at, &weight) in kernel.iter().enumerate() {
        let k = at % taps * shape.channels + at / taps;
        panel[k / chunk * step + row * chunk + k % chunk] = weight;
    }
}

/// Sums of each output's weights.
pub(crate) fn sums(shape: &Shape, oihw: &[i8]) -> Vec<i32> {
    let kernels = oihw.chunks_exact(shape.depth());
    kernels.map(|kernel| kernel.iter().map(|&weight| i32::from(weight)).sum()).collect()
}
