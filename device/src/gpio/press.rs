//! What pressing a button means: pure, and time is an argument, counted from any beginning.

use std::time::Duration;

/// Contacts bounce for some milliseconds; nobody presses a button for less than this.
const BOUNCE: Duration = Duration::from_millis(30);

/// What whoever presses a button wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// It was down and is up again.
    Short,
    /// It has been down for long.
    Long,
}

/// A button, followed over time.
#[derive(Debug)]
pub struct Presses {
    long: Duration,
    /// Since when it is down.
    down: Option<Duration>,
    /// Whether this press has been told as a long one.
    told: bool,
}

impl Presses {
    /// A button that is up; `long` is how long a long press is.
    pub fn new(long: Duration) -> Self {
        Self { long, down: None, told: false }
    }

    /// Takes in whether it is down at `now`, and tells what that means, if anything. A long press is told while
    /// it lasts, and its end means nothing.
    pub fn look(&mut self, is_down: bool, now: Duration) -> Option<Press> {
        let Some(since) = self.down else {
            if is_down {
                (self.down, self.told) = (Some(now), false);
            }
            return None;
        };
        let held = now.saturating_sub(since);
        if !is_down {
            self.down = None;
            let press = if held >= self.long { Press::Long } else { Press::Short };
            return (!self.told && held >= BOUNCE).then_some(press);
        }
        let long = !self.told && held >= self.long;
        self.told |= long;
        long.then_some(Press::Long)
    }

    /// How long after `now` it should be looked at again though nothing changes.
    pub fn due(&self, now: Duration) -> Option<Duration> {
        let since = self.down.filter(|_| !self.told)?;
        Some((since + self.long).saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(1000);

    /// What comes of looks at a button, each so many milliseconds after the beginning.
    fn check(looks: &[(u64, bool)], expected: &[(u64, Press)]) {
        let mut presses = Presses::new(LONG);
        let told: Vec<_> = looks
            .iter()
            .filter_map(|&(at_ms, is_down)| {
                let at = Duration::from_millis(at_ms);
                presses.look(is_down, at).map(|press| (at_ms, press))
            })
            .collect();
        assert_eq!(told, expected, "{looks:?}");
    }

    #[test]
    fn a_press_is_told_when_the_button_is_up_again() {
        check(&[(0, false), (10, true), (150, true), (200, false)], &[(200, Press::Short)]);
    }

    #[test]
    fn a_long_press_is_told_while_it_lasts_and_once() {
        let looks = [(10, true), (1009, true), (1010, true), (5000, true), (5001, false)];
        check(&looks, &[(1010, Press::Long)]);
        check(&[(10, true), (5000, false)], &[(5000, Press::Long)]);
    }

    #[test]
    fn contacts_that_bounce_are_one_press() {
        let bouncing = [(0, true), (3, false), (4, true), (5, false), (9, true)];
        let let_go = [(200, false), (203, true), (206, false), (207, true), (209, false)];
        check(&[bouncing, let_go].concat(), &[(200, Press::Short)]);
    }

    #[test]
    fn the_next_look_is_due_when_a_press_becomes_long() {
        let (begun, mut presses) = (LONG * 7, Presses::new(LONG));
        assert_eq!(presses.due(begun), None);
        presses.look(true, begun);
        assert_eq!(presses.due(begun + LONG / 4), Some(LONG * 3 / 4));
        presses.look(true, begun + LONG);
        assert_eq!(presses.due(begun + LONG), None);
    }
}
