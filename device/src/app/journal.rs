//! The log: lines on standard error, with systemd's marks of severity where it reads them, and without
//! repeats that would fill a disk.

use std::collections::VecDeque;
use std::env;
use std::io::{self, Write};
use std::panic;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::secrets;

/// The same line is written once in this time.
const QUIET: Duration = Duration::from_secs(60);
/// So many different lines are remembered.
const REMEMBERED: usize = 32;

/// Makes `log`'s macros write. `APPARENT_LOG=debug` tells more, `warn` less.
pub fn start() {
    let level = env::var("APPARENT_LOG").ok().and_then(|level| level.parse().ok());
    let journal =
        Journal { marks: env::var_os("JOURNAL_STREAM").is_some(), repeats: Mutex::default() };
    // Left in memory: it serves until the end of the program.
    if log::set_logger(Box::leak(Box::new(journal))).is_ok() {
        log::set_max_level(level.unwrap_or(LevelFilter::Info));
        // A decoder that panics for each frame must not fill the log either.
        panic::set_hook(Box::new(|info| log::error!("{info}")));
    }
}

struct Journal {
    marks: bool,
    repeats: Mutex<Repeats>,
}

/// Lines that were written lately, and how often they came again.
#[derive(Default)]
struct Repeats(VecDeque<Line>);

struct Line {
    /// The text without its numbers: a thousand frames of as many sizes are one trouble.
    kind: String,
    written: Instant,
    again: u64,
}

impl Repeats {
    /// What to write of `text` at `now`: `None` where it was written lately.
    fn pass(&mut self, text: &str, now: Instant) -> Option<String> {
        let kind: String = text.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        let found = self.0.iter().position(|line| line.kind == kind);
        let mut line = match found.and_then(|at| self.0.remove(at)) {
            Some(line) => line,
            None => {
                self.0.truncate(REMEMBERED - 1);
                self.0.push_front(Line { kind, written: now, again: 0 });
                return Some(text.to_owned());
            }
        };
        let due = now.saturating_duration_since(line.written) >= QUIET;
        let passed = due.then(|| match line.again {
            0 => text.to_owned(),
            again => format!("{text} (and {again} times since it was last said)"),
        });
        (line.again, line.written) = if due { (0, now) } else { (line.again + 1, line.written) };
        self.0.push_front(line);
        passed
    }
}

impl Log for Journal {
    fn enabled(&self, metadata: &Metadata) -> bool {
        // Libraries are asked for with APPARENT_LOG=debug alone.
        metadata.target().starts_with("device") || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = secrets::without(&record.args().to_string());
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(text) = repeats.pass(&text, Instant::now()) else { return };
        let mark = if self.marks { mark(record.level()) } else { "" };
        // A log that cannot be written is no reason to stop.
        let _ = writeln!(io::stderr(), "{mark}kiosk: {}", text.replace('\n', " "));
    }

    fn flush(&self) {}
}

/// As sd-daemon(3) has them.
fn mark(level: Level) -> &'static str {
    match level {
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "<6>",
        Level::Debug | Level::Trace => "<7>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_comes_again_is_written_once_a_minute_with_its_count() {
        let mut repeats = Repeats::default();
        let begun = Instant::now();
        let mut pass =
            |text: &str, seconds| repeats.pass(text, begun + Duration::from_secs(seconds));
        assert_eq!(pass("lost", 0).as_deref(), Some("lost"));
        assert_eq!(pass("found", 1).as_deref(), Some("found"));
        assert_eq!((pass("lost", 2), pass("lost", 59)), (None, None));
        let again = pass("lost", 60);
        assert_eq!(again.as_deref(), Some("lost (and 2 times since it was last said)"));
        assert_eq!(pass("lost", 120).as_deref(), Some("lost"));
        assert_eq!((pass("7 bytes", 0).is_some(), pass("12 bytes", 1)), (true, None));
    }

    #[test]
    fn only_so_many_lines_are_remembered() {
        let mut repeats = Repeats::default();
        for number in 0..1000 {
            repeats.pass(&"x".repeat(number), Instant::now());
        }
        assert_eq!(repeats.0.len(), REMEMBERED);
    }
}
