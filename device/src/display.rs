//! Where screens go: one trait, and its makers.

pub mod fb;
pub mod none;
pub mod png;
pub mod spec;

use anyhow::Result;
use embedded_graphics::geometry::Size;

use crate::canvas::Canvas;

/// Something that shows screens.
pub trait Display: Send {
    /// Its size in pixels; [`present`](Self::present) takes canvases of exactly this size.
    fn size_px(&self) -> Size;

    /// Shows `canvas`, converted once to what the display takes.
    ///
    /// # Errors
    /// Where it is gone or broken.
    fn present(&mut self, canvas: &Canvas) -> Result<()>;

    /// Turns its light off, where it has one; the picture may be kept or not.
    fn sleep(&mut self) -> Result<()>;

    /// Turns its light on again.
    fn wake(&mut self) -> Result<()>;

    /// What it is, for people.
    fn description(&self) -> String;
}
