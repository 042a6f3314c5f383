//! Frames in, faces with steady figures out: the kiosk's whole judgement, one step a frame.
//!
//! Not every frame is searched for faces, and a face is read again only when its last reading is stale, so
//! that a slow network does not hold up the rest; between detections boxes go on by their speed. Each frame
//! brings its time with it, so that the same frames give the same faces. No clock, thread or file is
//! touched here.

pub mod priority;
pub mod seen;
pub mod settings;

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use models::detect::{self, Detector, Face};
use models::estimator::{Estimate, FaceEstimator};
use models::image::RgbView;

use crate::frame::Frame;
use crate::quality::{Look, Quality};
use crate::scene::Person;
use crate::smooth::Smooth;
use crate::smooth::steady::Held;
use crate::track::{Track, TrackId, Tracker};
use priority::{Need, most_urgent};
use seen::{Followed, Seen};
use settings::FollowSettings;

/// While nobody is there, a face that fills the whole picture is looked for this often: it takes a second
/// detection, within a border.
const CLOSE_UP_EVERY: Duration = Duration::from_secs(3);

/// However few frames a camera gives, a detection is due after this long.
const DETECT_AFTER: Duration = Duration::from_millis(200);

/// Follows the faces in the frames it is shown.
pub struct Follower {
    detector: Box<dyn Detector>,
    reader: Option<Reader>,
    settings: FollowSettings,
    tracker: Tracker,
    known: Vec<Known>,
    detected: Option<(u64, Instant)>,
    close_up: bool,
    close_up_tried: Option<Instant>,
}

/// What reads a face: a network, or what stands for it in a test.
pub struct Reader {
    read: Box<Read>,
    gender_sure_min: f32,
}

type Read = dyn FnMut(&RgbView, &Face) -> Result<Estimate>;

/// A face that is followed, and what is known of it.
struct Known {
    id: TrackId,
    number: u32,
    smooth: Smooth,
    quality: f32,
    look: Held<Look>,
    /// When it was read last, or first found.
    read: Instant,
}

impl Reader {
    /// Reads by `read`; a gender less probable than `gender_sure_min`, in [0.5, 1], is shown as unsure.
    pub fn new(
        gender_sure_min: f32,
        read: impl FnMut(&RgbView, &Face) -> Result<Estimate> + 'static,
    ) -> Self {
        Self { read: Box::new(read), gender_sure_min }
    }

    /// What the face looks like.
    ///
    /// # Errors
    /// Where the network fails.
    pub fn read(&mut self, picture: &RgbView, face: &Face) -> Result<Estimate> {
        (self.read)(picture, face)
    }

    /// Below this probability a gender is shown as unsure.
    pub fn gender_sure_min(&self) -> f32 {
        self.gender_sure_min
    }
}

impl From<FaceEstimator> for Reader {
    fn from(mut estimator: FaceEstimator) -> Self {
        Self::new(estimator.gender_sure_min(), move |picture, face| {
            estimator.estimate(picture, face).context("reading a face")
        })
    }
}

impl Follower {
    /// Finds faces with `detector` and reads them with `reader`, where there is one.
    pub fn new(
        detector: Box<dyn Detector>,
        reader: Option<Reader>,
        settings: &FollowSettings,
    ) -> Self {
        Self {
            detector,
            reader,
            settings: settings.clone(),
            tracker: Tracker::new(settings.lost_after()),
            known: Vec::new(),
            detected: None,
            close_up: false,
            close_up_tried: None,
        }
    }

    /// Looks at the next frame.
    ///
    /// # Errors
    /// Where a network fails; the next frame may be tried.
    pub fn step(&mut self, frame: &Frame) -> Result<Seen> {
        let picture = RgbView::of(&frame.picture).context("the frame has no pixels")?;
        let now = frame.captured;
        let detected = self.is_detection_due(frame);
        let (mut found, mut estimates) = (0, 0);
        if detected {
            self.detected = Some((frame.number, now));
            let faces = self.find(&picture, now)?;
            found = faces.len();
            self.tracker.observe(faces, now);
            self.meet(&picture, now);
            estimates = self.read(&picture, now)?;
        }
        Ok(Seen { people: self.people(now), captured: now, detected, found, estimates })
    }

    /// Forgets all faces, where no frame has come for a while.
    pub fn forget(&mut self) {
        self.tracker.forget();
        self.known.clear();
    }

    fn is_detection_due(&self, frame: &Frame) -> bool {
        self.detected.is_none_or(|(number, at)| {
            // A camera that was opened again counts from 1.
            frame.number.abs_diff(number) >= u64::from(self.settings.detect_every.get())
                || frame.captured.saturating_duration_since(at) >= DETECT_AFTER
        })
    }

    fn find(&mut self, picture: &RgbView, now: Instant) -> Result<Vec<Face>> {
        let faces = self.detector.detect(picture).context("finding faces")?;
        let due = self
            .close_up_tried
            .is_none_or(|tried| now.saturating_duration_since(tried) >= CLOSE_UP_EVERY);
        let search = self.close_up || (due && self.tracker.is_empty());
        if !faces.is_empty() || !search {
            self.close_up &= faces.is_empty();
            return Ok(faces);
        }
        self.close_up_tried = Some(now);
        let faces = detect::find_within_border(self.detector.as_mut(), picture)
            .context("finding a face that fills the picture")?;
        self.close_up = !faces.is_empty();
        Ok(faces)
    }

    /// Forgets who has gone, greets who has come, and looks how well those found can be seen.
    fn meet(&mut self, picture: &RgbView, now: Instant) {
        let tracker = &self.tracker;
        self.known.retain(|known| tracker.tracks().any(|track| track.id == known.id));
        for track in tracker.tracks().filter(|track| track.seen == now) {
            let quality = Quality::of(picture, &track.face);
            match self.known.iter_mut().find(|known| known.id == track.id) {
                Some(known) => known.see(&quality, now),
                None => {
                    let number = free_number(&self.known);
                    self.known.push(Known::new(track, number, &quality));
                }
            }
        }
    }

    /// Reads the faces that need it most; gives how many.
    fn read(&mut self, picture: &RgbView, now: Instant) -> Result<usize> {
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let tracks = || self.tracker.tracks().filter(|track| track.seen == now);
        let needs: Vec<_> = self
            .known
            .iter()
            .map(|known| tracks().any(|track| track.id == known.id).then(|| known.need(now)))
            .collect();
        let count = usize::try_from(self.settings.estimates_per_frame_max).unwrap_or(usize::MAX);
        let chosen = most_urgent(&needs, count, self.settings.stale_after());
        for &idx in &chosen {
            let known = &mut self.known[idx];
            let Some(track) = tracks().find(|track| track.id == known.id) else { continue };
            let estimate = reader.read(picture, &track.face)?;
            known.smooth.add(&estimate, known.quality, now);
            known.read = now;
        }
        Ok(chosen.len())
    }

    fn people(&mut self, now: Instant) -> Vec<Followed> {
        let gender_sure_min = self.reader.as_ref().map_or(1.0, |reader| reader.gender_sure_min);
        let tracker = &self.tracker;
        let followed = self.known.iter_mut().filter_map(|known| {
            let track = tracker.tracks().find(|track| track.id == known.id)?;
            let person = Person {
                bounds: track.motion.at(now),
                number: known.number,
                reading: known.smooth.reading(gender_sure_min, now),
                look: Some(*known.look.shown()),
            };
            Some(Followed::new(person, track.face.clone(), track.motion))
        });
        followed.collect()
    }
}

impl Known {
    fn new(track: &Track, number: u32, quality: &Quality) -> Self {
        Self {
            id: track.id,
            number,
            smooth: Smooth::new(track.born),
            quality: quality.score(),
            look: Held::new(quality.look()),
            read: track.born,
        }
    }

    fn see(&mut self, quality: &Quality, now: Instant) {
        self.quality = quality.score();
        self.look.update(quality.look(), now);
    }

    fn need(&self, now: Instant) -> Need {
        let waited = now.saturating_duration_since(self.read);
        Need { shown: self.smooth.is_shown(), waited, quality: self.quality }
    }
}

/// The lowest number that nobody there has. Screens count who is there, not who ever came.
fn free_number(known: &[Known]) -> u32 {
    (1..).find(|number| known.iter().all(|known| known.number != *number)).unwrap_or(u32::MAX)
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Follower").field("detector", &self.detector.name()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    use image::RgbImage;
    use models::age::{AGE_CLASSES, AgeDistribution};
    use models::detect::DetectError;
    use models::gender::Gender;
    use models::geometry::Rect;

    /// Finds the faces that the picture's pixels name: each pixel that is not black is the left edge of
    /// one; in a picture with a border, one in the middle where the picture is white.
    #[derive(Default)]
    struct Marks {
        calls: Rc<Cell<usize>>,
    }

    const SIDE: u32 = 320;

    impl Detector for Marks {
        fn detect(&mut self, picture: &RgbView) -> Result<Vec<Face>, DetectError> {
            self.calls.set(self.calls.get() + 1);
            let row = picture.row(0);
            if picture.width() > SIDE as usize {
                let bounds = Rect::new(164.0, 164.0, 120.0, 120.0);
                return Ok(if row[0] == 255 { vec![face(bounds)] } else { vec![] });
            }
            let marked = (0u16..).zip(row.chunks(3)).filter(|(_, pixel)| pixel[0] == 200);
            Ok(marked.map(|(x, _)| face(Rect::new(f32::from(x), 100.0, 60.0, 80.0))).collect())
        }

        fn name(&self) -> &str {
            "marks"
        }
    }

    fn face(bounds: Rect) -> Face {
        Face { bounds, score: 0.9, landmarks: None }
    }

    fn thirty() -> Estimate {
        let mut weights = [0.0; AGE_CLASSES];
        weights[30] = 1.0;
        let age = AgeDistribution::from_weights(&weights).unwrap();
        Estimate { age, gender: Gender::from_log_odds(3.0).unwrap() }
    }

    /// A follower and a camera of 30 frames a second.
    struct Kiosk {
        follower: Follower,
        begun: Instant,
        number: u32,
        detections: Rc<Cell<usize>>,
    }

    impl Kiosk {
        fn new(settings: &FollowSettings) -> Self {
            let detections = Rc::new(Cell::new(0));
            let detector = Box::new(Marks { calls: Rc::clone(&detections) });
            let reader = Reader::new(0.7, |_, _| Ok(thirty()));
            let follower = Follower::new(detector, Some(reader), settings);
            Self { follower, begun: Instant::now(), number: 0, detections }
        }

        /// Shows a frame with faces at these places.
        fn show(&mut self, lefts: &[u32]) -> Seen {
            let mut picture = RgbImage::new(SIDE, SIDE);
            lefts.iter().for_each(|&left| picture.put_pixel(left, 0, image::Rgb([200; 3])));
            self.show_picture(picture)
        }

        fn show_picture(&mut self, picture: RgbImage) -> Seen {
            self.number += 1;
            let captured = self.begun + Duration::from_millis(33) * self.number;
            let frame = Frame { picture, number: u64::from(self.number), captured };
            self.follower.step(&frame).unwrap()
        }
    }

    #[test]
    fn faces_are_looked_for_in_every_third_frame_and_shown_in_each() {
        let mut kiosk = Kiosk::new(&FollowSettings::default());
        let counts: Vec<_> = (0..8).map(|_| kiosk.show(&[40]).people.len()).collect();
        assert_eq!(counts, [0, 0, 0, 1, 1, 1, 1, 1]);
        assert_eq!(kiosk.detections.get(), 3);
    }

    #[test]
    fn a_slow_camera_has_each_frame_searched() {
        let mut kiosk = Kiosk::new(&FollowSettings::default());
        let step = Duration::from_millis(250);
        for number in 1..5u32 {
            let picture = RgbImage::new(SIDE, SIDE);
            let captured = kiosk.begun + step * number;
            let frame = Frame { picture, number: u64::from(number), captured };
            assert!(kiosk.follower.step(&frame).unwrap().detected);
        }
    }

    #[test]
    fn a_box_goes_on_between_detections() {
        let mut kiosk = Kiosk::new(&FollowSettings::default());
        let seen: Vec<_> = (0..30).map(|i| kiosk.show(&[20 + 4 * i])).collect();
        let lefts: Vec<_> = seen[15..].iter().map(|s| s.people[0].person.bounds.left).collect();
        let steps: Vec<_> = lefts.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(steps.iter().all(|step| (2.0..6.0).contains(step)), "{steps:?}");
        let last = &seen[29];
        let later = last.at(last.captured + Duration::from_millis(66));
        assert!((later[0].bounds.left - lefts[14] - 8.0).abs() < 2.0, "{later:?}");
    }

    #[test]
    fn figures_come_and_are_then_refreshed_only_when_stale() {
        let mut kiosk = Kiosk::new(&FollowSettings::default());
        let seen: Vec<_> = (0..90).map(|_| kiosk.show(&[40])).collect();
        let first = seen.iter().position(|s| s.people.iter().any(|f| f.person.reading.is_some()));
        assert!(first.is_some_and(|frame| frame <= 32), "{first:?}: after a second");
        let later: usize = seen[45..].iter().map(|seen| seen.estimates).sum();
        assert_eq!(later, 3, "in a second and a half");
        assert_eq!(seen[89].people[0].person.reading.as_ref().unwrap().years, 30);
    }

    #[test]
    fn no_more_faces_are_read_than_allowed() {
        let mut kiosk = Kiosk::new(&FollowSettings::default());
        let all = [10, 80, 150, 220];
        let seen: Vec<_> = (0..90).map(|_| kiosk.show(&all)).collect();
        assert!(seen.iter().all(|seen| seen.estimates <= 2));
        assert!(seen[89].people.iter().all(|followed| followed.person.reading.is_some()));
        let numbers: Vec<_> = seen[89].people.iter().map(|f| f.person.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
    }

    #[test]
    fn who_leaves_is_forgotten_and_the_number_is_free_again() {
        let mut kiosk = Kiosk::new(&FollowSettings::default());
        (0..30).for_each(|_| drop(kiosk.show(&[10, 200])));
        (0..60).for_each(|_| drop(kiosk.show(&[200])));
        let seen: Vec<_> = (0..6).map(|_| kiosk.show(&[90, 200])).collect();
        let people: Vec<_> = seen[5].people.iter().map(|f| &f.person).collect();
        assert_eq!(people.iter().map(|p| p.number).collect::<Vec<_>>(), [2, 1]);
        assert!(people[1].reading.is_none(), "another face: nothing is known of it");
    }

    #[test]
    fn a_face_that_fills_the_picture_is_found_when_nobody_is_there() {
        let mut kiosk = Kiosk::new(&FollowSettings::default());
        let white = RgbImage::from_pixel(SIDE, SIDE, image::Rgb([255; 3]));
        let seen: Vec<_> = (0..12).map(|_| kiosk.show_picture(white.clone())).collect();
        assert_eq!(seen[11].people.len(), 1);
        assert_eq!(seen[11].people[0].person.bounds.left, 100.0);
    }

    #[test]
    fn an_empty_picture_is_searched_twice_only_now_and_then() {
        let mut kiosk = Kiosk::new(&FollowSettings::default());
        (0..180).for_each(|_| drop(kiosk.show(&[])));
        assert_eq!(kiosk.detections.get(), 60 + 2, "in six seconds");
    }

    #[test]
    fn without_a_reader_faces_have_no_figures() {
        let settings = FollowSettings::default();
        let mut kiosk = Kiosk::new(&settings);
        kiosk.follower.reader = None;
        let seen: Vec<_> = (0..60).map(|_| kiosk.show(&[40])).collect();
        let followed = &seen[59].people[0];
        assert!(followed.person.reading.is_none() && followed.person.look.is_some());
    }
}
