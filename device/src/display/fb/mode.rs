//! What a framebuffer says about itself, checked: where on its memory to write, and what.

use anyhow::{Context, Result, ensure};
use embedded_graphics::geometry::Size;

use super::abi::{Bitfield, DIRECT_COLOR, Fixed, PACKED_PIXELS, TRUE_COLOR, Variable};
use super::pixels::{Channel, Depth, Packing};

/// How a screen lies in its memory. All that is seen lies inside [`memory_bytes`](Self::memory_bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// What is seen, in pixels.
    pub size: Size,
    /// How a pixel is put together.
    pub packing: Packing,
    /// Where the first pixel that is seen begins.
    pub first_byte: usize,
    /// From one row to the next.
    pub line_bytes: usize,
    /// How much memory there is.
    pub memory_bytes: usize,
}

/// Larger screens are taken for nonsense; it also keeps all sums below within 64 bits.
const SIDE_MAX_PX: u32 = 16_384;

impl Mode {
    /// Reads what the driver says.
    ///
    /// # Errors
    /// Where the screen is of a kind that cannot be drawn on, or what is seen reaches beyond its memory.
    pub fn read(variable: &Variable, fixed: &Fixed) -> Result<Self> {
        let packing = packing(variable, fixed)?;
        let Variable { xres, yres, xoffset, yoffset, .. } = *variable;
        for px in [xres, yres] {
            ensure!((1..=SIDE_MAX_PX).contains(&px), "it says that it is {xres} x {yres} pixels");
        }
        let pixel_bytes = packing.depth.bytes() as u64;
        let row_bytes = u64::from(xres) * pixel_bytes;
        let line_bytes = match u64::from(fixed.line_length) {
            0 => u64::from(variable.xres_virtual.max(xres)) * pixel_bytes,
            told => told,
        };
        ensure!(line_bytes >= row_bytes, "its rows of {line_bytes} bytes hold no {xres} pixels");
        let first_byte = u64::from(yoffset) * line_bytes + u64::from(xoffset) * pixel_bytes;
        let end_byte = first_byte + u64::from(yres - 1) * line_bytes + row_bytes;
        let memory_bytes = u64::from(fixed.smem_len);
        ensure!(
            end_byte <= memory_bytes,
            "its picture ends at byte {end_byte} of {memory_bytes} bytes of memory"
        );
        let [first_byte, line_bytes, memory_bytes] =
            [first_byte, line_bytes, memory_bytes].map(usize::try_from);
        Ok(Self {
            size: Size::new(xres, yres),
            packing,
            first_byte: first_byte?,
            line_bytes: line_bytes?,
            memory_bytes: memory_bytes?,
        })
    }

    /// How many bytes of a row are seen.
    pub fn row_bytes(&self) -> usize {
        self.size.width as usize * self.packing.depth.bytes()
    }
}

fn packing(variable: &Variable, fixed: &Fixed) -> Result<Packing> {
    let bits = variable.bits_per_pixel;
    let depth = match bits {
        16 => Some(Depth::Bits16),
        32 => Some(Depth::Bits32),
        _ => None,
    };
    let depth = depth.with_context(|| {
        format!("it has {bits} bits a pixel, expected 16 or 32; 'fbset -depth 32' may change that")
    })?;
    let holds_colors = matches!(fixed.visual, TRUE_COLOR | DIRECT_COLOR);
    ensure!(
        fixed.kind == PACKED_PIXELS && holds_colors,
        "its pixels are of type {} and visual {}, expected packed pixels (0) of true or direct colour (2 or 4)",
        fixed.kind,
        fixed.visual
    );
    ensure!(
        variable.grayscale == 0 && variable.nonstd == 0,
        "its pixels are not red, green and blue"
    );
    let channel = |name, field| channel(field, bits).with_context(|| format!("its {name}"));
    let Variable { red, green, blue, transp, .. } = *variable;
    Ok(Packing {
        depth,
        channels: [channel("red", red)?, channel("green", green)?, channel("blue", blue)?],
        opaque: if transp.length == 0 { 0 } else { channel("opacity", transp)?.mask() },
    })
}

fn channel(field: Bitfield, bits: u32) -> Result<Channel> {
    let Bitfield { offset, length, msb_right } = field;
    let fits = (1..=8).contains(&length) && offset <= bits - length && msb_right == 0;
    ensure!(fits, "has {length} bits from bit {offset} of {bits}, expected 1 to 8 inside them");
    Ok(Channel { offset, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(offset: u32, length: u32) -> Bitfield {
        Bitfield { offset, length, msb_right: 0 }
    }

    /// 800 x 480 pixels of 32 bits, as a board's driver has them: padded rows, two screens of memory.
    fn usual() -> (Variable, Fixed) {
        let variable = Variable {
            xres: 800,
            yres: 480,
            xres_virtual: 800,
            yres_virtual: 960,
            bits_per_pixel: 32,
            red: field(16, 8),
            green: field(8, 8),
            blue: field(0, 8),
            ..Variable::default()
        };
        let (visual, line_length) = (TRUE_COLOR, 3328);
        let smem_len = line_length * 960;
        (variable, Fixed { smem_len, visual, line_length, ..Fixed::default() })
    }

    fn refusal(change: impl FnOnce(&mut Variable, &mut Fixed)) -> String {
        let (mut variable, mut fixed) = usual();
        change(&mut variable, &mut fixed);
        format!("{:#}", Mode::read(&variable, &fixed).unwrap_err())
    }

    #[test]
    fn padding_and_offsets_are_honoured() {
        let (mut variable, fixed) = usual();
        (variable.xoffset, variable.yoffset) = (3, 480);
        let mode = Mode::read(&variable, &fixed).unwrap();
        assert_eq!(mode.size, Size::new(800, 480));
        assert_eq!((mode.line_bytes, mode.row_bytes()), (3328, 3200));
        assert_eq!(mode.first_byte, 480 * 3328 + 3 * 4);
        assert_eq!((mode.packing.depth, mode.packing.opaque), (Depth::Bits32, 0));
    }

    #[test]
    fn a_driver_that_tells_no_line_length_has_no_padding() {
        let (mut variable, mut fixed) = usual();
        (variable.xres_virtual, fixed.line_length) = (1024, 0);
        assert_eq!(Mode::read(&variable, &fixed).unwrap().line_bytes, 4096);
    }

    #[test]
    fn opacity_is_full_where_the_pixels_have_one() {
        let (mut variable, fixed) = usual();
        variable.transp = field(24, 8);
        assert_eq!(Mode::read(&variable, &fixed).unwrap().packing.opaque, 0xFF00_0000);
    }

    #[test]
    fn a_screen_that_cannot_be_drawn_on_is_refused_with_the_reason() {
        for (refusal, reason) in [
            (refusal(|v, _| v.bits_per_pixel = 8), "it has 8 bits a pixel, expected 16 or 32"),
            (refusal(|_, f| f.visual = 3), "type 0 and visual 3, expected packed"),
            (refusal(|_, f| f.kind = 1), "type 1 and visual 2, expected packed"),
            (refusal(|v, _| v.grayscale = 1), "not red, green and blue"),
            (refusal(|v, _| v.red = field(20, 10)), "its red: has 10 bits from bit 20 of 32"),
            (refusal(|v, _| v.blue = field(u32::MAX, 8)), "its blue: has 8 bits"),
            (refusal(|v, _| v.green.length = 0), "its green: has 0 bits"),
            (refusal(|v, _| v.xres = 0), "it is 0 x 480 pixels"),
            (refusal(|v, _| v.yres = u32::MAX), "it is 800 x 4294967295 pixels"),
            (refusal(|_, f| f.line_length = 3199), "rows of 3199 bytes hold no 800 pixels"),
            (refusal(|v, _| v.yoffset = 481), "its picture ends at byte"),
            (refusal(|_, f| f.smem_len = 1000), "of 1000 bytes of memory"),
            (refusal(|v, _| v.yoffset = u32::MAX), "its picture ends at byte"),
        ] {
            assert!(refusal.contains(reason), "{refusal:?} lacks {reason:?}");
        }
    }
}
