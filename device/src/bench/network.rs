//! Times a network by its parts: what both answers need, what only one does.

use anyhow::{Context, Result};
use models::session::{Operator, Session};
use models::tensor::Tensor;

use super::clock::{Lap, Moment};
use super::stage::{Laps, Stage};

/// The parts that a network can have.
const PARTS: [Stage; 3] = [Stage::Trunk, Stage::AgeHead, Stage::GenderHead];

/// Which part each step of a plan belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts(Vec<Stage>);

impl Parts {
    /// The parts of an estimator's plan, whose outputs are age and gender.
    pub fn of(operators: &[Operator]) -> Self {
        let part = |operator: &Operator| match operator.leads_to.as_slice() {
            [0] => Stage::AgeHead,
            [1] => Stage::GenderHead,
            _ => Stage::Trunk,
        };
        Self(operators.iter().map(part).collect())
    }

    /// Whether the plan has steps of `part`.
    pub fn has(&self, part: Stage) -> bool {
        self.0.contains(&part)
    }

    /// The part that ends with step `step`: the next step is another's, or there is none.
    fn ended_by(&self, step: usize) -> Option<Stage> {
        let part = self.0.get(step)?;
        (self.0.get(step + 1) != Some(part)).then_some(*part)
    }
}

/// Sums up the times of each part while a network runs.
#[derive(Debug)]
struct Split<'a> {
    parts: &'a Parts,
    since: Moment,
    sums: [Lap; PARTS.len()],
}

impl<'a> Split<'a> {
    fn begin(parts: &'a Parts, now: Moment) -> Self {
        Self { parts, since: now, sums: Default::default() }
    }

    /// Step `step` is done; the clocks are read only where a part ends.
    fn after(&mut self, step: usize, clocks: impl FnOnce() -> Moment) {
        let Some(part) = self.parts.ended_by(step) else { return };
        let now = clocks();
        for (_, sum) in PARTS.iter().zip(&mut self.sums).filter(|(stage, _)| **stage == part) {
            *sum += now - self.since;
        }
        self.since = now;
    }
}

/// Runs the network once and keeps the times of its parts.
pub fn run(
    session: &mut Session,
    parts: &Parts,
    input: &Tensor,
    laps: &mut Laps,
) -> Result<Vec<Tensor>> {
    let mut split = Split::begin(parts, Moment::now());
    let outputs = session.run_observed(input, &mut |step| split.after(step, Moment::now));
    let outputs = outputs.context("running the network")?;
    for (stage, sum) in PARTS.into_iter().zip(split.sums) {
        if parts.has(stage) {
            laps.add_lap(stage, split.since, sum);
        }
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn parts(leads_to: &[&[usize]]) -> Parts {
        let operator = |leads_to: &&[usize]| Operator {
            name: String::new(),
            op: String::new(),
            output: String::new(),
            sum: None,
            leads_to: leads_to.to_vec(),
            is_constant: false,
        };
        Parts::of(&leads_to.iter().map(operator).collect::<Vec<_>>())
    }

    #[test]
    fn heads_that_take_turns_are_summed_apart() {
        let parts = parts(&[&[0, 1], &[0, 1], &[0], &[1], &[0]]);
        let mut split = Split::begin(&parts, Moment::default());
        let mut readings = 0;
        for (step, ms) in (0..).zip([10, 20, 23, 28, 29]) {
            split.after(step, || {
                readings += 1;
                Moment { wall: Duration::from_millis(ms), cpu: Duration::from_millis(2 * ms) }
            });
        }
        assert_eq!(split.sums.map(|lap| lap.wall.as_millis()), [20, 4, 5]);
        assert_eq!(split.sums.map(|lap| lap.cpu.as_millis()), [40, 8, 10]);
        assert_eq!(readings, 4, "not between two steps of one part");
    }

    #[test]
    fn a_network_without_a_shared_trunk_has_none() {
        let parts = parts(&[&[0], &[0], &[1]]);
        assert_eq!(PARTS.map(|part| parts.has(part)), [false, true, true]);
    }
}
