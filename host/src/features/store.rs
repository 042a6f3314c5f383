//! The files of a feature cache.
//!
//! `features.f16` holds `[crops · copies, …shape]` in f16, little-endian: of crop k the rows k·copies
//! (as it is) and, where mirrored, k·copies + 1. Row k of `features.csv` tells of crop k, and
//! `features.json` what the rows were made of.

use std::fmt;
use std::fs::{self, File};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use half::f16;
use half::slice::HalfFloatSliceExt;
use memmap2::Mmap;
use models::manifest::InputSpec;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::crops::CropRow;
use crate::files::{self, write_csv, write_text};

/// Name of the finished features.
pub(super) const FEATURES: &str = "features.f16";
const ROWS: &str = "features.csv";
const ABOUT: &str = "features.json";

/// One of several parts of the crops, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Which of `len` crops belong to it.
    pub fn range(self, len: usize) -> Range<usize> {
        (self.number - 1) * len / self.of..self.number * len / self.of
    }
}

impl FromStr for Shard {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once('/').context("expected K/N, such as 3/16")?;
        let (number, of) = (parts.0.parse()?, parts.1.parse()?);
        if !(1..=of).contains(&number) {
            bail!("shard {number} of {of}, expected one of 1 to {of}");
        }
        Ok(Self { number, of })
    }
}

impl TryFrom<String> for Shard {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// What features were made of: the same in every shard but for `shard`, `crops` and `sha256`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The net whose trunk made them.
    pub net: String,
    /// SHA-256 of the trunk's weights and input.
    pub trunk_sha256: String,
    /// What the trunk was taught to read, and so what heads on it belong to.
    pub input: InputSpec,
    /// SHA-256 of the `crops.csv` that they were made from.
    pub crops_sha256: String,
    /// Of one row.
    pub shape: Vec<usize>,
    /// Whether each crop's mirror image follows it.
    pub mirrored: bool,
    /// What the trunk computed in.
    pub precision: String,
    /// Crops in all shards together.
    pub crops_in_all: usize,
    /// Which part of them this is.
    pub shard: Shard,
    /// SHA-256 of `features.f16`; empty until it is finished.
    pub sha256: String,
}

impl About {
    /// Rows of one crop.
    pub fn copies(&self) -> usize {
        if self.mirrored { 2 } else { 1 }
    }

    /// Values of one row.
    pub fn row_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Crops in this shard.
    pub fn crops(&self) -> usize {
        self.shard.range(self.crops_in_all).len()
    }

    /// Length of the finished `features.f16`.
    pub fn bytes(&self) -> usize {
        self.crops() * self.copies() * self.row_len() * size_of::<f16>()
    }

    /// Reads `features.json` in `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(ABOUT);
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
    }

    /// Writes it.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        write_text(&folder.join(ABOUT), &text)
    }
}

/// Finished features, memory-mapped.
pub struct Features {
    /// One a crop.
    pub rows: Vec<CropRow>,
    /// What they were made of.
    pub about: About,
    bytes: Mmap,
}

impl Features {
    /// Opens the features in `folder`.
    ///
    /// # Errors
    /// Features that are unfinished, one shard of several, or a file that is missing or torn.
    pub fn open(folder: &Path) -> Result<Self> {
        let features = Self::open_shard(folder)?;
        let shard = features.about.shard;
        ensure!(
            shard.of == 1,
            "{} holds shard {shard}: join the shards by `trainer features merge`",
            folder.display()
        );
        Ok(features)
    }

    /// As [`Features::open`], of any shard.
    pub(super) fn open_shard(folder: &Path) -> Result<Self> {
        let about = About::read(folder)?;
        let path = folder.join(FEATURES);
        ensure!(
            path.is_file(),
            "{} is unfinished: run the same `trainer features` again",
            folder.display()
        );
        let bytes = files::map(&File::open(&path)?)
            .with_context(|| format!("reading {}", path.display()))?;
        ensure!(
            bytes.len() == about.bytes(),
            "{} holds {} bytes, expected {}: {} crops",
            path.display(),
            bytes.len(),
            about.bytes(),
            about.crops()
        );
        let rows = read_rows(folder)?;
        ensure!(
            rows.len() == about.crops(),
            "{} tells of {} crops, expected {}",
            folder.join(ROWS).display(),
            rows.len(),
            about.crops()
        );
        Ok(Self { rows, about, bytes })
    }

    /// Whether `features.f16` is what its hash says: reads all of it.
    pub(super) fn check(&self) -> Result<()> {
        let found = files::sha256(&self.bytes);
        ensure!(found == self.about.sha256, "its hash is {found}, expected {}", self.about.sha256);
        Ok(())
    }

    /// All bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes the features of crop `at`, mirrored or not, into `values`.
    ///
    /// # Panics
    /// Where `values` is not as long as a row.
    pub fn fill(&self, values: &mut [f32], at: usize, variant: Variant) {
        let len = self.about.row_len();
        let mirrored = usize::from(variant == Variant::Mirrored && self.about.mirrored);
        let row = at * self.about.copies() + mirrored;
        let bytes = &self.bytes[row * len * 2..][..len * 2];
        let halves: Vec<f16> =
            bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]])).collect();
        halves.convert_to_f32_slice(values);
    }

    /// The features of some crops, one after the other; `variant` says which, for each place in
    /// `members`.
    pub fn values(&self, members: &[usize], variant: impl Fn(usize) -> Variant + Sync) -> Vec<f32> {
        let len = self.about.row_len();
        let mut values = vec![0.0; members.len() * len];
        let rows = values.par_chunks_mut(len.max(1)).zip(members).enumerate();
        rows.for_each(|(place, (row, &at))| self.fill(row, at, variant(place)));
        values
    }
}

/// Which of a crop's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The crop as it is.
    Plain,
    /// Its mirror image, where there is one.
    Mirrored,
}

/// Reads `features.csv` in `folder`.
fn read_rows(folder: &Path) -> Result<Vec<CropRow>> {
    let path = folder.join(ROWS);
    csv::Reader::from_path(&path)
        .and_then(|mut reader| reader.deserialize().collect())
        .with_context(|| format!("reading {}", path.display()))
}

/// Writes `features.csv` into `folder`.
pub(super) fn write_rows(folder: &Path, rows: &[CropRow]) -> Result<()> {
    write_csv(&folder.join(ROWS), rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_every_crop_once() {
        for len in [0, 1, 15, 16, 1000] {
            let of = |k| format!("{k}/16").parse::<Shard>().unwrap().range(len);
            let all: Vec<usize> = (1..=16).flat_map(of).collect();
            assert_eq!(all, (0..len).collect::<Vec<_>>());
        }
        for bad in ["0/4", "5/4", "1", "a/b", "1/0"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
