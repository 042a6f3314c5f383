//! The trainer's stages through their public doors, on faces made here.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "helpers of tests, outside test functions"
)]

mod bundles;
#[cfg(feature = "torch")]
mod docs;
mod eval_detector;
mod faces;
mod index;
mod report;
#[cfg(feature = "torch")]
mod run;
mod stages;
#[cfg(feature = "torch")]
mod train;
