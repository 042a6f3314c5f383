//! Forty "faces" that a net can learn in seconds: women are red, men are blue, the old are dark.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use host::{crops, index, split};
use image::{Rgb, RgbImage};

/// Side of a picture in pixels.
const SIDE: u32 = 64;

/// Writes the pictures and their manifest under `folder` and returns the manifest's path.
pub(crate) fn write(folder: &Path) -> PathBuf {
    let mut manifest = String::from("path,age_lo,age_hi,gender,x1,y1,x2,y2\n");
    for k in 0..40u8 {
        let (name, woman, age) = (format!("face_{k}.png"), k % 2 == 0, 20 + 10 * (k / 4 % 5));
        let light = 250 - 3 * age;
        let color = if woman { [light, 40, 40] } else { [40, 40, light] };
        let picture = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            Rgb(color.map(|c: u8| c.saturating_add(((x + 2 * y + u32::from(k)) % 7) as u8)))
        });
        picture.save(folder.join(&name)).unwrap();
        let gender = if woman { 'F' } else { 'M' };
        writeln!(manifest, "{name},{age},{},{gender},8,4,56,60", age + 9).unwrap();
    }
    let path = folder.join("manifest.csv");
    fs::write(&path, manifest).unwrap();
    path
}

/// Runs `index`, `split` and `crop` for a net of `size_px`; the crops lie in `folder/crops`.
pub(crate) fn crops(folder: &Path, size_px: u32) -> PathBuf {
    let (faces, crops) = (folder.join("faces.csv"), folder.join("crops"));
    index::run(&from_csv(write(folder), folder, &faces)).unwrap();
    split::run(&faces, &faces, split::Rule::Number, 0).unwrap();
    crops::run(&faces, size_px, &crops).unwrap();
    crops
}

/// What `index --csv` is told.
pub(crate) fn from_csv(manifest: PathBuf, root: &Path, out: &Path) -> index::Options {
    index::Options {
        manifest: index::Manifest { csv: Some(manifest), ..index::Manifest::default() },
        root: Some(root.to_owned()),
        out: out.to_owned(),
        mat_max_mb: 1,
    }
}
