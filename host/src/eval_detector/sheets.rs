//! Sheets of pictures: for each detector what it missed, and where it saw faces that are none.

use std::path::Path;

use anyhow::Result;
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};
use models::geometry::Rect;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::answers::Column;
use super::matching::matches;
use super::tables::{IOU_MAIN, bounds, sets};
use super::truth::Picture;
use crate::files::{self, read_picture};
use crate::look::sheet::{self, Tile};

/// Side of a picture on a sheet.
const SIDE: u32 = 160;
/// Pictures of a set on a sheet.
const OF_A_SET: usize = 20;

const FOUND: Rgb<u8> = Rgb([60, 220, 60]);
const MISSED: Rgb<u8> = Rgb([250, 60, 60]);
const SAID: Rgb<u8> = Rgb([250, 220, 40]);

/// Whether a sheet shows a picture, given how many of its faces were found and how many boxes lie beside.
type Shows = fn(&Picture, usize, usize) -> bool;

/// Writes NAME-missed.png and NAME-beside.png: labelled faces green where found, red where not; boxes that
/// were found yellow. A sheet without pictures is not written.
pub(super) fn write(
    folder: &Path,
    pictures: &[Picture],
    columns: &[Column],
    seed: u64,
) -> Result<()> {
    for column in columns {
        let kinds: [(&str, Shows); 2] = [
            ("missed", |picture, hits, _| hits < picture.count()),
            ("beside", |_, _, beside| beside > 0),
        ];
        for (kind, shows) in kinds {
            let chosen = choose(pictures, column, shows, seed);
            let path = folder.join(format!("{}-{kind}.png", file_name(&column.name)));
            if !chosen.is_empty() {
                let sheet = draw(pictures, column, &chosen);
                files::replace(&path, |part| {
                    Ok(sheet.save_with_format(part, image::ImageFormat::Png)?)
                })?;
            }
        }
    }
    Ok(())
}

/// Some pictures of each set that `shows` wants, given how many of its faces were found and how many boxes
/// lie beside; where only the number of faces is known, any box counts as one of them.
fn choose(
    pictures: &[Picture],
    column: &Column,
    shows: impl Fn(&Picture, usize, usize) -> bool,
    seed: u64,
) -> Vec<usize> {
    let wanted = |&at: &usize| {
        let (picture, found) = (&pictures[at], &column.found[at]);
        let (hits, beside) = if picture.is_boxed() {
            let matched = matches(&bounds(picture), found, IOU_MAIN);
            (matched.found.iter().flatten().count(), matched.beside)
        } else {
            let hits = found.len().min(picture.count());
            (hits, found.len() - hits)
        };
        shows(picture, hits, beside)
    };
    let mut chosen = vec![];
    for set in sets(pictures) {
        let of_set = (0..pictures.len()).filter(|&at| pictures[at].set == set);
        let mut of_set: Vec<usize> = of_set.filter(wanted).collect();
        of_set.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        of_set.truncate(OF_A_SET);
        chosen.extend(of_set);
    }
    chosen
}

fn draw(pictures: &[Picture], column: &Column, chosen: &[usize]) -> RgbImage {
    let tile = |&at: &usize| {
        let picture = &pictures[at];
        Tile { picture: thumbnail(picture, column, at), caption: caption(picture) }
    };
    let tiles: Vec<Tile> = chosen.par_iter().map(tile).collect();
    sheet::grid(&tiles, SIDE)
}

fn caption(picture: &Picture) -> String {
    match picture.change {
        Some(change) => {
            format!("{} px {} deg {} %", change.size_px, change.turn_degrees, change.light_percent)
        }
        None => {
            let stem = picture.path.file_stem().unwrap_or_default().to_string_lossy();
            let stem: String = stem.chars().filter(char::is_ascii).take(24).collect();
            format!("{}: {stem}", picture.set).chars().take(26).collect()
        }
    }
}

/// The picture with all boxes, within a square; `None` where it cannot be read.
fn thumbnail(picture: &Picture, column: &Column, at: usize) -> Option<RgbImage> {
    let pixels = read_picture(&picture.path).ok()?;
    let longer = pixels.width().max(pixels.height()).max(1);
    let scale = SIDE as f32 / longer as f32;
    let side = |len: u32| (len * SIDE / longer).max(1);
    let (width, height) = (side(pixels.width()), side(pixels.height()));
    let small = resize(&pixels, width, height, FilterType::Triangle);
    let found = &column.found[at];
    let mut tile = RgbImage::new(SIDE, SIDE);
    image::imageops::replace(&mut tile, &small, 0, 0);
    found.iter().for_each(|face| outline(&mut tile, &face.bounds.scaled(scale), SAID));
    let matched = matches(&bounds(picture), found, IOU_MAIN);
    for (face, hit) in picture.faces().iter().zip(matched.found) {
        let color = if hit.is_some() { FOUND } else { MISSED };
        outline(&mut tile, &face.bounds.scaled(scale), color);
    }
    Some(tile)
}

fn outline(tile: &mut RgbImage, bounds: &Rect, color: Rgb<u8>) {
    #[allow(clippy::cast_possible_truncation, reason = "clamped to the tile before")]
    let at = |value: f32| value.round().clamp(-1.0, SIDE as f32) as i64;
    let (left, right) = (at(bounds.left), at(bounds.left + bounds.width));
    let (top, bottom) = (at(bounds.top), at(bounds.top + bounds.height));
    let across = (left..=right).flat_map(|x| [(x, top), (x, bottom)]);
    let down = (top..=bottom).flat_map(|y| [(left, y), (right, y)]);
    for (x, y) in across.chain(down) {
        let place = u32::try_from(x).ok().zip(u32::try_from(y).ok());
        if let Some(pixel) = place.and_then(|(x, y)| tile.get_pixel_mut_checked(x, y)) {
            *pixel = color;
        }
    }
}

/// The name with what file systems do not take, or a shell would read, replaced.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_reaches_outside_is_drawn_where_it_is_inside() {
        let mut tile = RgbImage::new(SIDE, SIDE);
        outline(&mut tile, &Rect::new(-50.0, 10.0, 60.0, 1e9), FOUND);
        assert_eq!(*tile.get_pixel(0, 10), FOUND);
        assert_eq!(*tile.get_pixel(10, 159), FOUND);
        assert_eq!(*tile.get_pixel(0, 11), Rgb([0; 3]));
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("yunet 320/é"), "yunet-320--");
    }
}
