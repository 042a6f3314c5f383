//! What a plan will need, before it runs: each stage's command with its time, disk and memory.
//!
//! Times come from trying the net on this machine for a few seconds, and from the number of faces, which
//! is known once the data were indexed (else as many as the manifest has lines).

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Result;

use super::config::Config;
use super::plan::Stage;
use crate::crops::MARGIN;
use crate::net::{self, Net, Task, parameter_count};
use crate::out;
use crate::train::bench::{Pace, pace};

/// What a stage needs; `None` where it is next to nothing.
#[derive(Clone, Copy, Default)]
struct Need {
    seconds: Option<f64>,
    disk_bytes: Option<f64>,
    memory_bytes: Option<f64>,
}

impl Need {
    fn row(&self, name: &str) -> String {
        let (time, disk) = (time(self.seconds), bytes(self.disk_bytes));
        format!("| {name} | {time} | {disk} | {} |\n", bytes(self.memory_bytes))
    }
}

/// Prints the plan as a table and its commands.
pub(super) fn print(config: &Config, stages: &[Stage]) -> Result<()> {
    let net = net::named(&config.net)?;
    let faces = faces(config, stages);
    let pace = pace(&net)?;
    let mut text = String::from("| stage | time | disk | memory |\n|---|---|---|---|\n");
    let mut sum = Need { seconds: Some(0.0), disk_bytes: Some(0.0), memory_bytes: None };
    for stage in stages {
        let need = faces.map_or(Need::default(), |faces| need(config, &net, stage, (faces, &pace)));
        text += &need.row(&stage.name);
        let add = |a: Option<f64>, b: Option<f64>| Some(a.unwrap_or(0.0) + b.unwrap_or(0.0));
        sum.seconds = add(sum.seconds, need.seconds);
        sum.disk_bytes = add(sum.disk_bytes, need.disk_bytes);
    }
    text += &sum.row("all");
    text += &match faces {
        Some(faces) => format!("\nfor {faces} faces, by this machine's pace on the CPU:\n"),
        None => "\nhow many faces there are is not known before stage index has run:\n".into(),
    };
    stages.iter().for_each(|stage| text += &format!("\ntrainer {}", stage.line()));
    out::print(&text)
}

/// Rows of the newest faces.csv, else lines of the manifest.
fn faces(config: &Config, stages: &[Stage]) -> Option<usize> {
    let made = ["faces.csv", "cleaned.csv", "indexed.csv"].map(|name| config.out.join(name));
    let manifest =
        stages[0].inputs.iter().filter(|path| path.extension().is_some_and(|e| e == "csv"));
    made.iter().chain(manifest).find_map(|path| Some(lines(path)?.saturating_sub(1)))
}

fn lines(path: &Path) -> Option<usize> {
    Some(BufReader::new(File::open(path).ok()?).split(b'\n').count())
}

fn need(config: &Config, net: &Net, stage: &Stage, (faces, pace): (usize, &Pace)) -> Need {
    let faces = faces as f64;
    let mirrored = config.trunk.as_ref().is_some_and(|trunk| trunk.contains_key("mirrored"));
    let copies = if mirrored { 2.0 } else { 1.0 };
    let weights = 4.0 * parameter_count(net.layers()) as f64;
    let epochs =
        number(stage, "--epochs").unwrap_or(if net.name == "vgg-face" { 12.0 } else { 30.0 });
    let seed = stage.arguments.iter().any(|argument| argument == "seed");
    let draws = if seed {
        256.0 * number(stage, "--epochs").unwrap_or(250.0)
    } else {
        0.8 * faces * epochs
    };
    match stage.arguments[0].as_str() {
        "crop" => Need {
            seconds: Some(faces * 2e-3),
            disk_bytes: Some(faces * 3.0 * (net.input_px as f64 * f64::from(MARGIN)).powi(2)),
            ..Need::default()
        },
        "features" => {
            let row = net.trunk_shape().iter().product::<usize>() as f64;
            Need {
                seconds: Some(faces * copies * pace.trunk_s),
                disk_bytes: Some(faces * copies * row * 2.0),
                memory_bytes: Some(1.2e9),
            }
        }
        "train" if stage.name == "train" => Need {
            seconds: Some(3.0 * draws * pace.trunk_s),
            disk_bytes: Some(5.0 * weights),
            memory_bytes: Some(1.5e9 + 5.0 * weights),
        },
        "train" => {
            let task = if stage.name.ends_with("age") { Task::Age } else { Task::Gender };
            let head = 4.0 * parameter_count(net.head(task)) as f64;
            Need {
                seconds: Some(draws * pace.head_step_s),
                disk_bytes: Some(5.0 * head),
                memory_bytes: Some(0.5e9 + 7.0 * head),
            }
        }
        "export" => Need {
            disk_bytes: Some(weights),
            memory_bytes: Some(0.3e9 + 5.0 * weights),
            ..Need::default()
        },
        "quantize" => Need {
            seconds: Some(2.0 * 256.0 * pace.trunk_s),
            disk_bytes: Some(weights / 4.0),
            memory_bytes: Some(4e9 + 5.0 * weights),
        },
        _ => Need::default(),
    }
}

/// The value of a flag that is a number.
fn number(stage: &Stage, flag: &str) -> Option<f64> {
    let at = stage.arguments.iter().position(|argument| argument == flag)?;
    stage.arguments.get(at + 1)?.parse().ok()
}

fn time(seconds: Option<f64>) -> String {
    match seconds {
        None => "–".into(),
        Some(s) if s < 90.0 => format!("{s:.0} s"),
        Some(s) if s < 5400.0 => format!("{:.0} min", s / 60.0),
        Some(s) => format!("{:.1} h", s / 3600.0),
    }
}

fn bytes(bytes: Option<f64>) -> String {
    match bytes {
        None => "–".into(),
        Some(b) if b < 1e9 => format!("{:.0} MB", b / 1e6),
        Some(b) => format!("{:.1} GB", b / 1e9),
    }
}
