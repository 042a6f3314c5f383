//! A thread's sign that it moves.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts how often a thread came round its loop.
#[derive(Debug, Default)]
pub struct Beat(AtomicU64);

impl Beat {
    /// The thread came round.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the thread has come round once.
    pub fn has_begun(&self) -> bool {
        self.count() > 0
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What of some threads' beats was seen last.
#[derive(Debug, Default)]
pub struct Pulse {
    counts: Vec<u64>,
}

impl Pulse {
    /// Whether all of them have moved since this last said so.
    pub fn all_moved(&mut self, beats: &[&Beat]) -> bool {
        let counts: Vec<_> = beats.iter().map(|beat| beat.count()).collect();
        let moved = counts.len() != self.counts.len()
            || counts.iter().zip(&self.counts).all(|(now, before)| now != before);
        if moved {
            self.counts = counts;
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_that_stands_still_is_told() {
        let (one, two) = (Beat::default(), Beat::default());
        let mut pulse = Pulse::default();
        assert!(pulse.all_moved(&[&one, &two]), "nothing to compare with yet");
        one.beat();
        assert!(!pulse.all_moved(&[&one, &two]));
        one.beat();
        two.beat();
        assert!(pulse.all_moved(&[&one, &two]), "both have moved since it said so");
        assert!(!pulse.all_moved(&[&one, &two]));
    }
}
