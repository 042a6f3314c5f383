//! Which faces are read first when not all can be.

use std::time::Duration;

/// Even a face that is seen badly gets its turn.
const QUALITY_MIN: f32 = 0.05;

/// How much a face needs to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// Whether figures of it are shown already.
    pub shown: bool,
    /// How long ago it was read last, or found, where it was not read yet.
    pub waited: Duration,
    /// How well it can be seen now, in [0, 1].
    pub quality: f32,
}

impl Need {
    /// Whether its reading is older than `stale_after`. Until figures are shown, every reading is.
    pub fn is_stale(&self, stale_after: Duration) -> bool {
        !self.shown || self.waited >= stale_after
    }

    /// Of two of a kind, the higher one goes first: the better one can be seen and the longer it has waited.
    fn urgency(&self) -> f32 {
        self.quality.max(QUALITY_MIN) * self.waited.as_secs_f32()
    }
}

/// The indices of at most `count` of `needs` that are stale, the most urgent first; those of whom nothing
/// is shown yet before all others. `None` is nobody who could be read now.
pub fn most_urgent(needs: &[Option<Need>], count: usize, stale_after: Duration) -> Vec<usize> {
    let stale = |(idx, need): (usize, &Option<Need>)| {
        need.filter(|need| need.is_stale(stale_after)).map(|need| (idx, need))
    };
    let mut stale: Vec<_> = needs.iter().enumerate().filter_map(stale).collect();
    stale.sort_by(|(_, a), (_, b)| a.shown.cmp(&b.shown).then(b.urgency().total_cmp(&a.urgency())));
    stale.into_iter().map(|(idx, _)| idx).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALE_AFTER: Duration = Duration::from_millis(500);

    fn need(shown: bool, waited_ms: u64, quality: f32) -> Option<Need> {
        Some(Need { shown, waited: Duration::from_millis(waited_ms), quality })
    }

    fn check(needs: &[Option<Need>], count: usize, expected: &[usize]) {
        assert_eq!(most_urgent(needs, count, STALE_AFTER), expected);
    }

    #[test]
    fn only_stale_readings_are_made_anew() {
        check(&[need(true, 499, 1.0), need(true, 500, 0.2), None], 9, &[1]);
    }

    #[test]
    fn who_has_no_figures_yet_goes_first_and_the_best_seen_of_them() {
        check(&[need(true, 9000, 1.0), need(false, 100, 0.4), need(false, 100, 0.8)], 2, &[2, 1]);
    }

    #[test]
    fn nobody_waits_for_ever() {
        check(&[need(true, 1000, 1.0), need(true, 21_000, 0.0)], 1, &[1]);
    }
}
