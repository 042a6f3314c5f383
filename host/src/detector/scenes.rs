//! Training scenes: labelled faces laid over pictures without faces, as a camera might see them.
//!
//! Every scene depends on its stock and its seed alone.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: `as` saturates where numbers run over"
)]

use std::borrow::Cow;

use anyhow::{Context, Result};
use image::{Rgb, RgbImage};
use models::crop::Similarity;
use models::detect::{Detector, Face};
use models::geometry::{Landmarks, Point, Rect};
use models::image::RgbView;
use rand::{Rng, RngExt};

use super::light;
use super::paste::{Mask, Patch, Tone, paste, turned_about};
use super::stock::{FacePatch, Stock};

/// The smallest face that is asked for, in pixels of the scene.
const FACE_PX_MIN: f32 = 11.0;
/// A new thing may cover so much of a face at most.
const COVERED_MAX: f32 = 0.35;
/// A face of which less is inside the scene is neither asked for nor counted as wrong.
const INSIDE_MIN: f32 = 0.55;
/// Faces of the largest crowd.
const CROWD_MAX: f32 = 14.0;
/// Share of the decoys that the stock names, where it does.
const DECOYS: f64 = 0.3;
/// Tries to find a free place.
const TRIES: usize = 8;

/// A picture with all faces in it.
pub(super) struct Scene {
    pub(super) picture: RgbImage,
    pub(super) faces: Vec<SceneFace>,
    /// For what is drawn by chance from the scene.
    pub(super) seed: u64,
}

/// A face of a scene, in the scene's pixels.
#[derive(Clone, Debug)]
pub(super) struct SceneFace {
    pub(super) bounds: Rect,
    pub(super) landmarks: Landmarks,
    /// Whether it must be found; the others are too small or cut off, and do not count.
    pub(super) wanted: bool,
}

/// What a scene shows.
#[derive(Clone, Copy)]
enum Kind {
    /// Many faces of like size.
    Crowd,
    /// One to three large ones.
    Portrait,
    /// One that fills the picture.
    Filled,
    /// Small pictures side by side.
    Mosaic,
    /// None.
    Empty,
}

/// How many of a hundred scenes are of each kind.
const KINDS: [(Kind, u32); 5] = [
    (Kind::Crowd, 42),
    (Kind::Portrait, 26),
    (Kind::Filled, 14),
    (Kind::Mosaic, 8),
    (Kind::Empty, 10),
];

/// A scene of `size` pixels, drawn by `rng`.
pub(super) fn draw(stock: &Stock, size: [u32; 2], rng: &mut impl Rng) -> Scene {
    let mut scene = Drawing { picture: ground(stock, size, rng), faces: vec![], stock };
    match kind(rng) {
        Kind::Crowd => scene.crowd(rng),
        Kind::Portrait => scene.portrait(rng),
        Kind::Filled => scene.filled(rng),
        Kind::Mosaic => scene.mosaic(rng),
        Kind::Empty => (0..rng.random_range(0..9)).for_each(|_| scene.decoy(rng)),
    }
    let Drawing { mut picture, faces, .. } = scene;
    light::change(&mut picture, rng);
    Scene { picture, faces, seed: rng.random() }
}

/// A scene that shows a ground alone, for mistakes to be looked for.
pub(super) fn draw_empty(stock: &Stock, size: [u32; 2], rng: &mut impl Rng) -> RgbImage {
    let mut picture = ground(stock, size, rng);
    light::change(&mut picture, rng);
    picture
}

fn kind(rng: &mut impl Rng) -> Kind {
    let mut at = rng.random_range(0..KINDS.iter().map(|(_, share)| share).sum());
    let mut kinds = KINDS.iter();
    loop {
        match kinds.next() {
            Some(&(_, share)) if at >= share => at -= share,
            Some(&(kind, _)) => return kind,
            None => return Kind::Empty,
        }
    }
}

/// A piece of a picture without faces, or a pattern.
fn ground(stock: &Stock, [width, height]: [u32; 2], rng: &mut impl Rng) -> RgbImage {
    let mut canvas = RgbImage::new(width, height);
    let pattern;
    let patch = if stock.grounds.is_empty() || rng.random_bool(0.1) {
        pattern = self::pattern(rng);
        &pattern
    } else {
        &stock.grounds[rng.random_range(0..stock.grounds.len())]
    };
    let (patch_width, patch_height) = patch.size();
    let whole = (patch_width / width as f32).min(patch_height / height as f32);
    let scale = whole * rng.random_range(0.35f32..1.0);
    let mirrored = if rng.random_bool(0.5) { -1.0 } else { 1.0 };
    let mut begin = |len: f32, of: f32| rng.random_range(0.0..=(of - len).max(0.0));
    let (x, y) =
        (begin(scale * width as f32, patch_width), begin(scale * height as f32, patch_height));
    let place = Similarity { a: scale, b: 0.0, shift: Point::new(x, y) };
    paste(&mut canvas, patch, &place, Mask::Whole, &Tone::PLAIN);
    if mirrored < 0.0 {
        image::imageops::flip_horizontal_in_place(&mut canvas);
    }
    canvas
}

/// Soft patches of chance colours, sometimes striped.
fn pattern(rng: &mut impl Rng) -> Patch {
    let (columns, rows) = (rng.random_range(2..24), rng.random_range(2..24));
    let base: [u8; 3] = rng.random();
    let spread = rng.random_range(5..120);
    let small = RgbImage::from_fn(columns, rows, |_, _| {
        Rgb(base.map(|c| c.saturating_add(rng.random_range(0..spread)).saturating_sub(spread / 2)))
    });
    Patch::new(image::imageops::resize(&small, 192, 144, image::imageops::FilterType::Triangle))
}

/// A scene on its way.
struct Drawing<'a> {
    picture: RgbImage,
    faces: Vec<SceneFace>,
    stock: &'a Stock,
}

/// An oval beside a face, in pixels of the face's picture.
struct Oval {
    /// How far its middle is below the face's.
    below: f32,
    radii: (f32, f32),
    tone: Tone,
}

impl Scene {
    /// What a detector finds in it.
    ///
    /// # Errors
    /// The detector fails, or the scene is empty.
    pub(super) fn found_by(&self, detector: &mut dyn Detector) -> Result<Vec<Face>> {
        let view = RgbView::of(&self.picture).context("an empty scene")?;
        Ok(detector.detect(&view)?)
    }
}

impl<'a> Drawing<'a> {
    fn crowd(&mut self, rng: &mut impl Rng) {
        let usual = log_uniform(12.0, 95.0, rng);
        let (width, height) = self.picture.dimensions();
        let room = (width * height) as f32 / (3.0 * usual * usual);
        let most = room.clamp(1.0, CROWD_MAX);
        for _ in 0..rng.random_range(0..4) {
            self.decoy(rng);
        }
        for _ in 0..(rng.random_range(1.0..=most) as usize) {
            let size = (usual * log_uniform(0.7, 1.4, rng)).max(9.0);
            self.face(size, rng);
        }
        for _ in 0..rng.random_range(0..3) {
            self.decoy(rng);
        }
    }

    fn portrait(&mut self, rng: &mut impl Rng) {
        for _ in 0..rng.random_range(0..3) {
            self.decoy(rng);
        }
        for _ in 0..rng.random_range(1..4) {
            let size = log_uniform(60.0, 250.0, rng);
            self.face(size, rng);
        }
    }

    /// A face's picture that goes to the edges of the scene, or lies in its corner as small pictures do.
    fn filled(&mut self, rng: &mut impl Rng) {
        let face = self.any_face(rng);
        let (width, height) = self.picture.dimensions();
        let side = height as f32 * rng.random_range(0.75..1.35);
        let (patch_width, patch_height) = face.patch.size();
        let corner = if rng.random_bool(0.5) {
            self.picture = RgbImage::new(width, height);
            Point::default()
        } else {
            let mut shift = |room: f32| room * rng.random_range(0.0..1.0);
            Point::new(shift(width as f32 - side), shift(height as f32 - side))
        };
        let center = Point::new(corner.x + side / 2.0, corner.y + side / 2.0);
        let middle = Point::new(patch_width / 2.0, patch_height / 2.0);
        let turn = if rng.random_bool(0.6) { turn(rng) } else { 0.0 };
        let place = turned_about(middle, center, patch_width / side, turn);
        self.lay(&face, &place, Mask::Whole, &tone(rng));
    }

    /// Small pictures side by side.
    fn mosaic(&mut self, rng: &mut impl Rng) {
        let side = log_uniform(32.0, 128.0, rng);
        let (width, height) = self.picture.dimensions();
        let (columns, rows) = ((width as f32 / side) as u32, (height as f32 / side) as u32);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)))
        {
            if rng.random_bool(0.8) {
                let face = self.any_face(rng);
                let scale = face.patch.size().0 / side;
                let corner = Point::new(column as f32 * side, row as f32 * side);
                let shift = Point::new(-corner.x * scale, -corner.y * scale);
                self.lay(&face, &Similarity { a: scale, b: 0.0, shift }, Mask::Whole, &tone(rng));
            }
        }
    }

    /// One face of a size where there is room, most often with hair and a body.
    fn face(&mut self, size_px: f32, rng: &mut impl Rng) {
        let face = self.any_face(rng);
        let turn = turn(rng);
        for _ in 0..TRIES {
            let center = self.any_point(rng);
            let place = face.place(center, size_px, turn);
            let Some((bounds, _)) = face.label(&place) else { return };
            if self.is_free(&bounds) {
                if rng.random_bool(0.6) {
                    self.body(&face, &place, rng);
                }
                let radii = (
                    face.bounds.width * rng.random_range(0.55..0.85),
                    face.bounds.height * rng.random_range(0.52..0.75),
                );
                let fade = rng.random_range(0.08..0.4);
                let mask = Mask::Ellipse { center: face.bounds.center(), radii, fade };
                let mask = if rng.random_bool(0.12) { Mask::Whole } else { mask };
                self.lay(&face, &place, mask, &tone(rng));
                return;
            }
        }
    }

    /// Something like clothes below a face and something like hair behind it, where other faces are not.
    fn body(&mut self, face: &FacePatch, place: &Similarity, rng: &mut impl Rng) {
        let (width, height) = (face.bounds.width, face.bounds.height);
        let clothes = (width * rng.random_range(1.0..1.6), height * rng.random_range(1.1..2.0));
        let below = height * rng.random_range(0.35..0.5) + clothes.1;
        self.oval(face, place, Oval { below, radii: clothes, tone: tone(rng) }, rng);
        if rng.random_bool(0.7) {
            let (lift, warm) = (rng.random_range(5.0f32..120.0), rng.random_range(0.6f32..1.0));
            let tone = Tone { gain: [0.2, 0.2 * warm, 0.2 * warm * warm], lift: lift * warm };
            let radii =
                (width * rng.random_range(0.58..0.85), height * rng.random_range(0.55..0.8));
            let below = -height * rng.random_range(0.05..0.2);
            self.oval(face, place, Oval { below, radii, tone }, rng);
        }
    }

    /// An oval filled with a piece of ground, at home in the face's own picture.
    fn oval(&mut self, face: &FacePatch, place: &Similarity, oval: Oval, rng: &mut impl Rng) {
        let Some(back) = place.inverse() else { return };
        let Oval { below, radii, tone } = oval;
        let center = face.bounds.center();
        let (middle, reach) = (Point::new(center.x, center.y + below), radii.0.max(radii.1));
        let (seen, half) = (back.apply(middle), reach * back.scale());
        if !self.is_free(&Rect::new(seen.x - half, seen.y - half, 2.0 * half, 2.0 * half)) {
            return;
        }
        let piece = piece(self.stock, rng);
        let (side, _) = piece.size();
        let unit = side / (2.0 * reach);
        let center = Point::new(side / 2.0, side / 2.0);
        let into_piece = turned_about(center, middle, unit, 0.0).after(place);
        let mask = Mask::Ellipse { center, radii: (radii.0 * unit, radii.1 * unit), fade: 0.1 };
        paste(&mut self.picture, &piece, &into_piece, mask, &tone);
    }

    /// Something that is no face, laid as faces are: a coin, a piece of ground, a part of a face, an old mistake.
    fn decoy(&mut self, rng: &mut impl Rng) {
        let part;
        let relief = self.stock.relief;
        let Stock { decoys, mistaken, .. } = self.stock;
        let piece = if !decoys.is_empty() && rng.random_bool(DECOYS) {
            let kind = &decoys[rng.random_range(0..decoys.len())];
            &kind[rng.random_range(0..kind.len())]
        } else if relief > 0.0 && rng.random_bool(relief) {
            part = self.relief(rng);
            &part
        } else if !mistaken.is_empty() && rng.random_bool(0.5) {
            &mistaken[rng.random_range(0..mistaken.len())]
        } else if rng.random_bool(0.2) {
            part = part_of_face(&self.any_face(rng), rng);
            &part
        } else {
            part = self::piece(self.stock, rng);
            &part
        };
        let size = log_uniform(12.0, 140.0, rng);
        let center = self.any_point(rng);
        let bounds = Rect::new(center.x - size / 2.0, center.y - size / 2.0, size, size);
        if !self.is_free(&bounds) {
            return;
        }
        let (side, _) = piece.size();
        let middle = Point::new(side / 2.0, side / 2.0);
        let place = turned_about(middle, center, side / size, turn(rng));
        let radii = (side * rng.random_range(0.35..0.55), side * rng.random_range(0.4..0.6));
        let ellipse = Mask::Ellipse { center: middle, radii, fade: rng.random_range(0.08..0.4) };
        let mask = if rng.random_bool(0.3) { Mask::Whole } else { ellipse };
        paste(&mut self.picture, piece, &place, mask, &tone(rng));
    }

    /// A piece of ground, or a face, as if it were struck in metal or cut in stone: coins and busts are no
    /// faces.
    fn relief(&self, rng: &mut impl Rng) -> Patch {
        if rng.random_bool(0.4) {
            let face = self.any_face(rng);
            return Patch::new(embossed(face.patch.picture(), rng));
        }
        let piece = piece(self.stock, rng);
        Patch::new(embossed(piece.picture(), rng))
    }

    /// Lays a face over the scene and notes it.
    fn lay(&mut self, face: &FacePatch, place: &Similarity, mask: Mask, tone: &Tone) {
        let Some((bounds, landmarks)) = face.label(place) else { return };
        paste(&mut self.picture, &face.patch, place, mask, tone);
        let inside = self.inside(&bounds);
        if inside > 0.05 {
            let wanted = inside >= INSIDE_MIN && bounds.area().sqrt() >= FACE_PX_MIN;
            self.faces.push(SceneFace { bounds, landmarks, wanted });
        }
    }

    /// The share of a box that lies inside the scene.
    fn inside(&self, bounds: &Rect) -> f32 {
        let (width, height) = self.picture.dimensions();
        bounds.shared(&Rect::new(0.0, 0.0, width as f32, height as f32)) / bounds.area().max(1.0)
    }

    /// Whether no face would be covered by much.
    fn is_free(&self, bounds: &Rect) -> bool {
        let covered = |face: &SceneFace| face.bounds.shared(bounds) / face.bounds.area().max(1.0);
        self.faces.iter().all(|face| covered(face) <= COVERED_MAX)
    }

    fn any_face(&self, rng: &mut impl Rng) -> Cow<'a, FacePatch> {
        let face = &self.stock.faces[rng.random_range(0..self.stock.faces.len())];
        if rng.random_bool(0.5) { Cow::Owned(face.mirrored()) } else { Cow::Borrowed(face) }
    }

    fn any_point(&self, rng: &mut impl Rng) -> Point {
        let (width, height) = self.picture.dimensions();
        let mut within = |len: u32| len as f32 * rng.random_range(0.0..1.0);
        Point::new(within(width), within(height))
    }
}

/// A square piece of a ground.
fn piece(stock: &Stock, rng: &mut impl Rng) -> Patch {
    let side = 64;
    let picture = ground(stock, [side, side], rng);
    Patch::new(picture)
}

/// Light from one side on what stands out where `picture` is bright, in one colour.
fn embossed(picture: &RgbImage, rng: &mut impl Rng) -> RgbImage {
    let (width, height) = picture.dimensions();
    let step = (width / 48).max(1);
    let (base, depth) = (rng.random_range(60.0f32..200.0), rng.random_range(0.6f32..2.0));
    let tint: [f32; 3] = std::array::from_fn(|_| rng.random_range(0.85f32..1.1));
    let (across, down) = (rng.random_bool(0.5), rng.random_bool(0.5));
    let grey = |x: u32, y: u32| {
        let [r, g, b] = picture.get_pixel(x.min(width - 1), y.min(height - 1)).0.map(f32::from);
        0.299 * r + 0.587 * g + 0.114 * b
    };
    RgbImage::from_fn(width, height, |x, y| {
        let rise = |sign: bool, a: f32, b: f32| if sign { a - b } else { b - a };
        let slope =
            rise(across, grey(x, y), grey(x + step, y)) + rise(down, grey(x, y), grey(x, y + step));
        Rgb(tint.map(|tint| ((base + depth * slope) * tint) as u8))
    })
}

/// An eye, a cheek, a mouth: a square too small to be a face.
fn part_of_face(face: &FacePatch, rng: &mut impl Rng) -> Patch {
    let side = face.size_px() * rng.random_range(0.3..0.45);
    let mut along = |begin: f32, len: f32| begin + len * rng.random_range(0.0f32..1.0) - side / 2.0;
    let corner = Point::new(
        along(face.bounds.left, face.bounds.width),
        along(face.bounds.top, face.bounds.height),
    );
    let mut canvas = RgbImage::from_pixel(64, 64, Rgb([90; 3]));
    let place = Similarity { a: side / 64.0, b: 0.0, shift: corner };
    paste(&mut canvas, &face.patch, &place, Mask::Whole, &Tone::PLAIN);
    Patch::new(canvas)
}

fn tone(rng: &mut impl Rng) -> Tone {
    let all = rng.random_range(0.65f32..1.35);
    let gain = std::array::from_fn(|_| all * rng.random_range(0.92f32..1.08));
    Tone { gain, lift: rng.random_range(-18.0..18.0) }
}

/// Radians: most heads are nearly upright, some are not.
fn turn(rng: &mut impl Rng) -> f32 {
    let most: f32 = if rng.random_bool(0.4) { 50.0 } else { 15.0 };
    rng.random_range(-most..most).to_radians()
}

fn log_uniform(low: f32, high: f32, rng: &mut impl Rng) -> f32 {
    rng.random_range(low.ln()..high.ln()).exp()
}
