//! Pictures and command lines that no answer can be given to.

use std::fs;
use std::path::PathBuf;

use image::{Rgb, RgbImage};

use crate::kiosk::{analyze, data, kiosk, portrait};

#[test]
fn one_broken_picture_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let portrait = portrait("astronaut.jpg");
    let bytes = fs::read(&portrait).unwrap();
    let broken: [(&str, &[u8]); 4] = [
        ("empty.jpg", b""),
        ("text.jpg", b"Dear diary, this is no picture at all."),
        ("cut.jpg", &bytes[..bytes.len() / 2]),
        ("head.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ];
    let mut paths = vec![dir.path().join("missing.jpg"), dir.path().join("*.tiff")];
    for (name, bytes) in broken {
        paths.push(dir.path().join(name));
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    paths.push(portrait);
    let run = analyze(&paths);
    assert_eq!(run.status, Some(1));
    let lines = run.lines();
    assert_eq!(lines.len(), paths.len());
    for (path, line) in paths.iter().zip(&lines) {
        assert_eq!(line["source"], path.to_str().unwrap());
    }
    let (good, bad) = lines.split_last().unwrap();
    assert_eq!(good["faces"].as_array().unwrap().len(), 1);
    for line in bad {
        assert!(!line["error"].as_str().unwrap().is_empty(), "{line}");
        assert_eq!(line.as_object().unwrap().len(), 2, "{line}");
    }
}

#[test]
fn the_smallest_and_the_longest_pictures_are_answered_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, width, height, answered) in [
        ("pixel.png", 1, 1, true),
        ("line.png", 3000, 1, true),
        ("column.png", 1, 3000, true),
        ("endless.png", 65_535, 2, false),
        ("deep.bmp", 2, 65_535, false),
    ] {
        let path = dir.path().join(name);
        RgbImage::from_pixel(width, height, Rgb([200, 150, 120])).save(&path).unwrap();
        let out = dir.path().join("screens");
        let run = analyze(["--out".as_ref(), out.as_os_str(), path.as_os_str()]);
        let line = &run.lines()[0];
        assert_eq!(line["faces"].is_array(), answered, "{line}");
        assert_eq!(run.status, Some(i32::from(!answered)));
        let screen = out.join(name).with_extension("screen.png");
        assert_eq!(screen.exists(), answered, "the screen of {name}");
    }
}

#[test]
fn every_odd_picture_is_answered_or_refused_by_name() {
    let Some(formats) = data("test/formats") else { return };
    let run = analyze([&formats]);
    assert_eq!(run.status, Some(1));
    let lines = run.lines();
    assert_eq!(lines.len(), fs::read_dir(&formats).unwrap().count());
    for line in &lines {
        let name = line["source"].as_str().unwrap().rsplit('/').next().unwrap();
        let refused = ["empty.jpg", "not_an_image.jpg", "truncated.jpg"].contains(&name);
        assert_eq!(line["error"].is_string(), refused, "{line}");
    }
}

#[test]
fn a_folder_without_pictures_is_an_error_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "").unwrap();
    let run = analyze([dir.path()]);
    assert_eq!(run.status, Some(1));
    assert_eq!(run.lines()[0]["error"], "no pictures in this folder");
}

#[test]
fn screens_never_replace_the_pictures_they_are_made_of() {
    let dir = tempfile::tempdir().unwrap();
    let picture = dir.path().join("me.png");
    RgbImage::new(40, 40).save(&picture).unwrap();
    let before = fs::read(&picture).unwrap();
    let run = analyze(["--out".as_ref(), dir.path().as_os_str(), picture.as_os_str()]);
    assert_eq!(run.status, Some(1));
    assert!(run.err.contains("expected another folder"), "{}", run.err);
    assert_eq!(fs::read(&picture).unwrap(), before);
}

#[test]
fn one_screen_that_cannot_be_written_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["blocked.png".into(), "..png".into(), format!("{}.png", "n".repeat(248))];
    let paths = names.map(|name| dir.path().join(name));
    for path in &paths {
        RgbImage::new(40, 40).save(path).unwrap();
    }
    let out = dir.path().join("screens");
    fs::create_dir_all(out.join("blocked.screen.png")).unwrap();
    let run = analyze([&PathBuf::from("--out"), &out].into_iter().chain(&paths));
    assert_eq!(run.status, Some(1));
    let [blocked, odd, long] = run.lines().try_into().unwrap();
    assert!(blocked["error"].as_str().unwrap().contains("blocked.screen.png"), "{blocked}");
    assert!(odd["faces"].is_array() && long["faces"].is_array(), "{odd} {long}");
    assert!(out.join("picture.screen.png").is_file());
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3);
}

#[test]
fn a_wrong_command_line_says_so_with_status_2() {
    for args in [
        &[][..],
        &["analyze"],
        &["analyze", "--distribution", "a.jpg"],
        &["analyze", "--size", "0x0", "a.jpg"],
        &["replay", "a.jpg"],
    ] {
        let run = kiosk(args);
        assert_eq!(run.status, Some(2), "{args:?}: {run:?}");
        assert!(run.err.contains("--help") && run.out.is_empty(), "{args:?}: {run:?}");
    }
}
