//! Pictures side by side, each with a caption: a sheet.

use embedded_graphics::mono_font::{MonoTextStyle, ascii::FONT_6X10};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Alignment, Text};
use image::imageops::{FilterType, overlay, resize};
use image::{Rgb, RgbImage};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::faces::{FaceRow, GenderMark};
use crate::files::read_picture;

/// Side of a face on a sheet.
const SIDE: u32 = 112;
/// Room for the label under it.
const CAPTION: u32 = 14;
const COLUMNS: u32 = 10;
const GROUND: Rgb<u8> = Rgb([24, 24, 28]);

/// Draws `count` faces, or as many as there are, chosen by `seed`; pictures that cannot be read stay
/// empty.
pub(super) fn draw(rows: &[FaceRow], count: usize, seed: u64) -> RgbImage {
    let mut chosen: Vec<&FaceRow> = rows.iter().collect();
    chosen.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    chosen.truncate(count);
    let tile = |row: &&FaceRow| Tile { picture: thumbnail(row), caption: label(row) };
    grid(&chosen.par_iter().map(tile).collect::<Vec<_>>(), SIDE)
}

/// A picture on a sheet.
pub(crate) struct Tile {
    /// `side` × `side` pixels; stays empty without one.
    pub(crate) picture: Option<RgbImage>,
    /// ASCII, under it.
    pub(crate) caption: String,
}

/// The tiles, ten a line, their pictures `side` pixels wide and high.
pub(crate) fn grid(tiles: &[Tile], side: u32) -> RgbImage {
    let lines = tiles.len().div_ceil(COLUMNS as usize).max(1);
    let height = (side + CAPTION) * u32::try_from(lines).unwrap_or(1);
    let mut sheet = Sheet(RgbImage::from_pixel(side * COLUMNS, height, GROUND));
    for (at, tile) in (0u32..).zip(tiles) {
        let (x, y) = (at % COLUMNS * side, at / COLUMNS * (side + CAPTION));
        if let Some(picture) = &tile.picture {
            overlay(&mut sheet.0, picture, x.into(), y.into());
        }
        sheet.caption(&tile.caption, x + side / 2, y + side + 10);
    }
    sheet.0
}

/// The middle of the picture, square.
fn thumbnail(row: &FaceRow) -> Option<RgbImage> {
    let picture = read_picture(&row.path).ok()?;
    let (width, height) = picture.dimensions();
    let side = width.min(height).max(1);
    let middle =
        image::imageops::crop_imm(&picture, (width - side) / 2, (height - side) / 2, side, side);
    Some(resize(&middle.to_image(), SIDE, SIDE, FilterType::Triangle))
}

fn label(row: &FaceRow) -> String {
    let age = row.age().map_or("?".into(), |age| age.to_string().replace('–', "-"));
    let gender = match row.gender {
        Some(GenderMark::Female) => "F",
        Some(GenderMark::Male) => "M",
        None => "?",
    };
    format!("{age} {gender}")
}

struct Sheet(RgbImage);

impl Sheet {
    fn caption(&mut self, text: &str, x: u32, y: u32) {
        let style = MonoTextStyle::new(&FONT_6X10, Rgb888::new(220, 220, 220));
        let at = Point::new(x.cast_signed(), y.cast_signed());
        // Drawing on a picture cannot fail.
        let Ok(_) = Text::with_alignment(text, at, style, Alignment::Center).draw(self);
    }
}

impl OriginDimensions for Sheet {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Sheet {
    type Color = Rgb888;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Self::Error> {
        for Pixel(at, color) in pixels {
            let place = u32::try_from(at.x).ok().zip(u32::try_from(at.y).ok());
            if let Some(pixel) = place.and_then(|(x, y)| self.0.get_pixel_mut_checked(x, y)) {
                *pixel = Rgb([color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}
