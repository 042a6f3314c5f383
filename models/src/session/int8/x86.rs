//! Kernels for x86-64.

#![allow(
    unsafe_code,
    reason = "instructions of the processor, and pointers that `Work` vouches for"
)]

use std::arch::x86_64::*;

use super::tile::{Rounding, Tile, Work, round_plain};

/// Pixels of a tile: 14 divides the widths of VGG's maps, and 14 × 2 sums leave four of 32 registers.
const PIXELS: usize = 14;
/// Outputs of a block: two registers of 16 sums.
const OUTPUTS: usize = 32;

/// AVX-512 with VNNI: `vpdpbusd` adds 64 products of unsigned input and signed weights at once.
pub(crate) static AVX512_VNNI: Tile = Tile {
    pixels: PIXELS,
    outputs: OUTPUTS,
    chunk: 4,
    step: 4,
    flip: 0x80,
    takes_lowest: true,
    sum: avx512_sum::<2>,
    sum_half: avx512_sum::<1>,
    sum_one: avx512_sum_one,
    round: avx512_round,
};

/// The loop over all channels of all taps, with one or two sums for each pixel in registers of their own: an
/// array of them would be written to memory after every step.
macro_rules! avx512_sum {
    ($($pixel:literal $low:ident $high:ident)*) => {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
        fn avx512_sum<const REGISTERS: usize>(work: &Work<'_>, sums: &mut [i32]) {
            $(let (mut $low, mut $high) = (_mm512_setzero_si512(), _mm512_setzero_si512());)*
            let mut weights = work.weights.as_ptr().cast::<__m512i>();
            for pixels in work.pixels.as_chunks::<PIXELS>().0 {
                for k in (0..work.channels).step_by(4) {
                    // SAFETY: a block of weights holds 128 bytes for each 4 channels of each tap, and
                    // `channels` bytes are readable from each pointer on.
                    unsafe {
                        let (w, v) = (_mm512_loadu_si512(weights), _mm512_loadu_si512(weights.add(1)));
                        $(
                            let x = pixels[$pixel].add(k).cast::<i32>().read_unaligned();
                            let x = _mm512_set1_epi32(x);
                            $low = _mm512_dpbusd_epi32($low, x, w);
                            if REGISTERS == 2 {
                                $high = _mm512_dpbusd_epi32($high, x, v);
                            }
                        )*
                    }
                    weights = weights.wrapping_add(2);
                }
            }
            let (sums, _) = sums.as_chunks_mut::<OUTPUTS>();
            $(store([$low, $high], &mut sums[$pixel]);)*
        }
    };
}

avx512_sum! {
    0 a0 b0 1 a1 b1 2 a2 b2 3 a3 b3 4 a4 b4 5 a5 b5 6 a6 b6
    7 a7 b7 8 a8 b8 9 a9 b9 10 a10 b10 11 a11 b11 12 a12 b12 13 a13 b13
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn avx512_sum_one(work: &Work<'_>, sums: &mut [i32]) {
    // Eight sums at once hide how long one takes.
    let mut acc = [[_mm512_setzero_si512(); 2]; 4];
    let mut weights = work.weights.as_ptr().cast::<__m512i>();
    for &pixel in work.pixels {
        for k in (0..work.channels).step_by(16) {
            let steps = ((work.channels - k) / 4).min(4);
            for (step, acc) in acc.iter_mut().enumerate().take(steps) {
                // SAFETY: as in `avx512_sum`.
                unsafe {
                    let x = pixel.add(k + 4 * step).cast::<i32>().read_unaligned();
                    let x = _mm512_set1_epi32(x);
                    acc[0] = _mm512_dpbusd_epi32(acc[0], x, _mm512_loadu_si512(weights));
                    acc[1] = _mm512_dpbusd_epi32(acc[1], x, _mm512_loadu_si512(weights.add(1)));
                }
                weights = weights.wrapping_add(2);
            }
        }
    }
    let add = |a: [__m512i; 2], b: [__m512i; 2]| {
        [_mm512_add_epi32(a[0], b[0]), _mm512_add_epi32(a[1], b[1])]
    };
    let [a, b, c, d] = acc;
    if let Some(sums) = sums.first_chunk_mut::<OUTPUTS>() {
        store(add(add(a, b), add(c, d)), sums);
    }
}

#[target_feature(enable = "avx512f")]
fn store(acc: [__m512i; 2], sums: &mut [i32; OUTPUTS]) {
    let [low, high] = sums.as_chunks_mut::<16>().0 else { return };
    // SAFETY: each half is 64 bytes long.
    unsafe {
        _mm512_storeu_si512(low.as_mut_ptr().cast(), acc[0]);
        _mm512_storeu_si512(high.as_mut_ptr().cast(), acc[1]);
    }
}

/// Sixteen outputs at once; the same as `round_plain`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn avx512_round(sums: &[i32], rounding: &Rounding<'_>, bytes: &mut [u8]) {
    const EVEN: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    let (zero, flip) =
        (_mm512_set1_epi32(rounding.zero), _mm_set1_epi8(rounding.flip.cast_signed()));
    // Far outside of a byte, and far inside of 32 bits.
    let (least, most) = (_mm512_set1_ps(-1e6), _mm512_set1_ps(1e6));
    let pixels = sums.chunks_exact(rounding.bias.len());
    for (sums, row) in pixels.zip(bytes.chunks_mut(rounding.stride)) {
        let outputs = sums.as_chunks::<16>().0.iter().zip(rounding.bias.as_chunks::<16>().0);
        let outputs = outputs.zip(rounding.factor.as_chunks::<16>().0);
        for (bytes, ((sums, bias), factor)) in row[..rounding.width].chunks_mut(16).zip(outputs) {
            let there = u16::MAX >> (16 - bytes.len());
            // SAFETY: each array is as long as a register, and only the bytes that are there are written.
            unsafe {
                let whole = _mm512_add_epi32(
                    _mm512_loadu_si512(sums.as_ptr().cast()),
                    _mm512_loadu_si512(bias.as_ptr().cast()),
                );
                let factor = _mm512_loadu_ps(factor.as_ptr());
                let real = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), factor);
                let real = _mm512_min_ps(_mm512_max_ps(real, least), most);
                let whole = _mm512_add_epi32(_mm512_cvt_roundps_epi32::<EVEN>(real), zero);
                let short = _mm_xor_si128(_mm512_cvtsepi32_epi8(whole), flip);
                _mm_mask_storeu_epi8(bytes.as_mut_ptr().cast(), there, short);
            }
        }
    }
}

/// AVX2 alone: bytes are widened, and `vpmaddwd` adds 16 products at once.
pub(crate) static AVX2: Tile = Tile {
    pixels: 6,
    outputs: 8,
    chunk: 4,
    step: 4,
    flip: 0,
    takes_lowest: true,
    sum: avx2_sum,
    sum_half: avx2_sum,
    sum_one: avx2_sum_one,
    round: avx2_round,
};

/// Two registers of sums for each pixel, of four outputs each, in two parts.
macro_rules! avx2_sum {
    ($name:ident, $pixels:literal: $($pixel:literal $low:ident $high:ident)*) => {
        #[target_feature(enable = "avx2")]
        fn $name(work: &Work<'_>, sums: &mut [i32]) {
            $(let (mut $low, mut $high) = (_mm256_setzero_si256(), _mm256_setzero_si256());)*
            let mut weights = work.weights.as_ptr().cast::<__m128i>();
            for pixels in work.pixels.as_chunks::<$pixels>().0 {
                for k in (0..work.channels).step_by(4) {
                    // SAFETY: a block of weights holds 32 bytes for each 4 channels of each tap, and
                    // `channels` bytes are readable from each pointer on.
                    unsafe {
                        let w = _mm256_cvtepi8_epi16(_mm_loadu_si128(weights));
                        let v = _mm256_cvtepi8_epi16(_mm_loadu_si128(weights.add(1)));
                        $(
                            let x = pixels[$pixel].add(k).cast::<i32>().read_unaligned();
                            let x = _mm256_cvtepi8_epi16(_mm_set1_epi32(x));
                            $low = _mm256_add_epi32($low, _mm256_madd_epi16(x, w));
                            $high = _mm256_add_epi32($high, _mm256_madd_epi16(x, v));
                        )*
                    }
                    weights = weights.wrapping_add(2);
                }
            }
            let (sums, _) = sums.as_chunks_mut::<8>();
            $(
                let whole = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32($low, $high));
                // SAFETY: the register is as long as eight sums.
                unsafe { _mm256_storeu_si256(sums[$pixel].as_mut_ptr().cast(), whole) };
            )*
        }
    };
}

avx2_sum!(avx2_sum, 6: 0 a0 b0 1 a1 b1 2 a2 b2 3 a3 b3 4 a4 b4 5 a5 b5);
avx2_sum!(avx2_sum_one, 1: 0 a0 b0);

#[target_feature(enable = "avx2")]
fn avx2_round(sums: &[i32], rounding: &Rounding<'_>, bytes: &mut [u8]) {
    round_plain(sums, rounding, bytes);
}
