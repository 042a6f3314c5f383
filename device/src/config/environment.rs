//! The environment as a layer of the configuration: `APPARENT_IDLE_FPS=10` is `fps = 10` in `[idle]`.

use std::ffi::OsString;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use super::layers::{self, Layer};

/// The layer of the variables that are named after a table.
///
/// # Errors
/// Where such a variable has no key, or a value of another kind than the key's.
pub fn layer(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Layer> {
    let known = layers::known();
    let mut layer = Layer::empty("the environment");
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        let Some((table, keys, key)) = place(name, &known) else { continue };
        let Some(default) = keys.get(&key) else {
            let nearest = layers::nearest(&key, keys.keys().map(String::as_str));
            let named = |key: &str| format!("APPARENT_{}_{}", table, key).to_uppercase();
            let instead =
                nearest.map_or(String::new(), |key| format!(", did you mean {}?", named(key)));
            bail!("the environment: {name} names no key of [{table}]{instead}");
        };
        let text = value.to_str().with_context(|| format!("{name} is not UTF-8"))?;
        layer.set(table, &key, typed(name, text, default)?);
    }
    Ok(layer)
}

/// The table and key that a variable means, whether or not the key is there.
fn place<'a>(name: &str, known: &'a Table) -> Option<(&'a str, &'a Table, String)> {
    let name = name.strip_prefix("APPARENT_")?.to_lowercase();
    known.iter().find_map(|(table, keys)| {
        let key = name.strip_prefix(table.as_str())?.strip_prefix('_')?;
        Some((table.as_str(), keys.as_table()?, key.to_owned()))
    })
}

/// `text` as a value of the kind that `default` has.
fn typed(name: &str, text: &str, default: &Value) -> Result<Value> {
    let parsed = match default {
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Float(_) => text.parse().ok().map(Value::Float),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        _ => Some(Value::String(text.to_owned())),
    };
    parsed.with_context(|| {
        format!("the environment: {name} is '{text}', expected a value such as {default}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> Result<Layer> {
        layer([(name.into(), value.into())].into_iter())
    }

    #[test]
    fn a_variable_sets_the_key_it_is_named_after() {
        let layer = of("APPARENT_IDLE_AFTER_S", "5").unwrap();
        assert_eq!(layer.tables["idle"]["after_s"], Value::Integer(5));
        let layer = of("APPARENT_MODELS_BUNDLE", "mine").unwrap();
        assert_eq!(layer.tables["models"]["bundle"], Value::String("mine".into()));
    }

    #[test]
    fn other_variables_mean_nothing_here() {
        for name in ["APPARENT_BUNDLES", "APPARENT_DATA", "IDLE_FPS", "PATH"] {
            assert!(of(name, "x").unwrap().tables.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_variable_that_sets_nothing_is_refused() {
        let error = |name, value| of(name, value).unwrap_err().to_string();
        let misspelt = error("APPARENT_IDLE_AFTER", "5");
        assert!(misspelt.ends_with("did you mean APPARENT_IDLE_AFTER_S?"), "{misspelt}");
        let wrong = error("APPARENT_IDLE_FPS", "fast");
        assert!(wrong.contains("is 'fast', expected a value such as 4"), "{wrong}");
    }
}
