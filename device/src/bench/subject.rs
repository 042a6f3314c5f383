//! What is measured: the whole way of pictures, or a network alone.

use anyhow::{Context, Result};
use models::bundle::Bundle;
use models::estimator::FaceEstimator;
use models::geometry::Rect;
use models::image::RgbView;
use models::picture::{self, Limits};
use models::session::Options;
use models::tensor::Tensor;

use super::ROOT;
use super::clock::{Moment, ms};
use super::memory::Resident;
use super::network::{self, Parts};
use super::report::LeftOut;
use super::stage::{Laps, Stage};
use super::walk::Walk;
use crate::bundles::Shelf;
use crate::cli::ModelArgs;
use crate::cli::bench::BenchArgs;
use crate::display::png::PngFolder;
use crate::pipeline::Pipeline;
use crate::source::files::{self, Entry};

/// NASA's portrait of Eileen Collins, 512 × 512 pixels with one face; where it is from is told beside it.
pub const PORTRAIT: &[u8] = include_bytes!("../../assets/portraits/astronaut.jpg");

/// Where its face is, in pixels, as the embedded detector finds it.
const PORTRAIT_FACE: Rect = Rect { left: 183.0, top: 63.0, width: 84.0, height: 109.0 };

/// What is measured, and the bundle it reads with.
#[derive(Debug)]
pub struct Subject {
    /// The bundle that reads ages and genders.
    pub bundle: Opened,
    /// What finds the faces; `None` where only the network is run.
    pub detector: Option<String>,
    kind: Kind,
}

/// A bundle that was opened, and what that took.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its name.
    pub name: String,
    /// The hash that names this very bundle.
    pub sha256: String,
    /// The size of its files.
    pub bytes: u64,
    /// From the folder's name to the network that is ready to run.
    pub load_ms: f64,
    /// The memory right before and after that; `None` where the machine does not tell.
    pub resident: Option<(Resident, Resident)>,
}

/// A picture file in memory.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) source: String,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug)]
enum Kind {
    Pictures { walk: Box<Walk>, pictures: Vec<Picture> },
    Network { estimator: Box<FaceEstimator>, parts: Parts, input: Tensor },
}

impl Subject {
    /// Opens what the command line asks for. Pictures are read first, so that their bytes are not taken
    /// for the models' memory.
    pub fn open(args: &BenchArgs, options: &Options) -> Result<Self> {
        if args.network {
            return Self::open_network(args, options);
        }
        let pictures = pictures(args)?;
        let screens = args.out.as_deref().map(|dir| PngFolder::create(dir, args.size.0));
        let screens = screens.transpose()?;
        let (estimator, bundle) = open_estimator(&args.models, options)?;
        let (detector, name) =
            Shelf::of(&args.models)?.open_detector(&args.models.detector, options)?;
        let walk = Walk::new(Pipeline::new(detector, estimator), args.size.0, screens);
        let kind = Kind::Pictures { walk: Box::new(walk), pictures };
        Ok(Self { bundle, detector: Some(name), kind })
    }

    fn open_network(args: &BenchArgs, options: &Options) -> Result<Self> {
        let (mut estimator, bundle) = open_estimator(&args.models, options)?;
        let portrait = picture::decode(PORTRAIT, &Limits::default())?;
        let view = RgbView::of(&portrait).context("the portrait has no pixels")?;
        let crop = estimator.crop_spec().cut(&view, &PORTRAIT_FACE, None);
        let input = estimator.parts().0.tensor(&crop);
        let parts = Parts::of(&estimator.session().operators());
        let kind = Kind::Network { estimator: Box::new(estimator), parts, input };
        Ok(Self { bundle, detector: None, kind })
    }

    /// Reads one picture, or runs the network once; `number` says which of the pictures.
    pub fn once(&mut self, number: usize, laps: &mut Laps) -> Result<()> {
        match &mut self.kind {
            Kind::Pictures { walk, pictures } => {
                let picture = &pictures[number % pictures.len()];
                walk.picture(&picture.bytes, laps).with_context(|| picture.source.clone())
            }
            Kind::Network { estimator, parts, input } => {
                let begun = Moment::now();
                network::run(estimator.parts().1, parts, input, laps)?;
                laps.add(Stage::Network, begun, Moment::now());
                Ok(())
            }
        }
    }

    /// The stage whose 90th percentile is the result.
    pub fn headline(&self) -> Stage {
        match self.kind {
            Kind::Pictures { .. } => Stage::EndToEnd,
            Kind::Network { .. } => Stage::Network,
        }
    }

    /// How many different pictures there are.
    pub fn pictures(&self) -> usize {
        match &self.kind {
            Kind::Pictures { pictures, .. } => pictures.len(),
            Kind::Network { .. } => 1,
        }
    }

    /// The stages of which `laps` has no time, and why.
    pub fn left_out(&self, laps: &Laps) -> Vec<LeftOut> {
        let missing = Stage::ALL.into_iter().filter(|&stage| laps.count(stage) == 0);
        let reason = |stage| Some(LeftOut { stage, why: self.reason(stage)?.to_owned() });
        missing.filter_map(reason).collect()
    }

    /// Why `stage` was not measured; `None` for what is no stage of such a run.
    fn reason(&self, stage: Stage) -> Option<&'static str> {
        let (alone, parts) = match &self.kind {
            Kind::Pictures { walk, .. } => (false, walk.parts()),
            Kind::Network { parts, .. } => (true, parts),
        };
        match stage {
            Stage::Trunk | Stage::AgeHead | Stage::GenderHead if !parts.has(stage) => {
                Some("the network has no steps of its own for it")
            }
            _ if alone => Some("only the network was asked for"),
            Stage::Crop | Stage::Trunk | Stage::AgeHead | Stage::GenderHead => {
                Some("no face was found in the pictures")
            }
            Stage::Convert => Some("pictures from files are decoded to RGB at once"),
            Stage::Present => Some("no display was asked for; --out DIR writes PNG files"),
            Stage::Network
            | Stage::Decode
            | Stage::Detect
            | Stage::Answer
            | Stage::Render
            | Stage::EndToEnd => None,
        }
    }
}

/// All pictures, or the portrait where none is named; for a first answer, the first.
pub(super) fn pictures(args: &BenchArgs) -> Result<Vec<Picture>> {
    if args.paths.is_empty() {
        let source = "the portrait in the program".to_owned();
        return Ok(vec![Picture { source, bytes: PORTRAIT.to_vec() }]);
    }
    let entries = args.paths.iter().flat_map(|path| files::expand(path));
    let entries = entries.take(if args.first_answer { 1 } else { usize::MAX });
    let read = |entry: Entry| {
        let source = entry.source();
        Ok(Picture { bytes: entry.read().with_context(|| source.clone())?, source })
    };
    entries.map(read).collect()
}

fn open_estimator(models: &ModelArgs, options: &Options) -> Result<(FaceEstimator, Opened)> {
    let shelf = Shelf::of(models)?;
    let before = Resident::read(ROOT.as_ref());
    let begun = Moment::now();
    let bundle = shelf.open(&models.bundle)?.bundle;
    let (sha256, bytes) = (bundle.sha256().to_owned(), bytes(&bundle));
    let bundle_name = bundle.manifest().name.clone();
    let estimator = FaceEstimator::open(bundle, options).with_context(|| models.bundle.clone())?;
    let load_ms = ms((Moment::now() - begun).wall);
    let resident = before.zip(Resident::read(ROOT.as_ref()));
    let opened = Opened { name: bundle_name, sha256, bytes, load_ms, resident };
    Ok((estimator, opened))
}

/// What the files that the manifest names hold.
fn bytes(bundle: &Bundle) -> u64 {
    bundle.manifest().files.iter().map(|file| file.bytes).sum()
}
