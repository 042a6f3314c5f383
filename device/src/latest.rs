//! A mailbox with one place: the newest wins, and what it replaced is counted.
//!
//! All threads of the kiosk talk through it, so that no frame ever waits in a queue and the time from
//! camera to screen is that of one stage, however slow the others are.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One place for a `T`, shared by who puts and who takes.
///
/// ```
/// use device::latest::{Latest, Taken};
/// use std::time::Duration;
///
/// let mailbox = Latest::default();
/// mailbox.put(1);
/// mailbox.put(2);
/// assert_eq!(mailbox.take(Duration::ZERO), Taken::Item(2));
/// assert_eq!(mailbox.take(Duration::ZERO), Taken::Nothing);
/// assert_eq!(mailbox.replaced(), 1);
/// ```
#[derive(Debug)]
pub struct Latest<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    item: Option<T>,
    replaced: u64,
    closed: bool,
}

/// What [`Latest::take`] came back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// The newest item; nobody else gets it.
    Item(T),
    /// The time was over first.
    Nothing,
    /// There will be no other.
    Closed,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        let state = State { item: None, replaced: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<T> Latest<T> {
    /// Puts `item` in place of what is there. After [`close`](Self::close) it is dropped.
    pub fn put(&self, item: T) {
        let mut state = self.lock();
        if !state.closed {
            state.replaced += u64::from(state.item.is_some());
            state.item = Some(item);
            self.changed.notify_one();
        }
    }

    /// Takes the item, waiting for one for at most `patience`.
    pub fn take(&self, patience: Duration) -> Taken<T> {
        let begun = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(item) = state.item.take() {
                return Taken::Item(item);
            }
            if state.closed {
                return Taken::Closed;
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Taken::Nothing;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends it: what is there may still be taken, nothing comes after.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// How many items were replaced before anybody took them.
    pub fn replaced(&self) -> u64 {
        self.lock().replaced
    }

    /// Each change of the state is a single store, so that a panic elsewhere leaves it whole.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_newest_is_taken_and_the_others_are_counted() {
        let mailbox = Latest::default();
        (0..5).for_each(|item| mailbox.put(item));
        assert_eq!(mailbox.take(LONG), Taken::Item(4));
        assert_eq!(mailbox.replaced(), 4);
        assert_eq!(mailbox.take(Duration::ZERO), Taken::Nothing);
    }

    #[test]
    fn who_waits_is_woken_by_an_item_and_by_the_end() {
        let mailbox = Arc::new(Latest::default());
        let waiting = Arc::clone(&mailbox);
        let taker = thread::spawn(move || (waiting.take(LONG), waiting.take(LONG)));
        mailbox.put(7);
        // Closing does not take the item away from who has not come for it yet.
        mailbox.close();
        assert_eq!(taker.join().unwrap(), (Taken::Item(7), Taken::Closed));
    }

    #[test]
    fn after_the_end_nothing_is_kept() {
        let mailbox = Latest::default();
        mailbox.close();
        mailbox.put(1);
        assert_eq!(mailbox.take(LONG), Taken::Closed);
    }
}
