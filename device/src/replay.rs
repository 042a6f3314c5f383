//! `kiosk replay`: pictures one after the other as if a camera had taken them.
//!
//! For now each frame stands for itself; faces are not followed from frame to frame.

use std::io::Write;

use anyhow::Result;

use crate::answer::Answer;
use crate::bundles;
use crate::cli::ReplayArgs;
use crate::display::png::PngFolder;
use crate::progress::Progress;
use crate::report::{Detail, Outcome, Report};
use crate::source::files;

/// Plays all frames; one that cannot be read, or whose screen cannot be written, says why in its line.
///
/// # Errors
/// Where the models, the folder for screens or `out` cannot be used.
pub fn run(args: &ReplayArgs, out: &mut dyn Write) -> Result<Outcome> {
    let mut models = bundles::open(&args.models)?;
    let mut frames = files::expand(&args.source);
    frames.truncate(args.limit.unwrap_or(usize::MAX));
    files::keep_apart(&args.out, &frames)?;
    let screens = PngFolder::create(&args.out, args.size.0)?;
    let mut outcome = Outcome::Good;
    let mut progress = Progress::new(frames.len());
    for (number, frame) in (1..).zip(&frames) {
        let answer = Answer::of(frame, &mut models.pipeline).and_then(|answer| {
            let screen = answer.screen(screens.size_px(), args.language.strings())?;
            screens.write(&format!("screen-{number:06}"), &screen)?;
            Ok(answer)
        });
        if answer.is_err() {
            outcome = Outcome::Bad;
        }
        let report = Report::new(frame.source(), &answer, Detail::Figures);
        let report = Report { frame: Some(number), ..report };
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        progress.tick();
    }
    Ok(outcome)
}
