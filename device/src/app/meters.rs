//! Counters of a run: frames, faces as numbers, times. Nothing in it tells one person from another.

pub mod beat;
pub mod histogram;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use beat::Beat;
use histogram::Histogram;

/// Counted by the threads, read by the supervisor.
#[derive(Debug, Default)]
pub struct Meters {
    /// Frames that the camera gave.
    pub frames: Counter,
    /// Frames that were decoded.
    pub decoded: Counter,
    /// Frames that could not be decoded.
    pub broken: Counter,
    /// Frames since the last that could be decoded.
    pub broken_in_a_row: Counter,
    /// Screens that were handed to the display.
    pub screens: Counter,
    /// Frames that the vision looked at.
    pub looked: Counter,
    /// Frames in which faces were searched.
    pub detections: Counter,
    /// Faces that were read.
    pub estimates: Counter,
    /// Faces in the last frame that was looked at.
    pub faces: Counter,
    /// How often the source was opened again.
    pub reopened: Counter,
    /// How long the vision took for its last frame, in microseconds.
    pub vision_us: Counter,
    /// From a frame's arrival to the screen with it.
    pub latency: Mutex<Histogram>,
    /// The camera thread's.
    pub camera_beat: Beat,
    /// The vision thread's.
    pub vision_beat: Beat,
    /// The render thread's.
    pub render_beat: Beat,
}

/// A number that threads may change.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Makes it `number`.
    pub fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// How long it was, in seconds.
    pub seconds: f64,
    /// Frames that the source gave.
    pub frames: u64,
    /// Frames a second that the source gave.
    pub fps: f64,
    /// Frames that were decoded.
    pub decoded: u64,
    /// Frames that a newer one replaced before they were decoded.
    pub dropped: u64,
    /// Frames that could not be decoded.
    pub broken: u64,
    /// Screens that were shown.
    pub screens: u64,
    /// Frames that the vision looked at.
    pub looked: u64,
    /// Frames in which faces were searched.
    pub detections: u64,
    /// Faces that were read.
    pub estimates: u64,
    /// From a frame's arrival to the screen with it: the median, in milliseconds.
    pub latency_p50_ms: Option<f64>,
    /// Nine of ten were no longer than this.
    pub latency_p90_ms: Option<f64>,
    /// The longest.
    pub latency_max_ms: Option<f64>,
    /// How often the source was opened again.
    pub reopened: u64,
}

impl Meters {
    /// Keeps how long a frame took from its arrival to the screen.
    pub fn add_latency(&self, latency: Duration) {
        self.latency.lock().unwrap_or_else(PoisonError::into_inner).add(latency);
    }

    /// What a run of `took` came to, in which `dropped` frames were not decoded.
    pub fn summary(&self, took: Duration, dropped: u64) -> Summary {
        let latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = took.as_secs_f64();
        let frames = self.frames.get();
        Summary {
            seconds: round(seconds),
            frames,
            fps: if seconds > 0.0 { round(frames as f64 / seconds) } else { 0.0 },
            decoded: self.decoded.get(),
            dropped,
            broken: self.broken.get(),
            screens: self.screens.get(),
            looked: self.looked.get(),
            detections: self.detections.get(),
            estimates: self.estimates.get(),
            latency_p50_ms: latency.percentile_ms(50).map(round),
            latency_p90_ms: latency.percentile_ms(90).map(round),
            latency_max_ms: latency.max_ms().map(round),
            reopened: self.reopened.get(),
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { seconds, frames, fps, decoded, dropped, broken, .. } = self;
        writeln!(f, "ran         {seconds:.1} s")?;
        writeln!(f, "frames in   {frames} ({fps:.1} a second)")?;
        writeln!(f, "decoded     {decoded} ({dropped} dropped, {broken} broken)")?;
        writeln!(f, "screens     {}", self.screens)?;
        writeln!(f, "looked at   {} ({} searched for faces)", self.looked, self.detections)?;
        writeln!(f, "estimates   {}", self.estimates)?;
        let latency = [self.latency_p50_ms, self.latency_p90_ms, self.latency_max_ms];
        if let [Some(p50), Some(p90), Some(max)] = latency {
            writeln!(f, "latency     p50 {p50:.1} ms, p90 {p90:.1} ms, max {max:.1} ms")?;
        }
        writeln!(f, "reopened    {} times", self.reopened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_tells_the_counts_and_the_latency() {
        let meters = Meters::default();
        meters.frames.add(60);
        meters.decoded.add(57);
        (0..57).for_each(|_| meters.add_latency(Duration::from_millis(20)));
        let summary = meters.summary(Duration::from_secs(2), 3);
        assert_eq!((summary.fps, summary.dropped, summary.decoded), (30.0, 3, 57));
        let p90_ms = summary.latency_p90_ms.unwrap();
        assert!((p90_ms - 20.0).abs() < 1.0, "{p90_ms}");
        let text = summary.to_string();
        assert!(text.contains("frames in   60 (30.0 a second)"), "{text}");
    }

    #[test]
    fn a_run_without_frames_has_no_latency() {
        let summary = Meters::default().summary(Duration::ZERO, 0);
        assert_eq!((summary.fps, summary.latency_p90_ms), (0.0, None));
        assert!(!summary.to_string().contains("latency"));
    }
}
