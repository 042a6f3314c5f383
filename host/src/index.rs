//! Stage `index`: a data set's own manifest → `faces.csv`.
//!
//! Nothing is judged here: what a manifest says is written down, also where it cannot be true; `clean`
//! drops that, and counts it.

mod fairface;
mod imdb_wiki;
mod plain;
mod utkface;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use crate::faces::FaceRow;
use crate::files::write_atomic;

/// What to read, and where to write it.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own help")]
    pub manifest: Manifest,
    /// The folder that the manifest's paths are relative to; without it, the manifest's own.
    #[arg(long)]
    pub root: Option<PathBuf>,
    /// faces.csv to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Megabytes that --mat may inflate to: a small file can claim to be endless. IMDB's takes 300.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub mat_max_mb: u64,
}

/// Which data set: one of them.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Manifest {
    /// A plain CSV: columns path, age or age_lo and age_hi, gender (M or F), race, subject, source, part,
    /// apparent_mean, apparent_std, x1 … y2, leye_x … rmouth_y; all but path may be missing.
    #[arg(long)]
    pub csv: Option<PathBuf>,
    /// IMDB-WIKI's wiki.mat or imdb.mat; continue with `trainer clean`.
    #[arg(long)]
    pub mat: Option<PathBuf>,
    /// A folder of pictures called AGE_GENDER_RACE_DATE.jpg, as UTKFace's are, and its sub-folders.
    #[arg(long)]
    pub utkface: Option<PathBuf>,
    /// FairFace's fairface_label_train.csv or fairface_label_val.csv.
    #[arg(long)]
    pub fairface: Option<PathBuf>,
}

/// Reads the manifest and writes `faces.csv`, row by row.
///
/// # Errors
/// The file, and line or row, of the first entry that cannot be read; no picture where they should be.
pub fn run(options: &Options) -> Result<()> {
    let mut count = Count::default();
    write_atomic(&options.out, |file| {
        let mut writer = csv::Writer::from_writer(file);
        read(options, &mut |row| {
            count.add(&row);
            Ok(writer.serialize(row)?)
        })?;
        count.check()?;
        Ok(writer.flush()?)
    })?;
    eprintln!(
        "index: {} faces, {} without their picture → {}",
        count.rows,
        count.missing,
        options.out.display()
    );
    Ok(())
}

fn read(options: &Options, take: Take<'_>) -> Result<()> {
    let root = |manifest: &Path| match &options.root {
        Some(root) => root.clone(),
        None => manifest.parent().unwrap_or(Path::new("")).to_owned(),
    };
    let Manifest { csv, mat, fairface, utkface } = &options.manifest;
    match (csv, mat, fairface, utkface) {
        (Some(manifest), ..) => plain::read(manifest, &root(manifest), take),
        (_, Some(manifest), ..) => {
            let limit = options.mat_max_mb * 1_000_000;
            imdb_wiki::read(manifest, &root(manifest), limit, take)
        }
        (_, _, Some(manifest), _) => fairface::read(manifest, &root(manifest), take),
        (.., Some(folder)) => utkface::read(folder, take),
        _ => bail!("one of --csv, --mat, --fairface and --utkface is needed"),
    }
}

/// Takes a row of `faces.csv`.
type Take<'a> = &'a mut dyn FnMut(FaceRow) -> Result<()>;

#[derive(Default)]
struct Count {
    rows: usize,
    missing: usize,
    first: PathBuf,
}

impl Count {
    fn add(&mut self, row: &FaceRow) {
        self.rows += 1;
        self.missing += usize::from(!row.path.is_file());
        if self.rows == 1 {
            self.first.clone_from(&row.path);
        }
    }

    fn check(&self) -> Result<()> {
        ensure!(self.rows > 0, "the manifest lists no faces");
        ensure!(
            self.missing < self.rows,
            "none of the {} pictures is where it should be, such as {}: is --root right?",
            self.rows,
            self.first.display()
        );
        Ok(())
    }
}
