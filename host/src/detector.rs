//! Our face detector: scenes made of labelled faces, and the net that learns to find them there.

pub mod bundle;
mod choose;
mod closer;
mod light;
mod loss;
mod mine;
mod paste;
mod pupil;
mod scenes;
pub mod sheet;
pub mod stock;
mod targets;
pub mod train;

use anyhow::Result;

/// The stages that make a detector.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Trains it on scenes composed from labelled faces and pictures without faces.
    Train(train::Options),
    /// Writes a bundle from trained weights.
    Bundle(bundle::Options),
    /// Draws some of those scenes.
    Scenes(sheet::Options),
}

/// Runs a stage.
///
/// # Errors
/// As the stage.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Train(options) => train::run(options),
        Command::Bundle(options) => bundle::run(options),
        Command::Scenes(options) => sheet::run(options),
    }
}
