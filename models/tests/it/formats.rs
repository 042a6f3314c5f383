//! Picture files of every kind, whole and broken.

use image::RgbImage;
use models::picture::{self, Limits, PictureError};

use crate::data;

fn decode(name: &str) -> Result<RgbImage, PictureError> {
    let path = data::find(&format!("test/formats/{name}")).unwrap();
    picture::decode(&std::fs::read(path).unwrap(), &Limits::default())
}

/// The mean difference of a channel, after both are scaled to 32×32 px.
fn distance(a: &RgbImage, b: &RgbImage) -> f32 {
    let small = |p| image::imageops::resize(p, 32, 32, image::imageops::FilterType::Triangle);
    let (a, b) = (small(a), small(b));
    let sum: u32 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    sum as f32 / a.as_raw().len() as f32
}

#[test]
fn every_kind_of_file_shows_the_same_picture() {
    if data::find("test/formats").is_none() {
        return;
    }
    let original = data::picture("test/scenes/astronaut.png");
    for name in [
        "bmp24.bmp",
        "progressive.jpg",
        "rgba.png",
        "rgb16.png",
        "palette.png",
        "cmyk.jpg",
        "exif_orientation_3.jpg",
        "exif_orientation_6.jpg",
        "exif_orientation_8.jpg",
    ] {
        let picture = decode(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        eprintln!(
            "{name}: {:?} differs by {}",
            picture.dimensions(),
            distance(&picture, &original)
        );
        assert!(distance(&picture, &original) < 6.0, "{name} {}", distance(&picture, &original));
    }
    let grey = decode("grey8.png").unwrap();
    assert!(grey.pixels().all(|p| p.0[0] == p.0[1] && p.0[1] == p.0[2]));
    assert!(decode("tiny31.png").unwrap().width() <= 31);
}

#[test]
fn broken_files_are_refused_by_what_is_wrong() {
    if data::find("test/formats").is_none() {
        return;
    }
    let refusal = |name| decode(name).unwrap_err().to_string();
    assert_eq!(refusal("empty.jpg"), "the file is empty");
    assert!(refusal("not_an_image.jpg").starts_with("expected a JPEG, PNG, WebP or BMP picture"));
    assert_eq!(refusal("truncated.jpg"), "the JPEG picture is cut off: its end is missing");
}
