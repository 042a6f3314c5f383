//! The thread that answers for the board, as long as a program runs on it.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::OwnedFd;

use super::notify::Listener;
use super::system::{Outcome, System, Waiting};

/// The board, for the thread that answers and for the test that looks and meddles.
#[derive(Debug)]
pub(crate) struct Shared {
    system: Mutex<System>,
    changed: Condvar,
    meddled: OwnedFd,
}

const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl Shared {
    pub(crate) fn new(system: System) -> Self {
        let meddled = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        Self { system: Mutex::new(system), changed: Condvar::new(), meddled }
    }

    /// Looks at the board or changes it.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut System) -> R) -> R {
        let result = act(&mut self.system.lock().unwrap());
        rustix::io::write(&self.meddled, &1_u64.to_ne_bytes()).unwrap();
        result
    }

    /// Waits until `condition` holds; `false` where it does not within `patience`.
    pub(crate) fn wait(&self, patience: Duration, condition: impl Fn(&System) -> bool) -> bool {
        let end = Instant::now() + patience;
        let mut system = self.system.lock().unwrap();
        while !condition(&system) && Instant::now() < end {
            // Not everything that a program does is heard of, such as what it draws.
            system = self.changed.wait_timeout(system, LOOK_AGAIN).unwrap().0;
        }
        condition(&system)
    }

    /// Answers until nobody is left who could ask.
    pub(crate) fn supervise(self: Arc<Self>, listener: &Listener) {
        let mut waiting = Vec::new();
        loop {
            let patience = self.patience(&waiting);
            let mut fds = [
                PollFd::new(&listener.0, PollFlags::IN),
                PollFd::new(&self.meddled, PollFlags::IN),
            ];
            match poll(&mut fds, Some(&patience)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("waiting for a question: {error}"),
            }
            let (asked, meddled) = (fds[0].revents(), fds[1].revents());
            if meddled.contains(PollFlags::IN) {
                let _ = rustix::io::read(&self.meddled, &mut [0; 8]);
            }
            if asked.contains(PollFlags::IN) {
                self.hear(listener, &mut waiting);
            } else if asked.contains(PollFlags::HUP) {
                return;
            }
            self.go_on(listener, &mut waiting);
        }
    }

    /// Hears one question, and answers if it can be answered at once.
    fn hear(&self, listener: &Listener, waiting: &mut Vec<Waiting>) {
        let Some(call) = listener.receive().unwrap() else { return };
        match self.system.lock().unwrap().do_call(&call, Instant::now()) {
            Outcome::Answer(answer) => listener.answer(&call, &answer),
            Outcome::Wait(more) => waiting.push(more),
        }
    }

    /// Lets the camera go on, and answers what has waited for it.
    fn go_on(&self, listener: &Listener, waiting: &mut Vec<Waiting>) {
        let now = Instant::now();
        let mut system = self.system.lock().unwrap();
        system.camera.tick(now);
        waiting.retain(|waiting| match system.poll_again(waiting, now) {
            None => true,
            Some(answer) => {
                listener.answer(&waiting.call, &answer);
                false
            }
        });
        self.changed.notify_all();
    }

    /// Until something is due: a picture, or the end of somebody's patience.
    fn patience(&self, waiting: &[Waiting]) -> Timespec {
        let picture = self.system.lock().unwrap().camera.next_due();
        let due = waiting.iter().filter_map(|waiting| waiting.until).chain(picture).min();
        let left = due.map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
        left.min(Duration::from_secs(60)).try_into().unwrap()
    }
}
