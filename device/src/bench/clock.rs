//! The two clocks of a benchmark: the wall's, and the processor time of this whole process.

use std::ops::{AddAssign, Sub};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A reading of both clocks. Only the difference of two means something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Time that has passed, by a clock that nobody sets.
    pub wall: Duration,
    /// Time that this process has computed, all its threads together.
    pub cpu: Duration,
}

/// How long something took by both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lap {
    /// Time that passed.
    pub wall: Duration,
    /// Time that all threads of this process computed.
    pub cpu: Duration,
}

impl Moment {
    /// Both clocks, now.
    pub fn now() -> Self {
        let read = |id| Duration::try_from(clock_gettime(id)).unwrap_or_default();
        Self { wall: read(ClockId::Monotonic), cpu: read(ClockId::ProcessCPUTime) }
    }
}

impl Sub for Moment {
    type Output = Lap;

    fn sub(self, earlier: Self) -> Lap {
        Lap {
            wall: self.wall.saturating_sub(earlier.wall),
            cpu: self.cpu.saturating_sub(earlier.cpu),
        }
    }
}

impl AddAssign for Lap {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

/// A time in milliseconds, to the tenth of a microsecond.
pub fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e7).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_go_forward_while_this_process_computes() {
        let begun = Moment::now();
        let mut lap = Lap::default();
        while lap.cpu.is_zero() || lap.wall.is_zero() {
            lap = Moment::now() - begun;
        }
        assert_eq!(begun - Moment::now(), Lap::default(), "never backwards");
    }

    #[test]
    fn milliseconds_keep_four_digits() {
        assert_eq!(ms(Duration::from_nanos(1_234_567)), 1.2346);
    }
}
