//! No display: screens are made and converted as for one, and nobody sees them. For measuring, and for soak
//! runs on machines without a screen.

use anyhow::Result;
use embedded_graphics::geometry::Size;

use super::fb::pixels::Packing;
use super::{Display, check_size};
use crate::canvas::Canvas;

/// Memory of a screen that is not there.
#[derive(Debug)]
pub struct NoDisplay {
    size: Size,
    pixels: Vec<u8>,
}

impl NoDisplay {
    /// For screens of `size` pixels.
    pub fn new(size: Size) -> Self {
        let pixels = size.width as usize * size.height as usize * Packing::XRGB8888.depth.bytes();
        Self { size, pixels: vec![0; pixels] }
    }
}

impl Display for NoDisplay {
    fn size_px(&self) -> Size {
        self.size
    }

    fn present(&mut self, canvas: &Canvas) -> Result<()> {
        check_size(canvas, self.size)?;
        Packing::XRGB8888.convert(canvas.as_rgb(), &mut self.pixels);
        Ok(())
    }

    fn description(&self) -> String {
        format!("none, screens of {} are made", self.size)
    }
}
