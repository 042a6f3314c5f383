//! `kiosk analyze` on pictures with faces.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::kiosk::{analyze, kiosk, portrait};

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn faces(line: &Value) -> &Vec<Value> {
    line["faces"].as_array().unwrap_or_else(|| panic!("no faces in {line}"))
}

#[test]
fn a_portrait_has_one_face_and_its_line_the_documented_keys() {
    let run = analyze([portrait("astronaut.jpg")]);
    assert_eq!((run.status, run.err.as_str()), (Some(0), ""));
    let [line] = run.lines().try_into().unwrap();
    assert_eq!(keys(&line), ["faces", "height_px", "source", "timing_ms", "width_px"]);
    assert_eq!(keys(&line["timing_ms"]), ["decode", "detect", "estimate"]);
    assert_eq!(line["width_px"], 512);
    let [face] = faces(&line).as_slice() else { panic!("{line}") };
    let expected = [
        "age_std_years",
        "apparent_age_years",
        "box_px",
        "dominant_age_years",
        "gender",
        "landmarks_px",
        "score",
    ];
    assert_eq!(keys(face), expected);
    let gender = &face["gender"];
    assert_eq!(keys(gender), ["female", "label", "male"]);
    let sum = gender["female"].as_f64().unwrap() + gender["male"].as_f64().unwrap();
    assert!((sum - 1.0).abs() < 1e-5, "{gender}");
}

#[test]
fn the_distribution_has_101_probabilities_that_sum_to_one() {
    let run = analyze(["--distribution".as_ref(), portrait("astronaut.jpg").as_os_str()]);
    let lines = run.lines();
    let face = &faces(&lines[0])[0];
    let probs: Vec<_> =
        face["age_probs"].as_array().unwrap().iter().flat_map(Value::as_f64).collect();
    assert_eq!(probs.len(), 101);
    assert!((probs.iter().sum::<f64>() - 1.0).abs() < 1e-4);
    let mean: f64 = probs.iter().zip(0u8..).map(|(p, year)| p * f64::from(year)).sum();
    assert!((mean - face["apparent_age_years"].as_f64().unwrap()).abs() < 1e-3);
}

#[test]
fn the_group_picture_has_its_four_faces_the_largest_first() {
    let run = analyze([portrait("group.jpg")]);
    let line = &run.lines()[0];
    let widths: Vec<_> =
        faces(line).iter().map(|face| face["box_px"][2].as_f64().unwrap()).collect();
    assert_eq!(widths.len(), 4, "{line}");
    assert!(widths.is_sorted_by(|a, b| a >= b), "{widths:?}");
}

#[test]
fn screens_are_written_in_the_size_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("screens");
    let names = ["astronaut.jpg", "group.jpg"].map(portrait);
    let sizes = [((480, 320), "480x320"), ((800, 480), "800x480"), ((1280, 720), "1280x720")];
    for (expected, size) in sizes {
        let options = ["--size", size, "--out"].map(AsRef::as_ref);
        let files = [out.as_os_str(), names[0].as_os_str(), names[1].as_os_str()];
        assert_eq!(analyze(options.into_iter().chain(files)).status, Some(0));
        for name in ["astronaut.screen.png", "group.screen.png"] {
            let screen = image::open(out.join(name)).unwrap().to_rgb8();
            assert_eq!(screen.dimensions(), expected);
            assert!(
                screen.pixels().any(|pixel| pixel != screen.get_pixel(0, 0)),
                "{name} is blank"
            );
        }
    }
    assert_eq!(
        fs::read_dir(&out).unwrap().count(),
        2,
        "screens are replaced, nothing else is left"
    );
}

#[test]
fn the_table_has_a_line_for_each_face_and_says_what_it_is() {
    let folder = portrait("");
    let run = kiosk(["analyze".as_ref(), "--detector=embedded".as_ref(), folder.as_os_str()]);
    assert_eq!((run.status, run.err.as_str()), (Some(0), ""));
    assert!(run.out.starts_with("faces: "), "{}", run.out);
    assert_eq!(run.out.lines().count(), 2 + 6 + 1, "{}", run.out);
    assert!(run.out.contains("6 faces in 3 pictures. Guesses from looks"), "{}", run.out);
}

#[test]
fn a_turned_picture_gives_the_same_age() {
    let dir = tempfile::tempdir().unwrap();
    let upright = image::open(portrait("astronaut.jpg")).unwrap();
    let paths = ["upright.png", "turned.png"].map(|name| dir.path().join(name));
    upright.save(&paths[0]).unwrap();
    write_turned(&upright, &paths[1]);
    let lines = analyze(&paths).lines();
    assert_eq!(lines[0]["faces"], lines[1]["faces"]);
}

/// The picture lying on its side, with an EXIF note that says so.
fn write_turned(upright: &image::DynamicImage, path: &Path) {
    use image::ImageEncoder;
    let lying = upright.rotate270().to_rgb8();
    let mut exif = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]);
    let mut encoder = image::codecs::png::PngEncoder::new(fs::File::create(path).unwrap());
    encoder.set_exif_metadata(exif).unwrap();
    let (width, height) = lying.dimensions();
    encoder.write_image(&lying, width, height, image::ExtendedColorType::Rgb8).unwrap();
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kiosk"))
        .args(["analyze", "--json", "--detector", "embedded"])
        .args(["no-such-picture.jpg"; 5000])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut err = String::new();
    child.stderr.unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(err, "");
}
