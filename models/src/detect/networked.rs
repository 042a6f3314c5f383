//! What the detectors of bundles share: the picture is brought into the network's input, the network is
//! run, its outputs are read as its family has them, and each face is kept once.

use image::RgbImage;

use super::grid::Grid;
use super::refine::{LOOKS_MAX, Refine};
use super::retinaface::Retinaface;
use super::ssd::Ssd;
use super::suppress::{blend, suppress};
use super::yunet::Yunet;
use super::{DetectError, Detector, Face, scale};
use crate::bundle::Bundle;
use crate::geometry::{Point, Rect};
use crate::image::RgbView;
use crate::manifest::Role;
use crate::manifest::detector::{DetectorSpec, Family, Fit};
use crate::preprocess::Preprocessor;
use crate::session::{Contract, Options, Session};
use crate::tensor::Tensor;

/// A letterboxed picture is enlarged at most this much: more only blurs.
const ENLARGE_MAX: f32 = 2.0;

/// Boxes from so much of the least score on help to tell where a face is.
const BLEND_FROM: f32 = 0.5;

/// How the outputs of one family are read.
pub(super) trait Decode: Send {
    /// The shape of each output, in the graph's order.
    fn shapes(&self) -> Vec<Vec<usize>>;

    /// The faces of at least `score_min`, in pixels of the input; a broken one may be among them.
    ///
    /// # Shapes
    /// - outputs: [`Decode::shapes`], f32
    fn faces(&self, outputs: &[Tensor], score_min: f32) -> Vec<Face>;
}

/// The rules by which the outputs of a detector's family are read.
fn decode(spec: &DetectorSpec) -> Box<dyn Decode> {
    match spec.family {
        Family::Yunet => Box::new(Yunet::new(spec.input)),
        Family::Grid => Box::new(Grid::new(spec.input)),
        Family::Ssd => Box::new(Ssd::new(spec)),
        Family::Retinaface => Box::new(Retinaface::new(spec)),
    }
}

/// The `N` numbers that an output says of place `at`.
///
/// # Shapes
/// - output: `[1, places, N]`, f32
pub(super) fn row<const N: usize>(output: &Tensor, at: usize) -> [f32; N] {
    std::array::from_fn(|i| output.values[at * N + i])
}

/// A detector with its network.
pub(super) struct Networked {
    session: Session,
    preprocessor: Preprocessor,
    decode: Box<dyn Decode>,
    refine: Option<Refine>,
    spec: DetectorSpec,
    name: String,
}

impl Networked {
    /// The detector of a bundle, which it takes.
    pub(super) fn open(mut bundle: Bundle, options: &Options) -> Result<Self, DetectError> {
        let name = bundle.manifest().name.clone();
        let Some(spec) = bundle.manifest().detector.clone() else {
            return Err(DetectError::Kind { name });
        };
        let decode = decode(&spec);
        let [width, height] = spec.input.map(|side| side as usize);
        let (input, outputs) = (vec![1, 3, height, width], decode.shapes());
        let contract = Contract { input, outputs, precision: spec.precision };
        let refine = spec.refine.clone().zip(bundle.take(Role::Refine));
        let refine =
            refine.map(|(look, network)| Refine::open(network, look, spec.precision, options));
        let refine = refine.transpose()?;
        let session = Session::open(bundle.into_network(), &contract, options)?;
        let preprocessor = Preprocessor::new(&spec.pixels());
        Ok(Self { session, preprocessor, decode, refine, name: label(&name, spec.input), spec })
    }
}

impl Detector for Networked {
    fn detect(&mut self, picture: &RgbView<'_>) -> Result<Vec<Face>, DetectError> {
        let (input, unit) = fit(picture, self.spec.input, self.spec.fit);
        let outputs = self.session.run(&self.preprocessor.tensor(&input))?;
        let DetectorSpec { score_min, nms_iou, .. } = self.spec;
        let faces = |least| {
            let found = self.decode.faces(&outputs, least).into_iter();
            found.map(|face| in_picture(face, unit)).collect()
        };
        let found = match self.spec.family {
            Family::Grid => blend(faces(score_min * BLEND_FROM), score_min, nms_iou),
            _ => suppress(faces(score_min), nms_iou),
        };
        let Some(refine) = &mut self.refine else { return Ok(found) };
        let mut seen = vec![];
        for face in found.iter().take(LOOKS_MAX) {
            seen.extend(refine.look(picture, face, &self.preprocessor)?);
        }
        seen.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(seen)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// The bundle's name and its input's size: networks of other sizes find other faces.
fn label(name: &str, [width, height]: [u32; 2]) -> String {
    if width == height { format!("{name}-{width}") } else { format!("{name}-{width}x{height}") }
}

/// What the network looks at, and how many pixels of the picture one of it is, across and down.
fn fit(picture: &RgbView<'_>, [width, height]: [u32; 2], how: Fit) -> (RgbImage, [f32; 2]) {
    let across = width as f32 / picture.width() as f32;
    let down = height as f32 / picture.height() as f32;
    match how {
        Fit::Stretch => (scale::resized(picture, width, height), [1.0 / across, 1.0 / down]),
        Fit::Letterbox => {
            let factor = across.min(down).min(ENLARGE_MAX);
            let mut canvas = RgbImage::new(width, height);
            image::imageops::replace(&mut canvas, &scale::scaled(picture, factor), 0, 0);
            (canvas, [1.0 / factor; 2])
        }
    }
}

/// A face in the input, in the picture: `unit` of whose pixels are one of the input.
fn in_picture(face: Face, [across, down]: [f32; 2]) -> Face {
    let Rect { left, top, width, height } = face.bounds;
    let bounds = Rect::new(left * across, top * down, width * across, height * down);
    let moved = |p: Point| Point::new(p.x * across, p.y * down);
    Face { bounds, landmarks: face.landmarks.map(|landmarks| landmarks.map(moved)), ..face }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Landmarks;
    use proptest::prelude::*;

    /// A spec of each family, for an input of 64×32 px.
    fn specs() -> Vec<DetectorSpec> {
        let common = "input = [64, 32]\nscore_min = 0.5\nnms_iou = 0.3";
        let priors = "[priors]\nstrides = [16]\nmin_sizes = [[10, 20]]\nvariances = [0.1, 0.2]";
        let families = [
            "family = 'yunet'".to_owned(),
            "family = 'grid'".to_owned(),
            "family = 'ssd'\noutputs = ['scores', 'boxes']\ncorners = 7".to_owned(),
            format!("family = 'ssd'\noutputs = ['boxes', 'scores']\n{priors}"),
            format!("family = 'retinaface'\noutputs = ['landmarks', 'scores', 'boxes']\n{priors}"),
        ];
        let spec = |family: String| toml::from_str(&format!("{common}\n{family}")).unwrap();
        families.into_iter().map(spec).collect()
    }

    proptest! {
        #[test]
        fn any_numbers_are_read_as_whole_faces_or_none(bits in prop::collection::vec(any::<u32>(), 1..50)) {
            for spec in specs() {
                let decode = decode(&spec);
                let mut numbers = bits.iter().map(|&bits| f32::from_bits(bits)).cycle();
                let outputs: Vec<Tensor> = decode.shapes().into_iter().map(|shape| {
                    let values = numbers.by_ref().take(shape.iter().product()).collect();
                    Tensor { shape, values }
                }).collect();
                for face in suppress(decode.faces(&outputs, spec.score_min), spec.nms_iou) {
                    prop_assert!(face.bounds.is_valid() && (0.5..=1.0).contains(&face.score));
                    prop_assert!(face.landmarks.is_none_or(|landmarks| landmarks.is_valid()));
                }
            }
        }
    }

    #[test]
    fn the_name_tells_the_size_of_the_input() {
        assert_eq!(label("yunet", [320, 320]), "yunet-320");
        assert_eq!(label("yunet", [320, 640]), "yunet-320x640");
    }

    /// The input made of a white picture, its unit, and how many of the input's pixels are white.
    fn check(size: (u32, u32), how: Fit) -> ([f32; 2], usize) {
        let picture = RgbImage::from_pixel(size.0, size.1, image::Rgb([255; 3]));
        let (input, unit) = fit(&RgbView::of(&picture).unwrap(), [64, 32], how);
        assert_eq!(input.dimensions(), (64, 32));
        (unit, input.pixels().filter(|pixel| pixel.0 == [255; 3]).count())
    }

    #[test]
    fn a_letterboxed_picture_keeps_its_shape() {
        assert_eq!(check((128, 128), Fit::Letterbox), ([4.0; 2], 32 * 32));
        assert_eq!(check((8, 8), Fit::Letterbox), ([0.5; 2], 16 * 16));
    }

    #[test]
    fn a_stretched_picture_fills_the_input() {
        assert_eq!(check((128, 128), Fit::Stretch), ([2.0, 4.0], 64 * 32));
        assert_eq!(check((1, 1), Fit::Stretch), ([1.0 / 64.0, 1.0 / 32.0], 64 * 32));
    }

    #[test]
    fn a_face_in_a_stretched_input_is_told_in_pixels_of_the_picture() {
        let landmarks = Some(Landmarks([Point::new(3.0, 5.0); 5]));
        let face = Face { bounds: Rect::new(1.0, 2.0, 3.0, 4.0), score: 0.5, landmarks };
        let face = in_picture(face, [2.0, 4.0]);
        assert_eq!(face.bounds, Rect::new(2.0, 8.0, 6.0, 16.0));
        assert_eq!(face.landmarks, Some(Landmarks([Point::new(6.0, 20.0); 5])));
    }
}
