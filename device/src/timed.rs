//! Stopwatches around what finds and what reads faces, for whoever walks a frame through a follower, which
//! itself knows no clock.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use models::detect::{DetectError, Detector, Face};
use models::image::RgbView;

use crate::answer::Times;
use crate::follow::Reader;

/// How long detecting and reading took since it was asked last.
#[derive(Clone, Debug, Default)]
pub struct Stopwatches {
    detect: Rc<Cell<Duration>>,
    estimate: Rc<Cell<Duration>>,
}

/// A detector with a stopwatch.
struct TimedDetector {
    detector: Box<dyn Detector>,
    spent: Rc<Cell<Duration>>,
}

impl Stopwatches {
    /// `detector`, timed.
    pub fn detector(&self, detector: Box<dyn Detector>) -> Box<dyn Detector> {
        Box::new(TimedDetector { detector, spent: Rc::clone(&self.detect) })
    }

    /// `reader`, timed.
    pub fn reader(&self, mut reader: Reader) -> Reader {
        let spent = Rc::clone(&self.estimate);
        Reader::new(reader.gender_sure_min(), move |picture, face| {
            timed(&spent, || reader.read(picture, face))
        })
    }

    /// What was spent since the last time, and begins anew; decoding is measured elsewhere.
    pub fn take(&self, decode: Duration) -> Times {
        Times { decode, detect: self.detect.take(), estimate: self.estimate.take() }
    }
}

impl Detector for TimedDetector {
    fn detect(&mut self, picture: &RgbView<'_>) -> Result<Vec<Face>, DetectError> {
        timed(&self.spent, || self.detector.detect(picture))
    }

    fn name(&self) -> &str {
        self.detector.name()
    }
}

fn timed<T>(spent: &Cell<Duration>, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = work();
    spent.set(spent.get() + begun.elapsed());
    result
}
