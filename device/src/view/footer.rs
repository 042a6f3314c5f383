//! The line at the bottom: what becomes of the pictures, and how fast it goes.

use std::time::Duration;

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use super::Painter;
use super::text::Style;
use super::theme::{self, cap_px, length, px};
use super::write::Anchor;
use crate::language::Strings;
use crate::scene::{Footer, Privacy};

/// Draws the footer into `area`.
pub(super) fn draw(painter: &mut Painter, area: &Rectangle, footer: &Footer) {
    painter.fill(area, theme::FOOTER);
    let height = length(area.size.height);
    let size = px(height as f32 * 0.3 + 4.5);
    let margin = size;
    let top = area.top_left.y + (height - cap_px(size)) / 2;
    let room = length(area.size.width) - 2 * margin;
    if room <= 0 || height < size {
        return;
    }
    let words = painter.words;
    let texts = match footer.privacy {
        Privacy::LiveNotStored => &words.live.footer,
        Privacy::ReplayFromFiles => &words.files.footer,
    };
    let dot = size * 2 / 3;
    let left = area.top_left.x + margin;
    painter.dot(Point::new(left, area.top_left.y + (height - dot) / 2), dot, theme::GOOD);
    let taken = dot * 8 / 5;
    let style = Style::regular(size, theme::BRIGHT);
    let at = Anchor::Left(Point::new(left + taken, top));
    let used = taken + painter.write_fitting(at, texts, &style, room - taken);
    let right = Anchor::Right(Point::new(left + room, top));
    let dim = Style::regular(size, theme::DIM);
    // The promise comes first; figures stand beside it where there is room.
    let left = room - used - margin;
    if let Some((text, style)) = painter.text.fit(&speeds(words, footer), &dim, left) {
        painter.write(right, text, &style);
    }
}

/// Pictures a second, the time for one and the temperature, as far as they are known; longest first.
fn speeds(words: &Strings, footer: &Footer) -> Vec<String> {
    let fps = footer.fps.filter(|fps| fps.is_finite()).map(|fps| {
        let digits = usize::from(fps < 9.95);
        let number = format!("{fps:.digits$}").replace('.', &words.decimal);
        words.fps.replace("{n}", &number)
    });
    let latency = footer.latency.map(in_words);
    let temperature = footer.temperature_c.filter(|c| c.is_finite()).map(|c| format!("{c:.0} °C"));
    let joined = |parts: &[&Option<String>]| {
        let known: Vec<_> = parts.iter().filter_map(|part| part.as_deref()).collect();
        known.join(" · ")
    };
    let mut texts = vec![
        joined(&[&fps, &latency, &temperature]),
        joined(&[&fps, &latency]),
        joined(&[&latency]),
        joined(&[&fps]),
        joined(&[&temperature]),
    ];
    texts.retain(|text| !text.is_empty());
    texts.dedup();
    texts
}

fn in_words(latency: Duration) -> String {
    match latency.as_secs() {
        0..10 => format!("{} ms", latency.as_millis()),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn check(footer: &Footer, expected: &[&str]) {
        assert_eq!(speeds(Language::En.strings(), footer), expected);
    }

    fn footer(fps: f32, latency_ms: u64) -> Footer {
        let latency = Some(Duration::from_millis(latency_ms));
        Footer { fps: Some(fps), latency, ..Footer::default() }
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        check(&Footer::default(), &[]);
        check(&footer(f32::NAN, 82), &["82 ms"]);
        check(&footer(11.4, 82), &["11 fps · 82 ms", "82 ms", "11 fps"]);
        let hot = Footer { temperature_c: Some(57.8), ..footer(30.0, 9) };
        check(&hot, &["30 fps · 9 ms · 58 °C", "30 fps · 9 ms", "9 ms", "30 fps", "58 °C"]);
    }

    #[test]
    fn slow_speeds_keep_their_digits_in_the_language_s_way() {
        let slow = footer(0.42, 12_400);
        check(&slow, &["0.4 fps · 12 s", "12 s", "0.4 fps"]);
        assert_eq!(speeds(Language::De.strings(), &slow)[0], "0,4 Bilder/s · 12 s");
    }
}
