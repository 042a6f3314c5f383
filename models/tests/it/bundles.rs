//! Every bundle that comes with the project: opens, answers as stored, and runs as it says.

use std::path::{Path, PathBuf};

use models::bundle::Bundle;
use models::estimator::FaceEstimator;
use models::golden;
use models::manifest::{Precision, Role};
use models::session::{Operator, Options};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bundles")
}

fn open(name: &str) -> Bundle {
    Bundle::open(&root().join(name)).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"))
}

fn estimators() -> Vec<Bundle> {
    let root = root();
    let folders = root.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path());
    let hidden = |dir: &Path| dir.file_name().unwrap().to_string_lossy().starts_with('.');
    let bundles = folders
        .filter(|dir| dir.is_dir() && !hidden(dir))
        .map(|dir| Bundle::open(&dir).unwrap_or_else(|refusal| panic!("{refusal:?}")));
    let estimators: Vec<Bundle> =
        bundles.filter(|bundle| bundle.manifest().estimator.is_some()).collect();
    assert!(!estimators.is_empty(), "no estimator in {}", root.display());
    estimators
}

/// Integer sums are the same everywhere; only the last logits may differ by rounding.
const AGE_YEARS_MAX: f32 = 0.05;

#[test]
fn every_bundle_answers_as_it_did_when_it_was_made() {
    for bundle in estimators().iter().filter(|bundle| bundle.file(Role::Golden).is_some()) {
        let deviation = golden::check(bundle.clone(), &Options::default()).unwrap();
        eprintln!("{}: {deviation:?}", bundle.manifest().name);
        assert!(deviation.crops > 0 && deviation.age_years_max <= AGE_YEARS_MAX, "{deviation:?}");
    }
}

#[test]
fn every_convolution_of_the_compact_bundle_is_a_product_of_integers() {
    let bundle = open("compact");
    assert_eq!(bundle.manifest().estimator.as_ref().unwrap().precision, Precision::Int8);
    assert!(bundle.file(Role::Golden).is_some());
    let operators = FaceEstimator::open(bundle, &Options::default()).unwrap().session().operators();
    let count = |is: fn(&Operator) -> bool| operators.iter().filter(|o| is(o)).count();
    assert_eq!(count(Operator::is_integer_product), 11, "{operators:?}");
    assert_eq!(count(Operator::is_product), 11, "{operators:?}");
    assert_eq!(count(Operator::is_other_convolution), 0, "{operators:?}");
}
