//! `kiosk run`: from the camera to the screen, for hours.
//!
//! ```text
//!  camera thread       render thread                          vision thread
//!  FrameSource ─► encoded ─► decode ─► view ─► Display          detect ► track ► read ► smooth
//!    │ opened again             │        ▲                        ▲            │
//!    │ with back-off            └────────┼──────── frames ────────┘            │
//!                                        └──────── seen ◄──────────────────────┘
//! ```
//!
//! `encoded`, `frames` and `seen` are mailboxes with one place ([`crate::latest`]). The thread that called
//! supervises: it hears signals, measures the heat, tells systemd how things are, and ends everything where
//! the vision or the display fails, so that the service manager starts the program anew.

pub mod backoff;
pub mod button;
pub mod camera;
pub mod fault;
pub mod idle;
pub mod journal;
pub mod lamp;
pub mod links;
pub mod meters;
pub mod rate;
pub mod render;
pub mod screens;
pub mod service;
pub mod signals;
pub mod vision;
pub mod worker;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use models::picture::Limits;

use crate::cli::run::RunArgs;
use crate::config::Config;
use crate::gpio::Button;
use crate::machine::state::State;
use crate::report::Outcome;
use crate::scene::Privacy;
use camera::Opener;
use fault::Fault;
use lamp::Lamp;
use links::Links;
use meters::Summary;
use render::{RenderSettings, Renderer};
use screens::Screens;
use service::Service;
use signals::Signals;
use worker::Worker;

/// How long a thread waits for anything at most, so that a wish to stop is heard and the watchdog fed.
const PATIENCE: Duration = Duration::from_millis(250);
/// How often the supervisor looks round.
const ROUND: Duration = Duration::from_millis(100);
/// How often it measures the heat.
const HEAT_EVERY: Duration = Duration::from_secs(5);
/// How long threads may take to end before they are left behind.
const ENDING: Duration = Duration::from_millis(900);
/// How much longer displays may take to become black: nobody's face must stay on one.
const BLANKING: Duration = Duration::from_secs(2);
/// No camera gives more, and a board's memory is small: hostile bytes must not fill it.
const CAMERA_LIMITS: Limits = Limits { side_px_max: 8192, pixels_max: 16_000_000 };
/// How long people can read why nothing works, before the service manager tries again.
const FAREWELL: Duration = Duration::from_secs(10);

/// Runs until the source ends, a signal comes, the time is over or something fails for good.
///
/// # Errors
/// Where configuration, source file, display or models cannot be used, or a thread failed.
pub fn run(args: &RunArgs, out: &mut dyn Write) -> Result<Outcome> {
    journal::start();
    let config = Config::load(&args.settings.sources())?;
    let signals = Signals::listen().context("listening to signals")?;
    let (summary, ended) = Kiosk::start(&config)?.supervise(&config, &signals, args.duration());
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else {
        write!(out, "{summary}")?;
    }
    ended.map(|()| Outcome::Good)
}

/// The running threads.
struct Kiosk {
    links: Arc<Links>,
    camera: Worker,
    vision: Worker,
    render: Worker,
    button: Option<Worker>,
    lamp: Lamp,
    /// Whether people may be reading the screen.
    watched: bool,
    begun: Instant,
}

impl Kiosk {
    fn start(config: &Config) -> Result<Self> {
        let (source, settings) = (config.camera.source.clone(), config.camera.settings.clone());
        let live = source.is_live();
        let privacy = if live { Privacy::LiveNotStored } else { Privacy::ReplayFromFiles };
        config.screen.display.check_privacy(privacy)?;
        let open: Opener = Box::new(move || source.open(&settings));
        // What is wrong with files stays wrong; a camera may be plugged in later.
        let first = if live { None } else { Some(open().map_err(|error| error.error)?) };
        let screens = Screens::open(&config.screen.display, config.screen.size.0)?;
        let (models, faces) = (config.models.args()?, config.faces.clone());
        let settings = render_settings(config, privacy);
        let links = Links { fault: Fault::from_environment(), ..Links::default() };
        let links = Arc::new(links);
        let [camera, vision, render] = [(); 3].map(|()| Arc::clone(&links));
        Ok(Self {
            camera: Worker::spawn("camera", move || camera::run(&camera, &open, first))?,
            vision: Worker::spawn("vision", move || vision::run(&vision, &models, &faces))?,
            render: Worker::spawn("render", move || {
                Renderer::new(&render, settings, screens).run()
            })?,
            button: listen(&links, config),
            lamp: open_lamp(config),
            watched: config.screen.display.is_seen(),
            links,
            begun: Instant::now(),
        })
    }

    /// Looks after the threads until the end; tells what the run came to, and how it ended.
    fn supervise(
        mut self,
        config: &Config,
        signals: &Signals,
        seconds: Option<Duration>,
    ) -> (Summary, Result<()>) {
        let mut service = Service::new();
        let mut heat = None::<Instant>;
        let is_over = |begun: Instant| seconds.is_some_and(|seconds| begun.elapsed() >= seconds);
        while !self.has_ended() && !signals.have_come() && !is_over(self.begun) {
            if heat.is_none_or(|at| at.elapsed() >= HEAT_EVERY) {
                heat = Some(Instant::now());
                measure_heat(&self.links, config.heat.notice_c);
            }
            service.tell(&self.links);
            self.lamp.tell(&self.links);
            self.links.stop.wait(ROUND);
        }
        if self.watched && self.links.state.has_no_model() {
            self.say_farewell(&mut service, signals);
        }
        service.stopping();
        self.end()
    }

    /// Whether there is nothing left to do, or something failed for good.
    fn has_ended(&mut self) -> bool {
        self.vision.has_ended() || self.render.has_ended()
    }

    /// Leaves the reason on the screen for a while.
    fn say_farewell(&mut self, service: &mut Service, signals: &Signals) {
        let begun = Instant::now();
        while begun.elapsed() < FAREWELL && !signals.have_come() && !self.render.has_ended() {
            service.tell(&self.links);
            self.links.stop.wait(ROUND);
        }
    }

    fn end(self) -> (Summary, Result<()>) {
        let Self { links, camera, vision, render, button, begun, .. } = self;
        let took = begun.elapsed();
        links.stop.request();
        links.encoded.close();
        links.frames.close();
        let deadline = Instant::now() + ENDING;
        let workers = [(vision, deadline), (render, deadline + BLANKING), (camera, deadline)];
        let ended = workers.map(|(worker, deadline)| worker.end(deadline));
        if let Some(Err(error)) = button.map(|button| button.end(deadline)) {
            log::warn!("{error:#}");
        }
        let summary = links.meters.summary(took, links.encoded.replaced());
        (summary, ended.into_iter().collect())
    }
}

/// A kiosk whose button or light cannot be had works without.
fn listen(links: &Arc<Links>, config: &Config) -> Option<Worker> {
    let spec = config.gpio.button.as_ref()?;
    let (links, long) =
        (Arc::clone(links), Duration::from_millis(config.gpio.long_press_ms.into()));
    let listening = Button::open(spec).and_then(|button| {
        Worker::spawn("button", move || {
            button::run(&links, button, long)
                .inspect_err(|error| log::error!("the button: {error:#}"))
        })
    });
    listening.inspect_err(|error| log::error!("the button: {error:#}")).ok()
}

fn open_lamp(config: &Config) -> Lamp {
    Lamp::open(config.gpio.led.as_ref()).unwrap_or_else(|error| {
        log::error!("the presence light: {error:#}");
        Lamp::none()
    })
}

fn render_settings(config: &Config, privacy: Privacy) -> RenderSettings {
    let limits = match privacy {
        Privacy::LiveNotStored => CAMERA_LIMITS,
        Privacy::ReplayFromFiles => Limits::default(),
    };
    RenderSettings {
        orientation: config.camera.settings.orientation(),
        limits,
        language: config.screen.language,
        privacy,
        idle: config.idle.clone(),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "degrees")]
fn measure_heat(links: &Links, notice_c: f64) {
    if let Some(celsius) = State::read(Path::new("/"), None).hottest_c() {
        links.state.set_temperature(celsius as f32, celsius >= notice_c);
    }
}
