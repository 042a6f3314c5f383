//! The line at the bottom: what becomes of the pictures, and how fast it goes.

use std::time::Duration;

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;

use super::Painter;
use super::text::Style;
use super::theme::{self, cap_px, length, px};
use super::write::Anchor;
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
        Privacy::LiveNotStored => words.live.footer,
        Privacy::ReplayFromFiles => words.files.footer,
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
    painter.write_fitting(right, &speeds(footer), &dim, room - used - margin);
}

/// Pictures a second and the time for one, as far as they are known; longest first.
fn speeds(footer: &Footer) -> Vec<String> {
    let fps = footer.fps.filter(|fps| fps.is_finite()).map(|fps| match fps {
        ..9.95 => format!("{fps:.1} fps"),
        _ => format!("{fps:.0} fps"),
    });
    let latency = footer.latency.map(in_words);
    let both = fps.iter().chain(&latency).cloned().collect::<Vec<_>>().join(" · ");
    [Some(both), latency, fps].into_iter().flatten().collect()
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

    fn check(fps: Option<f32>, latency_ms: Option<u64>, expected: &[&str]) {
        let latency = latency_ms.map(Duration::from_millis);
        assert_eq!(speeds(&Footer { fps, latency, ..Footer::default() }), expected);
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        check(None, None, &[""]);
        check(Some(f32::NAN), Some(82), &["82 ms", "82 ms"]);
        check(Some(11.4), Some(82), &["11 fps · 82 ms", "82 ms", "11 fps"]);
    }

    #[test]
    fn slow_speeds_keep_their_digits() {
        check(Some(0.42), Some(12_400), &["0.4 fps · 12 s", "12 s", "0.4 fps"]);
    }
}
