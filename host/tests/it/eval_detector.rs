//! `eval-detector`, on pictures without people and answers made up here.

use std::fs;
use std::path::Path;

use host::eval_detector::{self, Options};
use image::{Rgb, RgbImage};
use serde_json::Value;

/// A scene with two boxes, a picture without faces, a clip of two frames with one face each, and a face of a
/// faces.csv, of which frames are made.
fn write(folder: &Path) -> Options {
    for (name, side) in
        [("scenes/a", 90), ("noface/b", 64), ("clip/0", 64), ("clip/1", 64), ("f", 128)]
    {
        let path = folder.join(format!("{name}.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(side, side, Rgb([90, 120, 60])).save(path).unwrap();
    }
    let scenes = "path,faces,boxes_left_top_w_h,note\n\
        scenes/a.png,2,\"[[0, 0, 20, 20], [50, 50, 20, 20]]\",\n\
        noface/b.png,0,[],\n\
        formats/gone.png,1,,no such file\n";
    let faces = "path,age_lo,age_hi,gender,part,x1,y1,x2,y2,leye_x,leye_y,reye_x,reye_y,nose_x,nose_y,\
        lmouth_x,lmouth_y,rmouth_x,rmouth_y\n";
    let face = format!(
        "{},20,29,F,test,24,14,104,114,44,50,84,50,64,70,48,90,80,90\n",
        folder.join("f.png").display()
    );
    fs::write(folder.join("scenes.csv"), scenes).unwrap();
    fs::write(folder.join("faces.csv"), format!("{faces}{face}")).unwrap();
    Options {
        scenes: Some(folder.join("scenes.csv")),
        clips: vec![format!("{}=1", folder.join("clip").display())],
        faces: Some(folder.join("faces.csv")),
        variants: 1,
        out: folder.join("out"),
        ..Options::default()
    }
}

/// What a program says that finds the first box of the scene and nothing else, but one face in each frame of the
/// clip and where there is none.
fn answers(list: &str) -> String {
    let line = |path: &str| {
        let sees = ["scenes/a.png", "noface/b.png", "clip/0.png", "clip/1.png"];
        let sees = sees.iter().any(|end| path.ends_with(end));
        let face = "{\"box_px\":[1,1,20,20],\"score\":0.9,\"landmarks_px\":null}";
        format!("{{\"source\":\"{path}\",\"faces\":[{}]}}\n", if sees { face } else { "" })
    };
    list.lines().map(line).collect()
}

fn row<'a>(report: &'a Value, title: &str, name: &str) -> &'a Value {
    let find = |list: &'a Value, key: &str, wanted: &str| {
        let found = list.as_array().unwrap().iter().find(|one| one[key] == wanted);
        found.unwrap_or_else(|| panic!("no {wanted} in {list}"))
    };
    find(&find(&report["tables"], "title", title)["rows"], "name", name)
}

#[test]
fn detectors_and_answers_of_others_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = write(folder.path());
    eval_detector::run(&options).unwrap();
    let list = fs::read_to_string(options.out.join("pictures.txt")).unwrap();
    assert_eq!(list.lines().count(), 2 + 2 + 1 + 15);
    assert!(!options.out.join("report.md").exists(), "nobody was asked");

    let said = folder.path().join("other.json");
    fs::write(&said, answers(&list)).unwrap();
    options.detectors = vec!["none=embedded".into()];
    options.boxes = vec![said.display().to_string()];
    eval_detector::run(&options).unwrap();

    let report = fs::read_to_string(options.out.join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["detectors"][1]["name"], "other");
    let cells = |title, name| {
        let row = row(&report, title, name);
        (row["cells"][0]["value"].as_f64().unwrap(), row["cells"][1]["value"].as_f64().unwrap())
    };
    assert_eq!(cells("All sets", "scenes: faces found"), (0.0, 0.5));
    assert_eq!(cells("All sets", "noface: boxes beside the faces, a picture"), (0.0, 1.0));
    assert_eq!(cells("All sets", "clips: pictures with the right number of faces"), (0.0, 1.0));
    assert_eq!(row(&report, "variants, by size: found", "12 px")["count"], 1);
    let markdown = fs::read_to_string(options.out.join("report.md")).unwrap();
    assert!(
        markdown.contains("| scenes: faces found | 2 | 0.000 (0.000–0.000) | 0.500"),
        "{markdown}"
    );
    assert!(
        options.out.join("other-missed.png").exists()
            && options.out.join("other-beside.png").exists()
    );
    assert!(!options.out.join("none-beside.png").exists());
}

#[test]
fn answers_that_leave_out_a_picture_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = write(folder.path());
    fs::write(folder.path().join("empty.json"), "").unwrap();
    options.boxes = vec![folder.path().join("empty.json").display().to_string()];
    let error = format!("{:#}", eval_detector::run(&options).unwrap_err());
    assert!(error.contains("empty.json") && error.contains("a.png"), "{error}");
}
