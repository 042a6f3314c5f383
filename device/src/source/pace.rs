//! When the next frame is due, so that recordings play as fast as a camera would give them.

use std::time::{Duration, Instant};

/// Steady steps of time. Who comes late waits less for the next, and nobody hurries to make up for more
/// than one.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    step: Duration,
    due: Option<Instant>,
}

impl Pace {
    /// This many frames a second; what is no rate is none at all: every frame is due at once.
    pub fn new(fps: f64) -> Self {
        let step = Duration::try_from_secs_f64(1.0 / fps).unwrap_or_default();
        Self { step, due: None }
    }

    /// How long the next frame is not due yet.
    pub fn wait(&self, now: Instant) -> Duration {
        self.due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now))
    }

    /// Notes that a frame was given at `now`.
    pub fn given(&mut self, now: Instant) {
        let next = self.due.unwrap_or(now) + self.step;
        self.due = Some(next.max(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    #[test]
    fn frames_are_due_at_even_steps_however_late_some_are_given() {
        let begun = Instant::now();
        let mut pace = Pace::new(10.0);
        assert_eq!(pace.wait(begun), Duration::ZERO);
        pace.given(begun);
        assert_eq!(pace.wait(begun), STEP);
        pace.given(begun + STEP * 3 / 2);
        assert_eq!(pace.wait(begun + STEP * 3 / 2), STEP / 2);
    }

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let begun = Instant::now();
        let mut pace = Pace::new(10.0);
        pace.given(begun);
        let late = begun + STEP * 50;
        pace.given(late);
        pace.given(late);
        assert_eq!(pace.wait(late), STEP);
    }

    #[test]
    fn without_a_rate_every_frame_is_due_at_once() {
        for fps in [f64::INFINITY, f64::NAN, 0.0, -1.0] {
            let begun = Instant::now();
            let mut pace = Pace::new(fps);
            pace.given(begun);
            assert_eq!(pace.wait(begun), Duration::ZERO, "{fps}");
        }
    }
}
