//! Faults on purpose, in debug builds: `APPARENT_INJECT=panic:camera` makes that thread panic once, to see
//! that what should happen then does. A release build knows nothing of it.

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};

/// The frame at which a thread panics: the screen has shown some by then.
const AT: u64 = 10;

/// What is to go wrong, once.
#[derive(Debug, Default)]
pub struct Fault {
    thread: Option<String>,
    struck: AtomicBool,
}

impl Fault {
    /// What the environment asks for.
    pub fn from_environment() -> Self {
        let asked = env::var("APPARENT_INJECT").ok().filter(|_| cfg!(debug_assertions));
        let thread = asked.and_then(|asked| Some(asked.strip_prefix("panic:")?.to_owned()));
        Self { thread, struck: AtomicBool::new(false) }
    }

    /// Panics where `thread` is to, at its frame `number`.
    ///
    /// # Panics
    /// That is what it is for.
    pub fn strike(&self, thread: &str, number: u64) {
        let meant = self.thread.as_deref() == Some(thread) && number >= AT;
        if meant && !self.struck.swap(true, Ordering::Relaxed) {
            panic!("asked for by APPARENT_INJECT");
        }
    }
}
