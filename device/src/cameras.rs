//! `kiosk cameras`: which cameras there are, what they offer, and which one `kiosk run` would take.

#[cfg(feature = "v4l2")]
mod report;
#[cfg(feature = "v4l2")]
mod table;

use std::io::Write;

use anyhow::Result;

use crate::cli::CamerasArgs;
use crate::report::Outcome;

/// Prints the table, or JSON. That there is no camera is an answer too.
///
/// # Errors
/// Where `out` cannot be written to.
#[cfg(feature = "v4l2")]
pub fn run(args: &CamerasArgs, out: &mut dyn Write) -> Result<Outcome> {
    use crate::source::camera::Places;
    use crate::source::settings::CameraSettings;
    use crate::source::v4l2;

    let wanted = v4l2::wanted(&CameraSettings::default());
    let places = Places::default();
    let report = report::Report::new(&places, v4l2::survey::all(&places, &wanted), &wanted);
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        table::write(&report, out)?;
    }
    Ok(Outcome::Good)
}

/// Says that this kiosk cannot ask.
///
/// # Errors
/// Always.
#[cfg(not(feature = "v4l2"))]
pub fn run(_: &CamerasArgs, _: &mut dyn Write) -> Result<Outcome> {
    anyhow::bail!("this kiosk was built without cameras (feature v4l2)")
}
