//! `kiosk bench`: how long each stage takes on this machine, and whether that can be trusted.
//!
//! One picture after the other, as MLPerf's single stream: the result is the 90th percentile of the time
//! from a file's bytes to the finished screen. Clocks, files and devices are read here and in [`clock`],
//! [`cold`] and [`subject`]; everything else is plain data.

pub mod clock;
pub mod cold;
pub mod diff;
pub mod live;
pub mod load;
pub mod memory;
pub mod network;
pub mod report;
pub mod stage;
pub mod stats;
pub mod subject;
pub mod table;
pub mod trust;
pub mod walk;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::cli::bench::BenchArgs;
use crate::kernels;
use crate::machine::Machine;
use crate::machine::state::State;
use crate::report::Outcome;
use clock::{Moment, ms};
use load::{Load, Ticks};
use memory::{Memory, Resident};
use report::{FORMAT, Models, Program, Report, Run, Start};
use stage::Laps;
use subject::Subject;
use trust::Evidence;

/// Where the system's files are.
const ROOT: &str = "/";

/// Without `--count` and `--duration`.
const DURATION_DEFAULT: Duration = Duration::from_secs(10);
/// Without `--count` and `--duration`: as many as a p90 needs.
const COUNT_DEFAULT_MIN: usize = trust::COUNT_MIN;

/// Measures, prints the table and writes the JSON.
///
/// # Errors
/// Where models or pictures cannot be used, the JSON cannot be written, or the result is above the limit
/// that the command line sets.
pub fn run(args: &BenchArgs, out: &mut dyn Write) -> Result<Outcome> {
    if args.first_answer {
        return first_answer(args, out);
    }
    if args.no_estimate {
        return live::run(args, out);
    }
    let report = measure(args)?;
    table::print(&report, out)?;
    if let Some(path) = &args.json {
        report.write(path)?;
    }
    match (args.assert_p90_ms, table::p90_ms(&report, report.headline)) {
        (Some(limit), Some(p90_ms)) if p90_ms > limit.0 => bail!(
            "the p90 {} is {p90_ms:.3} ms, expected at most {} ms",
            report.headline.name(),
            limit.0
        ),
        _ => Ok(Outcome::Good),
    }
}

fn first_answer(args: &BenchArgs, out: &mut dyn Write) -> Result<Outcome> {
    let mut subject = Subject::open(args, &kernels::options(&args.models.compute))?;
    subject.once(0, &mut Laps::begin(Moment::now()))?;
    writeln!(out, "{}", cold::FIRST_ANSWER)?;
    Ok(Outcome::Good)
}

fn measure(args: &BenchArgs) -> Result<Report> {
    // First, so that a processor's first probe for its kernel is done by the other process: here it would
    // be taken for memory that was held before the bundle was opened.
    let cold_ms = cold::start_ms(args)?;
    let options = kernels::options(&args.models.compute);
    let before = state();
    let mut subject = Subject::open(args, &options)?;
    for number in 0..args.warm_up {
        subject.once(number, &mut Laps::begin(Moment::now()))?;
    }
    let measured = repeat(args, |number, laps| subject.once(number, laps))?;
    let after = state();
    let resident_after = Resident::read(Path::new(ROOT));
    let headline = subject.headline();
    let count = measured.laps.count(headline);
    let debug = cfg!(debug_assertions);
    let evidence = Evidence { debug, before: &before, after: &after, load: measured.load, count };
    let bundle = &subject.bundle;
    let residents = bundle.resident.zip(resident_after);
    Ok(Report {
        format: FORMAT,
        headline,
        program: Program { version: env!("CARGO_PKG_VERSION").to_owned(), debug },
        machine: Machine::read(Path::new(ROOT)),
        doubts: trust::doubts(&evidence),
        before,
        after,
        load: measured.load,
        models: Models {
            bundle: bundle.name.clone(),
            bundle_sha256: bundle.sha256.clone(),
            bundle_bytes: bundle.bytes,
            detector: subject.detector.clone(),
            threads: options.threads,
            kernel: options.kernel.to_string(),
        },
        run: Run {
            pictures: subject.pictures(),
            warm_up: args.warm_up,
            count,
            seconds: measured.seconds,
        },
        start: Start { cold_ms, load_ms: bundle.load_ms },
        memory: residents
            .map(|((before, loaded), after)| Memory::new(before, loaded, after, bundle.bytes)),
        stages: measured.laps.reports(),
        left_out: subject.left_out(&measured.laps),
        drift: measured.laps.drift(headline),
    })
}

/// What a run came to.
struct Measured {
    laps: Laps,
    load: Option<Load>,
    seconds: f64,
}

/// Does `once` as often and as long as `args` say; it is told how often it was done before.
fn repeat(
    args: &BenchArgs,
    mut once: impl FnMut(usize, &mut Laps) -> Result<()>,
) -> Result<Measured> {
    let (count_min, duration_min) = match (args.count, args.duration) {
        (Some(count), _) => (count.0, Duration::ZERO),
        (None, Some(seconds)) => (1, seconds.0),
        (None, None) => (COUNT_DEFAULT_MIN, DURATION_DEFAULT),
    };
    let ticks = Ticks::read(Path::new(ROOT));
    let begun = Moment::now();
    let mut laps = Laps::begin(begun);
    let mut count = 0;
    while count < count_min || (Moment::now() - begun).wall < duration_min {
        once(count, &mut laps)?;
        count += 1;
    }
    let took = Moment::now() - begun;
    let ticks = ticks.zip(Ticks::read(Path::new(ROOT)));
    let ticks_per_s = rustix::param::clock_ticks_per_second();
    let load =
        ticks.and_then(|(before, after)| Load::between(before, after, took.cpu, ticks_per_s));
    Ok(Measured { laps, load, seconds: ms(took.wall) / 1e3 })
}

/// The machine as it is now. `vcgencmd` is there on Raspberry Pi alone.
fn state() -> State {
    let asked = Command::new("vcgencmd").arg("get_throttled").output().ok();
    let answer = asked.filter(|output| output.status.success());
    let answer = answer.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    State::read(Path::new(ROOT), answer.as_deref())
}
