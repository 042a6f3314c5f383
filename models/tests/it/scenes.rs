//! How many of the faces in group pictures are found.

use models::bundle::Bundle;
use models::detect::{self, Detector, find_faces};
use models::geometry::{Point, Rect};
use models::image::RgbView;
use models::session::Options;

use crate::data;

/// Faces found and boxes that are none, over the pictures whose faces are boxed by hand.
struct Count {
    boxed: usize,
    found: usize,
    wrong: usize,
}

/// The least overlap of a found box with the one drawn by hand.
const IOU_MIN: f32 = 0.4;

fn count(detector: &mut dyn Detector) -> Option<Count> {
    let table = std::fs::read_to_string(data::find("test/scenes.csv")?).unwrap();
    let mut count = Count { boxed: 0, found: 0, wrong: 0 };
    for (name, boxes) in table.lines().filter(|l| l.starts_with("scenes/")).filter_map(boxes_of) {
        let picture = data::picture(&format!("test/{name}"));
        let faces = find_faces(detector, &RgbView::of(&picture).unwrap()).unwrap();
        let near = |a: &Rect, b: &Rect| a.iou(b) >= IOU_MIN;
        count.boxed += boxes.len();
        count.found += boxes.iter().filter(|b| faces.iter().any(|f| near(&f.bounds, b))).count();
        count.wrong += faces.iter().filter(|f| !boxes.iter().any(|b| near(&f.bounds, b))).count();
    }
    let Count { boxed, found, wrong } = count;
    eprintln!("{}: {found} of {boxed} faces, {wrong} other boxes", detector.name());
    Some(count)
}

/// `path,faces,"[[left, top, width, height], …]",…`
fn boxes_of(line: &str) -> Option<(&str, Vec<Rect>)> {
    let (name, rest) = line.split_once(',')?;
    let list = rest.split('"').nth(1).filter(|list| list.starts_with("[["))?;
    let numbers: Vec<f32> =
        list.split(['[', ']', ',', ' ']).filter_map(|number| number.parse().ok()).collect();
    Some((name, numbers.chunks_exact(4).map(|n| Rect::new(n[0], n[1], n[2], n[3])).collect()))
}

fn embedded() -> Box<dyn Detector> {
    detect::open(detect::embedded().unwrap(), &Options::default()).unwrap()
}

fn yunet(side: u32) -> Option<Box<dyn Detector>> {
    let root = data::yunet_bundle(side)?;
    let bundle = Bundle::open(&root.path().join("yunet")).unwrap();
    Some(detect::open(bundle, &Options::default()).unwrap())
}

#[test]
fn yunet_finds_the_faces_of_group_pictures() {
    let Some(count) = yunet(640).and_then(|mut yunet| count(yunet.as_mut())) else { return };
    assert_eq!(count.boxed, 43);
    assert!(count.found >= 41 && count.wrong <= 8);
}

#[test]
fn installed_detectors_of_other_families_find_the_faces_of_group_pictures() {
    for dir in ["retinaface", "ultraface"].into_iter().filter_map(data::installed) {
        let bundle = Bundle::open(&dir).unwrap();
        let mut detector = detect::open(bundle, &Options::default()).unwrap();
        let Some(count) = count(detector.as_mut()) else { return };
        assert!(count.found >= 38 && count.wrong <= 8);
    }
}

#[test]
fn the_built_in_detector_finds_the_faces_of_group_pictures() {
    let Some(count) = count(embedded().as_mut()) else { return };
    assert!(count.found >= 41 && count.wrong <= 6);
}

#[test]
fn the_small_yunet_finds_a_face_and_its_landmarks() {
    let Some(mut yunet) = yunet(320) else { return };
    let picture = data::picture("test/scenes/astronaut.png");
    let faces = find_faces(yunet.as_mut(), &RgbView::of(&picture).unwrap()).unwrap();
    assert_eq!(faces.len(), 1);
    let [left_eye, right_eye, nose, left_mouth, right_mouth] = faces[0].landmarks.unwrap().0;
    assert!(left_eye.x < nose.x && nose.x < right_eye.x && left_mouth.x < right_mouth.x);
    assert!(left_eye.y < nose.y && right_eye.y < nose.y && nose.y < left_mouth.y);
    let inside = |p: Point, b: &Rect| {
        (b.left..b.left + b.width).contains(&p.x) && (b.top..b.top + b.height).contains(&p.y)
    };
    assert!(inside(nose, &faces[0].bounds));
}

#[test]
fn a_picture_that_is_nothing_but_a_face_is_found_too() {
    let picture = match data::find("test/scenes/astronaut.png") {
        Some(_) => data::picture("test/scenes/astronaut.png"),
        None => return,
    };
    let face = image::imageops::crop_imm(&picture, 173, 60, 105, 125).to_image();
    let view = RgbView::of(&face).unwrap();
    let detectors = [Some(embedded()), yunet(640)];
    for mut detector in detectors.into_iter().flatten() {
        let faces = find_faces(detector.as_mut(), &view).unwrap();
        assert_eq!(faces.len(), 1, "{}", detector.name());
        let whole = Rect::new(0.0, 0.0, 105.0, 125.0);
        assert!(faces[0].bounds.iou(&whole) > 0.5, "{} {:?}", detector.name(), faces[0].bounds);
    }
}

#[test]
fn pictures_of_any_shape_are_searched_without_trouble() {
    let detectors = [Some(embedded()), yunet(320)];
    for mut detector in detectors.into_iter().flatten() {
        for (width, height) in [(1, 1), (2, 1), (1, 4000), (4000, 3), (39, 41), (41, 39), (7, 300)]
        {
            let picture =
                image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * y) as u8; 3]));
            find_faces(detector.as_mut(), &RgbView::of(&picture).unwrap()).unwrap();
        }
    }
}
