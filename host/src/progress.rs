//! One look for every progress bar; drawn on stderr, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `len` steps named `what`.
pub fn bar(what: &'static str, len: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix:>9} {wide_bar} {pos}/{len} {per_sec} eta {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(len).with_style(style).with_prefix(what)
}
