//! Layers of a configuration, each over the one before, and the keys they may have.

use anyhow::{Context, Result, anyhow, bail};
use toml::{Table, Value};

use super::Config;
use super::profile::Profile;
use crate::source::format::CameraFormat;

/// Some keys, and where they come from.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What messages call it.
    pub name: String,
    /// Tables of keys.
    pub tables: Table,
}

impl Layer {
    /// The TOML `text` of the file `name`.
    ///
    /// # Errors
    /// Where it is no TOML.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let tables = text.parse().map_err(|error| anyhow!("{name} is no TOML: {error}"))?;
        Ok(Self { name: name.to_owned(), tables })
    }

    /// What the command line says.
    pub fn of_flags(flags: &[(&str, &str, Value)]) -> Self {
        let mut layer = Self::empty("the command line");
        flags.iter().for_each(|(table, key, value)| layer.set(table, key, value.clone()));
        layer
    }

    /// No keys yet.
    pub fn empty(name: &str) -> Self {
        Self { name: name.to_owned(), tables: Table::new() }
    }

    /// Sets `key` in `table`.
    pub fn set(&mut self, table: &str, key: &str, value: Value) {
        let table = self.tables.entry(table).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(keys) = table {
            keys.insert(key.to_owned(), value);
        }
    }
}

impl From<Profile> for Layer {
    fn from(profile: Profile) -> Self {
        let name = format!("the profile {}", profile.name());
        Self::parse(&name, profile.text()).expect("a test parses every profile")
    }
}

/// The keys that there are, by table, each with a value of its kind.
pub fn known() -> Table {
    let mut config = Config::default();
    config.camera.settings.fps = Some(30.0);
    config.camera.settings.format = Some(CameraFormat::Jpeg);
    (config.gpio.button, config.gpio.led) = (Some(17.into()), Some(22.into()));
    table(&config)
}

fn table(config: &Config) -> Table {
    Table::try_from(config).expect("settings are plain values")
}

/// `layers` over the defaults.
///
/// # Errors
/// The first layer that does not fit, by name.
pub fn put_together(layers: &[Layer]) -> Result<Config> {
    let known = known();
    let mut all = table(&Config::default());
    let mut config = Config::default();
    for layer in layers {
        check(layer, &known)?;
        merge(&mut all, &layer.tables);
        config = all.clone().try_into().with_context(|| layer.name.clone())?;
    }
    Ok(config)
}

fn merge(all: &mut Table, layer: &Table) {
    for (name, keys) in layer {
        if let (Some(Value::Table(all)), Value::Table(keys)) = (all.get_mut(name), keys) {
            all.extend(keys.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    }
}

fn check(layer: &Layer, known: &Table) -> Result<()> {
    for (name, keys) in &layer.tables {
        let known_keys = known.get(name).and_then(Value::as_table);
        let Some(known_keys) = known_keys else { bail!(unknown(&layer.name, name, known, "")) };
        let Some(keys) = keys.as_table() else {
            bail!("{}: '{name}' is a value, expected the table [{name}]", layer.name)
        };
        if let Some(key) = keys.keys().find(|key| !known_keys.contains_key(*key)) {
            bail!(unknown(&layer.name, key, known_keys, &format!("{name}.")));
        }
    }
    Ok(())
}

fn unknown(layer: &str, key: &str, known: &Table, prefix: &str) -> String {
    let nearest = nearest(key, known.keys().map(String::as_str));
    let instead = nearest.map_or_else(
        || {
            let names: Vec<_> = known.keys().map(String::as_str).collect();
            format!("expected one of {}", names.join(", "))
        },
        |nearest| format!("did you mean '{prefix}{nearest}'?"),
    );
    format!("{layer}: there is no '{prefix}{key}', {instead}")
}

/// Which of `names` somebody meant who wrote `name`, where one is near enough.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), known);
    let best = names.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) > 0.75).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let layer = Layer::parse("kiosk.toml", text).unwrap();
        format!("{:#}", put_together(&[layer]).unwrap_err())
    }

    #[test]
    fn a_later_layer_wins_key_by_key() {
        let file = Layer::parse("file", "[idle]\nafter_s = 5\nfps = 9").unwrap();
        let mut flags = Layer::empty("the command line");
        flags.set("idle", "after_s", Value::Integer(7));
        let config = put_together(&[file, flags]).unwrap();
        assert_eq!((config.idle.after_s, config.idle.fps), (7, 9));
        assert_eq!(config.screen, Config::default().screen);
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_name() {
        assert_eq!(
            error("[idle]\nafter = 5"),
            "kiosk.toml: there is no 'idle.after', did you mean 'idle.after_s'?"
        );
        assert_eq!(
            error("[cammera]\nfps = 5"),
            "kiosk.toml: there is no 'cammera', did you mean 'camera'?"
        );
        assert!(error("[xyz]").contains("expected one of camera, "), "{}", error("[xyz]"));
        assert!(error("idle = 3").contains("expected the table [idle]"));
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_layer_and_key() {
        let error = error("[idle]\nfps = \"fast\"");
        assert!(error.starts_with("kiosk.toml: ") && error.contains("fps"), "{error}");
        assert!(Layer::parse("kiosk.toml", "[idle").unwrap_err().to_string().contains("no TOML"));
    }
}
