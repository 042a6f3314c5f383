//! Where the bytes lie that a kernel multiplies.
//!
//! The input stays as it is, `[height, width, channels]`; for each pixel a kernel is told where the channels of
//! each tap lie (Dukhan 2019, "The Indirect Convolution Algorithm"), so that padding is a pointer to a row of
//! zero points, and pooled pixels can be computed side by side. Where the channels are no whole steps of the
//! kernel, as the three of a picture, the pixels under it are copied side by side first.

use std::ops::Range;

use super::shape::Shape;
use super::tile::Tile;

/// How the taps of any pixel are found.
pub(crate) struct Taps {
    shape: Shape,
    /// Pixels of a tile.
    tile: usize,
    /// The input's zero point, as often as a kernel reads behind one pointer.
    padding: Vec<u8>,
    /// Where the channels of each tap begin, seen from the first one's, inside the picture.
    offsets: Vec<usize>,
    /// Bytes of a pixel's taps side by side, where they are copied.
    patch: Option<usize>,
}

/// The taps of some pixels.
#[derive(Default)]
pub(crate) struct Found {
    /// `[tiles, taps, pixels of a tile]`
    pointers: Vec<*const u8>,
    /// What copied pixels' pointers point to: `[pixels, patch]`.
    patches: Vec<u8>,
    /// Pixels of a tile.
    pub(crate) tile: usize,
    /// Readable bytes behind each pointer.
    pub(crate) bytes: usize,
    /// Pointers for each pixel.
    taps: usize,
}

impl Taps {
    /// For inputs whose zero point a kernel reads as `zero`.
    pub(crate) fn new(shape: &Shape, tile: &Tile, zero: u8) -> Self {
        let gathers = !shape.channels.is_multiple_of(tile.step);
        let patch = gathers.then(|| tile.depth(shape.depth()));
        Self {
            tile: tile.pixels,
            padding: vec![zero; patch.unwrap_or(shape.channels)],
            offsets: shape.offsets(),
            patch,
            shape: shape.clone(),
        }
    }

    /// Finds the taps of some pixels; those that are missing in the last tile point to padding.
    pub(crate) fn find(&self, input: &[u8], pixels: &Range<usize>, found: &mut Found) {
        assert_eq!(input.len(), self.shape.read(), "the input's length");
        found.tile = if pixels.len() == 1 { 1 } else { self.tile };
        found.taps = if self.patch.is_some() { 1 } else { self.shape.taps() };
        found.bytes = self.padding.len();
        let count = pixels.len().next_multiple_of(found.tile) * found.taps;
        found.pointers.clear();
        found.pointers.resize(count, self.padding.as_ptr());
        found.patches.clear();
        found.patches.resize(pixels.len() * self.patch.unwrap_or(0), 0);
        for (place, pixel) in pixels.clone().enumerate() {
            let (at, tile) = (self.shape.pixel(pixel), found.tile);
            if let Some(patch) = self.patch {
                self.gather(input, at, &mut found.patches[place * patch..][..patch]);
            } else {
                let first = place / tile * tile * found.taps + place % tile;
                self.point(input, at, found.pointers[first..].iter_mut().step_by(tile));
            }
        }
        // Once they are all written, in the order of the pixels: a tile has one pointer for each of its own.
        let patches = self.patch.map(|patch| found.patches.chunks_exact(patch));
        for (pointer, patch) in found.pointers.iter_mut().zip(patches.into_iter().flatten()) {
            *pointer = patch.as_ptr();
        }
    }

    /// Points to the channels of each tap of the pixel `at`.
    fn point<'p>(
        &self,
        input: &[u8],
        at: [usize; 2],
        pointers: impl Iterator<Item = &'p mut *const u8>,
    ) {
        if let Some(first) = self.shape.inside(at) {
            let first = input[first * self.shape.channels..].as_ptr();
            // The whole kernel is inside the input, so all of these are.
            let taps = self.offsets.iter().map(|&offset| first.wrapping_add(offset));
            pointers.zip(taps).for_each(|(pointer, tap)| *pointer = tap);
            return;
        }
        for (pointer, tap) in pointers.zip(0..self.shape.taps()) {
            let source = self.shape.source(at, tap);
            let bytes = source.map(|pixel| &input[pixel * self.shape.channels..]);
            *pointer = bytes.unwrap_or(&self.padding).as_ptr();
        }
    }

    /// Copies the channels of all taps of the pixel `at` side by side.
    fn gather(&self, input: &[u8], at: [usize; 2], patch: &mut [u8]) {
        let channels = self.shape.channels;
        if let Some(first) = self.shape.inside(at) {
            let (row, step) = (self.shape.kernel[1] * channels, self.shape.input[1] * channels);
            let rows = input[first * channels..].chunks(step);
            let rows = patch.chunks_exact_mut(row).take(self.shape.kernel[0]).zip(rows);
            return rows.for_each(|(patch, row)| patch.copy_from_slice(&row[..patch.len()]));
        }
        for (tap, bytes) in (0..self.shape.taps()).zip(patch.chunks_exact_mut(channels)) {
            let source = self.shape.source(at, tap);
            let source = source.map_or(&*self.padding, |pixel| &input[pixel * channels..]);
            bytes.copy_from_slice(&source[..channels]);
        }
    }
}

impl Found {
    /// `[taps, pixels]` of each tile.
    pub(crate) fn tiles(&self) -> impl Iterator<Item = &[*const u8]> {
        self.pointers.chunks_exact(self.taps * self.tile)
    }
}
