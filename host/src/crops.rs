//! Stage `crop`: every face once, cut by `models::crop` and kept as raw bytes for training.
//!
//! A stored crop is aligned by its landmarks and shows [`MARGIN`] times the side the net will see, at
//! the net's scale; so training can still move, turn and zoom it. Beside it is kept where the crop
//! from the box alone lies in it: half of the training crops are cut there, and one model serves
//! detectors with and without landmarks.
//!
//! `crops.u8` holds `[n, side, side, 3]` u8 sRGB, and row k of `crops.csv` tells of crop k.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::RgbImage;
use memmap2::Mmap;
use models::crop::{CropSpec, Similarity, warp};
use models::detect::{self, Detector, Face};
use models::geometry::Point;
use models::image::RgbView;
use models::session::Options as SessionOptions;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::contract::crop_spec;
use crate::faces::{self, AgeRange, FaceRow, GenderMark, Part};
use crate::files::{self, read_picture, write_atomic, write_csv};
use crate::progress;

/// Side of a stored crop ÷ side of what the net sees.
pub const MARGIN: f32 = 1.25;

/// Pictures cut between two writes: bounds the memory.
const BATCH: usize = 512;

/// One row of `crops.csv`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CropRow {
    /// The picture it was cut from.
    pub path: PathBuf,
    age_lo: Option<u8>,
    age_hi: Option<u8>,
    /// Labelled gender.
    pub gender: Option<GenderMark>,
    /// Labelled race: for errors per group.
    #[serde(default)]
    pub race: String,
    /// The data set it comes from.
    #[serde(default)]
    pub source: String,
    /// A jury's mean age in years.
    #[serde(default)]
    pub apparent_mean: Option<f32>,
    /// … and its standard deviation.
    #[serde(default)]
    pub apparent_std: Option<f32>,
    /// What the face is used for.
    pub part: Part,
    box_a: f32,
    box_b: f32,
    box_x: f32,
    box_y: f32,
}

impl CropRow {
    /// The labelled age range.
    pub fn age(&self) -> Option<AgeRange> {
        Some(AgeRange { lo: self.age_lo?, hi: self.age_hi? })
    }

    /// The crop from the box alone, as net pixels → stored pixels.
    pub fn box_place(&self) -> Similarity {
        Similarity { a: self.box_a, b: self.box_b, shift: Point::new(self.box_x, self.box_y) }
    }
}

/// The crops of one run, memory-mapped.
pub struct Crops {
    /// One a crop.
    pub rows: Vec<CropRow>,
    size_px: u32,
    side_px: u32,
    bytes: Mmap,
}

impl Crops {
    /// Opens the crops in `folder` that were cut for a net of `size_px`.
    ///
    /// # Errors
    /// A file that is missing, torn or cut for another size.
    pub fn open(folder: &Path, size_px: u32) -> Result<Self> {
        let table = folder.join("crops.csv");
        let rows: Vec<CropRow> = csv::Reader::from_path(&table)
            .and_then(|mut reader| reader.deserialize().collect())
            .with_context(|| format!("reading {}", table.display()))?;
        let path = folder.join("crops.u8");
        let file = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        let bytes = files::map(&file)?;
        let side_px = stored_px(size_px);
        let expected = rows.len() * bytes_each(side_px);
        ensure!(
            bytes.len() == expected,
            "{} holds {} bytes, expected {expected}: {} crops of {side_px} px; run `trainer crop` again",
            path.display(),
            bytes.len(),
            rows.len()
        );
        Ok(Self { rows, size_px, side_px, bytes })
    }

    /// Side in pixels of what the net sees.
    pub fn size_px(&self) -> u32 {
        self.size_px
    }

    /// Crop `at`.
    ///
    /// # Shapes
    /// - crop: `[side, side, 3]`, u8, sRGB
    pub fn view(&self, at: usize) -> RgbView<'_> {
        let (side, len) = (self.side_px as usize, bytes_each(self.side_px));
        RgbView::new(&self.bytes[at * len..][..len], side, side, side * 3)
            .expect("a stored crop has as many bytes as its side asks for")
    }

    /// Crop `at` as the device cuts it: by landmarks, unchanged.
    ///
    /// # Shapes
    /// - crop: `[size_px, size_px, 3]`, u8, sRGB
    pub fn plain(&self, at: usize, size_px: u32) -> RgbImage {
        warp(&self.view(at), &self.aligned(size_px), size_px)
    }

    /// Up to `count` crops of a part, drawn by `seed`, as [`Crops::plain`] cuts them.
    pub fn sample(&self, part: Part, count: usize, size_px: u32, seed: u64) -> Vec<RgbImage> {
        self.members(part, count, seed).into_iter().map(|at| self.plain(at, size_px)).collect()
    }

    /// Where those crops are.
    pub fn members(&self, part: Part, count: usize, seed: u64) -> Vec<usize> {
        let members = self.rows.iter().enumerate().filter(|(_, row)| row.part == part);
        let mut members: Vec<usize> = members.map(|(at, _)| at).collect();
        members.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        members.truncate(count);
        members
    }

    /// Net pixels → stored pixels of the aligned crop, for a net of `size_px`.
    pub fn aligned(&self, size_px: u32) -> Similarity {
        let border = (self.side_px as f32 - size_px as f32) / 2.0;
        Similarity { a: 1.0, b: 0.0, shift: Point::new(border, border) }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a side in pixels, a quarter longer"
)]
fn stored_px(size_px: u32) -> u32 {
    (size_px as f32 * MARGIN).round() as u32
}

fn bytes_each(side_px: u32) -> usize {
    side_px as usize * side_px as usize * 3
}

/// Cuts every face of `faces_csv` for a net of `size_px` and writes the crops into `folder`.
///
/// A picture that cannot be read, or in which no face is found, is counted and named.
///
/// # Errors
/// A face without a part (run `split` first), or what the file system says.
pub fn run(faces_csv: &Path, size_px: u32, folder: &Path) -> Result<()> {
    let rows = faces::read(faces_csv)?;
    ensure!(
        rows.iter().all(|row| row.part.is_some()),
        "a face has no part: run `trainer split` first"
    );
    let cutter = Cutter {
        spec: crop_spec(size_px),
        unboxed: if rows.iter().any(|row| row.bounds().is_some()) {
            Unboxed::Skip
        } else {
            Unboxed::Search
        },
    };
    let bar = progress::bar("crop", rows.len() as u64);
    let mut table = Vec::new();
    write_atomic(&folder.join("crops.u8"), |file| {
        for batch in rows.chunks(BATCH) {
            let cut =
                batch.par_iter().map_init(Finder::default, |finder, row| cutter.cut(row, finder));
            let cut: Vec<_> = cut.collect();
            for (row, cut) in batch.iter().zip(cut) {
                match cut {
                    Ok((bytes, row)) => {
                        file.write_all(&bytes)?;
                        table.push(row);
                    }
                    Err(error) => {
                        bar.suspend(|| eprintln!("skipped {}: {error:#}", row.path.display()))
                    }
                }
            }
            bar.inc(batch.len() as u64);
        }
        Ok(())
    })?;
    write_csv(&folder.join("crops.csv"), &table)?;
    bar.finish_and_clear();
    let skipped = rows.len() - table.len();
    eprintln!("crop: {} crops, {skipped} skipped → {}", table.len(), folder.display());
    Ok(())
}

/// What becomes of a face without a labelled box.
#[derive(Clone, Copy)]
enum Unboxed {
    /// Other faces of the manifest have boxes: in this picture its maker found none.
    Skip,
    /// The manifest has no boxes: our own detector finds them.
    Search,
}

struct Cutter {
    spec: CropSpec,
    unboxed: Unboxed,
}

impl Cutter {
    fn cut(&self, row: &FaceRow, finder: &mut Finder) -> Result<(Vec<u8>, CropRow)> {
        let picture = read_picture(&row.path)?;
        let view = RgbView::of(&picture).context("the picture is empty")?;
        let face = match (labelled_face(row), self.unboxed) {
            (Some(face), _) => face,
            (None, Unboxed::Search) => finder.first(&view)?,
            (None, Unboxed::Skip) => {
                anyhow::bail!("its manifest gives no box, as if no face was found")
            }
        };
        let spec = &self.spec;
        let side_px = stored_px(spec.size_px);
        let border = (spec.size_px as f32 - side_px as f32) / 2.0;
        let widen = Similarity { a: 1.0, b: 0.0, shift: Point::new(border, border) };
        let stored = spec.place(&face.bounds, face.landmarks.as_ref()).after(&widen);
        let to_stored = stored.inverse().context("the face has no size")?;
        let by_box = to_stored.after(&spec.place_box(&face.bounds));
        let crop = CropRow {
            path: row.path.clone(),
            age_lo: row.age_lo,
            age_hi: row.age_hi,
            gender: row.gender,
            race: row.race.clone(),
            source: row.source.clone(),
            apparent_mean: row.apparent_mean,
            apparent_std: row.apparent_std,
            part: row.part.context("the face has no part")?,
            box_a: by_box.a,
            box_b: by_box.b,
            box_x: by_box.shift.x,
            box_y: by_box.shift.y,
        };
        Ok((warp(&view, &stored, side_px).into_raw(), crop))
    }
}

/// The first face that the built-in detector finds in a picture, cut out.
///
/// # Errors
/// A picture that cannot be read, or without a face.
pub fn first_face(path: &Path, spec: &CropSpec, finder: &mut Finder) -> Result<RgbImage> {
    let picture = read_picture(path)?;
    let view = RgbView::of(&picture).context("the picture is empty")?;
    let face = finder.first(&view)?;
    Ok(spec.cut(&view, &face.bounds, face.landmarks.as_ref()))
}

fn labelled_face(row: &FaceRow) -> Option<Face> {
    Some(Face { bounds: row.bounds()?, score: 1.0, landmarks: row.landmarks() })
}

/// The detector in the program, opened when it is first asked.
#[derive(Default)]
pub struct Finder(Option<Box<dyn Detector>>);

impl Finder {
    fn first(&mut self, view: &RgbView<'_>) -> Result<Face> {
        let detector = match &mut self.0 {
            Some(detector) => detector,
            none => none.insert(detect::open(detect::embedded()?, &SessionOptions::default())?),
        };
        let faces = detect::find_faces(detector.as_mut(), view)?;
        faces.into_iter().next().context("no face found")
    }
}
