//! One epoch of a run, for people and as a row of `log.csv`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::score::Val;

/// One epoch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "LogRow", into = "LogRow")]
pub(super) struct EpochLog {
    /// Counted from 1.
    pub(super) epoch: usize,
    /// Mean loss of its steps.
    pub(super) train_loss: f64,
    /// Scores after it.
    pub(super) val: Val,
    /// How long it took.
    pub(super) seconds: f64,
}

impl fmt::Display for EpochLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "epoch {:>3}: train loss {:.4}, {}, {:.0} s",
            self.epoch, self.train_loss, self.val, self.seconds
        )
    }
}

/// One row of `log.csv`; empty where the net has no such head.
#[derive(Serialize, Deserialize)]
struct LogRow {
    epoch: usize,
    train_loss: f64,
    val_loss: f64,
    val_age_exact: Option<f64>,
    val_age_edge_years: Option<f64>,
    val_gender: Option<f64>,
    seconds: f64,
}

impl From<EpochLog> for LogRow {
    fn from(log: EpochLog) -> Self {
        Self {
            epoch: log.epoch,
            train_loss: log.train_loss,
            val_loss: log.val.loss,
            val_age_exact: log.val.age_exact,
            val_age_edge_years: log.val.age_edge_years,
            val_gender: log.val.gender,
            seconds: log.seconds,
        }
    }
}

impl From<LogRow> for EpochLog {
    fn from(row: LogRow) -> Self {
        let val = Val {
            loss: row.val_loss,
            age_exact: row.val_age_exact,
            age_edge_years: row.val_age_edge_years,
            gender: row.val_gender,
        };
        Self { epoch: row.epoch, train_loss: row.train_loss, val, seconds: row.seconds }
    }
}
