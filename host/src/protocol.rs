//! Whose protocol a run follows: how faces are split, and how heads are trained on them.

use serde::{Deserialize, Serialize};

/// Whose way of doing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Ours: parts by person, full passes, a cosine of learning rates, label distributions, early stop.
    #[default]
    Default,
    /// The seed's (sefiks.com, 2019): 70 and 30 % of the rows; 250 rounds of 256 draws with replacement,
    /// batches of 32, Adam at 1e-3, one class a label.
    Seed,
}
