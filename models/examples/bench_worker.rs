//! Runs a bundle's network on request: our side of `scripts/bench-vs-peers.sh`, which starts such a process
//! for every engine it compares and lets them take turns.
//!
//! Usage: `bench_worker BUNDLE KERNEL THREADS INPUT`: a bundle's folder; a kernel's name, or `best`; how
//! many threads; a file with the input's values, little-endian f32. It says in one line of JSON what loading
//! cost and what the network answers; then each line on its standard input is a number of runs, answered by
//! one line with what they took.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use models::bundle::Bundle;
use models::estimator::FaceEstimator;
use models::session::{Kernel, Options};
use models::tensor::Tensor;
use rustix::time::{ClockId, clock_gettime};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, kernel, threads, input] = args.as_slice() else {
        return Err("expected BUNDLE KERNEL THREADS INPUT".into());
    };
    let options = Options { threads: threads.parse()?, kernel: kernel_named(kernel)? };
    let (mut estimator, tensor) = load(Path::new(bundle), &options, read_f32(Path::new(input))?)?;
    let (_, session) = estimator.parts();
    for line in io::stdin().lock().lines() {
        let runs: usize = line?.trim().parse()?;
        let mut taken = Vec::with_capacity(runs);
        for _ in 0..runs {
            let begun = Clocks::read();
            session.run(&tensor)?;
            taken.push(Clocks::read().since(&begun).to_string());
        }
        say(&format!(r#"{{"runs":[{}],"memory":{}}}"#, taken.join(","), Memory::read()?))?;
    }
    Ok(())
}

fn kernel_named(name: &str) -> Result<Kernel> {
    if name == "best" {
        return Ok(Kernel::expected_best());
    }
    Ok(name.parse()?)
}

/// Opens the bundle as the kiosk does, runs its network once and says what both cost.
fn load(path: &Path, options: &Options, values: Vec<f32>) -> Result<(FaceEstimator, Tensor)> {
    let memory_before = Memory::read()?;
    let begun = Clocks::read();
    let mut estimator = FaceEstimator::open(Bundle::open(path)?, options)?;
    let loaded = Clocks::read();
    let memory_loaded = Memory::read()?;
    let (_, session) = estimator.parts();
    let (shape, found) = (session.input().to_vec(), values.len());
    let tensor = Tensor::new(shape.clone(), values)
        .ok_or_else(|| format!("the input holds {found} values, the network reads {shape:?}"))?;
    let outputs = session.run(&tensor)?;
    let answered = Clocks::read();
    let outputs: Vec<_> = outputs.iter().map(|output| &output.values).collect();
    say(&format!(
        r#"{{"version":"{} {}","load":{},"load_to_answer":{},"before":{memory_before},"loaded":{memory_loaded},"answered":{},"outputs":{outputs:?}}}"#,
        env!("CARGO_PKG_VERSION"),
        options.kernel,
        loaded.since(&begun),
        answered.since(&begun),
        Memory::read()?,
    ))?;
    Ok((estimator, tensor))
}

fn read_f32(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
    let (values, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(format!("{} is no whole number of f32", path.display()).into());
    }
    Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The time of the day, and what all threads of this process have computed for.
struct Clocks {
    wall: Instant,
    cpu: Duration,
}

impl Clocks {
    fn read() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu =
            Duration::try_from(cpu).expect("a process has not computed for less than nothing");
        Self { wall: Instant::now(), cpu }
    }

    fn since(&self, earlier: &Self) -> Taken {
        Taken { wall: self.wall - earlier.wall, cpu: self.cpu - earlier.cpu }
    }
}

/// Prints as `[wall ms, cpu ms]`.
struct Taken {
    wall: Duration,
    cpu: Duration,
}

impl std::fmt::Display for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        write!(f, "[{:.4},{:.4}]", ms(self.wall), ms(self.cpu))
    }
}

/// Resident memory of this process; prints as `[now KiB, peak KiB]`.
struct Memory {
    now_kib: u64,
    peak_kib: u64,
}

impl Memory {
    fn read() -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let field = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let line = line.ok_or_else(|| format!("/proc/self/status has no {name}"))?;
            Ok(line.trim().trim_end_matches(" kB").parse()?)
        };
        Ok(Self { now_kib: field("VmRSS:")?, peak_kib: field("VmHWM:")? })
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{},{}]", self.now_kib, self.peak_kib)
    }
}
