//! The command line: one subcommand a stage.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[cfg(feature = "torch")]
use crate::features;
use crate::protocol::Protocol;
use crate::{
    budget, card, clean, convert, crops, eval, eval_detector, import, index, lap, look, make, net,
    report, sign, split, verify,
};

/// Trains apparent-age and gender models on labelled faces and exports them as bundles.
#[derive(Parser)]
#[command(name = "trainer", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reads a data set's own manifest into faces.csv.
    Index(index::Options),
    /// Drops faces by the rules of the IMDB-WIKI users, and counts them.
    Clean(clean::Options),
    /// Draws what the data are like: histograms, and a sheet of faces.
    Look(look::Options),
    /// Gives every face its part: train, val or test.
    Split {
        /// faces.csv.
        #[arg(long)]
        faces: PathBuf,
        /// File to write; without it, faces.csv is rewritten.
        #[arg(long)]
        out: Option<PathBuf>,
        /// How the parts are drawn; without it, as the protocol does.
        #[arg(long, value_enum)]
        rule: Option<split::Rule>,
        /// The seed's protocol splits rows, ours subjects.
        #[arg(long, value_enum, default_value_t)]
        protocol: Protocol,
        /// Seeds the draw.
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Cuts every face once, for training.
    Crop {
        /// faces.csv with parts.
        #[arg(long)]
        faces: PathBuf,
        /// The net that will read the crops.
        #[arg(long, default_value = "compact")]
        net: String,
        /// Folder for crops.u8 and crops.csv.
        #[arg(long)]
        out: PathBuf,
    },
    /// Runs a frozen trunk over all crops, once; or joins the shards of that.
    #[cfg(feature = "torch")]
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Features {
        #[command(subcommand)]
        command: Option<FeaturesCommand>,
        #[command(flatten)]
        options: Option<features::Options>,
    },
    /// Trains a net, or heads on the features of a frozen trunk.
    #[cfg(feature = "torch")]
    Train(crate::train::Job),
    /// Makes our face detector.
    #[cfg(feature = "torch")]
    Detector {
        #[command(subcommand)]
        command: crate::detector::Command,
    },
    /// Runs all stages of a configuration; those whose inputs did not change are skipped.
    #[cfg(feature = "torch")]
    Run(crate::run::Options),
    /// Tells whether this machine can train, and with what.
    #[cfg(feature = "torch")]
    Doctor(crate::train::doctor::Options),
    /// Times a step of training, on kept features and through the trunk.
    #[cfg(feature = "torch")]
    Bench(crate::train::bench::Options),
    /// Asks trained heads about kept features, in torch.
    #[cfg(feature = "torch")]
    Predict(crate::train::predict::Options),
    /// Turns weights of another program into ours: Keras's .h5, ONNX or safetensors.
    Convert(convert::Options),
    /// Turns an age net and a gender net of Keras into a verified int8 bundle.
    Import(import::Options),
    /// Writes an f32 bundle.
    Export {
        #[command(flatten)]
        source: make::Source,
        #[command(flatten)]
        target: make::Target,
    },
    /// Writes an int8 bundle: calibrated, bias-corrected, in operators that tract runs as integers.
    Quantize {
        #[command(flatten)]
        source: make::Source,
        #[command(flatten)]
        target: make::Target,
        #[command(flatten)]
        calibrating: make::Calibrating,
    },
    /// Signs a bundle, so that kiosks know whose it is.
    Sign(sign::Options),
    /// Compares torch, f32 and int8 bundles of the same weights.
    Verify(verify::Options),
    /// Scores a bundle on labelled pictures, exactly as the device would answer.
    Eval(eval::Options),
    /// Tells what detectors find of known faces, side by side.
    EvalDetector(eval_detector::Options),
    /// Makes a bundle's probabilities mean what they say, on faces kept out of training.
    Calibrate(eval::calibrate::Options),
    /// Tells what rounding cost, from two predictions.csv, and fails past the budget.
    Budget(budget::Options),
    /// Scores ages in any CSV against a jury's mean and standard deviation.
    Lap(lap::Options),
    /// Writes a page of scores, charts and training curves, and a TensorBoard file.
    Report(report::Options),
    /// Writes a bundle's model card: uses, data, scores by group, what its probabilities are worth.
    Card(card::Options),
}

/// What else there is to do with features.
#[cfg(feature = "torch")]
#[derive(Subcommand)]
enum FeaturesCommand {
    /// Checks shards and joins them.
    Merge(features::Merging),
}

impl Cli {
    /// Runs the stage.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Index(options) => index::run(&options),
            Command::Clean(options) => clean::run(&options),
            Command::Look(options) => look::run(&options),
            Command::Split { faces, out, rule, protocol, seed } => {
                let rule = rule.unwrap_or(split::Rule::of(protocol));
                split::run(&faces, out.as_deref().unwrap_or(&faces), rule, seed)
            }
            Command::Crop { faces, net, out } => {
                crops::run(&faces, u32::try_from(net::named(&net)?.input_px)?, &out)
            }
            #[cfg(feature = "torch")]
            Command::Features { command, options } => match (command, options) {
                (Some(FeaturesCommand::Merge(merging)), _) => features::merge(&merging),
                (None, Some(options)) => features::run(&options),
                (None, None) => anyhow::bail!("--trunk, --crops and --out are missing"),
            },
            #[cfg(feature = "torch")]
            Command::Train(job) => crate::train::run(&job),
            #[cfg(feature = "torch")]
            Command::Detector { command } => crate::detector::run(&command),
            #[cfg(feature = "torch")]
            Command::Run(options) => crate::run::run(&options),
            #[cfg(feature = "torch")]
            Command::Doctor(options) => crate::train::doctor::run(&options),
            #[cfg(feature = "torch")]
            Command::Bench(options) => crate::train::bench::run(&options),
            #[cfg(feature = "torch")]
            Command::Predict(options) => crate::train::predict::run(&options),
            Command::Convert(options) => convert::run(&options),
            Command::Import(options) => import::run(&options),
            Command::Export { source, target } => make::export(&source, &target),
            Command::Quantize { source, target, calibrating } => {
                make::quantize(&source, &target, &calibrating)
            }
            Command::Sign(options) => sign::run(&options),
            Command::Verify(options) => verify::run(&options),
            Command::Eval(options) => eval::run(&options),
            Command::EvalDetector(options) => eval_detector::run(&options),
            Command::Calibrate(options) => eval::calibrate::run(&options),
            Command::Budget(options) => budget::run(&options),
            Command::Lap(options) => lap::run(&options),
            Command::Report(options) => report::run(&options),
            Command::Card(options) => card::run(&options),
        }
    }
}
