//! The cameras as a table for people.

use std::io::{self, Write};

use super::report::{Camera, Format, Report};
use crate::columns;
use crate::source::offer::rate_text;

const HEAD: [&str; 6] = ["CAMERA", "NAME", "BUS", "FORMAT", "SIZE (px)", "FRAMES A SECOND"];

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<[String; 6]> = report.cameras.iter().flat_map(rows).collect();
    columns::write(HEAD, &rows, out)?;
    for camera in &report.cameras {
        let path = camera.path.display();
        if let Some(error) = &camera.error {
            writeln!(out, "{path} cannot be used: {error}")?;
        }
        if let Some(source) = &camera.source {
            writeln!(out, "{path} is found under any number by --source {source}")?;
        }
    }
    match &report.auto {
        Some(auto) => writeln!(out, "'kiosk run' takes {}: {}", auto.path.display(), report.why),
        None => writeln!(out, "'kiosk run' finds no camera: {}", report.why),
    }
}

/// A line for each format and size; what is the same as above is not said again.
fn rows(camera: &Camera) -> Vec<[String; 6]> {
    let camera_cells = [camera.path.display().to_string(), camera.name.clone(), camera.bus.clone()];
    let mut rows: Vec<[String; 6]> = camera.formats.iter().map(format_row).collect();
    if rows.is_empty() {
        rows.push(["", "", "", "-", "-", "-"].map(str::to_owned));
    }
    rows[0][..3].clone_from_slice(&camera_cells);
    rows
}

fn format_row(format: &Format) -> [String; 6] {
    let rates: Vec<String> = format.rates_fps.iter().map(|fps| rate_text(*fps)).collect();
    let rates = if rates.is_empty() { "not said".to_owned() } else { rates.join(", ") };
    let [path, name, bus] = Default::default();
    [path, name, bus, format.format.clone(), format.size_px.clone(), rates]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cameras::report;

    #[test]
    fn cameras_stand_in_columns_above_what_is_to_be_said_of_them() {
        let mut out = Vec::new();
        write(&report::tests::sample(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..4],
            [
                "CAMERA       NAME      BUS    FORMAT  SIZE (px)  FRAMES A SECOND",
                "/dev/video0  A camera  usb-1  BG10    640x480    30, 7.5",
                "                              BG10    1280x720   not said",
                "/dev/video1  A camera  usb-1  MJPG    640x480    30, 7.5",
            ]
        );
        assert!(lines[7].starts_with("/dev/video0 cannot be used: it gives what its sensor"));
        assert!(lines.last().unwrap().starts_with("'kiosk run' takes /dev/video1: the first"));
    }
}
