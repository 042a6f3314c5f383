//! `trainer detector scenes`: what the detector learns from, to be looked at.

use std::path::PathBuf;

use anyhow::{Context, Result};
use image::imageops::overlay;
use image::{Rgb, RgbImage};
use models::geometry::{Point, Rect};

use super::scenes::{Scene, SceneFace};
use super::stock::{Material, Stock};
use super::train::{SCENE_PX, scene};
use crate::faces::Part;

/// Scenes side by side.
const COLUMNS: u32 = 4;
const WANTED: Rgb<u8> = Rgb([60, 230, 90]);
const UNWANTED: Rgb<u8> = Rgb([240, 90, 60]);

/// Which scenes to draw, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    material: Material,
    /// PNG to write; green boxes must be found, red ones do not count.
    #[arg(long)]
    out: PathBuf,
    /// How many.
    #[arg(long, default_value_t = 16)]
    count: u32,
    /// Seeds them.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Draws scenes of the val part with their labels.
///
/// # Errors
/// No faces or grounds, or the file system.
pub fn run(options: &Options) -> Result<()> {
    let stock = Stock::read(&options.material, Part::Val)?;
    let [width, height] = SCENE_PX;
    let lines = options.count.div_ceil(COLUMNS);
    let mut sheet = RgbImage::new(width * COLUMNS, height * lines);
    for at in 0..options.count {
        let Scene { mut picture, faces, .. } = scene(&stock, SCENE_PX, (options.seed, at.into()));
        faces.iter().for_each(|face| mark(&mut picture, face));
        let (x, y) = (at % COLUMNS * width, at / COLUMNS * height);
        overlay(&mut sheet, &picture, x.into(), y.into());
    }
    sheet.save(&options.out).with_context(|| format!("writing {}", options.out.display()))
}

fn mark(picture: &mut RgbImage, face: &SceneFace) {
    let color = if face.wanted { WANTED } else { UNWANTED };
    let Rect { left, top, width, height } = face.bounds;
    let steps = 200u8;
    for share in (0..=steps).map(|step| f32::from(step) / f32::from(steps)) {
        for (x, y) in [(share, 0.0), (share, 1.0), (0.0, share), (1.0, share)] {
            dot(picture, Point::new(left + x * width, top + y * height), color);
        }
    }
    face.landmarks.0.into_iter().for_each(|spot| dot(picture, spot, Rgb([255, 255, 0])));
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "points outside the picture are passed over"
)]
fn dot(picture: &mut RgbImage, at: Point, color: Rgb<u8>) {
    if at.x >= 0.0
        && at.y >= 0.0
        && let Some(pixel) = picture.get_pixel_mut_checked(at.x as u32, at.y as u32)
    {
        *pixel = color;
    }
}
