//! How long to wait before a source is opened again: half a second, then longer, at most ten.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);

/// The next wait.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// How long to wait now; the next wait is half as long again.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait + wait / 2).min(LONGEST);
        wait
    }

    /// It worked: the next wait is short again.
    pub fn reset(&mut self) {
        self.0 = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_ten_seconds_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..12).map(|_| backoff.next_wait()).collect();
        assert_eq!((waits[0], waits[1], waits[11]), (FIRST, FIRST * 3 / 2, LONGEST));
        // Whoever plugs a camera in again within some seconds does not wait for it longer than two.
        let early: Duration = waits[..4].iter().sum();
        assert!(early < Duration::from_secs(5) && waits[4] < Duration::from_secs(3));
        backoff.reset();
        assert_eq!(backoff.next_wait(), FIRST);
    }
}
