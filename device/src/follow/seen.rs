//! What a step made of a frame, and where the faces will be a moment later.

use std::time::Instant;

use models::detect::Face;

use crate::scene::Person;
use crate::track::motion::Motion;

/// The faces in a frame, and what they look like.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who is there, the longest known first.
    pub people: Vec<Followed>,
    /// When the frame arrived.
    pub captured: Instant,
    /// Whether faces were looked for in it.
    pub detected: bool,
    /// How many were found then, those too that were never seen before: they are no people yet.
    pub found: usize,
    /// How many faces of it the network read.
    pub estimates: usize,
}

/// A face that is followed.
#[derive(Clone, Debug)]
pub struct Followed {
    /// What the screen shows of it, where it was when the frame arrived.
    pub person: Person,
    /// As the detector found it last, perhaps in an earlier frame.
    pub face: Face,
    motion: Motion,
}

impl Followed {
    /// The one who moves like this.
    pub fn new(person: Person, face: Face, motion: Motion) -> Self {
        Self { person, face, motion }
    }
}

impl Seen {
    /// The people where they should be at `time`, at or after the frame: so a screen drawn from a newer
    /// frame has its boxes on the faces. Boxes go on for at most
    /// [`AHEAD_MAX`](crate::track::motion::AHEAD_MAX) after they were found.
    pub fn at(&self, time: Instant) -> Vec<Person> {
        let moved = |followed: &Followed| Person {
            bounds: followed.motion.at(time),
            ..followed.person.clone()
        };
        self.people.iter().map(moved).collect()
    }
}
