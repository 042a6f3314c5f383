//! The stages of a picture's way through the kiosk, and the times measured of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock::{Lap, Moment, ms};
use super::stats::{Drift, Summary};

/// A part of the way, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// From the bytes of a file to RGB pixels.
    Decode,
    /// From a camera's pixel format to RGB.
    Convert,
    /// Finding all faces.
    Detect,
    /// Cutting a face out and putting it into the network's tensor.
    Crop,
    /// The steps of the network that both answers need.
    Trunk,
    /// The steps that only the apparent age needs.
    AgeHead,
    /// The steps that only the predicted gender needs.
    GenderHead,
    /// The whole network at once, where nothing else is measured.
    Network,
    /// From RGB pixels to what is said of all faces: detect, and what follows for each face.
    Answer,
    /// Drawing the screen.
    Render,
    /// Handing the screen to the display.
    Present,
    /// All of it, from the bytes of a file to the finished screen.
    EndToEnd,
}

impl Stage {
    /// All of them, in the order of the way.
    pub const ALL: [Self; 12] = [
        Self::Decode,
        Self::Convert,
        Self::Detect,
        Self::Crop,
        Self::Trunk,
        Self::AgeHead,
        Self::GenderHead,
        Self::Network,
        Self::Answer,
        Self::Render,
        Self::Present,
        Self::EndToEnd,
    ];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Convert => "convert",
            Self::Detect => "detect",
            Self::Crop => "crop",
            Self::Trunk => "trunk",
            Self::AgeHead => "age head",
            Self::GenderHead => "gender head",
            Self::Network => "network",
            Self::Answer => "answer",
            Self::Render => "render",
            Self::Present => "present",
            Self::EndToEnd => "end to end",
        }
    }

    /// What one time of it stands for.
    pub fn per(self) -> &'static str {
        match self {
            Self::Crop | Self::Trunk | Self::AgeHead | Self::GenderHead | Self::Network => "face",
            _ => "picture",
        }
    }
}

/// What was measured of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// Which one.
    pub stage: Stage,
    /// What one time stands for: `picture` or `face`.
    pub per: String,
    /// Time that passed.
    pub wall: Summary,
    /// Time that all threads of the process computed.
    pub cpu: Summary,
}

/// All times of a run, by stage.
#[derive(Debug)]
pub struct Laps {
    begun: Moment,
    of: BTreeMap<Stage, Vec<(Moment, Lap)>>,
}

impl Laps {
    /// None yet.
    pub fn begin(now: Moment) -> Self {
        Self { begun: now, of: BTreeMap::new() }
    }

    /// Does `work` and keeps how long it took.
    pub fn time<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let begun = Moment::now();
        let result = work();
        self.add(stage, begun, Moment::now());
        result
    }

    /// Keeps that `stage` went from `begun` to `ended`.
    pub fn add(&mut self, stage: Stage, begun: Moment, ended: Moment) {
        self.add_lap(stage, ended, ended - begun);
    }

    /// Keeps that the parts of `stage` that ended by `ended` took `lap` in all.
    pub fn add_lap(&mut self, stage: Stage, ended: Moment, lap: Lap) {
        self.of.entry(stage).or_default().push((ended, lap));
    }

    /// How many times of `stage` there are.
    pub fn count(&self, stage: Stage) -> usize {
        self.of.get(&stage).map_or(0, Vec::len)
    }

    /// The figures of every stage that was measured, in the order of the way.
    pub fn reports(&self) -> Vec<StageReport> {
        let report = |(&stage, laps): (&Stage, &Vec<(Moment, Lap)>)| {
            let wall: Vec<_> = laps.iter().map(|(_, lap)| ms(lap.wall)).collect();
            let cpu: Vec<_> = laps.iter().map(|(_, lap)| ms(lap.cpu)).collect();
            let per = stage.per().to_owned();
            Some(StageReport { stage, per, wall: Summary::of(&wall)?, cpu: Summary::of(&cpu)? })
        };
        self.of.iter().filter_map(report).collect()
    }

    /// Whether `stage` became slower during the run.
    pub fn drift(&self, stage: Stage) -> Option<Drift> {
        let seconds = |ended: Moment| (ended - self.begun).wall.as_secs_f64();
        let samples = self.of.get(&stage)?;
        let samples = samples.iter().map(|(ended, lap)| (seconds(*ended), ms(lap.wall)));
        Drift::of(&samples.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(wall_ms: u64, cpu_ms: u64) -> Moment {
        Moment { wall: Duration::from_millis(wall_ms), cpu: Duration::from_millis(cpu_ms) }
    }

    #[test]
    fn each_stage_has_figures_by_both_clocks_in_the_order_of_the_way() {
        let mut laps = Laps::begin(at(0, 0));
        laps.add(Stage::EndToEnd, at(100, 10), at(130, 60));
        laps.add(Stage::Trunk, at(110, 10), at(115, 18));
        laps.add(Stage::Trunk, at(115, 20), at(121, 22));
        let reports = laps.reports();
        let [trunk, whole] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!((trunk.stage, trunk.per.as_str()), (Stage::Trunk, "face"));
        assert_eq!((trunk.wall.min_ms, trunk.wall.max_ms, trunk.wall.count), (5.0, 6.0, 2));
        assert_eq!((trunk.cpu.min_ms, trunk.cpu.max_ms), (2.0, 8.0));
        assert_eq!(
            (whole.per.as_str(), whole.wall.mean_ms, whole.cpu.mean_ms),
            ("picture", 30.0, 50.0)
        );
    }

    #[test]
    fn a_stage_that_was_not_measured_is_not_reported_as_zero() {
        let mut laps = Laps::begin(at(0, 0));
        assert!(laps.reports().is_empty());
        laps.time(Stage::Decode, || ());
        assert_eq!((laps.count(Stage::Decode), laps.count(Stage::Convert)), (1, 0));
        assert_eq!(laps.reports().len(), 1);
    }

    #[test]
    fn a_run_that_becomes_slower_drifts_above_one() {
        let mut laps = Laps::begin(at(0, 0));
        for i in 0..20 {
            laps.add(Stage::EndToEnd, at(i * 100, 0), at(i * 100 + 10 + i, 0));
        }
        assert!(laps.drift(Stage::EndToEnd).unwrap().ratio > 1.5);
        assert_eq!(laps.drift(Stage::Decode), None);
    }
}
