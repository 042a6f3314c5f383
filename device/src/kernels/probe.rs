//! The fastest of several kernels, by a few milliseconds of work each.

use std::time::Duration;

use models::session::Kernel;

/// Each kernel works at least so long, so that a single interruption decides nothing.
const WORK_MIN: Duration = Duration::from_millis(3);

/// And at least so often: the median of fewer times would be an accident.
const TIMES_MIN: usize = 5;

/// A clock that only ever goes forward: the time since some moment.
pub type Clock<'a> = &'a mut dyn FnMut() -> Duration;

/// The kernel whose `work` takes the shortest, by the median; `None` where there is none.
///
/// Of equally fast ones the first wins; one whose work fails, giving `None`, is not chosen. `work` does the
/// same amount for every kernel, each time.
pub fn fastest(
    kernels: &[Kernel],
    work: &mut dyn FnMut(Kernel) -> Option<()>,
    clock: Clock,
) -> Option<Kernel> {
    let mut best: Option<(Duration, Kernel)> = None;
    for &kernel in kernels {
        let Some(time) = median(&mut || work(kernel), clock) else { continue };
        if best.is_none_or(|(shortest, _)| time < shortest) {
            best = Some((time, kernel));
        }
    }
    best.map(|(_, kernel)| kernel)
}

/// How long `work` usually takes. The first time warms up memory and caches and is not counted.
fn median(work: &mut dyn FnMut() -> Option<()>, clock: Clock) -> Option<Duration> {
    work()?;
    let begun = clock();
    let mut times = Vec::new();
    let mut last = begun;
    while times.len() < TIMES_MIN || last.saturating_sub(begun) < WORK_MIN {
        work()?;
        let now = clock();
        times.push(now.saturating_sub(last));
        last = now;
    }
    times.sort();
    Some(times[times.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Probes two kernels of which the first takes `first_us`, the second `second_us`, by turns; says
    /// how often each worked.
    fn check(first_us: &[u64], second_us: &[u64], expected: Kernel) -> [usize; 2] {
        let (kernels, now) = ([Kernel::Scalar, Kernel::Tract], Cell::new(Duration::ZERO));
        let counts = [Cell::new(0), Cell::new(0)];
        let mut work = |kernel| {
            let (count, times) = match kernel {
                Kernel::Scalar => (&counts[0], first_us),
                _ => (&counts[1], second_us),
            };
            now.set(now.get() + Duration::from_micros(times[count.get() % times.len()]));
            count.set(count.get() + 1);
            Some(())
        };
        assert_eq!(fastest(&kernels, &mut work, &mut || now.get()), Some(expected));
        counts.map(|count| count.get())
    }

    #[test]
    fn the_kernel_with_the_shortest_usual_time_wins() {
        assert_eq!(check(&[900], &[600], Kernel::Tract), [1 + 5, 1 + 5]);
        assert_eq!(check(&[100], &[600], Kernel::Scalar), [1 + 30, 1 + 5]);
    }

    #[test]
    fn one_interruption_and_a_slow_first_time_decide_nothing() {
        check(&[9000, 500, 500, 500, 9000, 500], &[600], Kernel::Scalar);
    }

    #[test]
    fn of_equals_the_first_wins_and_of_none_none() {
        check(&[700], &[700], Kernel::Scalar);
        assert_eq!(fastest(&[], &mut |_| Some(()), &mut || Duration::ZERO), None);
    }

    #[test]
    fn a_kernel_that_fails_is_never_the_fastest() {
        let mut now = Duration::ZERO;
        let mut runs = 0;
        let mut work = |kernel| {
            runs += 1;
            // The first one breaks off at its third time.
            (kernel == Kernel::Tract || runs < 3).then_some(())
        };
        let mut clock = || {
            now += Duration::from_millis(1);
            now
        };
        let kernels = [Kernel::Scalar, Kernel::Tract];
        assert_eq!(fastest(&kernels, &mut work, &mut clock), Some(Kernel::Tract));
        assert_eq!(fastest(&kernels[..1], &mut work, &mut clock), None);
    }
}
