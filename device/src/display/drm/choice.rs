//! Which of a card's connectors, which of its modes and which of its CRTCs (what reads pictures out of memory):
//! pure choices over what the card says.

use embedded_graphics::geometry::Size;

/// A socket or a built-in panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connector {
    /// As the kernel names it: `HDMI-A-1`.
    pub name: String,
    /// Whether a display is there.
    pub plugged: Plugged,
    /// What that display can show, as the kernel sorts it: the best first.
    pub modes: Vec<Mode>,
    /// What can feed it.
    pub feeds: Vec<Feed>,
}

/// Whether there is a display at a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plugged {
    /// There is one.
    Yes,
    /// There is none.
    No,
    /// The card cannot tell, as with many built-in panels.
    Untold,
}

/// How a display can be driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// In pixels.
    pub size: Size,
    /// Pictures a second.
    pub rate_hz: u32,
    /// Whether the display says that it is made for this one.
    pub is_preferred: bool,
    /// Whether every second row is shown at a time.
    pub is_interlaced: bool,
}

/// A CRTC that can feed a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its place among the card's CRTCs.
    pub index: usize,
    /// What it does now.
    pub busy: Busy,
}

/// What a CRTC does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// It feeds this connector already.
    Here,
    /// Nothing.
    Idle,
    /// It feeds another connector.
    Elsewhere,
}

/// The first connector with a display that has modes, else the first where that is untold; its place.
///
/// # Errors
/// Why there is none.
pub fn connector(connectors: &[Connector]) -> Result<usize, String> {
    let first = |plugged| {
        let usable = |c: &Connector| c.plugged == plugged && !c.modes.is_empty();
        connectors.iter().position(usable)
    };
    first(Plugged::Yes).or_else(|| first(Plugged::Untold)).ok_or_else(|| {
        let names: Vec<&str> = connectors.iter().map(|c| c.name.as_str()).collect();
        match connectors.iter().find(|c| c.plugged == Plugged::Yes) {
            Some(mute) => format!("the display at {} offers no mode", mute.name),
            None if names.is_empty() => "it has no connectors".to_owned(),
            None => format!("no display is connected to it ({})", names.join(", ")),
        }
    })
}

/// The mode of the `wanted` size, else the one that the display prefers, else its first; its place. Of several of
/// a size, the preferred one, then whole pictures before interlaced ones, then the nearest to 60 a second.
///
/// # Errors
/// Which sizes there are, where none is the wanted one.
pub fn mode(modes: &[Mode], wanted: Option<Size>) -> Result<usize, String> {
    let best = |fits: &dyn Fn(&Mode) -> bool| {
        let fitting = modes.iter().enumerate().filter(|(_, mode)| fits(mode));
        fitting.min_by_key(|(_, mode)| rank(mode)).map(|(index, _)| index)
    };
    match wanted {
        Some(size) => best(&|mode| mode.size == size).ok_or_else(|| {
            let Size { width, height } = size;
            format!("it has no mode of {width}x{height}, there are {}", sizes(modes))
        }),
        None => best(&|mode| mode.is_preferred)
            .or_else(|| modes.iter().position(|mode| !mode.is_interlaced))
            .or((!modes.is_empty()).then_some(0))
            .ok_or_else(|| "it offers no mode".to_owned()),
    }
}

fn rank(mode: &Mode) -> (bool, bool, u32) {
    (!mode.is_preferred, mode.is_interlaced, mode.rate_hz.abs_diff(60))
}

/// The sizes of modes, each once.
pub fn sizes(modes: &[Mode]) -> String {
    let mut sizes: Vec<String> = Vec::new();
    for Mode { size: Size { width, height }, .. } in modes {
        let size = format!("{width}x{height}");
        if !sizes.contains(&size) {
            sizes.push(size);
        }
    }
    sizes.join(", ")
}

/// What should feed a connector: what does already, else what is idle, else any.
pub fn feed(feeds: &[Feed]) -> Option<usize> {
    let first = |busy| feeds.iter().find(|feed| feed.busy == busy);
    let feed = first(Busy::Here).or_else(|| first(Busy::Idle)).or_else(|| feeds.first());
    feed.map(|feed| feed.index)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::display::drm) fn a_mode(width: u32, height: u32, rate_hz: u32) -> Mode {
        let size = Size::new(width, height);
        Mode { size, rate_hz, is_preferred: false, is_interlaced: false }
    }

    pub(in crate::display::drm) fn a_connector(name: &str, plugged: Plugged) -> Connector {
        let modes = match plugged {
            Plugged::No => vec![],
            _ => vec![a_mode(1920, 1080, 60), a_mode(1280, 720, 60)],
        };
        Connector { name: name.to_owned(), plugged, modes, feeds: vec![] }
    }

    #[test]
    fn the_first_connector_with_a_display_is_taken_and_an_untold_one_where_there_is_no_other() {
        let untold = a_connector("DPI-1", Plugged::Untold);
        let empty = a_connector("HDMI-A-1", Plugged::No);
        let there = a_connector("HDMI-A-2", Plugged::Yes);
        for (connectors, expected) in [
            (vec![empty.clone(), there.clone()], 1),
            (vec![untold.clone(), there.clone()], 1),
            (vec![empty, untold], 1),
            (vec![there.clone(), there], 0),
        ] {
            assert_eq!(connector(&connectors), Ok(expected));
        }
    }

    #[test]
    fn where_no_display_is_connected_the_connectors_are_named() {
        let empty = ["HDMI-A-1", "HDMI-A-2"].map(|name| a_connector(name, Plugged::No));
        let why = connector(&empty).unwrap_err();
        assert_eq!(why, "no display is connected to it (HDMI-A-1, HDMI-A-2)");
        assert_eq!(connector(&[]).unwrap_err(), "it has no connectors");
        let mute = Connector { modes: vec![], ..a_connector("HDMI-A-1", Plugged::Yes) };
        assert_eq!(connector(&[mute]).unwrap_err(), "the display at HDMI-A-1 offers no mode");
    }

    #[test]
    fn the_preferred_mode_is_taken_unless_another_size_is_wanted() {
        let preferred = Mode { is_preferred: true, ..a_mode(1024, 600, 59) };
        let modes = [a_mode(1920, 1080, 60), preferred, a_mode(800, 600, 75), a_mode(800, 600, 60)];
        assert_eq!(mode(&modes, None), Ok(1));
        assert_eq!(mode(&modes, Some(Size::new(1920, 1080))), Ok(0));
        assert_eq!(mode(&modes, Some(Size::new(800, 600))), Ok(3));
        assert_eq!(mode(&modes[2..], None), Ok(0));
        let why = mode(&modes, Some(Size::new(640, 480))).unwrap_err();
        assert_eq!(why, "it has no mode of 640x480, there are 1920x1080, 1024x600, 800x600");
        assert_eq!(mode(&[], None).unwrap_err(), "it offers no mode");
    }

    #[test]
    fn whole_pictures_are_taken_before_interlaced_ones() {
        let interlaced = Mode { is_interlaced: true, ..a_mode(1920, 1080, 60) };
        let modes = [interlaced, a_mode(1920, 1080, 50)];
        assert_eq!(mode(&modes, None), Ok(1));
        assert_eq!(mode(&modes, Some(Size::new(1920, 1080))), Ok(1));
        assert_eq!(mode(&modes[..1], None), Ok(0));
    }

    #[test]
    fn a_connector_keeps_what_feeds_it_and_takes_nothing_from_another_without_need() {
        let feeds = |busy: &[Busy]| {
            let feeds = busy.iter().zip(3..).map(|(&busy, index)| Feed { index, busy });
            feed(&feeds.collect::<Vec<_>>())
        };
        use Busy::{Elsewhere, Here, Idle};
        assert_eq!(feeds(&[Idle, Elsewhere, Here]), Some(5));
        assert_eq!(feeds(&[Elsewhere, Idle]), Some(4));
        assert_eq!(feeds(&[Elsewhere]), Some(3));
        assert_eq!(feeds(&[]), None);
    }
}
