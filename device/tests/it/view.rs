//! Whole screens, drawn and compared pixel by pixel with the pictures in `tests/golden`.
//!
//! `UPDATE_GOLDEN=1 cargo test -p device view` writes them anew; look at them before committing.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use device::canvas::Canvas;
use device::display::png;
use device::language::Language;
use device::quality::Look;
use device::scene::{Footer, Notice, Person, Privacy, Reading, Scene};
use device::source::Trouble;
use device::view;
use embedded_graphics::prelude::*;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};
use models::age::{AGE_CLASSES, AgeDistribution};
use models::estimator::Estimate;
use models::gender::Gender;
use models::geometry::Rect;
use models::image::RgbView;

/// Of a panel of one colour.
const WORDS_ONLY: (u32, u32) = (128, 64);

const SIZES: [(u32, u32); 3] = [(480, 320), (800, 480), (1280, 720)];

/// A distribution like an estimator's: steep towards the young, a long tail towards the old.
fn reading(age_years: u16, spread_years: u16, log_odds: f32) -> Reading {
    let mut weights = [0.0; AGE_CLASSES];
    for (year, weight) in (0u16..).zip(&mut weights) {
        let side = if year < age_years { 0.8 } else { 1.2 };
        let distance = f32::from(year.abs_diff(age_years)) / (f32::from(spread_years) * side);
        let bell = 1.0 / (1.0 + distance * distance);
        *weight = bell * bell * bell;
    }
    let age = AgeDistribution::from_weights(&weights).unwrap();
    Reading::of(&Estimate { age, gender: Gender::from_log_odds(log_odds).unwrap() }, 0.7)
}

fn person(number: u32, bounds: Rect, reading: Reading) -> Person {
    Person { number, bounds, reading: Some(reading), look: Some(Look::Clear) }
}

fn scene(people: Vec<Person>) -> Scene {
    let footer = Footer {
        privacy: Privacy::LiveNotStored,
        latency: Some(Duration::from_millis(82)),
        fps: Some(11.2),
        temperature_c: Some(57.6),
    };
    Scene { people, notice: None, footer }
}

fn one_face() -> Scene {
    scene(vec![person(1, Rect::new(250.0, 110.0, 140.0, 180.0), reading(34, 13, 2.6))])
}

fn unsure() -> Scene {
    scene(vec![person(1, Rect::new(250.0, 110.0, 140.0, 180.0), reading(62, 20, -0.3))])
}

fn five_faces() -> Scene {
    let mut people = vec![
        person(1, Rect::new(20.0, 150.0, 80.0, 100.0), reading(71, 16, -3.0)),
        person(2, Rect::new(150.0, 60.0, 90.0, 115.0), reading(28, 12, 3.0)),
        person(3, Rect::new(280.0, 170.0, 130.0, 165.0), reading(41, 12, -2.2)),
        person(4, Rect::new(430.0, 80.0, 76.0, 96.0), reading(9, 7, 0.4)),
        person(5, Rect::new(545.0, 190.0, 84.0, 110.0), reading(55, 16, 1.5)),
    ];
    people[3].reading = None;
    scene(people)
}

/// More than the list has lines for.
fn nine_faces() -> Scene {
    let at =
        |k: u8| Rect::new(20.0 + 68.0 * f32::from(k), 90.0 + f32::from(k % 3) * 90.0, 56.0, 70.0);
    let years = |k: u8| 8 + 9 * u16::from(k);
    scene((0..9).map(|k| person(u32::from(k) + 1, at(k), reading(years(k), 9, 2.0))).collect())
}

fn from_files() -> Scene {
    let mut scene = five_faces();
    scene.people.truncate(2);
    let latency = scene.footer.latency;
    scene.footer = Footer { privacy: Privacy::ReplayFromFiles, latency, ..Footer::default() };
    scene
}

fn noticed(notice: Notice) -> Scene {
    Scene { notice: Some(notice), ..scene(vec![]) }
}

fn trouble() -> Scene {
    noticed(Notice::Camera(Trouble::Lost))
}

fn look(look: Look) -> Scene {
    let mut scene = one_face();
    scene.people[0].look = Some(look);
    scene
}

fn trouble_with_a_face() -> Scene {
    Scene { notice: Some(Notice::Hot), ..one_face() }
}

fn empty_files() -> Scene {
    Scene { people: vec![], ..from_files() }
}

/// A drawn stand-in for a camera picture: a wall, a floor, and a figure for each person.
fn frame(people: &[Person]) -> RgbImage {
    RgbImage::from_fn(640, 480, |x, y| {
        let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
        let inside = |cx: f32, cy: f32, rx: f32, ry: f32| {
            let (dx, dy) = ((px - cx) / rx, (py - cy) / ry);
            dx * dx + dy * dy < 1.0
        };
        for person in people.iter().rev() {
            let (b, c) = (person.bounds, person.bounds.center());
            let eye =
                |side: f32| inside(c.x + side * b.width * 0.2, c.y - b.height * 0.08, 4.0, 4.0);
            if eye(-1.0) || eye(1.0) || inside(c.x, c.y + b.height * 0.24, b.width * 0.14, 3.0) {
                return Rgb([70, 62, 60]);
            }
            if inside(c.x, c.y, b.width * 0.48, b.height * 0.5) {
                return Rgb([205, 186, 170]);
            }
            if inside(c.x, b.top + b.height * 1.9, b.width, b.height * 0.85) {
                return Rgb([92, 112, 128]);
            }
        }
        let shade = u8::try_from(y / 8 * 8 / 6).unwrap();
        if y < 400 { Rgb([196 - shade, 204 - shade, 208 - shade]) } else { Rgb([112, 98, 86]) }
    })
}

fn draw(size: (u32, u32), scene: &Scene) -> Canvas {
    draw_in(Language::En, size, scene)
}

fn draw_in(language: Language, size: (u32, u32), scene: &Scene) -> Canvas {
    let picture = frame(&scene.people);
    let mut canvas = Canvas::new(size.0, size.1);
    view::draw(&mut canvas, &RgbView::of(&picture).unwrap(), scene, language.strings());
    canvas
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Compares `canvas` with the picture `name`; leaves the new one in the temporary folder.
fn compare(name: &str, canvas: &Canvas) {
    let mut bytes = Vec::new();
    png::encode(&mut bytes, canvas).unwrap();
    let path = golden(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        write_small(&path, canvas);
    }
    let expected = image::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let expected = expected.to_rgb8();
    let size = canvas.size();
    assert_eq!(expected.dimensions(), (size.width, size.height), "{name}");
    let different = expected.pixels().zip(canvas.as_rgb().chunks(3)).filter(|(a, b)| a.0 != **b);
    let count = different.count();
    if count > 0 {
        let new = std::env::temp_dir().join(name);
        std::fs::write(&new, &bytes).unwrap();
        panic!("{name}: {count} pixels differ; the new picture is {}", new.display());
    }
}

/// Golden pictures live in the repository, so they are packed as well as the encoder can.
fn write_small(path: &Path, canvas: &Canvas) {
    let file = std::fs::File::create(path).unwrap();
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
    let Size { width, height } = canvas.size();
    encoder.write_image(canvas.as_rgb(), width, height, ExtendedColorType::Rgb8).unwrap();
}

fn check(name: &str, scene: &Scene) {
    for (width, height) in SIZES {
        compare(&format!("{name}-{width}x{height}.png"), &draw((width, height), scene));
    }
}

#[test]
fn nobody_is_invited() {
    check("nobody", &scene(vec![]));
}

#[test]
fn one_face_fills_the_panel() {
    check("one-face", &one_face());
}

#[test]
fn a_weak_prediction_is_called_unsure() {
    check("unsure", &unsure());
}

#[test]
fn five_faces_are_told_apart() {
    check("five-faces", &five_faces());
}

#[test]
fn trouble_is_said_in_words() {
    check("notice", &trouble());
}

#[test]
fn other_screens_look_right() {
    compare("notice-with-a-face-800x480.png", &draw((800, 480), &trouble_with_a_face()));
    compare("files-800x480.png", &draw((800, 480), &from_files()));
    compare("no-face-in-a-file-480x320.png", &draw((480, 320), &empty_files()));
    compare("on-end-480x800.png", &draw((480, 800), &five_faces()));
    compare("nine-faces-1280x720.png", &draw((1280, 720), &nine_faces()));
    compare("small-320x240.png", &draw((320, 240), &one_face()));
    compare("turned-away-800x480.png", &draw((800, 480), &look(Look::Turned)));
    compare("no-model-1280x720.png", &draw((1280, 720), &noticed(Notice::NoModel)));
    compare("paused-320x240.png", &draw((320, 240), &noticed(Notice::Paused)));
}

#[test]
fn a_panel_of_one_colour_has_words_only() {
    let check = |name: &str, language, scene: &Scene| {
        compare(&format!("words-{name}-128x64.png"), &draw_in(language, WORDS_ONLY, scene));
    };
    check("one-face", Language::En, &one_face());
    check("five-faces", Language::En, &five_faces());
    check("german-unsure", Language::De, &unsure());
    check("nobody", Language::En, &scene(vec![]));
    check("german-notice", Language::De, &trouble());
    let mut looking = five_faces();
    looking.people.iter_mut().for_each(|person| person.reading = None);
    check("german-looking", Language::De, &looking);
}

#[test]
fn german_screens_look_right() {
    let check = |name: &str, size: (u32, u32), scene: &Scene| {
        compare(
            &format!("german-{name}-{}x{}.png", size.0, size.1),
            &draw_in(Language::De, size, scene),
        );
    };
    check("one-face", (800, 480), &one_face());
    check("one-face", (480, 320), &one_face());
    check("one-face", (320, 240), &one_face());
    check("five-faces", (1280, 720), &five_faces());
    check("five-faces", (480, 800), &five_faces());
    check("nobody", (480, 320), &scene(vec![]));
    check("notice", (320, 480), &trouble());
    check("small-on-end", (240, 320), &unsure());
}

#[test]
fn no_text_is_cut_in_any_language_at_any_size_it_is_made_for() {
    let troubles = [Trouble::Missing, Trouble::Lost, Trouble::Silent, Trouble::Unusable];
    let mut scenes: Vec<_> = troubles.into_iter().map(|t| noticed(Notice::Camera(t))).collect();
    scenes.extend([Notice::NoModel, Notice::StandIn, Notice::Hot, Notice::Paused].map(noticed));
    scenes.extend([Look::Clear, Look::Small, Look::Blurred, Look::Turned].map(look));
    scenes.extend([scene(vec![]), unsure(), five_faces(), nine_faces(), trouble_with_a_face()]);
    scenes.extend([from_files(), empty_files()]);
    let wall = RgbImage::from_pixel(640, 480, Rgb([196, 204, 208]));
    let view = RgbView::of(&wall).unwrap();
    let upright = [(320, 240), (480, 320), (640, 480), (800, 480), (1024, 600), (1280, 720)];
    let turned = upright.into_iter().flat_map(|(w, h)| [(w, h), (h, w)]);
    for (width, height) in turned.chain([WORDS_ONLY]) {
        for &language in Language::value_variants() {
            for scene in &scenes {
                let mut canvas = Canvas::new(width, height);
                let cut = view::draw(&mut canvas, &view, scene, language.strings());
                let (people, notice) = (scene.people.len(), &scene.notice);
                assert_eq!(cut, 0, "{width}x{height} in {language:?}: {people} people, {notice:?}");
            }
        }
    }
}

#[test]
fn the_last_picture_is_not_shown_when_the_camera_is_gone() {
    let shown = |color: u8| {
        let picture = RgbImage::from_pixel(64, 48, Rgb([color; 3]));
        let mut canvas = Canvas::new(480, 320);
        let view = RgbView::of(&picture).unwrap();
        view::draw(&mut canvas, &view, &trouble(), Language::En.strings());
        canvas
    };
    assert_eq!(shown(0), shown(255));
}

#[test]
fn the_same_scene_gives_the_same_pixels() {
    assert_eq!(draw((480, 320), &five_faces()), draw((480, 320), &five_faces()));
}

#[test]
fn no_size_and_no_scene_panics() {
    let mut crowd = scene(vec![]);
    for number in 0..20u8 {
        let at = f32::from(number) * 40.0 - 80.0;
        let years = u16::from(number) * 5;
        let bounds = Rect::new(at, at / 2.0, 60.0, 70.0);
        crowd.people.push(person(u32::from(number) * 200_000_000, bounds, reading(years, 9, 0.0)));
    }
    let mut hostile = one_face();
    for bounds in [
        Rect::new(f32::NAN, 0.0, 10.0, 10.0),
        Rect::new(-1e38, -1e38, 3e38, 3e38),
        Rect::new(1e9, 1e9, 50.0, 50.0),
        Rect::new(5.0, 5.0, 0.0, -3.0),
        Rect::new(5.0, 5.0, 0.001, 900.0),
    ] {
        hostile.people.push(person(u32::MAX, bounds, reading(100, 1, 40.0)));
    }
    hostile.footer =
        Footer { fps: Some(f32::INFINITY), latency: Some(Duration::MAX), ..hostile.footer };
    hostile.notice = Some(Notice::Text("a_word_without_end ".repeat(300)));
    let sides = [0, 1, 2, 7, 40, 120, 333];
    for width in sides {
        for height in sides {
            for scene in [&crowd, &hostile, &trouble(), &scene(vec![])] {
                let pixels = [9, 8, 7];
                let frame = RgbView::new(&pixels, 1, 1, 3).unwrap();
                view::draw(&mut Canvas::new(width, height), &frame, scene, Language::En.strings());
            }
        }
    }
    draw((480, 320), &crowd);
    draw((480, 800), &hostile);
}

#[test]
fn extreme_pictures_are_shown() {
    for (width, height) in [(1, 3000), (3000, 1), (1, 1), (2500, 1700)] {
        let picture = RgbImage::from_pixel(width, height, Rgb([200, 30, 40]));
        let mut canvas = Canvas::new(320, 240);
        view::draw(
            &mut canvas,
            &RgbView::of(&picture).unwrap(),
            &one_face(),
            Language::En.strings(),
        );
        assert!(canvas.as_rgb().chunks(3).any(|p| p == [200, 30, 40]), "{width}x{height}");
    }
}
