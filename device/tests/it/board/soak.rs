//! Hours on a board that is not there: `scripts/soak.sh` runs it.

use std::time::{Duration, Instant};
use std::{env, fmt, fs};

use serde::Serialize;

use super::camera::Make;
use super::live::{end, kiosk, pictures_come};
use super::screen::Layout;
use super::shots::{face, jpeg, moving};
use super::{Board, start};

/// Memory may grow by less over the run, in kB.
const GROWTH_MAX_KB: f64 = 1000.0;
/// The log may grow by so much after the warm-up, in bytes.
const LOG_MAX_BYTES: usize = 1024;
const SAMPLES: u32 = 3000;
/// Memory comes and goes by megabytes with each search for faces, so that single samples say little; what stays
/// is the least of many in a row.
const IN_A_ROW: usize = 100;
/// The kiosk would run for longer by so much.
const MARGIN: Duration = Duration::from_secs(60);

/// What the kiosk takes at a moment.
#[derive(Clone, Copy, Debug, Serialize)]
struct Sample {
    at_s: f64,
    /// 1 kB is 1,000 bytes.
    resident_kb: f64,
    descriptors: usize,
    log_bytes: usize,
}

#[derive(Debug, Serialize)]
struct Report {
    seconds: f64,
    pictures: u64,
    pictures_missed: u64,
    resident_mb: f64,
    resident_growth_kb: f64,
    descriptors_min: usize,
    descriptors_max: usize,
    log_growth_bytes: usize,
    samples: Vec<Sample>,
}

#[test]
fn nothing_grows() {
    let Ok(minutes) = env::var("APPARENT_SOAK_MINUTES") else {
        println!("left out: scripts/soak.sh runs it");
        return;
    };
    let length = Duration::from_secs_f64(minutes.parse::<f64>().unwrap() * 60.0);
    let pictures = moving(&face("group.jpg", 640, 480), 60);
    let shots = pictures.iter().map(|picture| jpeg(picture).into()).collect();
    let camera = Make::new(b"MJPG", (640, 480), shots);
    let mut kiosk = kiosk("/dev/video0");
    // Where this test is killed, it ends by itself.
    kiosk.args(["--seconds", &(length + MARGIN).as_secs().to_string()]);
    let board = start(camera, Layout::BITS_32, &mut kiosk);
    let mut board = board.expect("the kernel must let seccomp ask");
    pictures_come(&board, 1);
    let samples = watch(&mut board, length);
    end(&mut board);
    println!("{}", board.out());
    let opened = board.with(|system| system.camera.sessions.len());
    let report = report(&board, length, samples);
    if let Ok(path) = env::var("APPARENT_SOAK_JSON").map(|path| path.trim().to_owned())
        && !path.is_empty()
    {
        fs::write(path, serde_json::to_string(&report).unwrap()).unwrap();
    }
    println!("{report}");
    assert!(report.resident_growth_kb < GROWTH_MAX_KB, "memory grows");
    assert_eq!(report.descriptors_min, report.descriptors_max, "descriptors come or go");
    assert!(report.log_growth_bytes <= LOG_MAX_BYTES, "the log grows:\n{}", board.err());
    assert_eq!(opened, 1, "the camera was opened again:\n{}", board.err());
}

fn watch(board: &mut Board, length: Duration) -> Vec<Sample> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    while begun.elapsed() < length {
        board.pass(length / SAMPLES);
        assert!(board.program().try_wait().unwrap().is_none(), "it ended:\n{}", board.err());
        samples.push(sample(board, begun.elapsed()));
    }
    samples
}

fn sample(board: &mut Board, at: Duration) -> Sample {
    let process = format!("/proc/{}", board.program().id());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    // The kernel's kB are 1,024 bytes.
    let kib: f64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    Sample {
        at_s: at.as_secs_f64(),
        resident_kb: kib * 1.024,
        descriptors: fs::read_dir(format!("{process}/fd")).unwrap().count(),
        log_bytes: board.out().len() + board.err().len(),
    }
}

fn report(board: &Board, length: Duration, samples: Vec<Sample>) -> Report {
    let seconds = length.as_secs_f64();
    let steady: Vec<_> = samples.iter().filter(|sample| sample.at_s >= seconds / 10.0).collect();
    let (first, last) = (steady[0], steady[steady.len() - 1]);
    let descriptors = || steady.iter().map(|sample| sample.descriptors);
    let resident: Vec<_> = steady.iter().map(|sample| (sample.at_s, sample.resident_kb)).collect();
    let lows = lows(&resident);
    let (pictures, pictures_missed) =
        board.with(|system| (system.camera.delivered, system.camera.missed()));
    Report {
        seconds,
        pictures,
        pictures_missed,
        resident_mb: lows.last().unwrap().1 / 1000.0,
        resident_growth_kb: slope(&lows) * seconds,
        descriptors_min: descriptors().min().unwrap(),
        descriptors_max: descriptors().max().unwrap(),
        log_growth_bytes: last.log_bytes - first.log_bytes,
        samples,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let rate = self.pictures as f64 / self.seconds;
        writeln!(
            f,
            "pictures        {} ({rate:.1} a second), {} missed",
            self.pictures, self.pictures_missed
        )?;
        writeln!(f, "resident memory {:.1} MB", self.resident_mb)?;
        writeln!(
            f,
            "its growth      {:+.0} kB over {:.0} s",
            self.resident_growth_kb, self.seconds
        )?;
        writeln!(f, "descriptors     {} to {}", self.descriptors_min, self.descriptors_max)?;
        writeln!(f, "log growth      {} bytes", self.log_growth_bytes)
    }
}

/// The lowest of each so many points in a row.
fn lows(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let lowest = |row: &[(f64, f64)]| *row.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    points.chunks_exact(IN_A_ROW).map(lowest).collect()
}

/// By how much y grows with each x, by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread
}

#[test]
fn memory_that_comes_and_goes_hides_no_growth() {
    let leaking = |n: u32| {
        (f64::from(n), f64::from(1000 + n) + if n.is_multiple_of(3) { 0.0 } else { 8000.0 })
    };
    let points: Vec<_> = (0..3000).map(leaking).collect();
    assert!((slope(&lows(&points)) - 1.0).abs() < 0.01);
}

#[test]
fn the_slope_of_a_line_is_found_through_noise() {
    let points: Vec<_> = (0..100).map(|n| (f64::from(n), f64::from(3 * n + n % 2))).collect();
    assert!((slope(&points) - 3.0).abs() < 0.01);
}
