//! index → clean → look, by the program itself.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn trainer(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainer"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn ok(folder: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = trainer(folder, arguments);
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = trainer(folder, arguments);
    assert!(!output.status.success(), "{arguments:?} was not refused");
    String::from_utf8(output.stderr).unwrap()
}

/// The real look-alike of IMDB-WIKI, where there is one.
fn wiki_mini() -> Option<PathBuf> {
    let Some(data) = std::env::var_os("APPARENT_DATA") else {
        eprintln!("skipped: APPARENT_DATA is not set");
        return None;
    };
    Some(Path::new(&data).join("test/wiki_mini/wiki.mat"))
}

#[test]
fn every_dirty_row_of_wiki_mini_is_in_the_table() {
    let Some(manifest) = wiki_mini() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["index", "--mat", manifest.to_str().unwrap(), "--out", "indexed.csv"]);
    let table = ok(folder, &["clean", "--faces", "indexed.csv", "--out", "cleaned.csv"]);
    for row in [
        "| *all faces* | *60* |",
        "| picture missing | 1 |",
        "| no face found (score −∞) | 1 |",
        "| face score too low | 1 |",
        "| a second face | 1 |",
        "| gender unknown | 1 |",
        "| age out of range | 4 |",
        "| *kept* | *51* |",
    ] {
        assert!(table.contains(row), "{row} is not in\n{table}");
    }
    let dropped = fs::read_to_string(folder.join("dropped.csv")).unwrap();
    assert_eq!(dropped.lines().count(), 10);
    assert!(dropped.contains("does_not_exist_1950-01-01_2000.jpg,picture missing"), "{dropped}");

    let seed = ["clean", "--faces", "indexed.csv", "--out", "seed.csv", "--age-rule", "seed"];
    assert!(ok(folder, &seed).contains("| age out of range | 3 |"));
    let split = ["split", "--faces", "seed.csv", "--protocol", "seed"];
    ok(folder, &split);
    let parts = fs::read_to_string(folder.join("seed.csv")).unwrap();
    assert_eq!(parts.matches(",train,").count(), 36);
    assert_eq!(parts.matches(",val,").count(), 16);
}

#[test]
fn what_was_not_cleaned_is_not_split() {
    let folder = tempfile::tempdir().unwrap();
    let indexed = "path,gender,birth_day,photo_year\na.jpg,F,724000.0,2009.0\n";
    fs::write(folder.path().join("faces.csv"), indexed).unwrap();
    let error = refused(folder.path(), &["split", "--faces", "faces.csv"]);
    assert!(error.contains("faces.csv: a.jpg has a day of birth but no age"), "{error}");
    assert!(error.contains("trainer clean"), "{error}");
}

#[test]
fn the_dropped_are_listed_also_where_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("faces.csv"), "path,age_lo,age_hi,gender\nno.jpg,3,3,F\n")
        .unwrap();
    let error = refused(folder.path(), &["clean", "--faces", "faces.csv", "--out", "c.csv"]);
    assert!(error.contains("nothing is left of 1 faces"), "{error}");
    let dropped = fs::read_to_string(folder.path().join("dropped.csv")).unwrap();
    assert!(dropped.contains("no.jpg,picture missing"), "{dropped}");
    let error = refused(folder.path(), &["clean", "--faces", "faces.csv", "--out", "dropped.csv"]);
    assert!(error.contains("dropped.csv is the list"), "{error}");
}

#[test]
fn a_mat_file_that_inflates_too_far_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = [&[b' '; 124][..], &[0, 1, b'I', b'M']].concat();
    let mut encoder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(&[14, 0, 0, 0, 0, 0, 32, 0]).unwrap();
    encoder.write_all(&vec![0; 2 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    file.extend([15u32, u32::try_from(bomb.len()).unwrap()].map(u32::to_le_bytes).concat());
    file.extend(bomb);
    fs::write(folder.path().join("wiki.mat"), file).unwrap();
    let index = ["index", "--mat", "wiki.mat", "--out", "faces.csv", "--mat-max-mb", "1"];
    let error = refused(folder.path(), &index);
    assert!(error.contains("inflates to more than 1000000 bytes"), "{error}");
}

#[test]
fn a_truncated_mat_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wiki.mat"), vec![b' '; 40]).unwrap();
    let error = refused(folder.path(), &["index", "--mat", "wiki.mat", "--out", "faces.csv"]);
    assert!(error.contains("reading wiki.mat: 40 bytes, expected a MATLAB 5 file"), "{error}");
    assert!(!folder.path().join("faces.csv").exists());
    let Some(manifest) = wiki_mini() else { return };
    let whole = fs::read(manifest).unwrap();
    fs::write(folder.path().join("wiki.mat"), &whole[..whole.len() / 2]).unwrap();
    let error = refused(folder.path(), &["index", "--mat", "wiki.mat", "--out", "faces.csv"]);
    assert!(error.contains("wiki.mat") && error.contains("bytes"), "{error}");
}

#[test]
fn what_the_data_are_like_is_drawn_and_faces_only_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = super::faces::write(folder.path());
    let folder = folder.path();
    ok(folder, &["index", "--csv", manifest.to_str().unwrap(), "--out", "faces.csv"]);
    let table = ok(folder, &["look", "--faces", "faces.csv", "--out", "look"]);
    assert!(table.contains("| no part yet | 40 | 20 | 20 | 0 |"), "{table}");
    let svg = fs::read_to_string(folder.join("look/age.svg")).unwrap();
    assert!(svg.contains("Labelled age of 40 faces") && svg.contains("labelled female"));
    assert!(!folder.join("look/sheet.png").exists());
    ok(folder, &["look", "--faces", "faces.csv", "--out", "look", "--pictures", "12"]);
    let everybody = ["look", "--faces", "faces.csv", "--out", "look", "--pictures", "523051"];
    assert!(refused(folder, &everybody).contains("1000"), "a sheet of 20 GB");
    let sheet = image::open(folder.join("look/sheet.png")).unwrap();
    assert_eq!((sheet.width(), sheet.height()), (1120, 252));
}
