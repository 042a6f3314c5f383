//! Integer convolutions of our own, on bytes laid out as `[height, width, channels]`.
//!
//! [`conv`] goes over pixels and outputs, [`taps`] finds the bytes under them, a [`tile`] does the arithmetic of
//! a handful of them in the instructions of one processor, [`ops`] are both as operators of tract, and
//! [`replace`] puts these in place of tract's. Why it is so: `docs/inference.md`.

#[cfg(target_arch = "aarch64")]
pub(super) mod arm;
mod conv;
mod largest;
mod ops;
mod pack;
mod replace;
mod shape;
mod taps;
mod tile;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86;

pub(super) use ops::IntegerConv;
pub(super) use replace::replace;
pub(super) use tile::{SCALAR, Tile};

#[cfg(test)]
mod tests;
