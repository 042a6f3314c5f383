//! `trainer run CONFIG.toml`: all stages, one after the other.
//!
//! Every stage is a command line of this program, run as a process of its own (so that its memory is
//! given back), and noted in `OUT/stages/NAME.json` with the hashes of what it read. A stage whose
//! command and inputs have not changed is skipped; one that was killed goes on where it can.

mod config;
mod estimate;
mod plan;
mod record;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use config::Config;
use plan::Stage;
use record::{Progress, Record};

/// What to run.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The configuration; host/runs holds examples.
    config: PathBuf,
    /// Prints the plan, with what it will need, and runs nothing.
    #[arg(long)]
    dry_run: bool,
    /// Stops after this stage.
    #[arg(long)]
    until: Option<String>,
}

/// Runs what is not done yet.
///
/// # Errors
/// A configuration that is no plan, told before anything runs; or the stage that failed.
pub fn run(options: &Options) -> Result<()> {
    let config = Config::read(&options.config)?;
    let mut stages = plan::stages(&config)?;
    for stage in &stages {
        stage.check()?;
    }
    if let Some(last) = &options.until {
        let at = stages.iter().position(|stage| stage.name == *last).with_context(|| {
            let names: Vec<&str> = stages.iter().map(|stage| &*stage.name).collect();
            format!("no stage is called {last}, there are {}", names.join(", "))
        })?;
        stages.truncate(at + 1);
    }
    if options.dry_run {
        return estimate::print(&config, &stages);
    }
    let records = config.out.join("stages");
    for stage in &stages {
        run_stage(stage, &records)?;
    }
    eprintln!("run: done → {}", config.out.display());
    Ok(())
}

fn run_stage(stage: &Stage, records: &Path) -> Result<()> {
    let record = Record::of(stage)?;
    let progress = record.progress(stage, records)?;
    if progress == Progress::Done {
        eprintln!("run: {} has not changed", stage.name);
        return Ok(());
    }
    let mut arguments = stage.arguments.clone();
    if progress == Progress::New {
        stage.clear()?;
    } else if stage.resumes() {
        arguments.push("--resume".into());
    }
    record.write(records)?;
    eprintln!("run: {}", stage.line());
    let begun = Instant::now();
    let program = std::env::current_exe().context("finding this program")?;
    let status = Command::new(program).args(&arguments).status().context("starting a stage")?;
    ensure!(status.success(), "stage {} failed ({status}): trainer {}", stage.name, stage.line());
    record.finished(begun.elapsed().as_secs_f64()).write(records)
}
