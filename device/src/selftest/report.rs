//! What a report of a bug needs, as JSON: no picture, and nothing of a person.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::Check;
use crate::config::Config;
use crate::machine::Machine;
use crate::machine::state::State;
use crate::{secrets, whole};

/// Everything, to be read by people and programs.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    version: &'static str,
    debug: bool,
    system: Option<String>,
    machine: Machine,
    state: State,
    checks: &'a [Check],
    config: Option<Config>,
}

impl<'a> Report<'a> {
    /// Of these checks, on this machine, now.
    pub fn new(checks: &'a [Check], config: Option<Config>) -> Self {
        let system = fs::read_to_string("/proc/version").ok();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            debug: cfg!(debug_assertions),
            system: system.map(|text| text.trim().to_owned()),
            machine: Machine::read(Path::new("/")),
            state: State::read(Path::new("/"), None),
            checks,
            config,
        }
    }

    /// Writes it to `path`, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = secrets::without(&serde_json::to_string_pretty(self)?);
        let written = whole::replace(path, |part| Ok(fs::write(part, &text)?));
        written.with_context(|| format!("writing {}", path.display()))
    }
}
