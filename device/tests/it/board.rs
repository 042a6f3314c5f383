//! A board that is not there: runs a program, unmodified, with a camera, a framebuffer, a console,
//! an SPI panel, an I2C panel and GPIO lines.
//!
//! Its system calls on them are answered by a thread of the test (seccomp user notification), so that neither
//! modules nor rights are needed; memory is mapped by the kernel as ever. Whatever could bring bytes out of
//! the program is noted on the way.

mod camera;
mod client;
mod console;
mod displays;
mod filter;
mod glass;
mod i2c;
mod live;
mod memory;
mod notify;
mod pins;
mod privacy;
mod screen;
mod several;
mod shots;
mod soak;
mod spi;
mod supervisor;
mod system;
mod tree;
mod v4l2;
mod watch;

use std::fs::{self, File};
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use camera::{Camera, Make};
use image::RgbImage;
use notify::Listener;
use screen::{Layout, Screen};
use supervisor::Shared;
use system::System;
use tempfile::TempDir;

/// Longer than anything takes, on however busy a machine: a test that waits so long fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A program on the board.
#[derive(Debug)]
pub(crate) struct Board {
    shared: Arc<Shared>,
    program: Child,
    answering: Option<JoinHandle<()>>,
    dir: TempDir,
}

/// Starts `program` on a board with this camera and screen; `None`, with a printed reason, where the kernel
/// does not allow it.
pub(crate) fn start(camera: Make, layout: Layout, program: &mut Command) -> Option<Board> {
    let dir = tempfile::tempdir().unwrap();
    let system = System::new(dir.path().join("root"), Camera::new(camera), Screen::new(layout));
    let shared = Arc::new(Shared::new(system));
    program.stdout(File::create(dir.path().join("out")).unwrap());
    program.stderr(File::create(dir.path().join("err")).unwrap());
    let (give, take) = mpsc::channel::<Listener>();
    let answers = Arc::clone(&shared);
    let answering = thread::spawn(move || {
        if let Ok(listener) = take.recv() {
            answers.supervise(&listener);
        }
    });
    // A filter cannot be taken off again, so it is put on a thread of its own, which the program inherits it
    // from. From then on that thread's own calls are answered, too.
    let started = thread::scope(|scope| {
        let start = move || {
            give.send(Listener(filter::install()?)).map_err(io::Error::other)?;
            Ok(program.spawn().unwrap())
        };
        scope.spawn(start).join().unwrap()
    });
    match started {
        Ok(program) => Some(Board { shared, program, answering: Some(answering), dir }),
        Err(error) => {
            let error: io::Error = error;
            println!("left out: the kernel lets no seccomp filter ask: {error}");
            None
        }
    }
}

impl Board {
    /// Looks at the board or changes it.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut System) -> R) -> R {
        self.shared.with(act)
    }

    /// Waits until `condition` holds; fails where it never does.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, condition: impl Fn(&System) -> bool) {
        let came = self.shared.wait(PATIENCE, condition);
        assert!(came, "{what}: did not happen; it printed:\n{}{}", self.out(), self.err());
    }

    /// Lets time go by, while the program runs.
    pub(crate) fn pass(&self, time: Duration) {
        self.shared.wait(time, |_| false);
    }

    /// What is on the screen now.
    pub(crate) fn picture(&self) -> RgbImage {
        self.with(|system| system.screen.picture())
    }

    /// What it has printed to standard output.
    pub(crate) fn out(&self) -> String {
        self.read("out")
    }

    /// What it has printed to standard error.
    pub(crate) fn err(&self) -> String {
        self.read("err")
    }

    /// The program.
    pub(crate) fn program(&mut self) -> &mut Child {
        &mut self.program
    }

    /// Waits until the program ends, and nobody asks any more.
    pub(crate) fn finish(&mut self) -> ExitStatus {
        let status = self.program.wait().unwrap();
        self.answering.take().unwrap().join().unwrap();
        status
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap()
    }
}

impl Drop for Board {
    /// A test that failed leaves nothing running.
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
