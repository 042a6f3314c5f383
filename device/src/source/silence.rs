//! When a source that gives nothing is given up.

use std::time::{Duration, Instant};

/// Listens for signs of life.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    /// How long the first sign may take; to start takes longer than to go on.
    first: Duration,
    /// How long every later one may take.
    later: Duration,
    begun: Instant,
    heard: Option<Instant>,
}

impl Silence {
    /// Begins to listen at `now`.
    pub fn new(first: Duration, later: Duration, now: Instant) -> Self {
        Self { first, later, begun: now, heard: None }
    }

    /// Notes a sign of life.
    pub fn heard(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// Notes something that may become a sign of life: from the first one on, only `later` is left.
    pub fn stirred(&mut self, now: Instant) {
        self.heard.get_or_insert(now);
    }

    /// How long it has been silent, where that is too long.
    pub fn too_long(&self, now: Instant) -> Option<Duration> {
        let (since, limit) = match self.heard {
            Some(heard) => (heard, self.later),
            None => (self.begun, self.first),
        };
        Some(now.saturating_duration_since(since)).filter(|silent| *silent >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sign_may_take_longer_than_the_others() {
        let second = Duration::from_secs(1);
        let begun = Instant::now();
        let mut silence = Silence::new(5 * second, 2 * second, begun);
        assert_eq!(silence.too_long(begun + 4 * second), None);
        assert_eq!(silence.too_long(begun + 5 * second), Some(5 * second));
        silence.stirred(begun + 4 * second);
        silence.stirred(begun + 5 * second);
        assert_eq!(silence.too_long(begun + 5 * second), None);
        assert_eq!(silence.too_long(begun + 6 * second), Some(2 * second));
    }
}
