//! The kiosk as a library: pictures in, labelled screens out.
//!
//! [`app`] is `kiosk run`: threads that take frames from a [`source`] through [`decode`] and [`follow`] to a
//! [`display`], as [`config`] says.
//!
//! The path of a picture: [`source`] → [`answer`] (decode, [`pipeline`]) → [`scene`] → [`view`] on a
//! [`canvas`] → [`display`]; beside it, [`report`] puts the answer into JSON or a table. The commands
//! [`analyze`], [`replay`] and [`verify`] walk it, with the models that [`bundles`] opens; [`mod@bench`]
//! times each stage of it and says on which [`machine`].

pub mod analyze;
pub mod answer;
pub mod app;
pub mod bench;
pub mod bundles;
pub mod cameras;
pub mod canvas;
pub mod cli;
mod columns;
pub mod config;
pub mod decode;
pub mod display;
pub mod displays;
pub mod follow;
pub mod frame;
pub mod gpio;
pub mod kernels;
pub mod language;
pub mod latest;
pub mod machine;
mod numbered;
pub mod pipeline;
pub mod progress;
pub mod quality;
pub mod replay;
pub mod report;
pub mod scene;
pub mod secrets;
pub mod selftest;
pub mod smooth;
pub mod source;
pub mod stop;
mod text;
pub mod timed;
pub mod track;
pub mod verify;
pub mod view;
pub mod whole;
