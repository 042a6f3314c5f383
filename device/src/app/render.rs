//! The render thread: the newest frame decoded, drawn with the newest faces, and shown.
//!
//! It never waits for the vision: while a large network takes a second, the picture goes on moving, and
//! boxes go on by their speed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use models::image::RgbView;
use models::picture::Limits;

use super::PATIENCE;
use super::idle::Idle;
use super::links::Links;
use super::rate::Rate;
use super::screens::Screens;
use crate::config::IdleSettings;
use crate::decode::{self, orientation::Orientation};
use crate::follow::seen::Seen;
use crate::frame::{Encoded, Frame};
use crate::language::Language;
use crate::latest::Taken;
use crate::scene::{Footer, Notice, Privacy, Scene};

/// What stands for a picture where there is none.
const DARK: [u8; 3] = [16, 18, 22];

/// What the render thread is told.
#[derive(Clone, Debug)]
pub struct RenderSettings {
    /// How frames become upright.
    pub orientation: Orientation,
    /// How large they may be.
    pub limits: Limits,
    /// Of the texts.
    pub language: Language,
    /// What becomes of the pictures.
    pub privacy: Privacy,
    /// While nobody is there.
    pub idle: IdleSettings,
}

/// Draws and shows until there are no more frames.
pub struct Renderer<'a> {
    links: &'a Links,
    settings: RenderSettings,
    screens: Screens,
    frame: Option<Arc<Frame>>,
    seen: Option<Seen>,
    rate: Rate,
    idle: Idle,
    asleep: bool,
    /// Whether nobody is to be looked at.
    paused: bool,
    language: Language,
    /// The notice on the screen, where no frame is.
    told: Option<Notice>,
}

impl<'a> Renderer<'a> {
    /// Shows on `screens`.
    pub fn new(links: &'a Links, settings: RenderSettings, screens: Screens) -> Self {
        Self {
            links,
            idle: Idle::new(&settings.idle, Instant::now()),
            language: settings.language,
            settings,
            screens,
            frame: None,
            seen: None,
            rate: Rate::default(),
            asleep: false,
            paused: false,
            told: None,
        }
    }

    /// Until there are no more frames.
    ///
    /// # Errors
    /// Where no display is left.
    pub fn run(&mut self) -> Result<()> {
        self.screens.descriptions().for_each(|display| log::info!("a display is {display}"));
        loop {
            self.links.meters.render_beat.beat();
            let taken = self.links.encoded.take(PATIENCE);
            self.hear();
            match taken {
                Taken::Closed => return Ok(()),
                // What nobody waits for any more would only hold up the end.
                Taken::Item(_) if self.links.stop.is_requested() => return Ok(()),
                // A frame that comes while nobody is to be looked at is dropped as it is.
                Taken::Item(encoded) if !self.paused => self.with_frame(&encoded)?,
                Taken::Nothing | Taken::Item(_) => self.without_frame()?,
            }
            self.doze()?;
            self.screens.tend(Instant::now())?;
        }
    }

    /// Whoever presses the button looks at the screen.
    fn hear(&mut self) {
        let wishes = &self.links.wishes;
        let (paused, language) = (wishes.is_paused(), wishes.language(self.settings.language));
        if (paused, language) != (self.paused, self.language) {
            (self.paused, self.language) = (paused, language);
            self.idle.attend(Instant::now());
            // It is told anew, in the words of now, and what was seen before is of no use.
            self.told = None;
            self.links.seen.take(Duration::ZERO);
        }
    }

    fn with_frame(&mut self, encoded: &Encoded) -> Result<()> {
        self.links.fault.strike("render", encoded.number);
        let meters = &self.links.meters;
        let RenderSettings { limits, orientation, .. } = self.settings;
        let picture = match decode::decode(encoded, &limits, orientation) {
            Ok(picture) => picture,
            Err(error) => {
                log::warn!("a frame is dropped: {error}");
                meters.broken.count();
                meters.broken_in_a_row.count();
                return Ok(());
            }
        };
        meters.decoded.count();
        meters.broken_in_a_row.set(0);
        let Encoded { number, captured, .. } = *encoded;
        let frame = Arc::new(Frame { picture, number, captured });
        self.rate.count(captured);
        self.links.frames.put(Arc::clone(&frame));
        self.frame = Some(frame);
        self.told = None;
        self.show()?;
        self.links.meters.add_latency(captured.elapsed());
        Ok(())
    }

    /// No frame came for a moment. What is wrong is told once; else the last picture stays.
    fn without_frame(&mut self) -> Result<()> {
        let notice = self.notice().filter(Notice::takes_the_panel);
        self.attend_to(notice.as_ref());
        if notice.is_some() && notice != self.told {
            // Nobody knows who is there now.
            (self.frame, self.seen, self.rate) = (None, None, Rate::default());
            self.show()?;
            self.told = notice;
        }
        Ok(())
    }

    fn show(&mut self) -> Result<()> {
        self.look(Duration::ZERO);
        let scene = self.scene();
        self.attend_to(scene.notice.as_ref());
        if self.asleep && !self.idle.is_idle(Instant::now()) {
            self.asleep = false;
            self.screens.wake()?;
        }
        let dark = RgbView::new(&DARK, 1, 1, 3);
        let picture = self.frame.as_ref().and_then(|frame| RgbView::of(&frame.picture)).or(dark);
        self.screens.show(&picture.context("no pixels to draw")?, &scene, self.language)?;
        self.links.meters.screens.count();
        Ok(())
    }

    /// Somebody should read what is wrong, as long as it is so. Who has paused it knows that.
    fn attend_to(&mut self, notice: Option<&Notice>) {
        if notice.is_some_and(|it| it.takes_the_panel() && *it != Notice::Paused) {
            self.idle.attend(Instant::now());
        }
    }

    /// Takes what the vision has seen, waiting for it for at most `patience`; whether somebody is there.
    fn look(&mut self, patience: Duration) -> bool {
        let Taken::Item(seen) = self.links.seen.take(patience) else { return false };
        if self.paused {
            return false;
        }
        let somebody = seen.found > 0 || !seen.people.is_empty();
        if somebody {
            self.idle.attend(Instant::now());
        }
        self.seen = Some(seen);
        somebody
    }

    fn scene(&self) -> Scene {
        let people = self.seen.as_ref().zip(self.frame.as_ref());
        Scene {
            people: people.map_or(vec![], |(seen, frame)| seen.at(frame.captured)),
            notice: self.notice(),
            footer: Footer {
                privacy: self.settings.privacy,
                latency: Some(self.links.meters.vision_us.get())
                    .filter(|&us| us > 0)
                    .map(Duration::from_micros),
                fps: self.rate.fps(),
                temperature_c: self.links.state.temperature_c(),
            },
        }
    }

    fn notice(&self) -> Option<Notice> {
        let state = &self.links.state;
        let camera = state.camera().map(Notice::Camera);
        let model = state.has_no_model().then_some(Notice::NoModel);
        let paused = self.paused.then_some(Notice::Paused);
        let hot = state.is_hot().then_some(Notice::Hot);
        let stand_in = state.has_stand_in().then_some(Notice::StandIn);
        model.or(paused).or(camera).or(hot).or(stand_in)
    }

    /// While nobody is there, only some frames are looked at, and the light goes off; a face in one of them
    /// ends the wait for the next.
    fn doze(&mut self) -> Result<()> {
        if !self.idle.is_idle(Instant::now()) {
            return Ok(());
        }
        if !self.asleep {
            self.asleep = true;
            self.screens.sleep()?;
        }
        let next = Instant::now() + Duration::from_secs(1) / self.settings.idle.fps;
        let left = || next.saturating_duration_since(Instant::now());
        let (links, paused) = (self.links, self.paused);
        let is_asked = || links.stop.is_requested() || links.wishes.is_paused() != paused;
        while !left().is_zero() && !is_asked() && !self.look(left()) {}
        Ok(())
    }
}
