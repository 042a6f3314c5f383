//! How far along a long run is, on standard error, for people who watch it on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Shorter runs say nothing.
const QUIET: Duration = Duration::from_secs(2);

/// A line that says how many of how many are done.
#[derive(Debug)]
pub struct Progress {
    begun: Instant,
    total: usize,
    done: usize,
    watched: bool,
}

impl Progress {
    /// Of `total` pictures. Where standard output is on the terminal too, its lines are the progress.
    pub fn new(total: usize) -> Self {
        let watched = io::stderr().is_terminal() && !io::stdout().is_terminal();
        Self { begun: Instant::now(), total, done: 0, watched }
    }

    /// One more is done.
    pub fn tick(&mut self) {
        self.done += 1;
        if self.watched && self.begun.elapsed() > QUIET {
            self.show(&format!("{} of {} pictures", self.done, self.total));
        }
    }

    fn show(&self, text: &str) {
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.watched {
            self.show("");
        }
    }
}
