//! Where a box is between and after the detections that found it: an α–β filter on its middle and sides.

use std::time::{Duration, Instant};

use models::geometry::Rect;

/// How much of what was not expected moves the box at once. The rest is taken for the detector's
/// trembling.
const ALPHA: f32 = 0.6;

/// How much of it becomes speed: α² ÷ (2 − α), after Benedict and Bordner (1962).
const BETA: f32 = ALPHA * ALPHA / (2.0 - ALPHA);

/// A box is moved on for at most this long after it was seen; people turn round.
pub const AHEAD_MAX: Duration = Duration::from_millis(300);

/// A side shrinks to no less than this share of what it was while it is moved on.
const SHRINK_MIN: f32 = 0.5;

/// A box that moves at constant speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Middle (x, y), width and height at `seen`, in pixels.
    state: [f32; 4],
    /// Of the same four, in pixels a second.
    speed: [f32; 4],
    seen: Instant,
}

impl Motion {
    /// A box that was seen for the first time.
    pub fn still(bounds: &Rect, now: Instant) -> Self {
        Self { state: state(bounds), speed: [0.0; 4], seen: now }
    }

    /// Where the box should be at `time`.
    pub fn at(&self, time: Instant) -> Rect {
        let ahead_s = time.saturating_duration_since(self.seen).min(AHEAD_MAX).as_secs_f32();
        let [x, y, width, height]: [f32; 4] =
            std::array::from_fn(|i| self.state[i] + self.speed[i] * ahead_s);
        let width = width.max(self.state[2] * SHRINK_MIN);
        let height = height.max(self.state[3] * SHRINK_MIN);
        Rect::new(x - width / 2.0, y - height / 2.0, width, height)
    }

    /// Takes in where it was found at `now`.
    pub fn seen(&mut self, bounds: &Rect, now: Instant) {
        let passed_s = now.saturating_duration_since(self.seen).as_secs_f32();
        let (expected, found) = (state(&self.at(now)), state(bounds));
        for i in 0..4 {
            let surprise = found[i] - expected[i];
            self.state[i] = expected[i] + ALPHA * surprise;
            if passed_s > 0.0 {
                self.speed[i] += BETA * surprise / passed_s;
            }
        }
        self.seen = now;
    }
}

fn state(bounds: &Rect) -> [f32; 4] {
    let middle = bounds.center();
    [middle.x, middle.y, bounds.width, bounds.height]
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    fn at(left: f32) -> Rect {
        Rect::new(left, 10.0, 40.0, 60.0)
    }

    /// A box seen ten times, `dx` pixels further each time, last at 9 · `dx`.
    fn moving(dx: f32) -> (Motion, Instant) {
        let mut now = Instant::now();
        let mut motion = Motion::still(&at(0.0), now);
        for step in 1..10u8 {
            now += STEP;
            motion.seen(&at(f32::from(step) * dx), now);
        }
        (motion, now)
    }

    #[test]
    fn a_moving_box_is_where_it_should_be_between_detections() {
        let (motion, now) = moving(20.0);
        let error = motion.at(now + STEP).left - 200.0;
        assert!(error.abs() < 2.0, "{error} px off, of 20 moved");
        assert_eq!(motion.at(now + STEP).top, 10.0);
    }

    #[test]
    fn it_is_moved_on_only_for_a_moment() {
        let (motion, now) = moving(20.0);
        let later = motion.at(now + Duration::from_secs(60));
        assert_eq!(later, motion.at(now + AHEAD_MAX));
        assert!(later.left < 260.0, "{later:?}");
    }

    #[test]
    fn trembling_is_damped() {
        let mut now = Instant::now();
        let mut motion = Motion::still(&at(0.0), now);
        let mut shown = Vec::new();
        for step in 0..40 {
            now += STEP;
            motion.seen(&at(if step % 2 == 0 { 3.0 } else { -3.0 }), now);
            shown.push(motion.at(now).left);
        }
        assert!(shown[20..].iter().all(|left| left.abs() < 2.2), "{shown:?}");
    }

    #[test]
    fn a_shrinking_box_never_turns_inside_out() {
        let now = Instant::now();
        let mut motion = Motion::still(&Rect::new(0.0, 0.0, 400.0, 400.0), now);
        motion.seen(&Rect::new(200.0, 200.0, 4.0, 4.0), now + Duration::from_millis(1));
        assert!(motion.at(now + Duration::from_secs(1)).is_valid());
    }

    #[test]
    fn the_same_moment_twice_is_no_endless_speed() {
        let now = Instant::now();
        let mut motion = Motion::still(&at(0.0), now);
        motion.seen(&at(5.0), now);
        assert!(motion.at(now + STEP).is_valid());
    }
}
