//! From the canvas's RGB888 to the pixels of a framebuffer: pure, a row at once, colours cut down to the
//! bits the device has.

/// Where one colour lies in a pixel, counted in bits from the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its lowest bit.
    pub offset: u32,
    /// How many bits it has, 1 to 8.
    pub length: u32,
}

/// How a pixel is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Bits in a pixel.
    pub depth: Depth,
    /// Red, green and blue.
    pub channels: [Channel; 3],
    /// Bits that are always set: those that say how opaque a pixel is, where it has some.
    pub opaque: u32,
}

/// How many bits a pixel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Two bytes, such as RGB565.
    Bits16,
    /// Four bytes, such as XRGB8888.
    Bits32,
}

impl Depth {
    /// Bytes in a pixel.
    pub fn bytes(self) -> usize {
        match self {
            Self::Bits16 => 2,
            Self::Bits32 => 4,
        }
    }
}

impl Packing {
    /// Four bytes, of which the highest says nothing: what most boards have.
    pub const XRGB8888: Self = Self {
        depth: Depth::Bits32,
        channels: [
            Channel { offset: 16, length: 8 },
            Channel { offset: 8, length: 8 },
            Channel { offset: 0, length: 8 },
        ],
        opaque: 0,
    };

    /// Converts a row of pixels.
    ///
    /// # Shapes
    /// - rgb: `[width, 3]`, u8, sRGB
    /// - row: `[width, depth.bytes()]`, u8, the machine's byte order; what is longer is left as it is
    pub fn convert(&self, rgb: &[u8], row: &mut [u8]) {
        match self.depth {
            Depth::Bits16 => to_16_bits(rgb, self, row),
            Depth::Bits32 => to_32_bits(rgb, self, row),
        }
    }

    fn pixel(&self, rgb: [u8; 3]) -> u32 {
        let [red, green, blue] = self.channels;
        self.opaque | red.place(rgb[0]) | green.place(rgb[1]) | blue.place(rgb[2])
    }
}

impl Channel {
    /// All its bits set.
    pub fn mask(self) -> u32 {
        self.place(u8::MAX)
    }

    fn place(self, value: u8) -> u32 {
        (u32::from(value) >> (8 - self.length)) << self.offset
    }
}

#[allow(clippy::cast_possible_truncation, reason = "no channel reaches beyond 16 bits")]
fn to_16_bits(rgb: &[u8], packing: &Packing, row: &mut [u8]) {
    for (rgb, out) in rgb.as_chunks().0.iter().zip(row.as_chunks_mut().0) {
        *out = (packing.pixel(*rgb) as u16).to_ne_bytes();
    }
}

fn to_32_bits(rgb: &[u8], packing: &Packing, row: &mut [u8]) {
    for (rgb, out) in rgb.as_chunks().0.iter().zip(row.as_chunks_mut().0) {
        *out = packing.pixel(*rgb).to_ne_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLORS: [u8; 12] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 0x12, 0x34, 0x56];

    fn channels(offsets_and_lengths: [(u32, u32); 3]) -> [Channel; 3] {
        offsets_and_lengths.map(|(offset, length)| Channel { offset, length })
    }

    #[test]
    fn the_usual_orders_of_32_bits_come_out_exactly() {
        let rgb = [(16, 8), (8, 8), (0, 8)];
        let bgr = [(0, 8), (8, 8), (16, 8)];
        for (order, opaque, expected) in [
            (rgb, 0, [0x00FF_0000, 0x0000_FF00, 0x0000_00FF, 0x0012_3456]),
            (bgr, 0, [0x0000_00FF, 0x0000_FF00, 0x00FF_0000, 0x0056_3412]),
            (rgb, 0xFF00_0000, [0xFFFF_0000, 0xFF00_FF00, 0xFF00_00FF, 0xFF12_3456]),
        ] {
            let packing = Packing { depth: Depth::Bits32, channels: channels(order), opaque };
            let mut row = [0; 16];
            packing.convert(&COLORS, &mut row);
            let pixels: Vec<_> = row.as_chunks().0.iter().map(|p| u32::from_ne_bytes(*p)).collect();
            assert_eq!(pixels, expected);
        }
    }

    #[test]
    fn the_usual_orders_of_16_bits_keep_the_highest_bits() {
        for (order, expected) in [
            ([(11, 5), (5, 6), (0, 5)], [0xF800, 0x07E0, 0x001F, 0x11AA]),
            ([(0, 5), (5, 6), (11, 5)], [0x001F, 0x07E0, 0xF800, 0x51A2]),
            ([(10, 5), (5, 5), (0, 5)], [0x7C00, 0x03E0, 0x001F, 0x08CA]),
        ] {
            let (depth, channels) = (Depth::Bits16, channels(order));
            let mut row = [0; 8];
            Packing { depth, channels, opaque: 0 }.convert(&COLORS, &mut row);
            let pixels: Vec<_> = row.as_chunks().0.iter().map(|p| u16::from_ne_bytes(*p)).collect();
            assert_eq!(pixels, expected);
        }
    }

    #[test]
    fn what_lies_behind_a_row_is_left_alone() {
        let packing = Packing {
            depth: Depth::Bits32,
            channels: channels([(16, 8), (8, 8), (0, 8)]),
            opaque: 0,
        };
        let mut row = [7; 10];
        packing.convert(&[0; 6], &mut row);
        assert_eq!(row, [0, 0, 0, 0, 0, 0, 0, 0, 7, 7]);
    }
}
