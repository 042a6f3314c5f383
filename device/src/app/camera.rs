//! The camera thread: frames from the source into the mailbox, and the source opened again when it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::PATIENCE;
use super::backoff::Backoff;
use super::links::Links;
use super::worker::said;
use crate::source::{FrameSource, Next, SourceError, Trouble};

/// So many broken frames in a row are a broken source.
const BROKEN_MAX: u64 = 30;
/// A source that has given so many good frames works.
const WORKS: u64 = 30;
/// What is not there is looked for this often: it costs little, and people wait for it.
const MISSING_WAIT_MAX: Duration = Duration::from_secs(2);

/// Opens the source, once and after every trouble.
pub type Opener = Box<dyn Fn() -> Result<Box<dyn FrameSource>, SourceError> + Send>;

/// Keeps frames coming until the source has come to its end or everybody stops.
///
/// `first` is the source where it is open already: a file, whose troubles stay. A camera's are told on the
/// screen, and it is opened again; so is any source whose thread panics.
///
/// # Errors
/// Where a file cannot be used any more.
pub fn run(links: &Links, open: &Opener, first: Option<Box<dyn FrameSource>>) -> Result<()> {
    let mut backoff = Backoff::default();
    let is_file = first.is_some();
    let mut source = first;
    let mut outcome = Ok(());
    while !links.stop.is_requested() {
        let opened = source.take();
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let source = opened.map_or_else(open, Ok)?;
            feed(links, source, &mut backoff)
        }));
        let error = match ended {
            Ok(Ok(())) => break,
            Ok(Err(error)) if is_file => {
                outcome = Err(error.error);
                break;
            }
            Ok(Err(error)) => error,
            Err(panic) => {
                Trouble::Lost.because(anyhow!("the camera thread panicked: {}", said(&*panic)))
            }
        };
        log::warn!("the source: {error}");
        links.state.set_camera(Some(error.trouble));
        links.meters.reopened.count();
        let wait = backoff.next_wait();
        let missing = error.trouble == Trouble::Missing;
        pause(links, if missing { wait.min(MISSING_WAIT_MAX) } else { wait });
        if missing {
            // Once it is there, another trouble is a new one.
            backoff.reset();
        }
    }
    links.encoded.close();
    outcome
}

/// Frames from an open source, until its end or a trouble.
fn feed(
    links: &Links,
    mut source: Box<dyn FrameSource>,
    backoff: &mut Backoff,
) -> Result<(), SourceError> {
    log::info!("the source is {}", source.description());
    links.meters.broken_in_a_row.set(0);
    let works_at = links.meters.decoded.get() + WORKS;
    while !links.stop.is_requested() {
        links.meters.camera_beat.beat();
        match source.next_frame(PATIENCE)? {
            Next::End => break,
            Next::Nothing => {}
            Next::Frame(frame) => {
                links.fault.strike("camera", frame.number);
                links.state.set_camera(None);
                links.meters.frames.count();
                links.encoded.put(frame);
                if links.meters.decoded.get() >= works_at {
                    backoff.reset();
                }
            }
        }
        let broken = links.meters.broken_in_a_row.get();
        if broken >= BROKEN_MAX {
            return Err(Trouble::Unusable.because(anyhow!("{broken} broken frames in a row")));
        }
    }
    Ok(())
}

fn pause(links: &Links, wait: Duration) {
    let mut left = wait;
    while !left.is_zero() && !links.stop.wait(left.min(PATIENCE)) {
        links.meters.camera_beat.beat();
        left = left.saturating_sub(PATIENCE);
    }
}
