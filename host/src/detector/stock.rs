//! What scenes are made of: labelled faces, grounds without faces, and what was taken for a face before.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use models::crop::Similarity;
use models::geometry::{Landmarks, Point, Rect};
use rayon::prelude::*;

use super::paste::{Patch, turned_about};
use crate::faces::{self, Part};
use crate::files::read_picture;
use crate::progress;

/// Every so many-th ground is kept for validation.
const VAL_EVERY: usize = 10;

/// Where scenes come from.
#[derive(Clone, Debug, clap::Args)]
pub struct Material {
    /// faces.csv with boxes, landmarks and parts.
    #[arg(long)]
    faces: PathBuf,
    /// Folder of pictures without faces (scripts/get-backgrounds.sh).
    #[arg(long)]
    backgrounds: PathBuf,
    /// Folder of pictures of single things that look like faces and are none, such as coins; of several, each is
    /// drawn from equally often.
    #[arg(long)]
    decoys: Vec<PathBuf>,
}

/// A face in a small picture of its own.
#[derive(Clone)]
pub(super) struct FacePatch {
    pub(super) patch: Patch,
    /// In pixels of the picture; it may reach outside.
    pub(super) bounds: Rect,
    pub(super) landmarks: Landmarks,
}

/// Everything that scenes of one part are drawn from.
pub(super) struct Stock {
    pub(super) faces: Vec<FacePatch>,
    /// Pictures without faces.
    pub(super) grounds: Vec<Patch>,
    /// Kinds of things that look like faces, each filling its picture.
    pub(super) decoys: Vec<Vec<Patch>>,
    /// Pieces of grounds that a detector took for faces.
    pub(super) mistaken: Vec<Patch>,
    /// Share of the decoys that are reliefs.
    pub(super) relief: f64,
}

impl Stock {
    /// Reads the faces of a part and the grounds that it may use.
    ///
    /// A face without box or landmarks is left out. A second face in a picture is not labelled, and so learnt
    /// as none; of FairFace's 40,000 pictures 235 show one.
    ///
    /// # Errors
    /// A picture that cannot be read, no faces, or no grounds.
    pub(super) fn read(material: &Material, part: Part) -> Result<Self> {
        let rows = faces::read(&material.faces)?;
        let of_part = rows.iter().filter(|row| row.part == Some(part));
        let labelled: Vec<_> =
            of_part.filter_map(|row| Some((row, row.bounds()?, row.landmarks()?))).collect();
        ensure!(!labelled.is_empty(), "no faces with box and landmarks in part {part:?}");
        let bar = progress::bar("faces", labelled.len() as u64);
        let faces = labelled.par_iter().map(|&(row, bounds, landmarks)| {
            bar.inc(1);
            Ok(FacePatch { patch: Patch::new(read_picture(&row.path)?), bounds, landmarks })
        });
        let faces: Vec<FacePatch> = faces.collect::<Result<_>>()?;
        bar.finish_and_clear();
        let grounds = read_pictures(&material.backgrounds, part)?;
        let decoys = material.decoys.iter().map(|folder| read_pictures(folder, part));
        let decoys = decoys.collect::<Result<_>>()?;
        Ok(Self { faces, grounds, decoys, mistaken: vec![], relief: 0.0 })
    }
}

/// The pictures of a folder that a part may use.
fn read_pictures(folder: &Path, part: Part) -> Result<Vec<Patch>> {
    let listed = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let paths = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let is_picture = |path: &Path| path.extension().is_some_and(|end| end == "jpg" || end == "png");
    let mut paths: Vec<_> = paths.into_iter().filter(|path| is_picture(path)).collect();
    paths.sort();
    let mine = |at: usize| at.is_multiple_of(VAL_EVERY) == (part == Part::Val);
    let mine: Vec<_> = paths.into_iter().enumerate().filter(|(at, _)| mine(*at)).collect();
    ensure!(!mine.is_empty(), "{}: expected pictures without faces, found none", folder.display());
    mine.par_iter().map(|(_, path)| Ok(Patch::new(read_picture(path)?))).collect()
}

impl FacePatch {
    /// √ of the box's area, in pixels.
    pub(super) fn size_px(&self) -> f32 {
        self.bounds.area().sqrt()
    }

    /// The face seen in a mirror.
    pub(super) fn mirrored(&self) -> Self {
        let (width, _) = self.patch.size();
        let across = |p: Point| Point::new(width - p.x, p.y);
        let Landmarks([left_eye, right_eye, nose, left_mouth, right_mouth]) = self.landmarks;
        let seen = [right_eye, left_eye, nose, right_mouth, left_mouth].map(across);
        let left = width - self.bounds.left - self.bounds.width;
        Self {
            patch: self.patch.mirrored(),
            bounds: Rect { left, ..self.bounds },
            landmarks: Landmarks(seen),
        }
    }

    /// Where the face is when it lies `size_px` large around `center`, turned clockwise: canvas pixels →
    /// pixels of the patch.
    pub(super) fn place(&self, center: Point, size_px: f32, turn: f32) -> Similarity {
        turned_about(self.bounds.center(), center, self.size_px() / size_px, turn)
    }

    /// Box and landmarks on the canvas; the box is upright, around the ellipse that the turned one holds.
    pub(super) fn label(&self, place: &Similarity) -> Option<(Rect, Landmarks)> {
        let back = place.inverse()?;
        let center = back.apply(self.bounds.center());
        let (half_width, half_height) = (self.bounds.width / 2.0, self.bounds.height / 2.0);
        let half = |along: f32, across: f32| (half_width * along).hypot(half_height * across);
        let (x, y) = (half(back.a, back.b), half(back.b, back.a));
        let bounds = Rect::new(center.x - x, center.y - y, 2.0 * x, 2.0 * y);
        Some((bounds, self.landmarks.map(|p| back.apply(p))))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    /// A grey square of 128 px with a face of 80×100 px in its middle.
    pub(in super::super) fn face() -> FacePatch {
        let spots = [(48.0, 50.0), (80.0, 50.0), (64.0, 70.0), (52.0, 90.0), (76.0, 90.0)];
        FacePatch {
            patch: Patch::new(RgbImage::from_pixel(128, 128, Rgb([150; 3]))),
            bounds: Rect::new(24.0, 14.0, 80.0, 100.0),
            landmarks: Landmarks(spots.map(|(x, y)| Point::new(x, y))),
        }
    }

    fn close(a: Point, x: f32, y: f32) -> bool {
        (a.x - x).abs() < 1e-3 && (a.y - y).abs() < 1e-3
    }

    #[test]
    fn a_face_that_is_placed_is_labelled_there() {
        let face = face();
        let place = face.place(Point::new(200.0, 100.0), face.size_px() / 2.0, 0.0);
        let (bounds, landmarks) = face.label(&place).unwrap();
        assert!(close(bounds.center(), 200.0, 100.0), "{bounds:?}");
        assert!((bounds.width - 40.0).abs() < 1e-3 && (bounds.height - 50.0).abs() < 1e-3);
        assert!(close(landmarks.0[0], 192.0, 93.0), "{landmarks:?}");
    }

    #[test]
    fn a_quarter_turn_clockwise_lays_the_box_on_its_side() {
        let face = face();
        let quarter = std::f32::consts::FRAC_PI_2;
        let place = face.place(Point::new(0.0, 0.0), face.size_px(), quarter);
        let (bounds, landmarks) = face.label(&place).unwrap();
        assert!((bounds.width - 100.0).abs() < 1e-3 && (bounds.height - 80.0).abs() < 1e-3);
        // The eyes, above the middle before, are right of it now.
        assert!(close(landmarks.0[0], 14.0, -16.0), "{landmarks:?}");
    }

    #[test]
    fn a_mirror_swaps_left_and_right_twice_to_the_same() {
        let mut face = face();
        face.bounds.left = 10.0;
        face.landmarks.0[0].x = 40.0;
        let mirrored = face.mirrored();
        assert_eq!(mirrored.bounds.left, 128.0 - 90.0);
        assert!(close(mirrored.landmarks.0[1], 88.0, 50.0));
        let back = mirrored.mirrored();
        assert_eq!((back.bounds, back.landmarks), (face.bounds, face.landmarks));
    }
}
