//! What can be typed after `kiosk selftest`.

use std::path::PathBuf;

use clap::Args;

use super::run::SettingArgs;

/// `kiosk selftest`.
#[derive(Args, Debug)]
pub struct SelftestArgs {
    /// What the kiosk is told, as for `kiosk run`.
    #[command(flatten)]
    pub settings: SettingArgs,

    /// Write what a report of a bug needs into this file as JSON: versions, machine, configuration and what
    /// was found; no picture
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}
