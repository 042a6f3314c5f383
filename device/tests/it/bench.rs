//! `kiosk bench` and `kiosk bench-diff`: what is measured, said and refused. No time itself is tested.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::kiosk::{Run, kiosk, portrait, run};

/// A short run whose JSON goes into `json`.
fn bench(json: &Path, options: &[&str]) -> Run {
    let args = ["bench", "--detector=embedded", "--count=2", "--warm-up=1", "--json"];
    let args = args.iter().map(AsRef::as_ref).chain([json.as_os_str()]);
    kiosk(args.chain(options.iter().map(AsRef::as_ref)))
}

fn result(json: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect()
}

#[test]
fn without_pictures_the_portrait_in_the_program_is_measured_stage_by_stage() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("a.json");
    let run = bench(&json, &[]);
    assert_eq!((run.status, run.err.as_str()), (Some(0), ""));
    let result = result(&json);
    let heads = ["age_head", "gender_head", "answer", "render", "end_to_end"];
    let expected = [&["decode", "detect", "crop", "trunk"], &heads[..]].concat();
    assert_eq!(names(&result["stages"]), expected);
    let p50 = |at: usize| result["stages"][at]["wall"]["p50_ms"].as_f64().unwrap();
    assert!(p50(6) > p50(1) && p50(6) < p50(8), "detect < answer < end to end: {result}");
    assert_eq!(names(&result["left_out"]), ["convert", "present"]);
    for stage in result["stages"].as_array().unwrap() {
        for clock in ["wall", "cpu"] {
            assert_eq!(stage[clock]["count"], 2, "{stage}");
        }
        let wall = |name: &str| stage["wall"][name].as_f64().unwrap();
        assert!(wall("min_ms") <= wall("p50_ms") && wall("p90_ms") <= wall("max_ms"), "{stage}");
    }
    assert_eq!(result["models"]["bundle"], "compact");
    assert_eq!(result["models"]["bundle_sha256"].as_str().unwrap().len(), 64);
    assert!(result["start"]["cold_ms"].as_f64() > result["start"]["load_ms"].as_f64(), "{result}");
    assert!(result["memory"]["peak_bytes"].as_u64() > result["models"]["bundle_bytes"].as_u64());
    assert!(run.out.contains("\nleft out  convert: "), "{}", run.out);
    assert!(
        run.out.lines().last().unwrap().starts_with("result    p90 end to end "),
        "{}",
        run.out
    );
}

#[test]
fn a_figure_that_rests_on_too_little_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let run = bench(&dir.path().join("a.json"), &[]);
    assert!(run.out.contains("DOUBT     only 2 times were measured"), "{}", run.out);
    assert!(run.out.trim_end().ends_with("not to be trusted"), "{}", run.out);
}

#[test]
fn a_network_alone_is_measured_without_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("a.json");
    assert_eq!(bench(&json, &["--network"]).status, Some(0));
    let result = result(&json);
    assert_eq!(names(&result["stages"]), ["trunk", "age_head", "gender_head", "network"]);
    assert_eq!(result["headline"], "network");
    assert!(result["models"]["detector"].is_null(), "{result}");
}

#[test]
fn finding_the_kernel_is_not_taken_for_memory_before_the_load() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("a.json");
    let before_load_bytes = || {
        let args = ["bench", "--network", "--count=1", "--json"].map(AsRef::as_ref);
        assert_eq!(run(dir.path(), args.into_iter().chain([json.as_os_str()])).status, Some(0));
        result(&json)["memory"]["before_load_bytes"].as_f64().unwrap()
    };
    let (first, second) = (before_load_bytes(), before_load_bytes());
    // A probe leaves more than twice as much behind.
    assert!(first < 1.3 * second, "{first} bytes where it was found, {second} where it was kept");
}

#[test]
fn screens_are_the_stage_present_where_they_go_somewhere() {
    let dir = tempfile::tempdir().unwrap();
    let (json, out) = (dir.path().join("a.json"), dir.path().join("screens"));
    let paths = [portrait("astronaut.jpg"), portrait("group.jpg")];
    let paths = paths.iter().map(|path| path.to_str().unwrap());
    let options = ["--size=480x320", "--out", out.to_str().unwrap()];
    let options: Vec<_> = options.into_iter().chain(paths).collect();
    assert_eq!(bench(&json, &options).status, Some(0));
    let result = result(&json);
    assert!(names(&result["stages"]).contains(&"present"), "{result}");
    assert_eq!((&result["run"]["pictures"], &result["run"]["count"]), (&2.into(), &2.into()));
    let trunk = &result["stages"].as_array().unwrap()[3];
    assert_eq!((&trunk["stage"], &trunk["wall"]["count"]), (&"trunk".into(), &5.into()), "faces");
    assert_eq!(image::open(out.join("bench.png")).unwrap().width(), 480);
}

#[test]
fn where_nobody_is_in_the_picture_the_network_is_left_out_and_not_zero() {
    let dir = tempfile::tempdir().unwrap();
    let (json, picture) = (dir.path().join("a.json"), dir.path().join("grey.png"));
    image::RgbImage::from_pixel(64, 64, image::Rgb([90; 3])).save(&picture).unwrap();
    assert_eq!(bench(&json, &[picture.to_str().unwrap()]).status, Some(0));
    let result = result(&json);
    assert_eq!(names(&result["stages"]), ["decode", "detect", "answer", "render", "end_to_end"]);
    let expected = ["convert", "crop", "trunk", "age_head", "gender_head", "present"];
    assert_eq!(names(&result["left_out"]), expected);
    assert_eq!(result["left_out"][1]["why"], "no face was found in the pictures");
}

#[test]
fn a_run_ends_after_its_time_with_one_picture_at_least() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("a.json");
    let options = ["bench", "--network", "--duration=0.001", "--warm-up=0", "--json"];
    let options = options.iter().map(AsRef::as_ref).chain([json.as_os_str()]);
    assert_eq!(kiosk(options).status, Some(0));
    assert!(result(&json)["run"]["count"].as_u64().unwrap() >= 1);
}

#[test]
fn a_limit_that_is_not_kept_fails_naming_both_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("a.json");
    let run = bench(&json, &["--network", "--assert-p90-ms=0.0001"]);
    assert_eq!(run.status, Some(1));
    let p90 = result(&json)["stages"][3]["wall"]["p90_ms"].as_f64().unwrap();
    let expected = format!("the p90 network is {p90:.3} ms, expected at most 0.0001 ms");
    assert!(run.err.contains(&expected), "{}", run.err);
    assert_eq!(bench(&json, &["--network", "--assert-p90-ms=1e9"]).status, Some(0));
}

#[test]
fn a_picture_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let run = bench(&dir.path().join("a.json"), &["missing.jpg"]);
    assert_eq!(run.status, Some(1));
    assert_eq!(run.err, "kiosk: missing.jpg: no such file or folder\n");
    let broken = dir.path().join("broken.jpg");
    fs::write(&broken, "no picture").unwrap();
    let run = bench(&dir.path().join("a.json"), &[broken.to_str().unwrap()]);
    assert_eq!(run.status, Some(1));
    assert!(run.err.contains("broken.jpg: expected a JPEG"), "{}", run.err);
    assert!(!dir.path().join("a.json").exists());
}

#[test]
fn two_results_are_compared_and_other_files_refused_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let [a, broken] = ["a.json", "broken.json"].map(|name| dir.path().join(name));
    assert_eq!(bench(&a, &["--network"]).status, Some(0));
    let diff = |a: &Path, b: &Path| kiosk(["bench-diff".as_ref(), a.as_os_str(), b.as_os_str()]);
    let run = diff(&a, &a);
    assert_eq!((run.status, run.err.as_str()), (Some(0), ""));
    assert!(run.out.contains("network") && run.out.contains("within the spread"), "{}", run.out);
    fs::write(&broken, "{}").unwrap();
    for (file, reason) in
        [(&broken, "broken.json is no result of kiosk bench"), (&dir.path().join("none"), "none")]
    {
        let run = diff(&a, file);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""));
        assert!(run.err.contains(reason), "{}", run.err);
    }
}

#[test]
fn the_cost_without_the_network_is_a_share_of_one_core() {
    let bench = |options: &[&str]| {
        let args = ["bench", "--no-estimate", "--detector=embedded", "--count=4", "--warm-up=0"];
        kiosk(args.iter().chain(options))
    };
    let run = bench(&[]);
    assert_eq!((run.status, run.err.as_str()), (Some(0), ""));
    let begins = |name: &str| run.out.lines().filter(|line| line.starts_with(name)).count();
    for stage in ["decode ", "detect ", "render ", "present ", "end to end ", "frames "] {
        assert_eq!(begins(stage), 1, "{stage}: {}", run.out);
    }
    let last = run.out.lines().last().unwrap();
    assert!(last.starts_with("result ") && last.contains(" % of one core at 30 fps"), "{last}");
    let run = bench(&["--assert-core-percent=0.001"]);
    assert_eq!(run.status, Some(1));
    assert!(run.err.contains("expected at most 0.001 %"), "{}", run.err);
    assert_eq!(bench(&["--json", "a.json"]).status, Some(2));
}
