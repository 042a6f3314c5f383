//! The configuration of a run.
//!
//! Each table gives flags to a stage, by the names that its command line has: `face_score_min = 3` in
//! `[clean]` is `trainer clean --face-score-min 3`. Paths are relative to the file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use toml::{Table, Value};

/// `CONFIG.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The folder for everything that the run makes.
    pub(super) out: PathBuf,
    /// What the bundle and the report are called.
    pub(super) name: String,
    /// The net.
    pub(super) net: String,
    /// Flags of `index`: where the data are.
    pub(super) index: Table,
    /// Flags of `clean`; without this table nothing is cleaned.
    pub(super) clean: Option<Table>,
    /// Flags of `look`; without this table nothing is drawn.
    pub(super) look: Option<Table>,
    /// Flags of `split`.
    #[serde(default)]
    pub(super) split: Table,
    /// A frozen trunk, for nets that have one: `weights`, and flags of `features`.
    pub(super) trunk: Option<Table>,
    /// Flags of `train`.
    #[serde(default)]
    pub(super) train: Table,
    /// Flags of `export` and `quantize`: licence, attribution, data, golden.
    #[serde(default)]
    pub(super) bundle: Table,
    /// Flags of `quantize` alone.
    #[serde(default)]
    pub(super) quantize: Table,
    /// Flags of `verify`.
    #[serde(default)]
    pub(super) verify: Table,
    /// Flags of `eval`.
    #[serde(default)]
    pub(super) eval: Table,
    /// Flags of `report`.
    #[serde(default)]
    pub(super) report: Table,
    /// The folder that paths are relative to.
    #[serde(skip)]
    base: PathBuf,
}

/// Flags whose values are paths.
const PATHS: [&str; 10] =
    ["csv", "mat", "root", "utkface", "fairface", "weights", "golden", "detector", "from", "crops"];

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// A key that is unknown or missing, with its line.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let mut config: Self =
            toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        config.base = path.parent().unwrap_or(Path::new("")).to_owned();
        config.out = config.base.join(&config.out);
        ensure!(
            !config.name.is_empty() && !config.name.contains(['/', '\\']),
            "name is {:?}, expected a plain name",
            config.name
        );
        Ok(config)
    }

    /// A table as flags.
    ///
    /// # Errors
    /// A value that no flag can have.
    pub(super) fn flags(&self, table: &Table) -> Result<Vec<String>> {
        let mut flags = vec![];
        for (key, value) in table {
            flags.extend(self.flag(key, value).with_context(|| format!("key {key}"))?);
        }
        Ok(flags)
    }

    fn flag(&self, key: &str, value: &Value) -> Result<Vec<String>> {
        let name = format!("--{}", key.replace('_', "-"));
        let values = match value {
            Value::Boolean(true) => return Ok(vec![name]),
            Value::Boolean(false) => return Ok(vec![]),
            Value::Array(values) => values.iter().map(|v| self.value(key, v)).collect(),
            one => self.value(key, one).map(|value| vec![value]),
        };
        Ok([vec![name], values?].concat())
    }

    fn value(&self, key: &str, value: &Value) -> Result<String> {
        Ok(match value {
            Value::String(text) if PATHS.contains(&key) && text != "embedded" => self.path(text),
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            other => {
                bail!("it is {other}, expected text, a number, true or false, or a list of them")
            }
        })
    }

    /// The files that a key of `table` names: one, several or none.
    pub(super) fn paths(&self, table: &Table, key: &str) -> Vec<PathBuf> {
        let values = match table.get(key) {
            Some(Value::Array(values)) => values.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        values.iter().filter_map(Value::as_str).map(|text| self.path(text).into()).collect()
    }

    /// A path of the file, relative to where the program runs.
    pub(super) fn path(&self, text: &str) -> String {
        self.base.join(text).display().to_string()
    }
}
