//! Stage `bench`: what a step of training costs, on kept features and through the trunk.
//!
//! Made-up numbers stand in for faces: the work is the same.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use models::age::AGE_CLASSES;
use serde::Serialize;
use tch::{Device, Kind, Tensor, no_grad};

use super::adamw::AdamW;
use super::cross_entropy;
use super::device::{On, Precision};
use super::doctor::in_file;
use super::forward::{Forward, Mode, Parameters};
use super::recipe::Recipe;
use crate::files::write_text;
use crate::net::{self, Net, Task};
use crate::protocol::Protocol;
use crate::{init, out};

/// Pictures that go through the trunk at once.
const TRUNK_BATCH: i64 = 16;

/// What to time.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The net; its age head is trained.
    #[arg(long, default_value = "vgg-face")]
    net: String,
    /// Faces a step.
    #[arg(long, default_value_t = 256)]
    batch: usize,
    /// Timed steps on features, after one that is not timed.
    #[arg(long, default_value_t = 5)]
    steps: usize,
    /// Timed passes of one batch through the trunk; 0 leaves that out.
    #[arg(long, default_value_t = 1)]
    trunk_passes: usize,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = On::Cpu)]
    device: On,
    /// What all but the logits is computed in.
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    precision: Precision,
    /// Threads of torch on the CPU.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, Into::into))]
    threads: usize,
    /// File for the figures.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What was measured; seconds are medians.
#[derive(Serialize)]
struct Figures {
    net: &'static str,
    batch: usize,
    device: String,
    precision: String,
    threads: usize,
    /// One step of the age head on kept features: forward, backward, Adam.
    head_step_s: f64,
    /// One batch through the frozen trunk, forward alone.
    trunk_pass_s: Option<f64>,
    /// A step through the trunk ÷ one on kept features.
    cache_gain: Option<f64>,
    /// Largest resident memory so far, in MB.
    peak_mb: Option<u64>,
}

/// Times and prints.
///
/// # Errors
/// No such net or device, or the file system.
pub fn run(options: &Options) -> Result<()> {
    ensure!(options.steps > 0 && options.batch > 0, "--steps and --batch must be 1 or more");
    let net = net::named(&options.net)?.only(Task::Age);
    let device = options.device.open()?;
    tch::set_num_threads(i32::try_from(options.threads)?);
    let kind = options.precision.kind(device);
    let head_step_s = head_step(&net, options, device, kind)?;
    let trunk_pass_s =
        (options.trunk_passes > 0).then(|| trunk_pass(&net, options, device, kind)).transpose()?;
    let figures = Figures {
        net: net.name,
        batch: options.batch,
        device: format!("{device:?}"),
        precision: format!("{kind:?}"),
        threads: options.threads,
        head_step_s,
        trunk_pass_s,
        cache_gain: trunk_pass_s.map(|trunk| (trunk + head_step_s) / head_step_s),
        peak_mb: peak_mb(),
    };
    out::print(&table(&figures))?;
    options.json.as_ref().map_or(Ok(()), |path| {
        let text = serde_json::to_string_pretty(&figures)?;
        write_text(path, &text)
    })
}

fn table(figures: &Figures) -> String {
    let mut text = format!(
        "| {} at batch {} | seconds |\n|---|---|\n| a step of the age head on kept features | {:.3} |",
        figures.net, figures.batch, figures.head_step_s
    );
    if let (Some(trunk), Some(gain)) = (figures.trunk_pass_s, figures.cache_gain) {
        text += &format!(
            "\n| the batch through the frozen trunk | {trunk:.3} |\n\n\
             With the trunk in it, a step takes {gain:.1} times as long."
        );
    }
    if let Some(peak) = figures.peak_mb {
        text += &format!("\n\n{}, {}, peak {peak} MB", figures.device, figures.precision);
    }
    text
}

/// How fast this machine goes, in seconds a face.
pub struct Pace {
    /// Through the trunk, forward.
    pub trunk_s: f64,
    /// A training step of the age head on what the trunk made.
    pub head_step_s: f64,
}

/// Tries a net on the CPU for some seconds.
///
/// # Errors
/// What torch says.
pub fn pace(net: &Net) -> Result<Pace> {
    let net = net.clone().only(Task::Age);
    let options = Options {
        net: net.name.into(),
        batch: 16,
        steps: 1,
        trunk_passes: 1,
        device: On::Cpu,
        precision: Precision::F32,
        threads: std::thread::available_parallelism().map_or(1, Into::into),
        json: None,
    };
    let batch = options.batch as f64;
    // A step reads all weights, however few the faces: its batch is the one of training.
    let wide = Options { batch: 256, ..options.clone() };
    Ok(Pace {
        trunk_s: trunk_pass(&net, &options, Device::Cpu, Kind::Float)? / batch,
        head_step_s: head_step(&net, &wide, Device::Cpu, Kind::Float)? / 256.0,
    })
}

fn head_step(net: &Net, options: &Options, device: Device, kind: Kind) -> Result<f64> {
    let heads = Net { trunk: vec![], ..net.clone() };
    let parameters = Parameters::new(&init::he(&heads, 0), device, |_| true)?;
    let recipe = Recipe::default_for(Protocol::Seed, net.name);
    let mut optimizer = AdamW::new(&parameters, recipe.weight_decay)?;
    let shape = net.trunk_shape();
    let input = made_up(options.batch, &shape, device)?.f_relu()?;
    let target =
        Tensor::f_zeros([options.batch as i64, AGE_CLASSES as i64], (Kind::Float, device))?
            .f_slice(1, 0, 1, 1)?
            .f_add_scalar(1.0)?;
    let forward = Forward { net, parameters: &parameters, mode: Mode::Train, kind };
    median(options.steps, device, || {
        let logits = forward.heads(&input)?.age.context("the age head")?;
        let loss = cross_entropy(&logits, &target.f_expand_as(&logits)?)?;
        optimizer.step(&parameters, &loss, recipe.lr)
    })
}

fn trunk_pass(net: &Net, options: &Options, device: Device, kind: Kind) -> Result<f64> {
    let parameters = Parameters::new(&init::he(net, 0), device, |_| false)?;
    let forward = Forward { net, parameters: &parameters, mode: Mode::Eval, kind };
    let input = made_up(options.batch, &[3, net.input_px, net.input_px], device)?;
    let at_once = if device.is_cuda() { i64::MAX } else { TRUNK_BATCH };
    median(options.trunk_passes, device, || {
        let batch = options.batch as i64;
        for begin in (0..batch).step_by(usize::try_from(at_once)?) {
            let part = input.f_narrow(0, begin, at_once.min(batch - begin))?;
            let _ = no_grad(|| forward.trunk(&part))?;
        }
        Ok(())
    })
}

fn made_up(batch: usize, shape: &[usize], device: Device) -> Result<Tensor> {
    let shape: Vec<i64> = [batch].iter().chain(shape).map(|&axis| axis as i64).collect();
    Ok(Tensor::f_randn(shape, (Kind::Float, device))?)
}

/// The median time of `work` in seconds, after once untimed.
fn median(times: usize, device: Device, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let mut seconds = Vec::with_capacity(times);
    for _ in 0..times {
        wait_for(device);
        let begun = Instant::now();
        work()?;
        wait_for(device);
        seconds.push(begun.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[times / 2])
}

/// A GPU works on after a call returns.
fn wait_for(device: Device) {
    if let Device::Cuda(index) = device {
        tch::Cuda::synchronize(index as i64);
    }
}

/// Largest resident memory of this process so far, where Linux tells it.
fn peak_mb() -> Option<u64> {
    let kb: u64 = in_file("/proc/self/status", "VmHWM")?.trim_end_matches(" kB").parse().ok()?;
    Some(kb / 1024)
}
