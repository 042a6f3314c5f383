//! Where finished screens go: a file for each kind of display.

pub mod png;
