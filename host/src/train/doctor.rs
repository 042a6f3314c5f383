//! Stage `doctor`: whether this machine can train, and with what.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use models::age::AGE_CLASSES;
use tch::{Cuda, Device, Kind, Tensor};

use super::adamw::AdamW;
use super::cross_entropy;
use super::device::{self, On, Precision};
use super::forward::{Forward, Mode, Parameters};
use super::recipe::Recipe;
use crate::protocol::Protocol;
use crate::{init, net, out};

/// Faces in each of the steps that are tried.
const BATCH: i64 = 8;

/// What to look at.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where the steps are tried; `cuda` fails where there is none.
    #[arg(long, value_enum, default_value_t = On::Cpu)]
    device: On,
    /// What all but the logits is computed in.
    #[arg(long, value_enum, default_value_t = Precision::Auto)]
    precision: Precision,
    /// The folder that training will write to.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

/// Prints what is there, then makes two steps of the compact net.
///
/// # Errors
/// CUDA asked for and missing, or steps that do not lower the loss.
pub fn run(options: &Options) -> Result<()> {
    out::print("| what | found |\n|---|---|")?;
    let row = |what: &str, found: &dyn Display| out::print(&format!("| {what} | {found} |"));
    row("trainer", &env!("CARGO_PKG_VERSION"))?;
    let here = |found: Option<String>| found.unwrap_or_else(|| "not found".into());
    row("libtorch", &here(library("libtorch_cpu")))?;
    let cuda = device::load_cuda();
    row("CUDA part of libtorch", &here(library("libtorch_cuda").filter(|_| cuda)))?;
    row("CUDA devices", &Cuda::device_count())?;
    row("cuDNN", &if Cuda::cudnn_is_available() { "yes" } else { "no" })?;
    row("processor", &here(in_file("/proc/cpuinfo", "model name")))?;
    row("cores", &std::thread::available_parallelism().map_or(1, Into::into))?;
    let bf16 = if device::cpu_multiplies_bf16() { "yes" } else { "no: f32 is quicker" };
    row("bf16 products", &bf16)?;
    row("memory", &here(in_file("/proc/meminfo", "MemTotal")))?;
    row("memory free for programs", &here(in_file("/proc/meminfo", "MemAvailable")))?;
    row(&format!("disk free in {}", options.out.display()), &disk_free(&options.out)?)?;
    let device = options.device.open()?;
    let kind = options.precision.kind(device);
    let steps = two_steps(device, kind)?;
    row(&format!("two steps of the compact net, {device:?}, {kind:?}"), &steps)?;
    out::print(
        "\nA VGG-Face head trains in about 3 GB of memory (CPU or GPU) beside its features: 49 KiB a face, \
         twice that with mirror images, on disk. The compact net needs 1 GB.",
    )
}

/// Where a library lies that this process has loaded.
fn library(name: &str) -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    path.filter(|path| path.contains(name)).map(str::to_owned).next()
}

/// The value of `key: value` in one of the kernel's tables.
pub(super) fn in_file(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn disk_free(folder: &Path) -> Result<String> {
    let found = rustix::fs::statvfs(folder)
        .with_context(|| format!("looking for the disk of {}", folder.display()))?;
    Ok(format!("{:.1} GB", (found.f_bavail * found.f_frsize) as f64 / 1e9))
}

/// Two steps on one made-up batch: the second loss must be smaller.
fn two_steps(device: Device, kind: Kind) -> Result<String> {
    let net = net::compact();
    let parameters = Parameters::new(&init::he(&net, 0), device, |_| true)?;
    let recipe = Recipe::default_for(Protocol::Default, net.name);
    let mut optimizer = AdamW::new(&parameters, recipe.weight_decay)?;
    let side = net.input_px as i64;
    tch::manual_seed(0);
    let input = Tensor::f_randn([BATCH, 3, side, side], (Kind::Float, device))?;
    let one = Tensor::f_from_slice(&[1.0f32])?.f_to_device(device)?;
    let target =
        one.f_constant_pad_nd([30, AGE_CLASSES as i64 - 31])?.f_expand([BATCH, -1], false)?;
    let forward = Forward { net: &net, parameters: &parameters, mode: Mode::Train, kind };
    let begun = Instant::now();
    let mut step = || {
        let logits = forward.run(&input)?.age.context("the age head")?;
        let loss = cross_entropy(&logits, &target)?;
        optimizer.step(&parameters, &loss, 1e-3)?;
        Ok::<_, anyhow::Error>(f64::try_from(&loss)?)
    };
    let (first, second) = (step()?, step()?);
    ensure!(second < first, "the loss went from {first} to {second}: expected it to fall");
    let seconds = begun.elapsed().as_secs_f64();
    Ok(format!("loss {first:.3} → {second:.3} in {seconds:.2} s"))
}
