//! How much of the machine others took during a run: other programs, and other guests of its host.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The counters of all cores together, in clock ticks (`/proc/stat`, see proc_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    busy: u64,
    steal: u64,
    total: u64,
}

/// Shares of the time of all cores, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// What programs other than this process, and the system for them, computed.
    pub others_share: f64,
    /// What a virtual machine's host gave to somebody else.
    pub steal_share: f64,
}

impl Ticks {
    /// Now; `None` where the system under `root` does not tell.
    pub fn read(root: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(root.join("proc/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let counts: Vec<u64> = line.split_whitespace().map_while(|n| n.parse().ok()).collect();
        let &[user, nice, system, idle, iowait, irq, softirq, steal, ..] = counts.as_slice() else {
            return None;
        };
        let sum = |counts: &[u64]| counts.iter().fold(0u64, |sum, &n| sum.saturating_add(n));
        let busy = sum(&[user, nice, system, irq, softirq]);
        Some(Self { busy, steal, total: sum(&[busy, idle, iowait, steal]) })
    }
}

impl Load {
    /// From the counters before and after a run in which this process computed for `own`.
    pub fn between(before: Ticks, after: Ticks, own: Duration, ticks_per_s: u64) -> Option<Self> {
        let total = after.total.checked_sub(before.total).filter(|&ticks| ticks > 0)? as f64;
        let own = own.as_secs_f64() * ticks_per_s as f64;
        let busy = after.busy.saturating_sub(before.busy) as f64;
        let share = |ticks: f64| ((ticks / total).clamp(0.0, 1.0) * 1e4).round() / 1e4;
        let steal = after.steal.saturating_sub(before.steal) as f64;
        Some(Self { others_share: share(busy - own), steal_share: share(steal) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "cpu  100 10 20 500 5 0 1 7 3 0\ncpu0 1 2 3\n";

    #[test]
    fn what_this_process_did_not_compute_others_did() {
        let before = Ticks::parse(BEFORE).unwrap();
        let after = Ticks::parse("cpu  180 10 40 590 5 0 1 17 3 0\n").unwrap();
        let load = Load::between(before, after, Duration::from_millis(600), 100).unwrap();
        assert_eq!(load, Load { others_share: 0.2, steal_share: 0.05 });
    }

    #[test]
    fn counters_that_make_no_sense_give_no_load() {
        let ticks = Ticks::parse(BEFORE).unwrap();
        assert_eq!(Load::between(ticks, ticks, Duration::ZERO, 100), None, "no time passed");
        for broken in ["", "cpu0 1 2 3 4 5 6 7 8\n", "cpu  1 2 3\n", "cpu  a b c d e f g h\n"] {
            assert_eq!(Ticks::parse(broken), None, "{broken}");
        }
        assert_eq!(Ticks::read(Path::new("/nowhere")), None);
    }

    #[test]
    fn a_process_that_seems_to_compute_more_than_the_machine_leaves_nothing_for_others() {
        let before = Ticks::parse(BEFORE).unwrap();
        let after = Ticks::parse("cpu  110 10 20 510 5 0 1 7 3 0\n").unwrap();
        let load = Load::between(before, after, Duration::from_secs(9), 100).unwrap();
        assert_eq!(load.others_share, 0.0);
    }
}
