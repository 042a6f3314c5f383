//! Where screens go: one trait, and its makers.

pub mod drm;
pub mod fb;
pub mod list;
pub mod none;
pub mod oled;
pub mod panel;
pub mod png;
pub mod spec;
pub mod survey;

use std::time::Instant;

use anyhow::{Result, ensure};
use embedded_graphics::geometry::{OriginDimensions, Size};

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

    /// Sees after what comes and goes, such as cables; called a few times a second, also where there is nothing
    /// new to show.
    ///
    /// # Errors
    /// Where it is gone or broken.
    fn tend(&mut self, _now: Instant) -> Result<()> {
        Ok(())
    }

    /// Turns its light off, where it has one; the picture may be kept or not.
    fn sleep(&mut self) -> Result<()> {
        Ok(())
    }

    /// Turns its light on again.
    fn wake(&mut self) -> Result<()> {
        Ok(())
    }

    /// What it is, for people.
    fn description(&self) -> String;
}

/// Refuses a canvas that has not the `expected` size of its display, in pixels.
fn check_size(canvas: &Canvas, expected: Size) -> Result<()> {
    let size = canvas.size();
    ensure!(size == expected, "the screen is {size}, the display {expected} pixels");
    Ok(())
}
