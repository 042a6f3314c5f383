//! Runs any network on a made-up input and prints how long that took and what it answered:
//! `infer FILE.onnx [--kernel NAME] [--threads N] [--runs N] [--steps]`.
//!
//! It needs no bundle and no picture, so it also serves under an emulator: a line is printed as soon as the
//! network is loaded and after each run (`--steps`: after each step too), by which a counter of instructions
//! tells them apart.

#![allow(clippy::print_stdout, reason = "the report of a program")]

use std::error::Error;
use std::time::Instant;

use models::session::{Kernel, Operator, Options, Session};
use models::tensor::Tensor;

const USAGE: &str = "infer FILE.onnx [--kernel NAME] [--threads N] [--runs N] [--steps]";
/// How many numbers of each output are printed.
const SHOWN: usize = 4;

struct Arguments {
    file: String,
    options: Options,
    runs: usize,
    steps: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = parse(std::env::args().skip(1))?;
    let file = &arguments.file;
    let onnx = std::fs::read(file).map_err(|error| format!("reading {file}: {error}"))?;
    let begun = Instant::now();
    let mut session =
        Session::open_any(onnx, &arguments.options).map_err(|error| format!("{file}: {error}"))?;
    let (kernel, threads) = (arguments.options.kernel, arguments.options.threads);
    println!("load {:.1} ms, kernel {kernel}, threads {threads}", elapsed_ms(begun));

    let input = made_up(session.input());
    let steps = if arguments.steps { session.operators() } else { vec![] };
    let mut outputs = vec![];
    for run in 1..=arguments.runs {
        let begun = Instant::now();
        outputs = session.run_observed(&input, &mut |step| {
            if let Some(Operator { name, op, .. }) = steps.get(step) {
                println!("step {step} {name} {op}");
            }
        })?;
        println!("run {run} {:.1} ms", elapsed_ms(begun));
    }
    for (number, output) in outputs.iter().enumerate() {
        let shown = &output.values[..output.values.len().min(SHOWN)];
        println!("output {number} {:?}: {shown:?}", output.shape);
    }
    Ok(())
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, Box<dyn Error>> {
    let (mut file, mut options, mut runs, mut steps) = (None, Options::default(), 1, false);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--kernel" => options.kernel = value()?.parse::<Kernel>()?,
            "--threads" => options.threads = value()?.parse()?,
            "--runs" => runs = value()?.parse()?,
            "--steps" => steps = true,
            _ if argument.starts_with('-') => Err(format!("no {argument}; usage: {USAGE}"))?,
            _ => file = Some(argument),
        }
    }
    let file = file.ok_or_else(|| format!("usage: {USAGE}"))?;
    Ok(Arguments { file, options, runs, steps })
}

/// Numbers in −2 … 2, the range of a preprocessed picture, alike on every machine (Knuth's MMIX generator).
fn made_up(shape: &[usize]) -> Tensor {
    let mut state = 1_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from(state.to_be_bytes()[0]) / 64.0 - 2.0
    };
    let values = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor { shape: shape.to_vec(), values }
}

fn elapsed_ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
