//! The kiosk from outside: the program is run, and what it prints and writes is looked at.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside test functions"
)]

mod analyze;
mod bench;
#[cfg(feature = "v4l2")]
mod board;
#[cfg(feature = "v4l2")]
mod board_client;
mod bundles;
#[cfg(feature = "v4l2")]
mod cameras;
mod compute;
mod config;
mod docs;
mod follow;
mod kiosk;
#[cfg(feature = "v4l2")]
mod live;
#[cfg(feature = "v4l2")]
mod privacy;
mod refusals;
mod replay;
mod run;
mod scenes;
mod service;
#[cfg(feature = "v4l2")]
mod soak;
mod view;
