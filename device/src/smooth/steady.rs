//! What is shown stays as it is until it has been wrong for a while.

use std::time::{Duration, Instant};

use crate::scene::whole;

/// For how long something else must be the case before it is shown.
const HOLD: Duration = Duration::from_millis(1000);

/// How far a value must be from the whole number that is shown to count as another: more than the half
/// at which rounding would change it.
const AWAY: f32 = 0.6;

/// One of several things; another is shown when it was the case for a second without a break.
#[derive(Clone, Debug)]
pub struct Held<T> {
    shown: T,
    /// What it should be instead, and since when.
    other: Option<(T, Instant)>,
}

impl<T: PartialEq> Held<T> {
    /// `value` is shown at once.
    pub fn new(value: T) -> Self {
        Self { shown: value, other: None }
    }

    /// What to show at `now`, when `value` is the case.
    pub fn update(&mut self, value: T, now: Instant) -> &T {
        let since = match self.other.take() {
            Some((other, since)) if other == value => since,
            _ => now,
        };
        if value != self.shown {
            if now.saturating_duration_since(since) >= HOLD {
                self.shown = value;
            } else {
                self.other = Some((value, since));
            }
        }
        &self.shown
    }

    /// What is shown.
    pub fn shown(&self) -> &T {
        &self.shown
    }
}

/// A whole number from 0 to 255; another is shown when the value was away from it for a second.
#[derive(Clone, Debug)]
pub struct Whole {
    shown: u8,
    away_since: Option<Instant>,
}

impl Whole {
    /// `value`, rounded, is shown at once.
    pub fn new(value: f32) -> Self {
        Self { shown: whole(value), away_since: None }
    }

    /// What to show at `now`, when it should be `value`.
    pub fn update(&mut self, value: f32, now: Instant) -> u8 {
        if (value - f32::from(self.shown)).abs() <= AWAY {
            self.away_since = None;
        } else if now.saturating_duration_since(*self.away_since.get_or_insert(now)) >= HOLD {
            *self = Self::new(value);
        }
        self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown for `values` that come 100 ms apart.
    fn shown(values: &[f32]) -> Vec<u8> {
        let (mut whole, now) = (Whole::new(values[0]), Instant::now());
        let times = (0..).map(|step| now + Duration::from_millis(100) * step);
        values.iter().zip(times).map(|(&value, now)| whole.update(value, now)).collect()
    }

    #[test]
    fn a_number_near_the_border_between_two_does_not_flicker() {
        let values: Vec<_> = (0..50u8).map(|i| if i % 2 == 0 { 34.45 } else { 34.58 }).collect();
        assert!(shown(&values).iter().all(|&n| n == 34));
    }

    #[test]
    fn a_number_that_moved_is_shown_after_a_while() {
        let mut values = vec![34.0];
        values.extend([35.2; 14]);
        let shown = shown(&values);
        assert_eq!(shown.iter().position(|&n| n == 35), Some(11), "{shown:?}");
    }

    #[test]
    fn a_short_excursion_is_not_shown() {
        let mut values = vec![34.0; 5];
        values.extend([44.0; 6]);
        values.extend([34.0; 2]);
        values.extend([44.0; 6]);
        assert!(shown(&values).iter().all(|&n| n == 34));
    }

    #[test]
    fn another_thing_must_be_the_case_without_a_break() {
        let (mut held, now) = (Held::new('a'), Instant::now());
        let at = |ms| now + Duration::from_millis(ms);
        assert_eq!(*held.update('b', at(0)), 'a');
        assert_eq!(*held.update('c', at(600)), 'a');
        assert_eq!(*held.update('b', at(900)), 'a');
        assert_eq!(*held.update('b', at(1800)), 'a');
        assert_eq!(*held.update('b', at(1900)), 'b');
        assert_eq!(*held.update('a', at(2000)), 'b');
        assert_eq!(*held.update('b', at(2100)), 'b');
        assert_eq!(*held.update('a', at(3000)), 'b');
    }
}
