//! The button thread: what pressing it means for everybody. Only where one is configured.

use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::PATIENCE;
use super::links::Links;
use crate::gpio::Button;
use crate::gpio::press::{Press, Presses};

/// Listens until everybody stops.
///
/// # Errors
/// Where the chip is gone: the kiosk goes on without its button.
pub fn run(links: &Links, mut button: Button, long: Duration) -> Result<()> {
    let mut presses = Presses::new(long);
    // The kernel's time of the last change, and when it was heard of.
    let (mut changed, mut heard) = (Duration::ZERO, Instant::now());
    while !links.stop.is_requested() {
        let now = changed + heard.elapsed();
        let patience = presses.due(now).unwrap_or(PATIENCE).min(PATIENCE);
        let press = if comes(&button, patience)? {
            let change = button.take_change()?;
            (changed, heard) = (change.at, Instant::now());
            presses.look(change.is_down, changed)
        } else {
            // Changes may have been lost, and a press may have become a long one.
            presses.look(button.is_down()?, changed + heard.elapsed())
        };
        match press {
            Some(Press::Short) => links.wishes.pause_or_go_on(),
            Some(Press::Long) => links.wishes.next_language(),
            None => {}
        }
    }
    Ok(())
}

/// Whether a change comes within `patience`.
fn comes(button: &Button, patience: Duration) -> Result<bool> {
    let mut fds = [PollFd::new(&button.events, PollFlags::IN)];
    let patience = Timespec::try_from(patience)?;
    match poll(&mut fds, Some(&patience)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
