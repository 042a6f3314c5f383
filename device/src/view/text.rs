//! Antialiased text: widths, letters, and lines that fit their place.
//!
//! Fonts: DejaVu Sans, cut down to Latin-1 and some marks (see `assets/fonts`); a letter they do
//! not have shows as an empty box. Sizes are whole pixels, so that a letter is made once.

use std::collections::HashMap;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::Point;
use fontdue::{Font, FontSettings, Metrics};

use super::theme::px;
use crate::canvas::{Canvas, Mask};

const REGULAR: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-subset.ttf");
const BOLD: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-Bold-subset.ttf");

/// Which of the two fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// The em in pixels.
    pub(super) size_px: i32,
    pub(super) weight: Weight,
    pub(super) color: Rgb888,
}

impl Style {
    pub(super) fn regular(size_px: i32, color: Rgb888) -> Self {
        Self { size_px, weight: Weight::Regular, color }
    }

    pub(super) fn bold(size_px: i32, color: Rgb888) -> Self {
        Self { size_px, weight: Weight::Bold, color }
    }

    pub(super) fn sized(self, size_px: i32) -> Self {
        Self { size_px, ..self }
    }
}

/// The fonts and every letter made so far.
pub(super) struct Text {
    regular: Font,
    bold: Font,
    glyphs: HashMap<(Weight, i32, u16), (Metrics, Vec<u8>)>,
}

impl Text {
    pub(super) fn new() -> Self {
        let font = |bytes| {
            Font::from_bytes(bytes, FontSettings::default())
                .expect("the fonts inside the program are valid")
        };
        Self { regular: font(REGULAR), bold: font(BOLD), glyphs: HashMap::new() }
    }

    /// How far `text` reaches, in pixels.
    pub(super) fn width_px(&self, text: &str, style: &Style) -> i32 {
        let font = self.font(style.weight);
        let advance = |c| font.metrics(c, style.size_px as f32).advance_width;
        px(text.chars().map(advance).sum::<f32>().ceil())
    }

    /// Draws one line of `text` from `at`: its left edge and its baseline.
    pub(super) fn draw(&mut self, canvas: &mut Canvas, at: Point, text: &str, style: &Style) {
        let mut x = at.x as f32;
        for c in text.chars() {
            let (metrics, coverage) = self.glyph(c, style);
            let top = at.y - metrics.ymin - px(metrics.height as f32);
            let corner = Point::new(px(x) + metrics.xmin, top);
            canvas.blend_mask(Mask { width: metrics.width, coverage }, corner, style.color);
            x += metrics.advance_width;
        }
    }

    /// Empty pixels left of the first letter's ink.
    pub(super) fn bearing_px(&mut self, text: &str, style: &Style) -> i32 {
        text.chars().next().map_or(0, |c| self.glyph(c, style).0.xmin)
    }

    /// The longest of `texts` (longest first) that is at most `width` wide, shrunk a little for it.
    ///
    /// `None` where not even the last one, at three quarters of its size, is short enough.
    pub(super) fn fit<'t>(
        &self,
        texts: &'t [impl AsRef<str>],
        style: &Style,
        width: i32,
    ) -> Option<(&'t str, Style)> {
        let last = texts.len().saturating_sub(1);
        texts.iter().map(AsRef::as_ref).enumerate().find_map(|(i, text)| {
            let smallest = if i == last { style.size_px * 3 / 4 } else { style.size_px * 9 / 10 };
            let mut sizes = (smallest.max(8)..=style.size_px).rev().map(|size| style.sized(size));
            sizes.find(|style| self.width_px(text, style) <= width).map(|style| (text, style))
        })
    }

    /// `text` in lines of at most `width` pixels, broken at spaces, and inside words longer than
    /// a line. A single letter wider than `width` gets a line of its own.
    pub(super) fn wrap(&self, text: &str, style: &Style, width: i32) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in text.split_whitespace() {
            let line = lines.last_mut().expect("there is always a line");
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width_px(&longer, style) <= width {
                *line = longer;
                continue;
            }
            let pieces = self.break_word(word, style, width);
            if line.is_empty() {
                lines.pop();
            }
            lines.extend(pieces);
        }
        lines
    }

    /// `word` in pieces of at most `width` pixels, each at least one letter long.
    fn break_word(&self, word: &str, style: &Style, width: i32) -> Vec<String> {
        let mut pieces = vec![String::new()];
        for c in word.chars() {
            let piece = pieces.last_mut().expect("there is always a piece");
            let mut longer = piece.clone();
            longer.push(c);
            if piece.is_empty() || self.width_px(&longer, style) <= width {
                *piece = longer;
            } else {
                pieces.push(c.to_string());
            }
        }
        pieces
    }

    fn font(&self, weight: Weight) -> &Font {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    fn glyph(&mut self, c: char, style: &Style) -> &(Metrics, Vec<u8>) {
        let font = match style.weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        };
        let letter = font.lookup_glyph_index(c);
        self.glyphs
            .entry((style.weight, style.size_px, letter))
            .or_insert_with(|| font.rasterize_indexed(letter, style.size_px as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::{Language, tests::texts};
    use clap::ValueEnum;

    const STYLE: Style =
        Style { size_px: 16, weight: Weight::Regular, color: Rgb888::new(9, 9, 9) };

    #[test]
    fn lines_are_never_wider_than_asked() {
        let text = Text::new();
        let sentence = "no camera at /dev/v4l/by-id/usb-A_Very_Long_Name_Of_A_Camera-video-index0";
        let lines = text.wrap(sentence, &STYLE, 120);
        assert!(lines.iter().all(|line| text.width_px(line, &STYLE) <= 120), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), sentence.replace(' ', ""));
    }

    #[test]
    fn a_letter_wider_than_the_line_still_ends() {
        assert_eq!(Text::new().wrap("ab c", &STYLE, 1), ["a", "b", "c"]);
        assert_eq!(Text::new().wrap("", &STYLE, 1), [""]);
    }

    #[test]
    fn the_longest_text_that_fits_is_chosen() {
        let text = Text::new();
        let texts = ["a long sentence", "short"];
        let chosen = |width| text.fit(&texts, &STYLE, width).map(|(t, s)| (t, s.size_px));
        assert_eq!(chosen(200), Some(("a long sentence", 16)));
        assert_eq!(chosen(text.width_px(texts[0], &STYLE) - 4), Some(("a long sentence", 15)));
        assert_eq!(chosen(60), Some(("short", 16)));
        assert_eq!(chosen(10), None);
    }

    #[test]
    fn the_fonts_have_every_letter_used() {
        let text = Text::new();
        let words = Language::value_variants().iter().flat_map(|&language| texts(language));
        let letters: String = words.map(|(_, text)| text).collect();
        for c in letters.chars().chain("0123456789%±·°C…".chars()) {
            assert!(text.regular.lookup_glyph_index(c) > 0, "{c:?} in the regular font");
            assert!(text.bold.lookup_glyph_index(c) > 0, "{c:?} in the bold font");
        }
    }
}
