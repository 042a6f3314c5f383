//! SIGINT, SIGTERM and SIGHUP as a wish to end; a second one of the first two ends the program at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, TERM_SIGNALS};
use signal_hook::flag;

/// Exit status of a program that a second signal ended.
const IMPATIENT: i32 = 130;

/// Whether a signal has come.
#[derive(Debug)]
pub struct Signals(Arc<AtomicBool>);

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// Where the system does not allow it.
    pub fn listen() -> io::Result<Self> {
        let come = Arc::new(AtomicBool::new(false));
        for &signal in TERM_SIGNALS {
            // In this order: the first signal finds the flag down.
            flag::register_conditional_shutdown(signal, IMPATIENT, Arc::clone(&come))?;
            flag::register(signal, Arc::clone(&come))?;
        }
        // The terminal is gone; the screen must not keep the last picture.
        flag::register(SIGHUP, Arc::clone(&come))?;
        Ok(Self(come))
    }

    /// Whether one has come.
    pub fn have_come(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
