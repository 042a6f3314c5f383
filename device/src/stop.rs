//! The wish that everything ends, which every thread of the kiosk listens to.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Once requested, it stays.
#[derive(Debug, Default)]
pub struct Stop {
    requested: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Asks everybody to end.
    pub fn request(&self) {
        *self.requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Whether that was asked.
    pub fn is_requested(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Waits for the request, at most `patience`; tells whether it was made.
    pub fn wait(&self, patience: Duration) -> bool {
        let requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(requested, patience, |requested| !*requested);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn a_request_wakes_who_waits_and_stays() {
        let stop = Arc::new(Stop::default());
        assert!(!stop.is_requested());
        let waiting = Arc::clone(&stop);
        let thread = thread::spawn(move || waiting.wait(Duration::from_secs(60)));
        stop.request();
        assert!(thread.join().unwrap() && stop.is_requested());
    }
}
