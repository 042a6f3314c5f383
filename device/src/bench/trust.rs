//! When the figures of a run are not to be trusted, and why.

use super::load::Load;
use crate::machine::state::State;

/// What speaks for or against a run.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Whether the program was built without optimization.
    pub debug: bool,
    /// The machine before the run.
    pub before: &'a State,
    /// The machine after the run.
    pub after: &'a State,
    /// What others took; `None` where the machine does not tell.
    pub load: Option<Load>,
    /// How many times the result rests on.
    pub count: usize,
}

/// Of so many times one may be slower than the true 90th percentile with 99 % confidence that the one
/// found is not too low: the fewest that MLPerf's early stopping accepts for it.
pub const COUNT_MIN: usize = 64;

/// More than this share of all cores' time for others shows in the percentiles. Our choice.
const OTHERS_SHARE_MAX: f64 = 0.05;

/// The same for a virtual machine's host. Our choice.
const STEAL_SHARE_MAX: f64 = 0.01;

/// A frequency below this share of the highest allowed one was held down. Our choice: governors that
/// follow the load are named anyway.
const FREQUENCY_SHARE_MIN: f64 = 0.9;

/// Everything that speaks against a run, each in words.
pub fn doubts(evidence: &Evidence) -> Vec<String> {
    let mut doubts = Vec::new();
    if evidence.debug {
        doubts.push("this is a debug build".to_owned());
    }
    if evidence.count < COUNT_MIN {
        let count = evidence.count;
        doubts.push(format!("only {count} times were measured, a p90 needs {COUNT_MIN}"));
    }
    doubts.extend(load(evidence.load));
    doubts.extend(governors(evidence.before, evidence.after));
    doubts.extend(throttling(evidence.before, evidence.after));
    doubts
}

fn load(load: Option<Load>) -> Vec<String> {
    let Some(Load { others_share, steal_share }) = load else {
        return vec!["how much others took of the machine is not known".to_owned()];
    };
    let mut doubts = Vec::new();
    if others_share > OTHERS_SHARE_MAX {
        let percent = others_share * 100.0;
        doubts.push(format!("other programs took {percent:.0} % of the machine"));
    }
    if steal_share > STEAL_SHARE_MAX {
        let percent = steal_share * 100.0;
        doubts.push(format!("the host of this virtual machine took {percent:.1} % of it"));
    }
    doubts
}

fn governors(before: &State, after: &State) -> Vec<String> {
    let mut others: Vec<_> =
        [before, after].into_iter().flat_map(|state| &state.governors).collect();
    others.retain(|governor| *governor != "performance");
    others.sort();
    others.dedup();
    let doubt = |governor| format!("the frequency governor is {governor}, not performance");
    let held_down = after.frequencies.iter().filter_map(|frequency| {
        let (now, max) = (frequency.now_mhz, frequency.max_mhz?);
        let low = others.is_empty() && (now as f64) < FREQUENCY_SHARE_MIN * max as f64;
        low.then(|| format!("{} ran at {now} of {max} MHz at the end", frequency.group))
    });
    held_down.chain(others.iter().map(|governor| doubt(*governor))).collect()
}

fn throttling(before: &State, after: &State) -> Vec<String> {
    let mut doubts: Vec<String> = Vec::new();
    let states = [("before the run", before), ("after the run", after)];
    for (when, state) in states {
        let bits = state.throttled.iter().flat_map(|bits| bits.now());
        doubts.extend(bits.map(|words| format!("{when}: {words}")));
        doubts.extend(state.slowed_by.iter().map(|by| format!("{when}: {by} slows the processor")));
    }
    if let Some((earlier, later)) = before.throttled.zip(after.throttled) {
        doubts.extend(later.since(earlier).map(|words| format!("during the run: {words}")));
    }
    if let Some((earlier, later)) = before.throttle_count.zip(after.throttle_count)
        && later > earlier
    {
        doubts.push(format!("the cores were throttled {} times", later - earlier));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::state::{Frequency, Throttled};

    const IDLE: Option<Load> = Some(Load { others_share: 0.01, steal_share: 0.0 });

    fn check(before: &State, after: &State, expected: &[&str]) {
        let evidence = Evidence { debug: false, before, after, load: IDLE, count: 64 };
        assert_eq!(doubts(&evidence), expected);
    }

    fn state(governor: &str, throttled: u32) -> State {
        let frequency = Frequency { group: "policy0".into(), now_mhz: 1790, max_mhz: Some(1800) };
        State {
            governors: vec![governor.to_owned()],
            frequencies: vec![frequency],
            throttled: Some(Throttled(throttled)),
            ..State::default()
        }
    }

    #[test]
    fn a_quiet_cool_machine_is_trusted_and_one_that_tells_nothing_too() {
        check(&state("performance", 0x50000), &state("performance", 0x50000), &[]);
        check(&State::default(), &State::default(), &[]);
    }

    #[test]
    fn another_governor_is_named_once() {
        let expected = ["the frequency governor is ondemand, not performance"];
        check(&state("ondemand", 0), &state("ondemand", 0), &expected);
    }

    #[test]
    fn a_frequency_that_was_held_down_is_told() {
        let mut after = state("performance", 0);
        after.frequencies[0].now_mhz = 1000;
        check(&state("performance", 0), &after, &["policy0 ran at 1000 of 1800 MHz at the end"]);
    }

    #[test]
    fn throttling_before_during_and_after_the_run_is_told() {
        let expected = [
            "before the run: the supply voltage is too low",
            "after the run: the processor is throttled",
            "during the run: the processor is throttled",
        ];
        check(&state("performance", 0x10001), &state("performance", 0x50004), &expected);
        let slowed = State { slowed_by: vec!["cpufreq-cpu0".into()], ..State::default() };
        check(&State::default(), &slowed, &["after the run: cpufreq-cpu0 slows the processor"]);
        let count = |n| State { throttle_count: Some(n), ..State::default() };
        check(&count(2), &count(5), &["the cores were throttled 3 times"]);
    }

    #[test]
    fn load_from_others_too_few_times_and_debug_builds_are_told() {
        let (state, load) = (State::default(), Load { others_share: 0.302, steal_share: 0.021 });
        let mut evidence =
            Evidence { debug: true, before: &state, after: &state, load: Some(load), count: 63 };
        let expected = [
            "this is a debug build",
            "only 63 times were measured, a p90 needs 64",
            "other programs took 30 % of the machine",
            "the host of this virtual machine took 2.1 % of it",
        ];
        assert_eq!(doubts(&evidence), expected);
        evidence.load = None;
        assert!(doubts(&evidence)[2].contains("not known"));
    }
}
