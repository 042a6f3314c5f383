//! Where finished screens go: one trait, and a file for each kind of display.

use anyhow::Result;
use embedded_graphics::geometry::Size;

use crate::canvas::Canvas;

pub mod png;

/// Something that shows screens.
pub trait Display {
    /// Its size in pixels; [`present`](Self::present) takes canvases of exactly this size.
    fn size_px(&self) -> Size;

    /// Shows `canvas` instead of what was shown before.
    fn present(&mut self, canvas: &Canvas) -> Result<()>;
}
