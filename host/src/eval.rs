//! Stage `eval`: a bundle on labelled pictures, exactly as the device would answer.
//!
//! Each picture is decoded, searched and cropped by the same code that the kiosk runs; of the faces
//! found, the one nearest the labelled box counts.

pub mod calibrate;
mod parity;
mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use models::bundle::Bundle;
use models::detect::{self, Detector, Face};
use models::estimator::{Estimate, FaceEstimator, Logits};
use models::geometry::Rect;
use models::image::RgbView;
use models::session;
use rayon::prelude::*;

use crate::budget::{self, Budget};
use crate::faces::{self, FaceRow, Part};
use crate::files::read_picture;
use crate::metrics::{Answer, Outcome};
use crate::predictions::{self, Prediction};
use crate::progress;

/// What to evaluate, and on what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The bundle.
    #[arg(long)]
    bundle: PathBuf,
    /// A second bundle on the same faces, such as the f32 one that an int8 one came from.
    #[arg(long)]
    against: Option<PathBuf>,
    /// faces.csv of labelled pictures.
    #[arg(long)]
    faces: PathBuf,
    /// Only this part of them.
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// `embedded`, or the folder of a detector bundle.
    #[arg(long, default_value = "embedded")]
    detector: String,
    /// What the report calls the set.
    #[arg(long)]
    name: String,
    /// Folder for NAME.json and NAME.md; the table is printed either way.
    #[arg(long)]
    out: Option<PathBuf>,
    /// predictions.csv to write: what the bundle says of each face, for `trainer report`.
    #[arg(long)]
    predictions: Option<PathBuf>,
    /// faces.csv to write: the same labels, with the boxes and landmarks that the detector found in place of
    /// the labelled ones, so that other programs can be asked about the very same faces.
    #[arg(long)]
    found: Option<PathBuf>,
    /// What `kiosk analyze --json` said of the same pictures with the same detector and bundle: fails
    /// where an apparent age differs by more than 0.001 years.
    #[arg(long)]
    kiosk: Option<PathBuf>,
    /// Fails where the bundle answers worse than --against by more than the budget; budget.json and
    /// budget.md join the report.
    #[arg(long, requires = "against")]
    budget: bool,
    #[command(flatten)]
    allowed: Budget,
    /// Writes the scores into the bundle's model.toml and seals it again.
    #[arg(long)]
    write_quality: bool,
}

/// One face, what was said of it by the bundle and by the one it is held against.
struct Answered {
    row: FaceRow,
    /// The face that counts; `None` where none was found.
    found: Option<Face>,
    /// The network's raw answer to it.
    logits: Option<Logits>,
    estimate: Option<Estimate>,
    other: Option<Estimate>,
}

/// Evaluates and reports.
///
/// # Errors
/// A bundle or manifest that cannot be opened; pictures that cannot be read count as not found.
pub fn run(options: &Options) -> Result<()> {
    let mut rows = faces::read(&options.faces)?;
    rows.retain(|row| options.part.is_none() || row.part == options.part);
    ensure!(!rows.is_empty(), "{} holds no face of that part", options.faces.display());
    let bundle = open(&options.bundle)?;
    let against = options.against.as_deref().map(open).transpose()?;
    let (detector_name, answered) =
        answers(rows, &bundle, against.as_ref(), options.detector.as_str())?;
    if let Some(path) = &options.predictions {
        let said = answered.iter().map(|one| Prediction::new(&one.row, one.estimate.as_ref()));
        predictions::write(path, &said.collect::<Vec<_>>())?;
    }
    if let Some(path) = &options.found {
        let found = answered.iter().map(|one| one.row.clone().with_face(one.found.as_ref()));
        faces::write(path, &found.collect::<Vec<_>>())?;
    }
    report::report(options, &bundle, &detector_name, &answered)?;
    if options.budget {
        check_budget(options, &answered)?;
    }
    options.kiosk.as_deref().map_or(Ok(()), |json| parity::check(json, &answered))
}

/// The detector's name, and what the bundles say of each face.
fn answers(
    rows: Vec<FaceRow>,
    bundle: &Bundle,
    against: Option<&Bundle>,
    detector: &str,
) -> Result<(String, Vec<Answered>)> {
    // Opened once here so that a broken bundle is one error and not one a thread.
    let detector =
        if detector == "embedded" { detect::embedded()? } else { open(Path::new(detector))? };
    let new_worker = || Worker::new(bundle, against, &detector);
    let detector_name = new_worker()?.detector.name().to_owned();
    let bar = progress::bar("eval", rows.len() as u64);
    let answered = rows.into_par_iter().map_init(new_worker, |worker, row| {
        bar.inc(1);
        let worker = worker.as_mut().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        Ok(worker.answer(row))
    });
    let answered = answered.collect::<Result<_>>()?;
    bar.finish_and_clear();
    Ok((detector_name, answered))
}

fn check_budget(options: &Options, answered: &[Answered]) -> Result<()> {
    let said = |of: fn(&Answered) -> Option<&Estimate>| -> Vec<Prediction> {
        answered.iter().map(|one| Prediction::new(&one.row, of(one))).collect()
    };
    let (exact, rounded) = (said(|one| one.other.as_ref()), said(|one| one.estimate.as_ref()));
    let cost = budget::cost(&exact, &rounded, &options.allowed)?;
    budget::report(&cost, options.out.as_deref())
}

fn open(folder: &Path) -> Result<Bundle> {
    Bundle::open(folder).with_context(|| format!("opening the bundle {}", folder.display()))
}

/// What one thread needs.
struct Worker {
    detector: Box<dyn Detector>,
    estimator: FaceEstimator,
    other: Option<FaceEstimator>,
}

impl Worker {
    fn new(bundle: &Bundle, against: Option<&Bundle>, detector: &Bundle) -> Result<Self> {
        let options = session::Options::default();
        let detector = detect::open(detector.clone(), &options)?;
        let other = against.map(|bundle| FaceEstimator::open(bundle.clone(), &options));
        let other = other.transpose()?;
        Ok(Self { detector, estimator: FaceEstimator::open(bundle.clone(), &options)?, other })
    }

    fn answer(&mut self, row: FaceRow) -> Answered {
        let mut answered = Answered { row, found: None, logits: None, estimate: None, other: None };
        if let Err(error) = self.fill(&mut answered) {
            eprintln!("{}: {error:#}", answered.row.path.display());
        }
        answered
    }

    fn fill(&mut self, answered: &mut Answered) -> Result<()> {
        let picture = read_picture(&answered.row.path)?;
        let view = RgbView::of(&picture).context("the picture is empty")?;
        let found = detect::find_faces(self.detector.as_mut(), &view)?;
        let Some(face) = nearest(&found, answered.row.bounds(), |face| face.bounds) else {
            return Ok(());
        };
        answered.found = Some(face.clone());
        let logits = self.estimator.face_logits(&view, face)?;
        answered.estimate = Some(self.estimator.decode(&logits).context("a logit is no number")?);
        answered.logits = Some(logits);
        answered.other = self.other.as_mut().map(|o| o.estimate(&view, face)).transpose()?;
        Ok(())
    }
}

/// The face whose centre is nearest that of `target`; without one, the first face.
fn nearest<T>(faces: &[T], target: Option<Rect>, bounds: impl Fn(&T) -> Rect) -> Option<&T> {
    let Some(target) = target.map(|target| target.center()) else {
        return faces.first();
    };
    let distance = |face: &T| {
        let center = bounds(face).center();
        (center.x - target.x).hypot(center.y - target.y)
    };
    faces.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

impl Answered {
    fn answer(&self) -> Option<Answer> {
        self.estimate.as_ref().map(|estimate| Answer::new(estimate, self.row.age()))
    }

    fn other(&self) -> Option<Answer> {
        self.other.as_ref().map(|estimate| Answer::new(estimate, self.row.age()))
    }

    fn outcome(&self) -> Outcome {
        let jury = self.row.apparent_mean.zip(self.row.apparent_std);
        Outcome { age: self.row.age(), gender: self.row.gender, jury, answer: self.answer() }
    }

    fn other_outcome(&self) -> Outcome {
        Outcome { answer: self.other(), ..self.outcome() }
    }
}
