//! The words on the screen, in each language that the kiosk speaks.
//!
//! They stand in `assets/texts`, one file a language, and are compiled in. `{n}` in a text is a number;
//! where a line may be short of room, there are several texts, longest first.

use std::sync::LazyLock;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A language that the screen can speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

/// The words of one language. The files in `assets/texts` say what each is for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strings {
    pub(crate) decimal: String,
    pub(crate) fps: String,
    pub(crate) apparent_age: Vec<String>,
    pub(crate) years: String,
    pub(crate) face: Vec<String>,
    pub(crate) looking: Vec<String>,
    pub(crate) predicted_gender: Vec<String>,
    pub(crate) woman: String,
    pub(crate) man: String,
    pub(crate) unsure: String,
    pub(crate) woman_share: Vec<String>,
    pub(crate) man_share: Vec<String>,
    pub(crate) more: Vec<String>,
    pub(crate) one_face: String,
    pub(crate) faces: Vec<String>,
    pub(crate) caption: Vec<String>,
    pub(crate) caption_more: Vec<String>,
    pub(crate) live: Occasion,
    pub(crate) files: Occasion,
    pub(crate) camera_missing: Statement,
    pub(crate) camera_lost: Statement,
    pub(crate) camera_silent: Statement,
    pub(crate) camera_unusable: Statement,
    pub(crate) no_model: Statement,
    pub(crate) stand_in: Statement,
    pub(crate) hot: Statement,
    pub(crate) paused: Statement,
}

/// The words that depend on where the pictures come from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Occasion {
    /// Said big when nobody is there.
    pub(crate) nobody: String,
    /// What one may expect.
    pub(crate) invitation: String,
    /// What becomes of the pictures, in more than a line.
    pub(crate) privacy: String,
    /// The same in the footer.
    pub(crate) footer: Vec<String>,
    /// How well the face can be seen.
    pub(crate) look: Looks,
}

/// How well a face can be seen, and what would help.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Looks {
    pub(crate) clear: Vec<String>,
    pub(crate) small: Vec<String>,
    pub(crate) blurred: Vec<String>,
    pub(crate) turned: Vec<String>,
}

/// Something the screen says instead of figures, or beside them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    /// What is the matter, in two or three words.
    pub(crate) title: String,
    /// What that means, in a sentence or two.
    pub(crate) detail: String,
}

static ENGLISH: LazyLock<Strings> = LazyLock::new(|| parsed(Language::En));
static GERMAN: LazyLock<Strings> = LazyLock::new(|| parsed(Language::De));

impl Language {
    /// Its words.
    pub fn strings(self) -> &'static Strings {
        match self {
            Self::En => &ENGLISH,
            Self::De => &GERMAN,
        }
    }

    /// The one that comes so many languages after it, round and round.
    pub fn later(self, count: usize) -> Self {
        let all = Self::value_variants();
        let at = all.iter().position(|&language| language == self).unwrap_or(0);
        all[(at + count % all.len()) % all.len()]
    }

    fn source(self) -> &'static str {
        match self {
            Self::En => include_str!("../assets/texts/en.toml"),
            Self::De => include_str!("../assets/texts/de.toml"),
        }
    }
}

fn parsed(language: Language) -> Strings {
    toml::from_str(language.source()).expect("a test reads every language's texts")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Every text of a language with the path of its key.
    pub(crate) fn texts(language: Language) -> Vec<(String, String)> {
        let table: toml::Table = toml::from_str(language.source()).unwrap();
        let mut texts = Vec::new();
        collect("", &toml::Value::Table(table), &mut texts);
        texts
    }

    fn collect(path: &str, value: &toml::Value, texts: &mut Vec<(String, String)>) {
        match value {
            toml::Value::String(text) => texts.push((path.to_owned(), text.clone())),
            toml::Value::Array(list) => list.iter().for_each(|value| collect(path, value, texts)),
            toml::Value::Table(table) => {
                table
                    .iter()
                    .for_each(|(key, value)| collect(&format!("{path}.{key}"), value, texts));
            }
            other => panic!("{path} is {other}, expected a text"),
        }
    }

    #[test]
    fn every_language_says_everything() {
        for &language in Language::value_variants() {
            let strings: Result<Strings, _> = toml::from_str(language.source());
            assert!(strings.is_ok(), "{language:?}: {}", strings.unwrap_err());
            assert!(texts(language).iter().all(|(_, text)| !text.trim().is_empty()));
        }
    }

    #[test]
    fn a_number_has_its_place_in_every_language() {
        let keys = |language| -> Vec<String> {
            let with_number = |(key, text): (String, String)| text.contains("{n}").then_some(key);
            let mut keys: Vec<_> = texts(language).into_iter().filter_map(with_number).collect();
            keys.sort();
            keys.dedup();
            keys
        };
        assert_eq!(keys(Language::En), keys(Language::De));
        assert_eq!(keys(Language::En).len(), 6);
    }

    #[test]
    fn of_several_texts_the_longest_comes_first() {
        for &language in Language::value_variants() {
            for pair in texts(language).windows(2).filter(|pair| pair[0].0 == pair[1].0) {
                let [long, short] = [&pair[0].1, &pair[1].1].map(|text| text.chars().count());
                assert!(long > short, "{language:?}: {pair:?}");
            }
        }
    }
}
