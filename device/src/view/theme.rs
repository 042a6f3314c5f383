//! Colours and sizes of everything on the screen.

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;

/// Beside a picture that does not fill its pane.
pub(super) const BARS: Rgb888 = Rgb888::new(7, 8, 10);
/// Behind the figures.
pub(super) const PANEL: Rgb888 = Rgb888::new(14, 17, 22);
/// Behind the footer.
pub(super) const FOOTER: Rgb888 = Rgb888::new(24, 29, 37);
/// Thin lines, and the empty part of a bar.
pub(super) const LINE: Rgb888 = Rgb888::new(38, 44, 54);
/// What matters most.
pub(super) const BRIGHT: Rgb888 = Rgb888::new(243, 245, 248);
/// What explains it.
pub(super) const DIM: Rgb888 = Rgb888::new(152, 160, 172);
/// The person whose figures are shown, and how sure they are.
pub(super) const ACCENT: Rgb888 = Rgb888::new(255, 176, 59);
/// Ages less likely than those within one standard deviation.
pub(super) const ACCENT_DIM: Rgb888 = Rgb888::new(125, 92, 45);
/// The share of the label *female*.
pub(super) const FEMALE: Rgb888 = Rgb888::new(62, 193, 205);
/// The share of the label *male*.
pub(super) const MALE: Rgb888 = Rgb888::new(126, 138, 238);
/// All is well.
pub(super) const GOOD: Rgb888 = Rgb888::new(82, 196, 120);
/// Text on accent colours, and shadows.
pub(super) const INK: Rgb888 = Rgb888::new(10, 12, 16);

/// Sizes in pixels, derived from the room the figures have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Usual text.
    pub(super) body: i32,
    /// Text that is not for reading from afar.
    pub(super) small: i32,
    /// The big figure.
    pub(super) number: i32,
    /// Space between things that belong together.
    pub(super) gap: i32,
}

impl Sizes {
    /// The sizes for a panel of this area.
    pub(super) fn of(panel: &Rectangle) -> Self {
        let width = panel.size.width as f32 / 312.0;
        let height = panel.size.height as f32 / 444.0;
        let scale = width.min(height).clamp(0.1, 8.0);
        Self {
            body: px(17.0 * scale).max(11),
            small: px(13.0 * scale).max(10),
            number: px(112.0 * scale).max(24),
            gap: px(10.0 * scale).max(3),
        }
    }
}

/// The height of capital letters and digits of `size_px` text.
pub(super) fn cap_px(size_px: i32) -> i32 {
    px(size_px as f32 * 0.729)
}

/// A length in whole pixels.
#[allow(clippy::cast_possible_truncation, reason = "`as` saturates, and far off is off the canvas")]
pub(super) fn px(length: f32) -> i32 {
    // A quarter of the range leaves room to add lengths without overflow.
    const FAR: f32 = (i32::MAX / 4) as f32;
    length.round().clamp(-FAR, FAR) as i32
}

/// A length in whole pixels as a side of a rectangle: below 0 is 0.
pub(super) fn side(length: i32) -> u32 {
    u32::try_from(length).unwrap_or(0)
}

/// A side of a rectangle as a length.
pub(super) fn length(side: u32) -> i32 {
    i32::try_from(side).unwrap_or(i32::MAX)
}
