//! A named subset of the training faces: which crops an int8 bundle was calibrated on, as a list of
//! picture names that finds them again on another machine.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::RgbImage;

use crate::crops::Crops;
use crate::faces::Part;
use crate::files;

/// Crops of the train part, in order.
#[derive(Debug)]
pub struct Subset {
    places: Vec<usize>,
    text: String,
}

impl Subset {
    /// `count` crops drawn by `seed`.
    pub fn draw(crops: &Crops, count: usize, seed: u64) -> Self {
        let places = crops.members(Part::Train, count, seed);
        let folder = common_folder(crops.rows.iter().map(|row| row.path.as_path()));
        let name = |&at: &usize| {
            let path = &crops.rows[at].path;
            format!("{}\n", path.strip_prefix(&folder).unwrap_or(path).display())
        };
        let text = places.iter().map(name).collect();
        Self { places, text }
    }

    /// The crops that a list names, one picture a line; a name is the end of a path.
    ///
    /// # Errors
    /// A line that names no crop, several, or one that is not of the train part.
    pub fn read(list: &Path, crops: &Crops) -> Result<Self> {
        let context = || format!("reading {}", list.display());
        let text = std::fs::read_to_string(list).with_context(context)?;
        let mut by_name: HashMap<&std::ffi::OsStr, Vec<usize>> = HashMap::new();
        for (at, row) in crops.rows.iter().enumerate() {
            by_name.entry(row.path.file_name().unwrap_or_default()).or_default().push(at);
        }
        let find = |line: &str| -> Result<usize> {
            let name = Path::new(line);
            let alike = by_name.get(name.file_name().unwrap_or_default());
            let alike = alike.into_iter().flatten().copied();
            let found: Vec<usize> =
                alike.filter(|&at| crops.rows[at].path.ends_with(name)).collect();
            ensure!(found.len() == 1, "{line} names {} crops, expected 1", found.len());
            let part = crops.rows[found[0]].part;
            ensure!(part == Part::Train, "{line} is of part {part:?}, expected train");
            Ok(found[0])
        };
        let places: Result<Vec<usize>> = text.lines().map(find).collect();
        let places = places.with_context(context)?;
        ensure!(!places.is_empty(), "{} names no picture", list.display());
        Ok(Self { places, text })
    }

    /// The crops themselves, as the device cuts them.
    ///
    /// # Shapes
    /// - crops: `[size_px, size_px, 3]`, u8, sRGB
    pub fn crops(&self, crops: &Crops, size_px: u32) -> Vec<RgbImage> {
        self.places.iter().map(|&at| crops.plain(at, size_px)).collect()
    }

    /// The list, one picture a line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the bundle says of it.
    pub fn told(&self) -> String {
        let (count, sha256) = (self.places.len(), files::sha256(self.text.as_bytes()));
        format!("calibrated on {count} training faces (list: sha256 {sha256})")
    }
}

/// The longest folder that all paths lie in.
fn common_folder<'a>(mut paths: impl Iterator<Item = &'a Path>) -> PathBuf {
    let mut folder = paths.next().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
    for path in paths {
        while !path.starts_with(&folder) && folder.pop() {}
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_folder_is_the_longest_one() {
        let folder = |paths: &[&str]| common_folder(paths.iter().map(Path::new));
        assert_eq!(folder(&["/a/b/1.jpg", "/a/b/2.jpg"]), Path::new("/a/b"));
        assert_eq!(folder(&["/a/b/1.jpg", "/a/c/d/2.jpg"]), Path::new("/a"));
        assert_eq!(folder(&["b/1.jpg", "c/2.jpg"]), Path::new(""));
        assert_eq!(folder(&[]), Path::new(""));
    }
}
