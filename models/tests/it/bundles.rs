//! Every bundle that comes with the project: opens, answers as stored, and runs as it says.

use std::path::{Path, PathBuf};

use models::bundle::Bundle;
use models::estimator::FaceEstimator;
use models::golden;
use models::manifest::{Precision, Role};
use models::session::{Kernel, Operator, Options};

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
fn every_bundle_answers_as_it_did_when_it_was_made_with_every_kernel() {
    for bundle in estimators().iter().filter(|bundle| bundle.file(Role::Golden).is_some()) {
        for kernel in Kernel::available() {
            let options = Options { kernel, threads: 2 };
            let deviation = golden::check(bundle.clone(), &options).unwrap();
            eprintln!("{}, {kernel}: {deviation:?}", bundle.manifest().name);
            assert!(
                deviation.crops > 0 && deviation.age_years_max <= AGE_YEARS_MAX,
                "{deviation:?}"
            );
        }
    }
}

#[test]
fn every_convolution_of_the_compact_bundle_is_a_product_of_integers() {
    let bundle = open("compact");
    assert_eq!(bundle.manifest().estimator.as_ref().unwrap().precision, Precision::Int8);
    assert!(bundle.file(Role::Golden).is_some());
    for kernel in Kernel::available() {
        let options = Options { kernel, ..Options::default() };
        let estimator = FaceEstimator::open(bundle.clone(), &options).unwrap();
        let operators = estimator.session().operators();
        let count = |is: fn(&Operator) -> bool| operators.iter().filter(|o| is(o)).count();
        assert_eq!(count(Operator::is_integer_product), 11, "{kernel}: {operators:?}");
        assert_eq!(count(Operator::is_product), 11, "{kernel}: {operators:?}");
        assert_eq!(count(Operator::is_other_convolution), 0, "{kernel}: {operators:?}");
        let ours = operators.iter().filter(|o| o.op == "IntegerConv").count();
        assert_eq!(ours, if kernel == Kernel::Tract { 0 } else { 11 }, "{kernel}: {operators:?}");
    }
}

#[test]
fn nothing_constant_is_computed_for_each_face() {
    for kernel in Kernel::available().into_iter().filter(|&kernel| kernel != Kernel::Tract) {
        let options = Options { kernel, ..Options::default() };
        let estimator = FaceEstimator::open(open("compact"), &options).unwrap();
        let operators = estimator.session().operators();
        let constant: Vec<_> = operators.iter().filter(|o| o.is_constant).collect();
        assert!(constant.is_empty(), "{kernel}: {constant:?}");
        // What is left besides the products: bytes of the picture, and the logits of two heads.
        let count = |op: &str| operators.iter().filter(|o| o.op == op).count();
        assert_eq!((count("ToPixels"), count("FromPixels")), (1, 2), "{kernel}: {operators:?}");
        let scaling =
            ["Source", "QuantizeLinearI8", "Add", "Cast", "Mul", "OptMulByScalar", "IntoShape"];
        let known =
            |o: &&Operator| o.is_product() || o.op.ends_with("Pixels") || scaling.contains(&&*o.op);
        let other: Vec<_> = operators.iter().filter(|o| !known(o)).collect();
        assert!(other.is_empty(), "{kernel}: {other:?}");
    }
}
