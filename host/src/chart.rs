//! Charts as inline SVG for a page: few pieces, no scripts.
//!
//! A chart carries no colours of its own: it names classes (`c0` … `c5` for series, `grid`, `axis`,
//! `muted`), and [`STYLE`] gives them colours for light and dark screens and for paper.

pub mod histogram;
pub mod lines;
pub mod matrix;
pub mod spread;

mod frame;
mod scale;

/// The style sheet that charts need, once a page.
pub const STYLE: &str = include_str!("chart/style.css");

/// Colours that [`STYLE`] knows.
pub const COLORS: usize = 6;

/// `text` as it may stand in HTML and SVG, in attributes too.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            // Control characters are not allowed in HTML, escaped or not.
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A drawing of `width` × `height` that is read aloud as `alt`.
fn svg((width, height): (f64, f64), alt: &str, body: &str) -> String {
    let alt = escape(alt);
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {width:.0} {height:.0}\" style=\"width:{width:.0}px\" \
         role=\"img\" aria-label=\"{alt}\">{body}</svg>\n"
    )
}

/// Text at a place; `class` may also align it.
fn text((x, y): (f64, f64), class: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>", escape(text))
}

/// About how wide `text` is at the chart's 12 px, for placing what comes beside it.
fn text_width(text: &str) -> f64 {
    6.4 * text.chars().count() as f64
}

/// A box with rounded corners; without a height nothing.
fn rect((x, y): (f64, f64), (width, height): (f64, f64), class: &str) -> String {
    if height <= 0.0 || width <= 0.0 {
        return String::new();
    }
    format!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\"/>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_from_text() {
        let hostile = "<script>alert(\"1\" & '2')</script>\u{0}\n";
        let escaped = escape(hostile);
        assert_eq!(
            escaped,
            "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;  "
        );
    }
}
