//! The crate through its public doors, on real pictures where `APPARENT_DATA` names them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "helpers of tests, outside test functions"
)]

mod bench_worker;
mod bundles;
mod data;
mod docs;
mod formats;
mod scenes;
mod sessions;
