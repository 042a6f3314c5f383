//! Faces of the fake-camera clips, followed as `kiosk run` does it, with the real networks.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use device::bundles::Shelf;
use device::follow::settings::FollowSettings;
use device::follow::{Follower, Reader};
use device::frame::Frame;
use device::source::files::{self, Entry};
use image::RgbImage;
use models::detect::{Detector, Face};
use models::estimator::FaceEstimator;
use models::geometry::Rect;
use models::image::RgbView;
use models::session::Options;

use crate::kiosk::{data, install_yunet};

/// A camera's rate.
const FPS: u32 = 30;

/// So long a clip is played, to and fro.
const PLAYED_FRAMES: usize = 300;

/// A raw estimate belongs to the followed face whose box it overlaps at least this much.
const IOU_MIN: f32 = 0.5;

/// The ages of one face, in years.
#[derive(Default)]
struct Ages {
    /// As the network sees each frame alone.
    raw: Vec<f32>,
    /// As the screen shows them.
    shown: Vec<f32>,
}

struct Networks {
    detector: Box<dyn Detector>,
    estimator: FaceEstimator,
}

impl Networks {
    fn open(yunet: &Path) -> Self {
        let (shelf, options) = (Shelf::of_machine().unwrap(), Options::default());
        let (detector, _) = shelf.open_detector(yunet.to_str().unwrap(), &options).unwrap();
        let compact = shelf.open("compact").unwrap().bundle;
        Self { detector, estimator: FaceEstimator::open(compact, &options).unwrap() }
    }

    /// Every face of a frame, with the age that the network gives it.
    fn raw(&mut self, picture: &RgbView) -> Vec<(Rect, f32)> {
        let faces = self.detector.detect(picture).unwrap();
        let mut age = |face: &Face| self.estimator.estimate(picture, face).unwrap().age;
        faces.iter().map(|face| (face.bounds, age(face).expected_years())).collect()
    }
}

fn frames(clip: &Path) -> Vec<RgbImage> {
    let decode = |entry: &Entry| {
        let bytes = files::read(Path::new(&entry.source())).unwrap();
        models::picture::decode(&bytes, &models::picture::Limits::default()).unwrap()
    };
    files::expand(clip).iter().map(decode).collect()
}

/// Follows the faces of a clip; their ages by number.
fn follow(clip: &Path, yunet: &Path) -> BTreeMap<u32, Ages> {
    let mut alone = Networks::open(yunet);
    let pictures = frames(clip);
    let raw: Vec<_> = pictures.iter().map(|p| alone.raw(&RgbView::of(p).unwrap())).collect();
    let Networks { detector, estimator } = alone;
    let reader = Reader::from(estimator);
    let mut follower = Follower::new(detector, Some(reader), &FollowSettings::default());
    let to_and_fro = (0..pictures.len()).chain((1..pictures.len() - 1).rev()).cycle();
    let (begun, mut faces) = (Instant::now(), BTreeMap::<u32, Ages>::new());
    for (number, idx) in (1..).zip(to_and_fro).take(PLAYED_FRAMES) {
        let captured = begun + Duration::from_secs(1) * number / FPS;
        let frame = Frame { picture: pictures[idx].clone(), number: u64::from(number), captured };
        for followed in follower.step(&frame).unwrap().people {
            let person = followed.person;
            let ages = faces.entry(person.number).or_default();
            let own = raw[idx].iter().find(|(bounds, _)| bounds.iou(&person.bounds) >= IOU_MIN);
            ages.raw.extend(own.map(|(_, years)| years));
            ages.shown.extend(person.reading.map(|reading| f32::from(reading.years)));
        }
    }
    faces
}

fn std(values: &[f32]) -> f32 {
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt()
}

#[test]
fn a_shown_age_moves_at_most_a_third_as_much_as_the_raw_one() {
    let Some(clips) = data("test/clips") else { return };
    let Some(weights) = data("models/detect") else { return };
    let dir = tempfile::tempdir().unwrap();
    install_yunet(&weights.join("yunet_s_320_320.onnx"), dir.path());
    for (clip, people) in [
        ("face-demographics-walking-and-pause_mjpeg", 3),
        ("head-pose-face-detection-female-and-male_mjpeg", 2),
    ] {
        let faces = follow(&clips.join(clip), &dir.path().join("yunet"));
        assert_eq!(faces.len(), people, "{clip}: faces followed");
        for (number, ages) in faces {
            let (raw, shown) = (std(&ages.raw), std(&ages.shown));
            let counts = (ages.raw.len(), ages.shown.len());
            println!(
                "{clip}, face {number}: raw {raw:.2}, shown {shown:.2} years, {counts:?} times"
            );
            assert!(counts.1 > PLAYED_FRAMES * 4 / 5, "{clip}, face {number}: {counts:?}");
            assert!(shown <= raw / 3.0, "{clip}, face {number}: {:?}", ages.shown);
        }
    }
}
