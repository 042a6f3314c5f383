//! Hard negatives: what a net takes for a face in pictures without any.

use anyhow::Result;
use image::RgbImage;
use models::crop::Similarity;
use models::geometry::Point;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use tch::{Kind, Tensor};

use super::paste::{Mask, Patch, Tone, paste};
use super::scenes;
use super::stock::Stock;
use super::targets::GRIDS;
use super::train::SCENE_PX;

/// Grounds that are looked at before an epoch.
const LOOKED_AT: u64 = 256;
/// … and how many at once.
const BATCH: usize = 32;
/// From this score on something is taken for a face.
const SCORE_MIN: f64 = 0.25;
/// Mistakes that are taken from one ground.
const EACH_MAX: i64 = 3;
/// Side of a piece in pixels, and of what it shows, in box sizes.
const PIECE_PX: u32 = 64;
const PIECE_SCALE: f32 = 1.4;
/// Streams of chance for grounds, apart from the scenes'.
const STREAMS: u64 = 1 << 40;

/// Pieces of grounds for which `told` gives the best scores.
///
/// # Shapes
/// - told: pictures → `[pictures, cells, 15]`, f32
pub(super) fn mistakes(
    stock: &Stock,
    seed: u64,
    told: impl Fn(&[&RgbImage]) -> Result<Tensor>,
) -> Result<Vec<Patch>> {
    let mut pieces = vec![];
    for begin in (0..LOOKED_AT).step_by(BATCH) {
        let grounds: Vec<RgbImage> = (begin..begin + BATCH as u64)
            .into_par_iter()
            .map(|at| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(STREAMS + at);
                scenes::draw_empty(stock, SCENE_PX, &mut rng)
            })
            .collect();
        let told = told(&grounds.iter().collect::<Vec<_>>())?;
        for (ground, told) in grounds.iter().zip(told.f_unbind(0)?) {
            pieces.extend(worst(ground, &told)?);
        }
    }
    Ok(pieces)
}

/// The pieces of a ground that look most like faces.
fn worst(ground: &RgbImage, told: &Tensor) -> Result<Vec<Patch>> {
    let scores = told.f_select(1, 0)?.f_sigmoid()?.f_to_kind(Kind::Double)?;
    let (scores, cells) = scores.f_topk(EACH_MAX, 0, true, true)?;
    let (scores, cells) = (Vec::<f64>::try_from(&scores)?, Vec::<i64>::try_from(&cells)?);
    let over = scores.into_iter().zip(cells).filter(|(score, _)| *score >= SCORE_MIN);
    over.map(|(_, cell)| {
        let row = told.f_select(0, cell)?.f_to_device(tch::Device::Cpu)?.f_to_kind(Kind::Float)?;
        let row = Vec::<f32>::try_from(&row.f_contiguous()?)?;
        let (center, stride) = center_of(usize::try_from(cell)?);
        let middle = Point::new(center.x + row[1] * stride, center.y + row[2] * stride);
        let side = stride * ((row[3] + row[4]) / 2.0).clamp(-2.0, 4.0).exp() * PIECE_SCALE;
        Ok(cut(ground, middle, side.clamp(8.0, 320.0)))
    })
    .collect()
}

/// The centre of a cell in pixels, and its stride.
fn center_of(cell: usize) -> (Point, f32) {
    let mut at = cell;
    for (stride, _) in &GRIDS {
        let columns = (SCENE_PX[0] / stride) as usize;
        let count = columns * (SCENE_PX[1] / stride) as usize;
        if at < count {
            let stride = *stride as f32;
            let middle = |at: usize| (at as f32 + 0.5) * stride;
            return (Point::new(middle(at % columns), middle(at / columns)), stride);
        }
        at -= count;
    }
    (Point::default(), 8.0)
}

fn cut(ground: &RgbImage, middle: Point, side: f32) -> Patch {
    let scale = side / PIECE_PX as f32;
    let shift = Point::new(middle.x - side / 2.0, middle.y - side / 2.0);
    let mut piece = RgbImage::new(PIECE_PX, PIECE_PX);
    let place = Similarity { a: scale, b: 0.0, shift };
    paste(&mut piece, &Patch::new(ground.clone()), &place, Mask::Whole, &Tone::PLAIN);
    Patch::new(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_grid_by_grid() {
        assert_eq!(center_of(0), (Point::new(4.0, 4.0), 8.0));
        assert_eq!(center_of(41), (Point::new(12.0, 12.0), 8.0));
        assert_eq!(center_of(40 * 32), (Point::new(8.0, 8.0), 16.0));
        assert_eq!(center_of(40 * 32 + 20 * 16 + 79), (Point::new(304.0, 240.0), 32.0));
    }

    #[test]
    fn the_best_scored_cell_is_cut_out() {
        let mut ground = RgbImage::new(SCENE_PX[0], SCENE_PX[1]);
        (0..40).for_each(|at| ground.put_pixel(84 + at % 8, 60 + at / 8, image::Rgb([255; 3])));
        let told = Tensor::full([1680, 15], -9.0, (Kind::Float, tch::Device::Cpu));
        // The cell of column 10 and row 7 tells of a face around (84, 60), 16 px large.
        let row = told.select(0, 7 * 40 + 10);
        let _ = row.narrow(0, 0, 1).fill_(2.0);
        let _ = row.narrow(0, 1, 2).fill_(0.0);
        let _ = row.narrow(0, 3, 2).fill_(f64::from(2f32.ln()));
        let pieces = worst(&ground, &told).unwrap();
        assert_eq!(pieces.len(), 1);
        let seen = pieces[0].picture();
        assert_eq!((seen.get_pixel(40, 36).0[0], seen.get_pixel(20, 36).0[0]), (255, 0));
    }
}
