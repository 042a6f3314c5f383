//! What systemd is told: that the kiosk shows something, how it is, and that all its threads move.
//!
//! Where no service manager asked for it, nothing is sent anywhere.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use super::links::Links;
use super::meters::beat::Pulse;

/// How often the status line changes.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// What was told when.
#[derive(Debug)]
pub struct Service {
    ready: bool,
    status: Option<(Instant, u64)>,
    watchdog: Option<Watchdog>,
}

#[derive(Debug)]
struct Watchdog {
    every: Duration,
    fed: Instant,
    pulse: Pulse,
}

impl Service {
    /// Nothing was told yet.
    pub fn new() -> Self {
        let watchdog = sd_notify::watchdog_enabled().map(|limit| Watchdog {
            // systemd advises half of the limit (sd_watchdog_enabled(3)); a missed round has a second try.
            every: limit / 3,
            fed: Instant::now(),
            pulse: Pulse::default(),
        });
        Self { ready: false, status: None, watchdog }
    }

    /// Tells what is new.
    pub fn tell(&mut self, links: &Links) {
        let screens = links.meters.screens.get();
        // The watchdog begins to count then, so the models must be open: that takes long at the first start.
        if !self.ready && screens > 0 && links.meters.vision_beat.has_begun() {
            self.ready = true;
            notify(&[NotifyState::Ready]);
        }
        if self.status.is_none_or(|(at, _)| at.elapsed() >= STATUS_EVERY) {
            let before = self.status.replace((Instant::now(), screens));
            let shown =
                before.map(|(at, count)| (screens - count) as f64 / at.elapsed().as_secs_f64());
            notify(&[NotifyState::Status(&status(links, shown))]);
        }
        if let Some(watchdog) = &mut self.watchdog
            && watchdog.fed.elapsed() >= watchdog.every
        {
            let meters = &links.meters;
            let beats = [&meters.camera_beat, &meters.vision_beat, &meters.render_beat];
            if watchdog.pulse.all_moved(&beats) {
                watchdog.fed = Instant::now();
                notify(&[NotifyState::Watchdog]);
            }
        }
    }

    /// Says that the end is wanted.
    pub fn stopping(&self) {
        notify(&[NotifyState::Stopping]);
    }
}

impl Default for Service {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts, and what is wrong: nothing of a person.
fn status(links: &Links, shown_fps: Option<f64>) -> String {
    let shown = shown_fps.map_or(String::new(), |fps| format!("{fps:.0} screens a second, "));
    let camera = links.state.camera().map_or("camera good".to_owned(), |t| format!("camera {t:?}"));
    format!("{shown}{}, {} faces", camera.to_lowercase(), links.meters.faces.get())
}

fn notify(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        log::debug!("telling the service manager: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Trouble;

    #[test]
    fn the_status_tells_counts_and_troubles() {
        let links = Links::default();
        assert_eq!(status(&links, None), "camera good, 0 faces");
        links.meters.faces.set(2);
        links.state.set_camera(Some(Trouble::Lost));
        assert_eq!(status(&links, Some(29.6)), "30 screens a second, camera lost, 2 faces");
    }
}
