//! The vision thread: the newest frame in, the faces in it out.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::PATIENCE;
use super::links::Links;
use crate::bundles::Models;
use crate::cli::ModelArgs;
use crate::follow::Follower;
use crate::follow::settings::FollowSettings;
use crate::latest::Taken;

/// So long after the last frame nothing is known of anybody any more.
const FORGET_AFTER: Duration = Duration::from_secs(5);

/// Opens the models and looks at frames until there are no more.
///
/// # Errors
/// Where the models cannot be opened, or fail.
pub fn run(links: &Links, models: &ModelArgs, faces: &FollowSettings) -> Result<()> {
    let opened = Models::open(models).inspect_err(|_| links.state.set_no_model());
    let Models { detector, estimator, description, has_stand_in } = opened?;
    if has_stand_in {
        links.state.set_stand_in();
    }
    log::info!("{description}");
    let mut follower = Follower::new(detector, Some(estimator.into()), faces);
    let mut last = Instant::now();
    loop {
        links.meters.vision_beat.beat();
        match links.frames.take(PATIENCE) {
            Taken::Closed => return Ok(()),
            Taken::Nothing if last.elapsed() >= FORGET_AFTER => {
                follower.forget();
                links.meters.faces.set(0);
            }
            Taken::Nothing => {}
            Taken::Item(frame) => {
                links.fault.strike("vision", frame.number);
                let begun = Instant::now();
                last = begun;
                let seen = follower.step(&frame)?;
                let took_us = begun.elapsed().as_micros();
                let meters = &links.meters;
                meters.looked.count();
                meters.detections.add(u64::from(seen.detected));
                meters.estimates.add(seen.estimates as u64);
                meters.faces.set(seen.people.len() as u64);
                // A frame that is not searched takes no time worth telling.
                if seen.detected {
                    meters.vision_us.set(u64::try_from(took_us).unwrap_or(u64::MAX));
                }
                links.seen.put(seen);
            }
        }
    }
}
