//! How many faces of labelled group pictures are found, through the whole program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use models::geometry::Rect;
use serde_json::Value;

use crate::kiosk::{data, install_yunet, kiosk};

/// A found box is the labelled one where they overlap at least this much.
const IOU_MIN: f32 = 0.4;

/// Boxes by file name, of the pictures that have any.
fn labels(csv: &Path) -> BTreeMap<String, Vec<Rect>> {
    let text = fs::read_to_string(csv).unwrap();
    let boxed = text.lines().filter_map(|line| {
        let (path, rest) = line.strip_prefix("scenes/")?.split_once(',')?;
        let boxes = rest.split('"').nth(1).filter(|cell| cell.starts_with("[["))?;
        let boxes: Vec<[f32; 4]> = serde_json::from_str(boxes).unwrap();
        Some((
            path.to_owned(),
            boxes.into_iter().map(|[l, t, w, h]| Rect::new(l, t, w, h)).collect(),
        ))
    });
    boxed.collect()
}

fn found(line: &Value) -> Vec<Rect> {
    let faces = line["faces"].as_array().unwrap();
    let bounds = faces.iter().map(|face| serde_json::from_value(face["box_px"].clone()).unwrap());
    bounds.map(|[l, t, w, h]: [f32; 4]| Rect::new(l, t, w, h)).collect()
}

/// How many labelled faces `detector` finds, and how many boxes it draws elsewhere.
fn score(scenes: &Path, detector: &str) -> (usize, usize) {
    let labels = labels(&scenes.with_extension("csv"));
    assert_eq!(labels.values().map(Vec::len).sum::<usize>(), 43);
    let files = labels.keys().map(|name| scenes.join(name).into_os_string());
    let options = ["analyze", "--json", "--detector", detector].map(Into::into);
    let lines = kiosk(options.into_iter().chain(files)).lines();
    let (mut hits, mut others) = (0, 0);
    for (line, labelled) in lines.iter().zip(labels.values()) {
        let mut boxes = found(line);
        for label in labelled {
            if let Some(idx) = boxes.iter().position(|found| found.iou(label) >= IOU_MIN) {
                boxes.swap_remove(idx);
                hits += 1;
            }
        }
        others += boxes.len();
    }
    (hits, others)
}

#[test]
fn the_embedded_detector_finds_38_of_43_faces() {
    let Some(scenes) = data("test/scenes") else { return };
    let (hits, others) = score(&scenes, "embedded");
    assert!(hits >= 38, "{hits} of 43, and {others} other boxes");
}

#[test]
fn yunet_finds_41_of_43_faces_however_it_was_installed() {
    let Some(scenes) = data("test/scenes") else { return };
    let Some(weights) = data("models/detect") else { return };
    for file in ["yunet_s_320_320.onnx", "yunet_s_640_640.onnx"] {
        let dir = tempfile::tempdir().unwrap();
        install_yunet(&weights.join(file), dir.path());
        let (hits, others) = score(&scenes, dir.path().join("yunet").to_str().unwrap());
        assert!(hits >= 41 && others <= 8, "{file}: {hits} of 43, and {others} other boxes");
    }
}
