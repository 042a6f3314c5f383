//! The trainer: labelled pictures in, a verified int8 bundle out.
//!
//! Every stage is a subcommand that reads files and writes files:
//! [`index`] → [`clean`] → [`split`] → [`crops`] → [`features`] → `train` → [`make`] → [`verify`] →
//! [`eval`] → [`budget`] → [`report`]; `run` does them all. Only `features`, `train` and `run` need torch (feature
//! `torch`); everything else builds and runs without it.

pub mod budget;
pub mod card;
pub mod chart;
pub mod clean;
pub mod cli;
pub mod contract;
pub mod convert;
pub mod crops;
#[cfg(feature = "torch")]
pub mod detector;
pub mod eval;
pub mod eval_detector;
pub mod export;
pub mod faces;
pub mod features;
pub mod feed;
pub mod files;
pub mod fold;
pub mod import;
pub mod index;
pub mod init;
pub mod labels;
pub mod lap;
pub mod look;
pub mod make;
pub mod mat;
pub mod matrix;
pub mod metrics;
pub mod net;
pub mod onnx;
pub mod out;
pub mod predictions;
pub mod progress;
pub mod protocol;
pub mod quantize;
pub mod report;
#[cfg(feature = "torch")]
pub mod run;
pub mod runlog;
pub mod sign;
pub mod split;
pub mod subset;
pub mod svd;
mod table;
pub mod tensorboard;
#[cfg(feature = "torch")]
pub mod train;
pub mod verify;
pub mod weights;
