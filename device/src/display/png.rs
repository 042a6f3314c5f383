//! A display that is a folder: each screen becomes a PNG file in it.
//!
//! A file appears under its name only when it is complete.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use embedded_graphics::geometry::{OriginDimensions, Size};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::{Display, check_size};
use crate::canvas::Canvas;
use crate::whole;

/// A folder of screens of one size, under names that are given.
#[derive(Debug)]
pub struct PngFolder {
    dir: PathBuf,
    size: Size,
}

impl PngFolder {
    /// Screens of `size` pixels into the folder `dir`, which is made where it is not there.
    pub fn create(dir: &Path, size: Size) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("making the folder {}", dir.display()))?;
        Ok(Self { dir: dir.to_owned(), size })
    }

    /// The screens' size in pixels; [`write`](Self::write) takes canvases of exactly this size.
    pub fn size_px(&self) -> Size {
        self.size
    }

    /// Writes `canvas` as `NAME.png` and returns its path; a file of that name is replaced.
    ///
    /// # Errors
    /// Where `name` is not a plain file name, the canvas has another size than the folder's, or the
    /// file cannot be written.
    pub fn write(&self, name: &str, canvas: &Canvas) -> Result<PathBuf> {
        ensure!(is_plain(name), "the screen name {name:?} is not a plain file name");
        check_size(canvas, self.size)?;
        let path = self.dir.join(format!("{name}.png"));
        let written = whole::replace(&path, |part| encode_file(part, canvas));
        written.with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

/// A folder as a display: the screens one after the other, as `screen-000001.png` and so on.
#[derive(Debug)]
pub struct PngSequence {
    folder: PngFolder,
    count: u64,
}

impl PngSequence {
    /// As [`PngFolder::create`].
    pub fn create(dir: &Path, size: Size) -> Result<Self> {
        Ok(Self { folder: PngFolder::create(dir, size)?, count: 0 })
    }
}

impl Display for PngSequence {
    fn size_px(&self) -> Size {
        self.folder.size_px()
    }

    fn present(&mut self, canvas: &Canvas) -> Result<()> {
        self.count += 1;
        self.folder.write(&format!("screen-{:06}", self.count), canvas)?;
        Ok(())
    }

    fn description(&self) -> String {
        format!("PNG files of {} in {}", self.folder.size, self.folder.dir.display())
    }
}

/// Writes `canvas` as PNG into `out`.
pub fn encode(out: impl Write, canvas: &Canvas) -> Result<()> {
    let Size { width, height } = canvas.size();
    let encoder = PngEncoder::new(out);
    Ok(encoder.write_image(canvas.as_rgb(), width, height, ExtendedColorType::Rgb8)?)
}

fn encode_file(path: &Path, canvas: &Canvas) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    encode(&mut file, canvas)?;
    Ok(file.flush()?)
}

fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn screens_are_replaced_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let display = PngFolder::create(&folder, Size::new(3, 2)).unwrap();
        let canvas = Canvas::new(3, 2);
        display.write("group", &canvas).unwrap();
        display.write("portrait", &canvas).unwrap();
        let path = display.write("portrait", &canvas).unwrap();
        assert_eq!(names(&folder), ["group.png", "portrait.png"]);
        assert_eq!(image::open(path).unwrap().to_rgb8().dimensions(), (3, 2));
    }

    #[test]
    fn names_that_leave_the_folder_and_wrong_sizes_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let display = PngFolder::create(dir.path(), Size::new(3, 2)).unwrap();
        for name in ["", "..", "../up", "a/b", "/abs", "a/", "."] {
            assert!(display.write(name, &Canvas::new(3, 2)).is_err(), "{name:?}");
        }
        let error = display.write("a", &Canvas::new(2, 3)).unwrap_err();
        assert_eq!(error.to_string(), "the screen is 2 x 3, the display 3 x 2 pixels");
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_screen_that_cannot_be_written_names_its_file_and_leaves_none() {
        let dir = tempfile::tempdir().unwrap();
        let display = PngFolder::create(dir.path(), Size::new(1, 1)).unwrap();
        fs::create_dir(dir.path().join("a.png")).unwrap();
        let error = display.write("a", &Canvas::new(1, 1)).unwrap_err();
        assert!(error.to_string().contains("a.png"), "{error}");
        assert_eq!(names(dir.path()), ["a.png"]);
    }
}
