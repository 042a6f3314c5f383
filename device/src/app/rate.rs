//! How many frames a second arrive, smoothed over about a second.

use std::time::Instant;

/// Of a second's average, so much is the newest interval's.
const NEW: f32 = 0.05;

/// Counts frames by their times.
#[derive(Debug, Default)]
pub struct Rate {
    last: Option<Instant>,
    interval_s: Option<f32>,
}

impl Rate {
    /// A frame arrived at `time`.
    pub fn count(&mut self, time: Instant) {
        if let Some(last) = self.last.replace(time) {
            let new = time.saturating_duration_since(last).as_secs_f32();
            self.interval_s = Some(self.interval_s.map_or(new, |old| old + NEW * (new - old)));
        }
    }

    /// Frames a second; `None` before the second one.
    pub fn fps(&self) -> Option<f32> {
        self.interval_s.filter(|&seconds| seconds > 0.0).map(|seconds| 1.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_steady_camera_has_its_rate_and_a_slower_one_soon_its_own() {
        let mut rate = Rate::default();
        let mut time = Instant::now();
        rate.count(time);
        assert_eq!(rate.fps(), None);
        let mut run = |frames, ms| {
            for _ in 0..frames {
                time += Duration::from_millis(ms);
                rate.count(time);
            }
            rate.fps().unwrap()
        };
        assert!((run(30, 40) - 25.0).abs() < 0.1);
        assert!((run(60, 100) - 10.0).abs() < 1.0);
    }
}
