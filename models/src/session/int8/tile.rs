//! The inner loop: what a kernel must do for a handful of pixels and outputs at once.

#![allow(unsafe_code, reason = "what kernels are called by")]

/// A kernel's inner loop and the shape of the work it takes.
pub(crate) struct Tile {
    /// Pixels it computes at once.
    pub(crate) pixels: usize,
    /// Outputs it computes at once.
    pub(crate) outputs: usize,
    /// Neighbouring weights of one output in the packed order.
    pub(crate) chunk: usize,
    /// Bytes it takes of a pixel at once: the channels it reads are a multiple of it.
    pub(crate) step: usize,
    /// What is xored to a signed byte to get the one it reads: 0, or 0x80 where bytes are unsigned.
    pub(crate) flip: u8,
    /// Whether a weight may be −128.
    pub(crate) takes_lowest: bool,
    /// Sums of all pixels and outputs of a tile.
    pub(crate) sum: Sum,
    /// The same where only the first half of the outputs is there, or fewer; the others may be left as they are.
    pub(crate) sum_half: Sum,
    /// The same as [`Tile::sum`] for a single pixel: `[outputs]`.
    pub(crate) sum_one: Sum,
    /// From sums to bytes.
    pub(crate) round: Round,
}

/// Adds up products: `sums[p][o] = Σ input[p][k] · weight[o][k]`, `[pixels, outputs]`.
///
/// # Safety
/// The processor has the kernel's instructions, and the pointers of `Work` hold what it says.
pub(crate) type Sum = unsafe fn(&Work, sums: &mut [i32]);

/// From sums to bytes, see [`round_plain`].
///
/// # Safety
/// The processor has the kernel's instructions.
pub(crate) type Round = unsafe fn(sums: &[i32], rounding: &Rounding<'_>, bytes: &mut [u8]);

/// What [`Sum`] reads.
pub(crate) struct Work<'a> {
    /// `[taps, pixels]`: where the channels of each tap of each pixel begin.
    pub(crate) pixels: &'a [*const u8],
    /// Readable bytes from each of these pointers on, a multiple of the tile's step.
    pub(crate) channels: usize,
    /// The weights of one block of outputs, as [`super::pack::weights`] orders them.
    pub(crate) weights: &'a [i8],
}

/// How sums become bytes, an entry for each output of a block.
pub(crate) struct Rounding<'a> {
    /// Added first.
    pub(crate) bias: &'a [i32],
    /// Then multiplied by.
    pub(crate) factor: &'a [f32],
    /// Then rounded, halves to even, and moved by this zero point.
    pub(crate) zero: i32,
    /// Xored at last.
    pub(crate) flip: u8,
    /// Outputs of the block that are there.
    pub(crate) width: usize,
    /// From one pixel's bytes to the next one's.
    pub(crate) stride: usize,
}

impl Tile {
    /// `depth` filled up to what the kernel takes.
    pub(crate) fn depth(&self, depth: usize) -> usize {
        depth.next_multiple_of(self.step)
    }
}

/// The reference for [`Round`]: `saturate(round((sum + bias) · factor) + zero)`, in single precision.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "clamped to a byte")]
pub(crate) fn round_plain(sums: &[i32], rounding: &Rounding<'_>, bytes: &mut [u8]) {
    let zero = rounding.zero as f32;
    let pixels = sums.chunks_exact(rounding.bias.len());
    for (sums, row) in pixels.zip(bytes.chunks_mut(rounding.stride)) {
        let outputs = sums.iter().zip(rounding.bias).zip(rounding.factor);
        for (byte, ((&sum, &bias), &factor)) in row[..rounding.width].iter_mut().zip(outputs) {
            let real = (sum.wrapping_add(bias) as f32 * factor).round_ties_even() + zero;
            *byte = (real.clamp(-128.0, 127.0) as i8).cast_unsigned() ^ rounding.flip;
        }
    }
}

/// The reference for [`Sum`], with the plainest layout: one pixel, one output, byte by byte.
pub(crate) static SCALAR: Tile = Tile {
    pixels: 1,
    outputs: 1,
    chunk: 1,
    step: 1,
    flip: 0,
    takes_lowest: true,
    sum: sum_plain,
    sum_half: sum_plain,
    sum_one: sum_plain,
    round: round_plain_fn,
};

unsafe fn round_plain_fn(sums: &[i32], rounding: &Rounding<'_>, bytes: &mut [u8]) {
    round_plain(sums, rounding, bytes);
}

unsafe fn sum_plain(work: &Work<'_>, sums: &mut [i32]) {
    let taps = work.pixels.iter().zip(work.weights.chunks_exact(work.channels));
    sums[0] = taps
        .map(|(&pixel, weights)| {
            // SAFETY: `Work` holds as many readable bytes.
            let bytes = unsafe { std::slice::from_raw_parts(pixel, work.channels) };
            let products = bytes.iter().zip(weights);
            products.map(|(&byte, &weight)| i32::from(byte as i8) * i32::from(weight)).sum::<i32>()
        })
        .sum();
}
