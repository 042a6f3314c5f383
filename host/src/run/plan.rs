//! The stages of a run: which commands, what they read and what they write.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use toml::Table;

use super::config::Config;
use crate::cli::Cli;
use crate::net::{self, Task};

/// One command.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// Its name in this run: `train-age`.
    pub(super) name: String,
    /// The command line after `trainer`.
    pub(super) arguments: Vec<String>,
    /// Files whose change makes it run again.
    pub(super) inputs: Vec<PathBuf>,
    /// The file that is there once it has run.
    pub(super) output: PathBuf,
    /// The folder that belongs to it alone, where there is one.
    pub(super) folder: Option<PathBuf>,
}

impl Stage {
    /// Whether the command line is one that the trainer takes.
    pub(super) fn check(&self) -> Result<()> {
        let line = std::iter::once("trainer").chain(self.arguments.iter().map(String::as_str));
        Cli::try_parse_from(line).map(drop).map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            anyhow::anyhow!("stage {}: {first} (in: trainer {})", self.name, self.line())
        })
    }

    /// The command line as one would type it.
    pub(super) fn line(&self) -> String {
        let quoted = self.arguments.iter().map(|argument| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=".contains(c);
            if !argument.is_empty() && argument.chars().all(plain) {
                argument.clone()
            } else {
                format!("'{}'", argument.replace('\'', r"'\''"))
            }
        });
        quoted.collect::<Vec<_>>().join(" ")
    }

    /// Whether it goes on with `--resume` from what a killed run left.
    pub(super) fn resumes(&self) -> bool {
        let saved = self.folder.as_deref().map(|folder| folder.join("last.safetensors"));
        self.arguments[0] == "train" && saved.is_some_and(|saved| saved.exists())
    }

    /// Removes what an earlier run with other inputs left in the stage's own folder.
    pub(super) fn clear(&self) -> Result<()> {
        let Some(folder) = self.folder.as_deref().filter(|folder| folder.exists()) else {
            return Ok(());
        };
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
    }
}

/// The stages of `config`, in order.
///
/// # Errors
/// A net that is not there, or a table that gives no flags.
pub(super) fn stages(config: &Config) -> Result<Vec<Stage>> {
    let mut plan = Plan { config, stages: vec![] };
    net::named(&config.net)?;
    plan.data()?;
    let weights = match &config.trunk {
        Some(trunk) => plan.heads(trunk)?,
        None => plan.whole()?,
    };
    plan.bundles(&weights)?;
    plan.scores()?;
    Ok(plan.stages)
}

struct Plan<'a> {
    config: &'a Config,
    stages: Vec<Stage>,
}

impl Plan<'_> {
    /// A path in the run's folder.
    fn at(&self, path: &str) -> PathBuf {
        self.config.out.join(path)
    }

    fn add(&mut self, name: &str, stage: New<'_>) -> Result<()> {
        let mut arguments: Vec<String> = stage.command.iter().map(|&word| word.into()).collect();
        for (flag, path) in stage.paths {
            arguments.extend([(*flag).to_owned(), path.display().to_string()]);
        }
        for table in stage.tables {
            let flags = self.config.flags(table).with_context(|| format!("table [{name}]"))?;
            arguments.extend(flags);
        }
        let (inputs, output) = (stage.inputs.to_vec(), stage.output);
        let folder = stage.folder;
        self.stages.push(Stage { name: name.into(), arguments, inputs, output, folder });
        Ok(())
    }

    /// index, clean, look, split, crop.
    fn data(&mut self) -> Result<()> {
        let config = self.config;
        let mut faces = self.at("indexed.csv");
        let sources = ["csv", "mat", "fairface"].iter().filter_map(|key| config.index.get(*key));
        let sources: Vec<PathBuf> =
            sources.filter_map(|v| v.as_str()).map(|text| config.path(text).into()).collect();
        self.add(
            "index",
            New {
                command: &["index"],
                paths: &[("--out", &faces)],
                tables: &[&config.index],
                inputs: &sources,
                ..New::writing(faces.clone())
            },
        )?;
        if let Some(clean) = &config.clean {
            let cleaned = self.at("cleaned.csv");
            self.add(
                "clean",
                New {
                    command: &["clean"],
                    paths: &[("--faces", &faces), ("--out", &cleaned)],
                    tables: &[clean],
                    inputs: std::slice::from_ref(&faces),
                    ..New::writing(cleaned.clone())
                },
            )?;
            faces = cleaned;
        }
        let parts = self.at("faces.csv");
        self.add(
            "split",
            New {
                command: &["split"],
                paths: &[("--faces", &faces), ("--out", &parts)],
                tables: &[&config.split],
                inputs: std::slice::from_ref(&faces),
                ..New::writing(parts.clone())
            },
        )?;
        if let Some(look) = &config.look {
            let folder = self.at("look");
            self.add(
                "look",
                New {
                    command: &["look"],
                    paths: &[("--faces", &parts), ("--out", &folder)],
                    tables: &[look],
                    inputs: std::slice::from_ref(&parts),
                    folder: Some(folder.clone()),
                    ..New::writing(folder.join("age.svg"))
                },
            )?;
        }
        let crops = self.at("crops");
        self.add(
            "crop",
            New {
                command: &["crop", "--net", &config.net],
                paths: &[("--faces", &parts), ("--out", &crops)],
                inputs: std::slice::from_ref(&parts),
                folder: Some(crops.clone()),
                ..New::writing(crops.join("crops.csv"))
            },
        )
    }

    /// A net that is trained whole; gives its weights.
    fn whole(&mut self) -> Result<Vec<PathBuf>> {
        let (crops, folder) = (self.at("crops"), self.at("train"));
        let weights = folder.join("best.safetensors");
        self.add(
            "train",
            New {
                command: &["train", "--net", &self.config.net],
                paths: &[("--crops", &crops), ("--out", &folder)],
                tables: &[&self.config.train],
                inputs: &[crops.join("crops.csv")],
                folder: Some(folder.clone()),
                ..New::writing(weights.clone())
            },
        )?;
        Ok(vec![weights])
    }

    /// The heads of a net over a frozen trunk, one after the other; gives the trunk and their weights.
    fn heads(&mut self, trunk: &Table) -> Result<Vec<PathBuf>> {
        let config = self.config;
        let weights = trunk.get("weights").and_then(|value| value.as_str());
        let weights = weights.context("table [trunk] has no weights = \"FILE\"")?;
        let trunk_file = PathBuf::from(config.path(weights));
        let mut flags = trunk.clone();
        flags.remove("weights");
        let (crops, features) = (self.at("crops"), self.at("features"));
        self.add(
            "features",
            New {
                command: &["features", "--net", &config.net],
                paths: &[("--trunk", &trunk_file), ("--crops", &crops), ("--out", &features)],
                tables: &[&flags],
                inputs: &[trunk_file.clone(), crops.join("crops.csv")],
                folder: Some(features.clone()),
                ..New::writing(features.join("features.f16"))
            },
        )?;
        let first = config.paths(&config.train, "weights");
        let mut weights = vec![trunk_file.clone()];
        for task in [Task::Age, Task::Gender] {
            let folder = self.at(&format!("train-{}", task.name()));
            let best = folder.join("best.safetensors");
            self.add(
                &format!("train-{}", task.name()),
                New {
                    command: &["train", "--net", &config.net, "--task", task.name()],
                    paths: &[("--features", &features), ("--out", &folder)],
                    tables: &[&config.train],
                    inputs: &[vec![features.join("features.json")], first.clone()].concat(),
                    folder: Some(folder.clone()),
                    ..New::writing(best.clone())
                },
            )?;
            weights.push(best);
        }
        Ok(weights)
    }

    /// The f32 and the int8 bundle, held against each other.
    fn bundles(&mut self, weights: &[PathBuf]) -> Result<()> {
        let config = self.config;
        let (f32, int8) = (self.bundle("f32"), self.bundle("int8"));
        let crops = self.at("crops");
        let files: Vec<String> = weights.iter().map(|path| path.display().to_string()).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let words =
            |stage: &'static str| [&[stage, "--net", &config.net, "--weights"], &*files].concat();
        self.add(
            "export",
            New {
                command: &words("export"),
                paths: &[("--out", &f32)],
                tables: &[&config.bundle],
                inputs: weights,
                ..New::writing(f32.join("SHA256SUMS"))
            },
        )?;
        self.add(
            "quantize",
            New {
                command: &words("quantize"),
                paths: &[("--crops", &crops), ("--out", &int8)],
                tables: &[&config.bundle, &config.quantize],
                inputs: &[weights, &[crops.join("crops.csv")]].concat(),
                ..New::writing(int8.join("SHA256SUMS"))
            },
        )?;
        let seal = |bundle: &Path| bundle.join("SHA256SUMS");
        self.add(
            "verify",
            New {
                command: &words("verify"),
                paths: &[("--crops", &crops), ("--bundle", &f32), ("--bundle", &int8)],
                tables: &[&config.verify],
                inputs: &[seal(&f32), seal(&int8)],
                ..New::writing(seal(&int8))
            },
        )
    }

    fn bundle(&self, precision: &str) -> PathBuf {
        self.at(precision).join(&self.config.name)
    }

    /// eval and report.
    fn scores(&mut self) -> Result<()> {
        let config = self.config;
        let (int8, faces) = (self.bundle("int8"), self.at("faces.csv"));
        let predictions = self.at("predictions.csv");
        let folder = self.at("scores");
        let seed = config.split.get("protocol").and_then(|v| v.as_str()) == Some("seed");
        // The seed reports on the very faces that it chose by.
        let part = if seed { "val" } else { "test" };
        self.add(
            "eval",
            New {
                command: &["eval", "--name", &config.name, "--part", part],
                paths: &[
                    ("--bundle", &int8),
                    ("--faces", &faces),
                    ("--out", &folder),
                    ("--predictions", &predictions),
                ],
                tables: &[&config.eval],
                inputs: &[int8.join("SHA256SUMS"), faces.clone()],
                ..New::writing(predictions.clone())
            },
        )?;
        let report = self.at("report");
        let runs: Vec<String> = self
            .stages
            .iter()
            .filter(|s| s.arguments[0] == "train")
            .map(|s| {
                let folder = s.folder.as_deref().unwrap_or(Path::new(""));
                format!("{}={}", s.name, folder.display())
            })
            .collect();
        let set = format!("{}={}", config.name, predictions.display());
        let mut words = vec!["report", "--title", &config.name, "--set", &set];
        words.extend(runs.iter().flat_map(|run| ["--run", run.as_str()]));
        self.add(
            "report",
            New {
                command: &words,
                paths: &[("--out", &report)],
                tables: &[&config.report],
                inputs: &[predictions],
                folder: Some(report.clone()),
                ..New::writing(report.join("report.html"))
            },
        )
    }
}

/// A stage to be added.
struct New<'a> {
    command: &'a [&'a str],
    paths: &'a [(&'a str, &'a Path)],
    tables: &'a [&'a Table],
    inputs: &'a [PathBuf],
    output: PathBuf,
    folder: Option<PathBuf>,
}

impl New<'_> {
    fn writing(output: PathBuf) -> Self {
        Self { command: &[], paths: &[], tables: &[], inputs: &[], output, folder: None }
    }
}
