//! Kernels for 64-bit ARM: with the dot products of Cortex-A76 and Orin, and without (A53, A57, A72).

#![allow(
    unsafe_code,
    reason = "instructions of the processor, and pointers that `Work` vouches for"
)]

use std::arch::aarch64::*;
use std::arch::asm;

use super::tile::{Rounding, Tile, Work};

/// `sdot` adds 16 products at once: 5 pixels × 16 sums in 20 of 32 registers, 5 for the pixels and the rest for
/// weights. With a sixth pixel some would be kept in memory.
pub(crate) static NEON_DOT: Tile = Tile {
    pixels: 5,
    outputs: 16,
    chunk: 4,
    step: 16,
    flip: 0,
    takes_lowest: true,
    sum: dot_sum::<4>,
    sum_half: dot_sum::<2>,
    sum_one: dot_sum_one::<4>,
    round: neon_round,
};

/// Any 64-bit ARM: `smull` and `smlal2` make 8 sums of two products in 16 bits, `sadalp` adds pairs of
/// these to 4 sums in 32 bits. Two products of −128 would not fit into 16 bits, hence no such weight.
pub(crate) static NEON: Tile = Tile {
    pixels: 4,
    outputs: 4,
    chunk: 16,
    step: 16,
    flip: 0,
    takes_lowest: false,
    sum: neon_sum,
    sum_half: neon_sum,
    sum_one: neon_sum_one,
    round: neon_round,
};

/// `acc[i] += Σ w[4 i + j] · x[4 · lane + j]`; the intrinsic for it is not stable yet.
macro_rules! sdot {
    ($acc:ident, $weights:expr, $x:expr, $lane:literal) => {
        asm!(
            concat!("sdot {acc:v}.4s, {w:v}.16b, {x:v}.4b[", $lane, "]"),
            acc = inout(vreg) $acc,
            w = in(vreg) $weights,
            x = in(vreg) $x,
            options(pure, nomem, nostack, preserves_flags)
        )
    };
}

/// Sums of all pixels of a tile, each in two or four registers of their own.
macro_rules! dot_sum {
    ($name:ident, $pixels:literal: $($pixel:literal $a:ident $b:ident $c:ident $d:ident)*) => {
        #[target_feature(enable = "neon,dotprod")]
        fn $name<const REGISTERS: usize>(work: &Work<'_>, sums: &mut [i32]) {
            $(let (mut $a, mut $b, mut $c, mut $d) =
                (vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0));)*
            let mut weights = work.weights.as_ptr();
            for pixels in work.pixels.as_chunks::<$pixels>().0 {
                for k in (0..work.channels).step_by(16) {
                    // SAFETY: a block of weights holds 256 bytes for each 16 channels of each tap, and
                    // `channels` bytes are readable from each pointer on.
                    unsafe {
                        let x = [$(vld1q_s8(pixels[$pixel].add(k).cast())),*];
                        dot_lane!(weights 0 x $($pixel $a $b $c $d)*);
                        dot_lane!(weights 1 x $($pixel $a $b $c $d)*);
                        dot_lane!(weights 2 x $($pixel $a $b $c $d)*);
                        dot_lane!(weights 3 x $($pixel $a $b $c $d)*);
                        weights = weights.add(256);
                    }
                }
            }
            let (sums, _) = sums.as_chunks_mut::<16>();
            $(
                let registers = sums[$pixel].as_chunks_mut::<4>().0;
                // SAFETY: each register is as long as four sums.
                unsafe {
                    vst1q_s32(registers[0].as_mut_ptr(), $a);
                    vst1q_s32(registers[1].as_mut_ptr(), $b);
                    vst1q_s32(registers[2].as_mut_ptr(), $c);
                    vst1q_s32(registers[3].as_mut_ptr(), $d);
                }
            )*
        }
    };
}

/// Four channels of all pixels with 16 outputs, or with the first 8.
macro_rules! dot_lane {
    ($weights:ident $lane:literal $x:ident $($pixel:literal $a:ident $b:ident $c:ident $d:ident)*) => {
        let at = $weights.add(64 * $lane);
        let (w, v) = (vld1q_s8(at), vld1q_s8(at.add(16)));
        $(
            sdot!($a, w, $x[$pixel], $lane);
            sdot!($b, v, $x[$pixel], $lane);
        )*
        if REGISTERS == 4 {
            let (w, v) = (vld1q_s8(at.add(32)), vld1q_s8(at.add(48)));
            $(
                sdot!($c, w, $x[$pixel], $lane);
                sdot!($d, v, $x[$pixel], $lane);
            )*
        }
    };
}

dot_sum!(dot_sum, 5: 0 a0 b0 c0 d0 1 a1 b1 c1 d1 2 a2 b2 c2 d2 3 a3 b3 c3 d3 4 a4 b4 c4 d4);
dot_sum!(dot_sum_one, 1: 0 a0 b0 c0 d0);

/// Sums of all pixels of a tile, each in four parts.
macro_rules! neon_sum {
    ($name:ident, $pixels:literal: $($pixel:literal $a:ident $b:ident $c:ident $d:ident)*) => {
        #[target_feature(enable = "neon")]
        fn $name(work: &Work<'_>, sums: &mut [i32]) {
            $(let (mut $a, mut $b, mut $c, mut $d) =
                (vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0));)*
            let mut weights = work.weights.as_ptr();
            for pixels in work.pixels.as_chunks::<$pixels>().0 {
                for k in (0..work.channels).step_by(16) {
                    // SAFETY: a block of weights holds 64 bytes for each 16 channels of each tap, and
                    // `channels` bytes are readable from each pointer on.
                    unsafe {
                        let w = [
                            vld1q_s8(weights),
                            vld1q_s8(weights.add(16)),
                            vld1q_s8(weights.add(32)),
                            vld1q_s8(weights.add(48)),
                        ];
                        weights = weights.add(64);
                        $(
                            let x = vld1q_s8(pixels[$pixel].add(k).cast());
                            $a = vpadalq_s16($a, pairs(x, w[0]));
                            $b = vpadalq_s16($b, pairs(x, w[1]));
                            $c = vpadalq_s16($c, pairs(x, w[2]));
                            $d = vpadalq_s16($d, pairs(x, w[3]));
                        )*
                    }
                }
            }
            let (sums, _) = sums.as_chunks_mut::<4>();
            $(
                let four = vpaddq_s32(vpaddq_s32($a, $b), vpaddq_s32($c, $d));
                // SAFETY: the register is as long as four sums.
                unsafe { vst1q_s32(sums[$pixel].as_mut_ptr(), four) };
            )*
        }
    };
}

neon_sum!(neon_sum, 4: 0 a0 b0 c0 d0 1 a1 b1 c1 d1 2 a2 b2 c2 d2 3 a3 b3 c3 d3);
neon_sum!(neon_sum_one, 1: 0 a0 b0 c0 d0);

/// Eight sums of two products each.
#[inline]
#[target_feature(enable = "neon")]
fn pairs(x: int8x16_t, w: int8x16_t) -> int16x8_t {
    vmlal_high_s8(vmull_s8(vget_low_s8(x), vget_low_s8(w)), x, w)
}

/// Four outputs at once; the same as `round_plain`.
#[target_feature(enable = "neon")]
fn neon_round(sums: &[i32], rounding: &Rounding<'_>, bytes: &mut [u8]) {
    let zero = vdupq_n_s32(rounding.zero);
    let pixels = sums.chunks_exact(rounding.bias.len());
    for (sums, row) in pixels.zip(bytes.chunks_mut(rounding.stride)) {
        let (sums, _) = sums.as_chunks::<4>();
        let outputs =
            sums.iter().zip(rounding.bias.as_chunks().0).zip(rounding.factor.as_chunks().0);
        for (bytes, ((sums, bias), factor)) in row[..rounding.width].chunks_mut(4).zip(outputs) {
            let (bias, factor): (&[i32; 4], &[f32; 4]) = (bias, factor);
            // SAFETY: each array is as long as a register.
            let real = unsafe {
                let whole = vaddq_s32(vld1q_s32(sums.as_ptr()), vld1q_s32(bias.as_ptr()));
                vmulq_f32(vcvtq_f32_s32(whole), vld1q_f32(factor.as_ptr()))
            };
            let words = vqmovn_s32(vqaddq_s32(vcvtnq_s32_f32(real), zero));
            let four = vqmovn_s16(vcombine_s16(words, words));
            let four = vget_lane_u32::<0>(vreinterpret_u32_s8(four)).to_le_bytes();
            bytes.copy_from_slice(&four[..bytes.len()]);
        }
    }
}
