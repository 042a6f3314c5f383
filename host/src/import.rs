//! Stage `import`: an age net and a gender net that Keras trained → one verified int8 bundle.
//!
//! Each file holds a whole VGG-Face with 101 or 2 classes, as the seed's author publishes them: 13
//! convolutions, then fc6, fc7 and the classes, as convolutions or dense layers. Where the convolutions of
//! both are the same numbers, the bundle runs them once.
//!
//! Faces are cut out square, as everywhere here; the seed stretched its pictures to a square, and no crop
//! of ours does.

mod join;
#[cfg(test)]
mod keras;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::RgbImage;
use models::crop::CropSpec;
use models::estimator::{FaceEstimator, Logits};
use models::manifest::Precision;
use models::session;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::convert::{self, Colours, Triple};
use crate::crops::{Finder, first_face};
use crate::make::{self, Made, Target};
use crate::net::{self, Net, Task};
use crate::quantize::Settings;
use crate::verify::{self, HEADER, Tolerance};
use crate::weights::Weights;
use crate::{contract, export, files, onnx, out};
pub use join::Genders;

/// One crop in so many is not calibrated with, but compared.
const HELD_BACK: usize = 5;
/// Pictures searched for faces at once.
const BATCH: usize = 64;

/// Which nets, how they were fed, and what becomes of them.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Keras's .h5 of the age net: 101 classes, one a year from 0.
    #[arg(long)]
    pub age: PathBuf,
    /// Keras's .h5 of the gender net.
    #[arg(long)]
    pub gender: PathBuf,
    /// The order of its two classes.
    #[arg(long, value_enum, default_value_t = Genders::FemaleMale)]
    pub genders: Genders,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own help")]
    pub colours: Colours,
    /// What was subtracted first, from values of 0 to 255, in that order.
    #[arg(long, default_value = "0", allow_hyphen_values = true)]
    pub mean: Triple,
    /// How much of the surroundings the nets were taught to see: so many box sides on each side of the face
    /// box; 0.4 for nets trained on IMDB-WIKI's crops, 0 for the bare face.
    #[arg(long, value_parser = margin)]
    pub margin: f32,
    /// Folder of pictures of faces: most to calibrate, one in five to compare int8 with f32.
    #[arg(long)]
    pub calibrate: PathBuf,
    /// How many of them.
    #[arg(long, default_value_t = 160)]
    pub pictures: usize,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own help")]
    pub settings: Settings,
    /// Where the f32 bundle is written too.
    #[arg(long)]
    pub f32: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it as the command's own help")]
    pub target: Target,
}

fn margin(text: &str) -> Result<f32> {
    let margin: f32 = text.parse().with_context(|| format!("{text:?} is no number"))?;
    ensure!((0.0..=2.0).contains(&margin), "{text}, expected 0 to 2");
    Ok(margin)
}

/// Imports a pair of VGG-Face nets.
///
/// # Errors
/// Files that are no such nets, no faces in the folder, int8 too far from f32, or the file system.
pub fn run(options: &Options) -> Result<()> {
    import(&net::vgg_face(), options)
}

fn import(net: &Net, options: &Options) -> Result<()> {
    let crop = contract::crop_with_margin(u32::try_from(net.input_px)?, options.margin);
    let (calibrating, compared) = faces(options, &crop)?;
    let (net, weights) = nets(net, options)?;
    let target = Target { data: Some(origin(options)?), ..options.target.clone() };
    let made = |precision, graph| -> Result<Made> {
        let mut estimator = export::estimator_spec(&net, weights.input.clone(), precision)?;
        estimator.crop = crop.clone();
        Ok(Made { estimator, graph })
    };

    let exact = made(Precision::F32, onnx::export_f32(&net, &weights)?)?;
    let expected = answers(&exact, &compared)?;
    if let Some(folder) = &options.f32 {
        make::write_bundle(&exact, &Target { out: folder.clone(), ..target.clone() })?;
    }
    drop(exact);
    let int8 = make::to_int8(&net, &weights, &calibrating, options.settings)?;
    let int8 = made(Precision::Int8, onnx::export_int8(&net, &int8.quantized)?)?;
    let deviation = verify::compare(&expected, &answers(&int8, &compared)?)?;
    out::print(&format!("int8 against f32:\n\n{HEADER}\n{deviation}"))?;
    deviation.within(&Tolerance::INT8).context("int8 is too far from f32")?;
    make::write_bundle(&int8, &target)
}

/// The two nets as one, and its weights.
fn nets(net: &Net, options: &Options) -> Result<(Net, Weights)> {
    let read = |path: &Path, task| -> Result<Weights> {
        let mut weights = convert::whole(path, &net.clone().only(task))?;
        weights.input = options.colours.input(options.mean);
        Ok(weights)
    };
    let age = read(&options.age, Task::Age)?;
    let gender = join::in_our_order(read(&options.gender, Task::Gender)?, options.genders)?;
    let (net, weights) = join::joined(net, age, gender)?;
    eprintln!(
        "import: {}",
        if net.trunk.is_empty() {
            "the convolutions differ: a trunk each, and about twice the work"
        } else {
            "the convolutions are the same: one trunk"
        }
    );
    Ok((net, weights))
}

/// What the bundle says it was made from.
fn origin(options: &Options) -> Result<String> {
    if let Some(data) = &options.target.data {
        return Ok(data.clone());
    }
    let name = |path: &Path| -> Result<String> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(format!("{name} (sha256 {})", files::sha256_of(path)?))
    };
    Ok(format!("unknown; imported from {} and {}", name(&options.age)?, name(&options.gender)?))
}

/// Crops to calibrate with, and others to compare; the same for both where they are few.
fn faces(options: &Options, crop: &CropSpec) -> Result<(Vec<RgbImage>, Vec<RgbImage>)> {
    let found = find_faces(&options.calibrate, options.pictures, crop)?;
    ensure!(!found.is_empty(), "no faces found in {}", options.calibrate.display());
    if found.len() < HELD_BACK {
        return Ok((found.clone(), found));
    }
    let (mut calibrating, mut compared) = (vec![], vec![]);
    for (at, crop) in found.into_iter().enumerate() {
        if at % HELD_BACK == 0 { compared.push(crop) } else { calibrating.push(crop) }
    }
    Ok((calibrating, compared))
}

/// Up to `most` faces of pictures in a folder, drawn with a fixed seed, one a picture.
fn find_faces(folder: &Path, most: usize, crop: &CropSpec) -> Result<Vec<RgbImage>> {
    let mut paths = files::pictures_under(folder)?;
    paths.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
    let mut faces = vec![];
    for batch in paths.chunks(BATCH) {
        let cut = batch
            .par_iter()
            .map_init(Finder::default, |finder, path| first_face(path, crop, finder));
        let cut: Vec<_> = cut.collect();
        for (path, cut) in batch.iter().zip(cut) {
            match cut {
                Ok(face) => faces.push(face),
                Err(error) => eprintln!("skipped {}: {error:#}", path.display()),
            }
        }
        if faces.len() >= most {
            break;
        }
    }
    faces.truncate(most);
    eprintln!("import: {} faces of {} pictures", faces.len(), paths.len());
    Ok(faces)
}

fn answers(made: &Made, crops: &[RgbImage]) -> Result<Vec<Logits>> {
    let mut estimator =
        FaceEstimator::new(&made.estimator, made.graph.clone(), &session::Options::default())?;
    crops.iter().map(|crop| Ok(estimator.logits(crop)?)).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use models::bundle::Bundle;
    use models::manifest::ChannelOrder;

    use super::*;
    use keras::{Keras, softmax};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(folder: &Path, more: &str) -> Options {
        let portraits = concat!(env!("CARGO_MANIFEST_DIR"), "/../device/assets/portraits");
        let path = |name: &str| folder.join(name).display().to_string();
        let line = format!(
            "import --age {} --gender {} --calibrate {portraits} --out {} --f32 {} {more}",
            path("age.h5"),
            path("gender.h5"),
            path("int8"),
            path("f32")
        );
        Line::try_parse_from(line.split_whitespace()).unwrap().options
    }

    const READS: &str = "--order bgr --mean 104,117,124 --scale 1/64 --margin 0.4";

    /// Imports a pair, and holds the f32 bundle against Keras's own arithmetic on each portrait.
    fn check(age: &Keras, gender: &Keras, genders: [usize; 2]) -> Net {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("age.h5"), age.file()).unwrap();
        std::fs::write(folder.path().join("gender.h5"), gender.file()).unwrap();
        let order = if genders == [0, 1] { "female,male" } else { "male,female" };
        let options = options(folder.path(), &format!("{READS} --genders {order}"));
        import(&keras::net(), &options).unwrap();

        let bundle = Bundle::open(&folder.path().join("f32")).unwrap();
        let spec = bundle.manifest().estimator.clone().unwrap();
        assert_eq!((spec.crop.box_scale, spec.input.order), (1.8, ChannelOrder::Bgr));
        assert!(bundle.manifest().provenance.data.starts_with("unknown; imported from age.h5"));
        let mut estimator = FaceEstimator::open(bundle, &session::Options::default()).unwrap();
        let crops = find_faces(&options.calibrate, 9, &spec.crop).unwrap();
        assert_eq!(crops.len(), 3);
        for crop in crops {
            let found = estimator.logits(&crop).unwrap();
            let [years, classes] = [age, gender].map(|net| net.logits(&crop, &spec.input));
            let theirs = [years, genders.map(|class| classes[class]).to_vec()];
            for (ours, theirs) in [&found.age[..], &found.gender[..]].into_iter().zip(theirs) {
                keras::close(ours, &theirs, 1e-4);
                keras::close(&softmax(ours), &softmax(&theirs), 1e-5);
            }
        }
        Bundle::open(&folder.path().join("int8")).unwrap();
        nets(&keras::net(), &options).unwrap().0
    }

    #[test]
    fn a_pair_with_the_same_convolutions_computes_what_keras_does_with_one_trunk() {
        let net = check(&Keras::new(1, 2, 101), &Keras::new(1, 3, 2), [0, 1]);
        assert_eq!(net, keras::net());
    }

    #[test]
    fn a_pair_with_other_convolutions_keeps_two_trunks_and_genders_are_put_in_order() {
        let net = check(&Keras::new(1, 2, 101), &Keras::new(4, 3, 2), [1, 0]);
        assert!(net.trunk.is_empty());
        assert_eq!(net.layers().filter_map(crate::net::Layer::weighted).count(), 12);
    }

    #[test]
    fn what_is_no_such_pair_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("age.h5"), Keras::new(1, 2, 101).file()).unwrap();
        std::fs::write(folder.path().join("gender.h5"), Keras::new(1, 2, 101).file()).unwrap();
        let options = options(folder.path(), READS);
        let error = format!("{:#}", import(&keras::net(), &options).unwrap_err());
        assert!(error.contains("is [1, 1, 12, 101], expected gender [1, 1, 12, 2]"), "{error}");
        let nobody = Options { calibrate: folder.path().into(), ..options };
        let error = import(&keras::net(), &nobody).unwrap_err().to_string();
        assert!(error.starts_with("no faces found in "), "{error}");
    }

    #[test]
    fn what_no_file_tells_must_be_said() {
        let line = "import --age a --gender g --calibrate d --out o";
        for missing in ["--order", "--scale", "--margin"] {
            let said: Vec<String> = [("--order", "rgb"), ("--scale", "1"), ("--margin", "0")]
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            let line = format!("{line} {}", said.join(" "));
            let error = Line::try_parse_from(line.split_whitespace()).err().unwrap();
            assert!(error.to_string().contains(missing), "{error}");
        }
        assert!(margin("2.1").is_err() && margin("nan").is_err() && margin("0.4").is_ok());
    }
}
