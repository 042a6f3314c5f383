//! `rustface-answers WEIGHTS < pictures.txt`: the faces that rustface finds as its own example asks it, in the
//! JSON of `kiosk analyze`.

use std::error::Error;
use std::io::{BufRead, Write};

use image::{DynamicImage, ImageDecoder, ImageReader};
use rustface::{Detector, ImageData};

fn main() -> Result<(), Box<dyn Error>> {
    let weights = std::env::args().nth(1).ok_or("expected the file of the weights")?;
    let mut detector = rustface::create_detector(&weights)?;
    // As examples/image_demo.rs of rustface 0.1.7.
    detector.set_min_face_size(20);
    detector.set_score_thresh(2.0);
    detector.set_pyramid_scale_factor(0.8);
    detector.set_slide_window_step(4, 4);
    let mut out = std::io::stdout().lock();
    for path in std::io::stdin().lock().lines() {
        let path = path?;
        let faces = match read(&path) {
            Ok(picture) => faces(detector.as_mut(), &picture.to_luma8()),
            Err(error) => {
                eprintln!("{path}: {error}");
                String::new()
            }
        };
        writeln!(out, "{{\"source\":\"{}\",\"faces\":[{faces}]}}", escaped(&path))?;
    }
    Ok(())
}

fn read(path: &str) -> image::ImageResult<DynamicImage> {
    let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn faces(detector: &mut dyn Detector, grey: &image::GrayImage) -> String {
    let found = detector.detect(&ImageData::new(grey, grey.width(), grey.height()));
    let face = |info: &rustface::FaceInfo| {
        let square = info.bbox();
        let (x, y, width, height) = (square.x(), square.y(), square.width(), square.height());
        // The score has no upper end; only its order counts.
        let score = 1.0 - (-info.score() / 10.0).exp();
        format!("{{\"box_px\":[{x},{y},{width},{height}],\"score\":{score:.4},\"landmarks_px\":null}}")
    };
    found.iter().map(face).collect::<Vec<_>>().join(",")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
