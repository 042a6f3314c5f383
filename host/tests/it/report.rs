//! `trainer report` and `trainer lap`, by the program itself, on a made-up set.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use image::{Rgb, RgbImage};

fn trainer(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn report(folder: &Path, more: &[&str]) -> String {
    let arguments = ["report", "--out", "out", "--title", "A <title>", "--set", "small=said.csv"];
    let output = trainer(folder, &[&arguments, more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(folder.join("out/report.html")).unwrap()
}

/// Forty faces: each age told 4 years too old, each tenth gender wrong, two faces not found.
fn predictions(folder: &Path) {
    let mut text = String::from(
        "path,age_lo,age_hi,gender,race,source,apparent_mean,apparent_std,found,years,dominant,label_prob,female\n",
    );
    for k in 0..40 {
        let (age, gender) = (20 + k, if k % 2 == 0 { "F" } else { "M" });
        let head =
            format!("{}/face_{k}.png,{age},{age},{gender},<b>,a|b,{age},4", folder.display());
        let female = if (k % 2 == 0) == (k % 10 != 0) { 0.75 } else { 0.25 };
        let said = format!("1,{},{age},0.5,{female}", age + 4);
        let said = if k >= 38 { "0,,,," } else { &said };
        writeln!(text, "{head},{said}").unwrap();
    }
    fs::write(folder.join("said.csv"), text).unwrap();
}

fn run(folder: &Path, name: &str) {
    fs::create_dir(folder.join(name)).unwrap();
    let log = "epoch,train_loss,val_loss,val_age_exact,val_age_edge_years,val_gender,seconds\n\
               1,4,3.5,,5,0.8,60\n2,3,3.25,,4,0.9,60\n3,2,3.5,,4,0.9,60\n";
    fs::write(folder.join(name).join("log.csv"), log).unwrap();
    fs::write(folder.join(name).join("train.json"), "{\"lr\": 0.002, \"note\": \"<i>\"}").unwrap();
}

fn events(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names.filter(|name| name.starts_with("events.out.tfevents.")).collect()
}

#[test]
fn the_page_stands_alone_and_tells_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    predictions(folder);
    run(folder, "train");
    let html = report(folder, &["--run", "first=train"]);
    for word in
        ["http", "<script", "<link", "url(", "data:image", "<b>", "<i>", "NaN", "face_1.png"]
    {
        assert!(!html.contains(word), "{word} is in the page");
    }
    // 38 of 40 are found. Off by 4 years, and the two not found by 58 − 40 and 59 − 40 years.
    let mae = (38.0 * 4.0 + 18.0 + 19.0) / 40.0;
    for told in [
        "A &lt;title&gt;".to_owned(),
        "40 faces, 95.0 % of them found".to_owned(),
        format!("off by {mae:.2} years on average (always 40 years: 10.00)"),
        "3 epochs in 3 min; epoch 2 has the lowest val loss, 3.2500, and is kept.".to_owned(),
        "labelled female, predicted female: 15 of 20 faces".to_owned(),
        "kept: epoch 2".to_owned(),
        "<dt>note</dt><dd>&lt;i&gt;</dd>".to_owned(),
        "&lt;b&gt;".to_owned(),
    ] {
        assert!(html.contains(&told), "{told} is not in the page");
    }
    let json = fs::read_to_string(folder.join("out/report.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["sets"][0]["measures"][0]["figure"]["value"], mae);
    assert_eq!(json["runs"][0]["chosen_epoch"], 2.0);
    let markdown = fs::read_to_string(folder.join("out/report.md")).unwrap();
    assert!(
        markdown.contains(&format!("| Apparent age: mean absolute error, years | 40 | {mae:.2} |"))
    );
    assert!(markdown.contains("\\<b\\>") && !markdown.contains("<b>"), "{markdown}");
    assert_eq!(events(&folder.join("out")).len(), 1);
}

#[test]
fn the_same_inputs_give_the_same_bytes_and_several_runs_their_own_folders() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    predictions(folder);
    run(folder, "train");
    run(folder, "other");
    let runs = ["--run", "a=train", "--run", "b c=other", "--set", "again=said.csv"];
    let first = report(folder, &runs);
    assert_eq!(report(folder, &runs), first);
    assert!(first.contains("Val loss of all runs"));
    for name in ["a", "b_c"] {
        assert_eq!(events(&folder.join("out").join(name)).len(), 1, "an older file is replaced");
    }
}

#[test]
fn faces_are_shown_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    predictions(folder);
    for k in 0..3 {
        RgbImage::from_pixel(200, 100, Rgb([200, 60, 20]))
            .save(folder.join(format!("face_{k}.png")))
            .unwrap();
    }
    assert!(!report(folder, &[]).contains("<img"));
    let html = report(folder, &["--with-pictures"]);
    // Ages: all alike, so the first 24; genders: the first of four wrong ones is there.
    assert_eq!(html.matches("<img src=\"data:image/jpeg;base64,").count(), 4);
    assert_eq!(html.matches("no picture").count(), 24);
    assert!(html.contains("20, female → 24, male 75 %"));
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    predictions(folder);
    fs::write(
        folder.join("empty.csv"),
        "path,age_lo,age_hi,gender,found,years,dominant,label_prob,female\n",
    )
    .unwrap();
    for (arguments, error) in [
        (vec![], "expected a --run or a --set"),
        (vec!["--set", "said.csv"], "expected NAME=PATH"),
        (vec!["--set", "a=none.csv"], "opening none.csv"),
        (vec!["--set", "a=empty.csv"], "empty.csv holds no face"),
        (vec!["--set", "a=said.csv", "--set", "a=said.csv"], "expected a name of its own"),
        (vec!["--run", "a=none"], "reading none/log.csv"),
    ] {
        let output = trainer(folder, &[&["report", "--out", "out"], arguments.as_slice()].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(error), "{arguments:?}: {told}");
    }
    assert!(!folder.join("out").exists(), "a report that fails writes nothing");
}

#[test]
fn ages_in_any_csv_are_scored_against_a_jury() {
    let folder = tempfile::tempdir().unwrap();
    predictions(folder.path());
    let output = trainer(folder.path(), &["lap", "--csv", "said.csv"]);
    let table = String::from_utf8(output.stdout).unwrap();
    let similarity = 38.0 * (-0.5f64).exp() / 40.0;
    for told in [format!("| 40 | {similarity:.6} |"), format!("| 40 | {:.6} |", 1.0 - similarity)] {
        assert!(table.contains(&told), "{told}: {table}");
    }
}
