//! Stage `report`: training logs and predictions → one page that a person reads, the same in Markdown
//! and in JSON, and event files for TensorBoard.
//!
//! The page stands alone: its charts are drawn into it, it runs no script and loads nothing. Faces are
//! shown only where `--with-pictures` asks for them.

mod amounts;
mod charts;
mod markdown;
mod page;
mod pictures;
mod runs;
mod sets;
mod weak;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use self::runs::Run;
use self::sets::Set;
use crate::files::{write_atomic, write_text};
use crate::tensorboard;

/// What to report on, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Folder for report.html, report.md, report.json and the TensorBoard file.
    #[arg(long)]
    out: PathBuf,
    /// What stands above it.
    #[arg(long, default_value = "Apparent age and predicted gender")]
    title: String,
    /// A training run: what to call it, and the folder with its log.csv. May be given again.
    #[arg(long = "run", value_name = "LABEL=DIR")]
    runs: Vec<Named>,
    /// Predictions on a labelled set: what to call it, and its predictions.csv. May be given again.
    #[arg(long = "set", value_name = "NAME=FILE")]
    sets: Vec<Named>,
    /// Shows the faces that were told worst, as small pictures in the page.
    #[arg(long)]
    with_pictures: bool,
}

/// A file or folder and what the report calls it.
#[derive(Clone, Debug)]
pub struct Named {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl FromStr for Named {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(Self { name: name.to_owned(), path: path.into() })
            }
            _ => bail!("{text:?}, expected NAME=PATH"),
        }
    }
}

/// All that the report tells.
#[derive(Serialize)]
struct Report {
    title: String,
    made_by: String,
    sets: Vec<Set>,
    runs: Vec<Run>,
}

/// Reads runs and sets, and writes the report.
///
/// # Errors
/// A log or a predictions file that cannot be read, or what the file system says.
pub fn run(options: &Options) -> Result<()> {
    ensure!(!(options.runs.is_empty() && options.sets.is_empty()), "expected a --run or a --set");
    distinct("--run", &options.runs)?;
    distinct("--set", &options.sets)?;
    let shown =
        if options.with_pictures { pictures::Worst::Shown } else { pictures::Worst::Hidden };
    let report = Report {
        title: options.title.clone(),
        made_by: format!("trainer {}", env!("CARGO_PKG_VERSION")),
        sets: options.sets.iter().map(|set| Set::read(set, shown)).collect::<Result<_>>()?,
        runs: options.runs.iter().map(Run::read).collect::<Result<_>>()?,
    };
    let write = |name: &str, text: &str| write_text(&options.out.join(name), text);
    write("report.md", &markdown::report(&report))?;
    write("report.json", &serde_json::to_string_pretty(&report)?)?;
    write_events(&report.runs, &options.out)?;
    write("report.html", &page::page(&report))?;
    eprintln!("report: {}", options.out.join("report.html").display());
    Ok(())
}

/// Writes a TensorBoard file a run: beside the page, or where there are several, each in a folder
/// of its own, since TensorBoard tells runs apart by folders.
fn write_events(runs: &[Run], out: &Path) -> Result<()> {
    for run in runs {
        let folder = if runs.len() == 1 { out.to_owned() } else { out.join(run.folder_name()) };
        remove_old_events(&folder)?;
        let path = folder.join(tensorboard::file_name(run.log.written_seconds));
        write_atomic(&path, |file| Ok(file.write_all(&tensorboard::encode(&run.log))?))?;
    }
    Ok(())
}

/// TensorBoard would show what an earlier report wrote here beside the new.
fn remove_old_events(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry.with_context(|| format!("listing {}", folder.display()))?;
        if entry.file_name().to_str().is_some_and(tensorboard::is_file_name) {
            let path = entry.path();
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// Names must differ, as folders too.
fn distinct(option: &str, all: &[Named]) -> Result<()> {
    let folders: Vec<String> = all.iter().map(|named| folder_name(&named.name)).collect();
    for (at, named) in all.iter().enumerate() {
        let before = folders[..at].contains(&folders[at]);
        ensure!(!before, "{option} {}: expected a name of its own", named.name);
    }
    Ok(())
}

/// A name in which nothing can mean anything to a file system.
fn folder_name(name: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || letter == '-';
    name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_a_path_and_is_its_own() {
        for text in ["", "a", "=b", "a="] {
            let error = text.parse::<Named>().unwrap_err().to_string();
            assert!(error.contains("expected NAME=PATH"), "{error}");
        }
        let named = |text: &str| text.parse::<Named>().unwrap();
        assert_eq!(named("a=b=c").path, Path::new("b=c"));
        assert!(distinct("--set", &[named("a=1"), named("b=1")]).is_ok());
        assert!(distinct("--set", &[named("a/b=1"), named("a.b=2")]).is_err());
        assert_eq!(folder_name("../x y"), "___x_y");
    }
}
