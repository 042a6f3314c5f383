//! Whether the kiosk idles: nobody has been there for a while.

use std::time::{Duration, Instant};

use crate::config::IdleSettings;

/// When somebody was there last.
#[derive(Debug)]
pub struct Idle {
    after: Option<Duration>,
    last: Instant,
}

impl Idle {
    /// Begins as if somebody had just been there.
    pub fn new(settings: &IdleSettings, now: Instant) -> Self {
        let after = (settings.after_s > 0).then(|| Duration::from_secs(settings.after_s.into()));
        Self { after, last: now }
    }

    /// Somebody, or something that people should read, is there at `now`.
    pub fn attend(&mut self, now: Instant) {
        self.last = now;
    }

    /// Whether nobody has been there for long enough.
    pub fn is_idle(&self, now: Instant) -> bool {
        self.after.is_some_and(|after| now.saturating_duration_since(self.last) >= after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_idles_after_a_while_without_anybody_and_wakes_at_once() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut idle = Idle::new(&IdleSettings { after_s: 60, fps: 4 }, begun);
        assert!(!idle.is_idle(after(59)) && idle.is_idle(after(60)));
        idle.attend(after(100));
        assert!(!idle.is_idle(after(159)) && idle.is_idle(after(160)));
    }

    #[test]
    fn zero_seconds_is_never() {
        let begun = Instant::now();
        let idle = Idle::new(&IdleSettings { after_s: 0, fps: 4 }, begun);
        assert!(!idle.is_idle(begun + Duration::from_secs(1_000_000)));
    }
}
