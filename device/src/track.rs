//! Faces over time: which box of this picture is which box of the one before.
//!
//! A box is matched with where each track should be by now ([`motion`]), by overlap and, for what moved
//! too fast for that, by distance ([`mod@assign`]). One that was seen in two detections in a row becomes a
//! track; one that is seen no more dies. Time is an argument. The idea is that of SORT (Bewley et al.
//! 2016, "Simple Online and Realtime Tracking").

pub mod assign;
pub mod motion;

use std::time::{Duration, Instant};

use models::detect::Face;
use models::geometry::Rect;

use assign::assign;
use motion::Motion;

/// In so many detections in a row a face must be seen before it counts: one alone is often a mistake.
const SEEN_MIN: u32 = 2;

/// A track dies only after so many detections in a row missed it, however much time lies between them.
const MISSED_MAX: u32 = 2;

/// … but for this much, in which anybody may have come: nobody is to be given another's figures.
const GAP_MAX: Duration = Duration::from_secs(5);

/// Which track; no two of a [`Tracker`] ever have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(u64);

/// One face, followed.
#[derive(Clone, Debug)]
pub struct Track {
    /// Which one.
    pub id: TrackId,
    /// The face as it was found last.
    pub face: Face,
    /// Where it is and how it moves.
    pub motion: Motion,
    /// When it was found first.
    pub born: Instant,
    /// When it was found last.
    pub seen: Instant,
    seen_count: u32,
    missed_count: u32,
}

/// Follows faces from one detection to the next.
#[derive(Clone, Debug)]
pub struct Tracker {
    lost_after: Duration,
    tracks: Vec<Track>,
    last_id: u64,
}

impl Tracker {
    /// Without any face yet; one that is not found for `lost_after` is forgotten.
    pub fn new(lost_after: Duration) -> Self {
        Self { lost_after, tracks: Vec::new(), last_id: 0 }
    }

    /// Takes in what a detection found at `now`, each face once; gives the track of each face.
    ///
    /// Boxes must be valid, as detectors give them.
    pub fn observe(&mut self, faces: Vec<Face>, now: Instant) -> Vec<TrackId> {
        // After a gap nobody can tell whether it is the same face.
        let gap = self.lost_after.max(GAP_MAX);
        self.tracks.retain(|track| now.saturating_duration_since(track.seen) < gap);
        let expected: Vec<Rect> = self.tracks.iter().map(|track| track.motion.at(now)).collect();
        let found: Vec<Rect> = faces.iter().map(|face| face.bounds).collect();
        let matches = assign(&expected, &found);
        for track in &mut self.tracks {
            track.missed_count += 1;
        }
        let pairs = faces.into_iter().zip(matches);
        let ids = pairs.map(|(face, matched)| match matched {
            Some(idx) => self.tracks[idx].found(face, now),
            None => self.begin(face, now),
        });
        let ids = ids.collect();
        let lost_after = self.lost_after;
        self.tracks.retain(|track| track.lives(now, lost_after));
        ids
    }

    /// Forgets all faces.
    pub fn forget(&mut self) {
        self.tracks.clear();
    }

    /// The faces that count, the longest known first.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(|track| track.seen_count >= SEEN_MIN)
    }

    /// Whether not even a box that might become a face is followed.
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    fn begin(&mut self, face: Face, now: Instant) -> TrackId {
        self.last_id += 1;
        let id = TrackId(self.last_id);
        let motion = Motion::still(&face.bounds, now);
        let (born, seen) = (now, now);
        self.tracks.push(Track { id, face, motion, born, seen, seen_count: 1, missed_count: 0 });
        id
    }
}

impl Track {
    fn found(&mut self, face: Face, now: Instant) -> TrackId {
        self.motion.seen(&face.bounds, now);
        self.face = face;
        self.seen = now;
        self.seen_count = self.seen_count.saturating_add(1);
        self.missed_count = 0;
        self.id
    }

    /// Whether it is still followed after a detection at `now`.
    fn lives(&self, now: Instant, lost_after: Duration) -> bool {
        if self.seen_count < SEEN_MIN {
            return self.missed_count == 0;
        }
        let unseen = now.saturating_duration_since(self.seen);
        self.missed_count < MISSED_MAX || unseen < lost_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const LOST_AFTER: Duration = Duration::from_millis(800);
    const STEP: Duration = Duration::from_millis(100);

    fn face(left: f32, top: f32) -> Face {
        Face { bounds: Rect::new(left, top, 60.0, 80.0), score: 0.9, landmarks: None }
    }

    /// Shows the tracker `detections`, 100 ms apart; gives the tracks' ids after each.
    fn follow(detections: &[&[Face]]) -> Vec<Vec<u64>> {
        let mut tracker = Tracker::new(LOST_AFTER);
        let mut now = Instant::now();
        let ids = detections.iter().map(|faces| {
            now += STEP;
            tracker.observe(faces.to_vec(), now);
            tracker.tracks().map(|track| track.id.0).collect()
        });
        ids.collect()
    }

    #[test]
    fn a_box_seen_once_is_no_face_yet() {
        let here = [face(100.0, 100.0)];
        assert_eq!(follow(&[&here, &here]), [vec![], vec![1]]);
        assert_eq!(follow(&[&here, &[], &here]), [vec![], vec![], vec![]] as [Vec<u64>; 3]);
    }

    #[test]
    fn a_face_that_is_missed_for_a_moment_keeps_its_id() {
        let here = [face(100.0, 100.0)];
        let none: &[Face] = &[];
        let ids = follow(&[&here, &here, none, none, none, &here]);
        assert_eq!(ids[2..], [[1], [1], [1], [1]]);
    }

    #[test]
    fn a_face_that_is_gone_dies_and_comes_back_as_another() {
        let here = [face(100.0, 100.0)];
        let mut detections: Vec<&[Face]> = vec![&here, &here];
        detections.extend([&[] as &[Face]; 8]);
        detections.extend([&here as &[Face]; 2]);
        let ids = follow(&detections);
        assert_eq!((&ids[8], &ids[9], &ids[11]), (&vec![1], &vec![], &vec![2]));
    }

    #[test]
    fn detections_far_apart_in_time_must_miss_it_twice() {
        let (mut tracker, now) = (Tracker::new(LOST_AFTER), Instant::now());
        let late = |n: u32| now + Duration::from_secs(2) * n;
        for n in 0..2 {
            tracker.observe(vec![face(9.0, 9.0)], late(n));
        }
        tracker.observe(vec![], late(2));
        assert_eq!(tracker.tracks().count(), 1);
        tracker.observe(vec![], late(3));
        assert_eq!(tracker.tracks().count(), 0);
    }

    #[test]
    fn whoever_stands_there_after_a_gap_is_somebody_else() {
        let (mut tracker, now) = (Tracker::new(LOST_AFTER), Instant::now());
        let mut see = |seconds| {
            tracker.observe(vec![face(9.0, 9.0)], now + Duration::from_secs(seconds))[0].0
        };
        assert_eq!([see(0), see(1), see(5)], [1, 1, 1]);
        assert_eq!(see(10), 2);
    }

    #[test]
    fn two_people_who_pass_each_other_keep_their_ids() {
        let mut tracker = Tracker::new(LOST_AFTER);
        let mut now = Instant::now();
        for step in 0..30u8 {
            let x = f32::from(step) * 16.0;
            now += STEP;
            tracker.observe(vec![face(x, 100.0), face(480.0 - x, 150.0)], now);
        }
        let ends: Vec<_> = tracker.tracks().map(|t| (t.id.0, t.face.bounds.left)).collect();
        assert_eq!(ends, [(1, 464.0), (2, 16.0)]);
    }

    #[test]
    fn a_face_faster_than_its_own_width_is_followed() {
        let mut tracker = Tracker::new(LOST_AFTER);
        let mut now = Instant::now();
        for step in 0..8u8 {
            now += STEP;
            tracker.observe(vec![face(f32::from(step) * 50.0, 100.0)], now);
        }
        assert_eq!(tracker.tracks().map(|track| track.id.0).collect::<Vec<_>>(), [1]);
    }

    fn crowds() -> impl Strategy<Value = Vec<Vec<(f32, f32)>>> {
        prop::collection::vec(prop::collection::vec((0f32..400.0, 0f32..300.0), 0..6), 1..40)
    }

    proptest! {
        #[test]
        fn no_two_faces_share_a_track_and_no_id_comes_back(crowds in crowds()) {
            let mut tracker = Tracker::new(LOST_AFTER);
            let (mut now, mut gone, mut before) = (Instant::now(), HashSet::new(), HashSet::new());
            for crowd in crowds {
                now += STEP;
                let faces: Vec<_> = crowd.iter().map(|&(x, y)| face(x, y)).collect();
                let ids = tracker.observe(faces.clone(), now);
                prop_assert_eq!(ids.len(), faces.len());
                prop_assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
                let alive: HashSet<_> = tracker.tracks.iter().map(|track| track.id).collect();
                prop_assert_eq!(alive.len(), tracker.tracks.len());
                gone.extend(before.difference(&alive).copied());
                prop_assert!(gone.is_disjoint(&alive), "{:?}", gone);
                before = alive;
            }
        }
    }
}
