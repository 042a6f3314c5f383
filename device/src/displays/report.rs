//! What `kiosk displays` has to say, as plain data and as JSON.

use serde::Serialize;

use crate::display::list::DisplayList;
use crate::display::spec::DisplaySpec;
use crate::display::survey::Survey;

/// All there is, and the choice.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// What there is.
    #[serde(flatten)]
    pub(super) survey: Survey,
    /// What 'auto' takes.
    pub(super) auto: Option<String>,
    /// What 'kiosk run' takes, without a flag that says otherwise.
    pub(super) run: Vec<String>,
    /// Why it takes that, or nothing.
    pub(super) why: String,
}

impl Report {
    /// What is to be said of it where the configuration says `configured`.
    pub(super) fn new(survey: Survey, configured: &DisplayList) -> Self {
        let first = survey.candidates().into_iter().next();
        let auto = first.filter(|candidate| candidate.usable).map(|candidate| candidate.spec);
        let why = if configured.0.contains(&DisplaySpec::Auto) {
            why(&survey, auto.as_ref())
        } else {
            "the configuration says so"
        };
        let taken = configured.0.iter().filter_map(|spec| match spec {
            DisplaySpec::Auto => auto.as_ref(),
            named => Some(named),
        });
        let run = taken.map(ToString::to_string).collect();
        Self { run, auto: auto.map(|spec| spec.to_string()), why: why.to_owned(), survey }
    }
}

fn why(survey: &Survey, auto: Option<&DisplaySpec>) -> &'static str {
    match auto {
        Some(DisplaySpec::Framebuffer(_)) => "the first framebuffer that can be used",
        Some(_) => "the first graphics card with a display that nobody else draws on",
        None if survey.framebuffers.is_empty() && survey.cards.is_empty() => {
            "there is no graphics card and no framebuffer; a panel on a bus must be named"
        }
        None => "no graphics card or framebuffer can be used; a panel on a bus must be named",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::display::survey::{Bus, Screen};

    fn screen(number: u32, error: Option<&str>) -> Screen {
        Screen {
            path: format!("/dev/fb{number}").into(),
            name: "vc4drmfb".into(),
            size_px: Some("800x480".into()),
            bits: Some(16),
            error: error.map(str::to_owned),
        }
    }

    /// A machine with two framebuffers, of which the first may not be used, and buses.
    pub(in crate::displays) fn sample() -> Report {
        let bus = |path: &str, about: Option<&str>| Bus {
            path: path.into(),
            about: about.map(str::to_owned),
            error: None,
        };
        let survey = Survey {
            framebuffers: vec![screen(0, Some("this user may not")), screen(1, None)],
            spi: vec![bus("/dev/spidev0.0", None)],
            gpio: vec![bus("/dev/gpiochip0", Some("pinctrl-bcm2711, 58 lines"))],
            ..Survey::default()
        };
        Report::new(survey, &DisplayList::default())
    }

    #[test]
    fn what_run_would_take_is_named_with_the_reason() {
        let report = sample();
        assert_eq!(report.auto.as_deref(), Some("fb:/dev/fb1"));
        assert_eq!(report.run, ["fb:/dev/fb1"]);
        assert_eq!(report.why, "the first framebuffer that can be used");
        let framebuffers = vec![screen(0, Some("this user may not"))];
        let survey = Survey { framebuffers, ..Survey::default() };
        let none = Report::new(survey, &DisplayList::default());
        assert_eq!((none.auto, none.why.starts_with("no graphics card or")), (None, true));
    }

    #[test]
    fn what_the_configuration_names_is_taken() {
        let list = |texts: &[&str]| DisplayList(texts.iter().map(|t| t.parse().unwrap()).collect());
        let named = Report::new(sample().survey, &list(&["st7789:/dev/spidev0.0"]));
        assert_eq!(named.run, ["st7789:/dev/spidev0.0"]);
        assert_eq!(named.why, "the configuration says so");
        let both = Report::new(sample().survey, &list(&["ssd1306:/dev/i2c-1", "auto"]));
        assert_eq!(both.run, ["ssd1306:/dev/i2c-1", "fb:/dev/fb1"]);
    }

    #[test]
    fn json_says_so_where_there_is_none() {
        let json = serde_json::to_string(&Report::new(Survey::default(), &DisplayList::default()))
            .unwrap();
        let expected = r#"{"cards":[],"framebuffers":[],"spi":[],"i2c":[],"gpio":[],"auto":null,"#;
        assert!(json.starts_with(expected), "{json}");
    }
}
