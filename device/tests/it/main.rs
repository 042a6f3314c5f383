//! The kiosk from outside: the program is run, and what it prints and writes is looked at.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside test functions"
)]

mod analyze;
mod bench;
#[cfg(all(feature = "v4l2", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod board;
mod bundles;
#[cfg(feature = "v4l2")]
mod cameras;
mod compute;
mod config;
mod displays;
mod docs;
mod follow;
mod kiosk;
mod refusals;
mod replay;
mod run;
mod scenes;
mod service;
mod view;
