//! Stage `eval-detector`: what detectors find of known faces, side by side.
//!
//! Pictures and what is true of them come from three places: a CSV of scenes, clips with a known number of
//! faces, and a faces.csv of pictures of one face each, from which frames with that face smaller, turned and
//! darker are made too. Detectors are run as the kiosk runs them; other programs answer in its JSON.

mod answers;
pub(crate) mod matching;
mod measure;
mod report;
mod sheets;
pub(crate) mod tables;
mod truth;
mod variants;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use self::answers::Column;
use self::truth::Picture;
use crate::faces::{self, Part};
use crate::files::write_text;

/// What to evaluate, and on what.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// A detector: `embedded` or the folder of a bundle. NAME=FOLDER names its column.
    #[arg(long = "detector", value_name = "[NAME=]FOLDER")]
    pub detectors: Vec<String>,
    /// What another program says of the pictures in OUT/pictures.txt, as `kiosk analyze --json` prints it.
    #[arg(long = "boxes", value_name = "[NAME=]FILE")]
    pub boxes: Vec<String>,
    /// CSV of pictures, its columns `path`, `faces` and `boxes_left_top_w_h` (`[[left, top, width, height], …]`);
    /// a path's first folder names its set.
    #[arg(long)]
    pub scenes: Option<PathBuf>,
    /// Folder of those pictures; without it, the CSV's own.
    #[arg(long)]
    pub pictures: Option<PathBuf>,
    /// A folder of frames, and how many faces each shows.
    #[arg(long = "clip", value_name = "FOLDER=FACES")]
    pub clips: Vec<String>,
    /// faces.csv of pictures of one face each, with boxes and landmarks.
    #[arg(long)]
    pub faces: Option<PathBuf>,
    /// Only this part of them.
    #[arg(long, value_enum)]
    pub part: Option<Part>,
    /// Of so many of those faces, frames of 320 x 240 px are made: smaller, turned, darker.
    #[arg(long, default_value_t = 0)]
    pub variants: usize,
    /// Draws those faces and their places, and what the sheets show.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Folder for report.md, report.json, pictures.txt, variants and sheets (which show people). Without
    /// --detector and --boxes only pictures.txt and the variants are written.
    #[arg(long)]
    pub out: PathBuf,
}

/// Evaluates and reports.
///
/// # Errors
/// A file that cannot be read or written, a picture that is none, a detector that cannot be opened, or
/// answers that leave out a picture.
pub fn run(options: &Options) -> Result<()> {
    let pictures = gather(options)?;
    let list: String = pictures.iter().map(|p| format!("{}\n", p.path.display())).collect();
    write_text(&options.out.join("pictures.txt"), &list)?;
    let columns = columns(options, &pictures)?;
    if columns.is_empty() {
        eprintln!("eval-detector: {} pictures, no detector to ask", pictures.len());
        return Ok(());
    }
    sheets::write(&options.out, &pictures, &columns, options.seed)?;
    report::write(options, &pictures, &columns)
}

/// All pictures, in the order of the report, measured.
fn gather(options: &Options) -> Result<Vec<Picture>> {
    let mut pictures = vec![];
    if let Some(csv) = &options.scenes {
        let root = options.pictures.as_deref().or(csv.parent()).unwrap_or(Path::new(""));
        pictures.extend(truth::scenes(csv, root)?);
    }
    for clip in &options.clips {
        pictures.extend(truth::clip(clip)?);
    }
    if let Some(csv) = &options.faces {
        let mut rows = faces::read(csv)?;
        rows.retain(|row| options.part.is_none() || row.part == options.part);
        pictures.extend(truth::single_faces(&rows));
        if options.variants > 0 {
            let draw = variants::Draw { count: options.variants, seed: options.seed };
            pictures.extend(variants::write(&rows, &options.out.join("variants"), draw)?);
        }
    }
    ensure!(!pictures.is_empty(), "there is no picture: expected --scenes, --clip or --faces");
    measure::fill(&mut pictures)?;
    Ok(pictures)
}

fn columns(options: &Options, pictures: &[Picture]) -> Result<Vec<Column>> {
    let asked = options
        .detectors
        .iter()
        .map(|choice| answers::ask(choice, pictures).with_context(|| format!("detector {choice}")));
    let read = options.boxes.iter().map(|choice| answers::read(choice, pictures));
    asked.chain(read).collect()
}
