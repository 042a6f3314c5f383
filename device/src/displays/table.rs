//! The displays as a table for people.

use std::io::{self, Write};
use std::path::Path;

use super::report::Report;
use crate::columns;
use crate::display::drm::survey::{CardReport, ConnectorReport};
use crate::display::survey::{Bus, Screen};

const HEAD: [&str; 3] = ["DEVICE", "WHAT", "NOTE"];

type Row = [String; 3];

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rows = rows(report);
    columns::write(HEAD, &rows, out)?;
    match report.run.join(" and ") {
        none if none.is_empty() => writeln!(out, "'kiosk run' finds no display: {}", report.why),
        taken => writeln!(out, "'kiosk run' takes {taken}: {}", report.why),
    }
}

fn rows(report: &Report) -> Vec<Row> {
    let survey = &report.survey;
    let mut rows: Vec<Row> = survey.cards.iter().flat_map(card).collect();
    rows.extend(survey.framebuffers.iter().map(screen));
    for (buses, what) in [
        (&survey.spi, "SPI bus for ili9341: and st7789:"),
        (&survey.i2c, "I2C bus for ssd1306:"),
        (&survey.gpio, "GPIO chip"),
    ] {
        rows.extend(buses.iter().map(|it| bus(it, what)));
    }
    rows
}

fn row(path: &Path, what: String, note: Option<&str>) -> Row {
    [path.display().to_string(), what, note.unwrap_or_default().to_owned()]
}

/// A line for the card and one for each connector.
fn card(card: &CardReport) -> Vec<Row> {
    let driver = card.driver.as_deref().unwrap_or_default();
    let note = card.error.as_deref().or(card.takes.as_deref());
    let head = row(&card.path, format!("graphics card {driver}").trim_end().to_owned(), note);
    let of = |connector: &ConnectorReport| {
        let plugged = match connector.connected {
            Some(true) => "connected",
            Some(false) => "nothing connected",
            None => "cannot tell what is connected",
        };
        let modes = connector.modes.iter().map(|mode| mode.size_px.as_str());
        let note: Vec<&str> = [plugged].into_iter().chain(modes).collect();
        row(&card.path, format!("connector {}", connector.name), Some(&note.join(", ")))
    };
    [head].into_iter().chain(card.connectors.iter().map(of)).collect()
}

fn screen(screen: &Screen) -> Row {
    let size = screen.size_px.as_ref().map_or(String::new(), |size| format!(", {size}"));
    let bits = screen.bits.map_or(String::new(), |bits| format!(", {bits} bits"));
    row(&screen.path, format!("framebuffer {}{size}{bits}", screen.name), screen.error.as_deref())
}

fn bus(bus: &Bus, what: &str) -> Row {
    let about = bus.about.as_ref().map_or(String::new(), |about| format!(" {about}"));
    row(&bus.path, format!("{what}{about}"), bus.error.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::displays::report;

    #[test]
    fn displays_stand_in_columns_above_what_is_taken() {
        let mut out = Vec::new();
        write(&report::tests::sample(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "DEVICE          WHAT                                    NOTE",
                "/dev/fb0        framebuffer vc4drmfb, 800x480, 16 bits  this user may not",
                "/dev/fb1        framebuffer vc4drmfb, 800x480, 16 bits",
                "/dev/spidev0.0  SPI bus for ili9341: and st7789:",
                "/dev/gpiochip0  GPIO chip pinctrl-bcm2711, 58 lines",
                "",
                "'kiosk run' takes fb:/dev/fb1: the first framebuffer that can be used",
            ]
        );
    }
}
