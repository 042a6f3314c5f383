//! Stage `card`: a bundle's model card (Mitchell et al. 2019), made from its manifest and from what it
//! said of labelled faces: what it is for, how good it is for whom, what its probabilities are worth.

mod certainty;
mod groups;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use models::bundle::Bundle;
use models::manifest::{EstimatorSpec, Manifest, Role};

use crate::files::write_text;
use crate::predictions;
use crate::report::Named;

/// Of what, and from what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The bundle.
    #[arg(long)]
    bundle: PathBuf,
    /// What the bundle said of a labelled set (`eval --predictions`): what to call it, and the file. May be
    /// given again.
    #[arg(long = "set", value_name = "NAME=FILE", required = true)]
    sets: Vec<Named>,
    /// A comparison with other nets, in Markdown (scripts/eval-vs-peers.sh): taken up as it is.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// On what and when it was measured.
    #[arg(long)]
    measured: String,
    /// The file to write.
    #[arg(long)]
    out: PathBuf,
}

/// What holds of every net of this kind.
const USE: &str = "\
## Intended use

To show visitors, on the device itself, how old their faces look and what gender they are taken for: as play, or
as counts over many people. An apparent age is not an age, and a predicted gender is not a gender: both are what
people who labelled pictures would have said.

Not for decisions about a person (access, price, sale of goods, policing, hiring), not to identify anybody, and
not where being told wrong does harm. It knows two genders because its labels do.
";

/// Writes the card.
///
/// # Errors
/// A bundle, predictions or comparison that cannot be read, or the file system.
pub fn run(options: &Options) -> Result<()> {
    let bundle = Bundle::open(&options.bundle)
        .with_context(|| format!("opening the bundle {}", options.bundle.display()))?;
    let manifest = bundle.manifest();
    let spec = manifest.estimator.as_ref().context("the bundle is no estimator")?;
    let mut text = format!("# Model card: `{}`\n\n{}\n{USE}", manifest.name, about(&bundle, spec));
    push_data(&mut text, manifest);
    push_scores(&mut text, manifest, &options.measured);
    if let Some(path) = &options.peers {
        push_peers(&mut text, path)?;
    }
    for set in &options.sets {
        let rows = predictions::read(&set.path)?;
        ensure!(!rows.is_empty(), "{} holds no face", set.path.display());
        let _ = write!(text, "\n## {}\n", set.name);
        certainty::push(&mut text, &rows, spec.gender_sure_min);
        groups::push(&mut text, &rows);
    }
    write_text(&options.out, &text)
}

fn about(bundle: &Bundle, spec: &EstimatorSpec) -> String {
    let manifest = bundle.manifest();
    let bytes = manifest.file(Role::Network).map_or(0, |file| file.bytes);
    let side = spec.crop.size_px;
    format!(
        "Made by `trainer card`. From a face of {side}×{side} pixels it tells a distribution over 0 to 100 years \
         and the probabilities *female* and *male*. {:?}, {:.1} MB; bundle SHA-256 `{}`.\n\
         Made by: {}.\n",
        spec.precision,
        bytes as f64 / 1e6,
        bundle.sha256(),
        manifest.provenance.made_by,
    )
}

fn push_data(text: &mut String, manifest: &Manifest) {
    let from = &manifest.provenance;
    let _ = write!(
        text,
        "\n## Data and licence\n\n- Trained on: {}.\n- Attribution: {}.\n- Licence of the weights: {}.\n",
        from.data, from.attribution, from.licence
    );
}

fn push_scores(text: &mut String, manifest: &Manifest, measured: &str) {
    let _ = write!(
        text,
        "\n## Scores\n\nOn faces that it was not trained or chosen on, each with its bootstrap 95 % interval; a \
         face that is not found counts as wrong. {measured}.\n\n| set | what | score | 95 % |\n|---|---|---|---|\n"
    );
    for quality in &manifest.quality {
        let end = |end: Option<f32>| end.map_or_else(|| "?".to_owned(), |end| end.to_string());
        let (low, high) = (end(quality.low), end(quality.high));
        let (set, metric, value) = (&quality.set, &quality.metric, quality.value);
        let _ = writeln!(text, "| {set} | {metric} | {value} | {low}–{high} |");
    }
}

fn push_peers(text: &mut String, path: &Path) -> Result<()> {
    let table = std::fs::read_to_string(path)
        .with_context(|| format!("reading the comparison {}", path.display()))?;
    let _ = write!(
        text,
        "\n## Beside other small nets\n\nOn the same pictures, with the faces that the same detector found \
         (`scripts/eval-vs-peers.sh`).\n\n{}\n",
        table.trim_end()
    );
    Ok(())
}
