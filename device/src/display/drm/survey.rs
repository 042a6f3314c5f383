//! What graphics cards there are, what is connected to them, and why one cannot be used.

use std::path::{Path, PathBuf};

use embedded_graphics::geometry::Size;
use serde::Serialize;

use super::card::{self, Card};
use super::choice::{self, Connector, Mode, Plugged};

/// A graphics card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardReport {
    /// Its file.
    pub path: PathBuf,
    /// The name of its driver, where it could be opened.
    pub driver: Option<String>,
    /// Where displays can be connected to it.
    pub connectors: Vec<ConnectorReport>,
    /// The connector and mode that `--display drm:PATH` takes.
    pub takes: Option<String>,
    /// Why it cannot be used, or not now.
    pub error: Option<String>,
}

/// A connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorReport {
    /// As the kernel names it: `HDMI-A-1`.
    pub name: String,
    /// Whether a display is there; `None` where the card cannot tell.
    pub connected: Option<bool>,
    /// `1920x1080`, and so on: the modes of the display there, each once.
    pub modes: Vec<ModeReport>,
}

/// A mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModeReport {
    /// `1920x1080`.
    pub size_px: String,
    /// Pictures a second.
    pub rate_hz: u32,
    /// Whether the display says that it is made for this one.
    pub preferred: bool,
}

/// All cards of the system at `root`, by their numbers.
pub fn all(root: &Path) -> Vec<CardReport> {
    card::paths(&root.join("dev/dri")).iter().map(|path| CardReport::of(path)).collect()
}

impl CardReport {
    fn of(path: &Path) -> Self {
        let unusable = |driver, error: anyhow::Error| Self {
            path: path.to_owned(),
            driver,
            connectors: Vec::new(),
            takes: None,
            error: Some(format!("{error:#}")),
        };
        let card = match Card::open(path) {
            Ok(card) => card,
            Err(error) => return unusable(None, error),
        };
        let is_free = card.become_master().unwrap_or(false);
        match card.outputs() {
            Err(error) => unusable(Some(card.driver()), error),
            Ok(outputs) => {
                let told = outputs.sockets.into_iter().map(|socket| socket.told).collect();
                Self::new(path, card.driver(), told, is_free)
            }
        }
    }

    fn new(path: &Path, driver: String, told: Vec<Connector>, is_free: bool) -> Self {
        let taken = choice::connector(&told).and_then(|place| {
            let Connector { name, modes, .. } = &told[place];
            let Mode { size: Size { width, height }, rate_hz, .. } =
                modes[choice::mode(modes, None)?];
            Ok(format!("{name} {width}x{height} at {rate_hz} Hz"))
        });
        let error = match &taken {
            Err(why) => Some(why.clone()),
            Ok(_) if is_free => None,
            Ok(_) => Some("the desktop or another program draws on it".to_owned()),
        };
        let connectors = told.iter().map(ConnectorReport::new).collect();
        let (path, driver) = (path.to_owned(), Some(driver));
        Self { path, driver, connectors, takes: taken.ok(), error }
    }
}

impl ConnectorReport {
    fn new(told: &Connector) -> Self {
        let connected = match told.plugged {
            Plugged::Yes => Some(true),
            Plugged::No => Some(false),
            Plugged::Untold => None,
        };
        let mut modes: Vec<ModeReport> = told.modes.iter().map(ModeReport::new).collect();
        modes.dedup();
        Self { name: told.name.clone(), connected, modes }
    }
}

impl ModeReport {
    fn new(mode: &Mode) -> Self {
        let Mode { size: Size { width, height }, rate_hz, is_preferred: preferred, .. } = *mode;
        Self { size_px: format!("{width}x{height}"), rate_hz, preferred }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use choice::tests::{a_connector, a_mode};

    fn report(connectors: Vec<Connector>, is_free: bool) -> CardReport {
        CardReport::new(Path::new("/dev/dri/card1"), "vc4".to_owned(), connectors, is_free)
    }

    #[test]
    fn a_card_says_what_is_connected_and_which_mode_is_taken() {
        let modes =
            vec![a_mode(1024, 600, 60), Mode { is_preferred: true, ..a_mode(800, 480, 60) }];
        let panel = Connector { modes, ..a_connector("DSI-1", Plugged::Yes) };
        let report = report(vec![a_connector("HDMI-A-1", Plugged::No), panel], true);
        assert_eq!(report.takes.as_deref(), Some("DSI-1 800x480 at 60 Hz"));
        assert_eq!(report.error, None);
        let connected: Vec<_> = report.connectors.iter().map(|c| c.connected).collect();
        assert_eq!(connected, [Some(false), Some(true)]);
        let json = serde_json::to_string(&report.connectors[1].modes[1]).unwrap();
        assert_eq!(json, r#"{"size_px":"800x480","rate_hz":60,"preferred":true}"#);
    }

    #[test]
    fn a_card_that_cannot_be_used_says_why() {
        let empty = report(vec![a_connector("HDMI-A-1", Plugged::No)], true);
        assert_eq!(empty.error.as_deref(), Some("no display is connected to it (HDMI-A-1)"));
        assert_eq!(empty.takes, None);
        let used = report(vec![a_connector("HDMI-A-1", Plugged::Yes)], false);
        let why = "the desktop or another program draws on it";
        assert_eq!((used.error.as_deref(), used.takes.is_some()), (Some(why), true));
    }

    #[test]
    fn what_is_no_card_is_reported_with_the_reason() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let report = CardReport::of(file.path());
        assert!(report.error.unwrap().starts_with("it does not answer as a graphics card does"));
        assert_eq!((report.driver, report.connectors), (None, vec![]));
    }
}
