//! The log of a training run, as reports read it: `log.csv` (one row an epoch, empty cells allowed) and
//! `train.json` (its options).

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// No log of ours comes near this many bytes.
const BYTES_MAX: u64 = 16 << 20;

/// What a run wrote down.
#[derive(Clone, Debug)]
pub struct RunLog {
    /// Number of each epoch.
    pub epochs: Vec<f64>,
    /// The other columns: name, and a value an epoch where there is one.
    pub columns: Vec<(String, Vec<Option<f64>>)>,
    /// What the run was told, as option and value.
    pub options: Vec<(String, String)>,
    /// When the log was last written, in seconds since 1970.
    pub written_seconds: u64,
}

impl RunLog {
    /// Reads `log.csv` and, where there is one, `train.json` in `folder`.
    ///
    /// # Errors
    /// The file, and the line or column, of the first thing that is not as expected.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("log.csv");
        let text = text(&path).with_context(|| format!("reading {}", path.display()))?;
        let (epochs, columns) =
            table(&text).with_context(|| format!("reading {}", path.display()))?;
        let modified = path.metadata()?.modified()?;
        Ok(Self { epochs, columns, options: options(folder)?, written_seconds: seconds(modified) })
    }

    /// Epoch and value of a column, wherever it has one; nothing for a column that is not there.
    pub fn points(&self, name: &str) -> Vec<(f64, f64)> {
        let column = self.columns.iter().find(|column| column.0 == name);
        let values = column.map(|column| column.1.as_slice()).unwrap_or_default();
        let points = self.epochs.iter().zip(values);
        points.filter_map(|(epoch, value)| Some((*epoch, (*value)?))).collect()
    }

    /// The epoch whose weights are kept and its loss: the lowest `val_loss`, the last of several.
    pub fn chosen(&self) -> Option<(f64, f64)> {
        let losses = self.points("val_loss").into_iter();
        losses.reduce(|best, next| if next.1 <= best.1 { next } else { best })
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn text(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    ensure!(read as u64 <= BYTES_MAX, "it holds more than {BYTES_MAX} bytes");
    Ok(text)
}

type Columns = Vec<(String, Vec<Option<f64>>)>;

fn table(text: &str) -> Result<(Vec<f64>, Columns)> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers()?.iter().map(|name| name.trim().to_owned()).collect();
    let mut columns: Columns = names.into_iter().map(|name| (name, Vec::new())).collect();
    for (at, record) in reader.records().enumerate() {
        let record = record?;
        for ((name, values), cell) in columns.iter_mut().zip(record.iter()) {
            values.push(number(cell).with_context(|| format!("line {}, column {name}", at + 2))?);
        }
    }
    let at = columns.iter().position(|column| column.0 == "epoch");
    let epochs = columns.remove(at.context("it has no column `epoch`")?).1;
    let missing = epochs.iter().position(Option::is_none);
    ensure!(missing.is_none(), "line {}: the epoch is empty", missing.unwrap_or(0) + 2);
    Ok((epochs.into_iter().flatten().collect(), columns))
}

/// A number; nothing for an empty cell or one that is not finite.
fn number(cell: &str) -> Result<Option<f64>> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Ok(None);
    }
    let value: f64 = cell.parse().with_context(|| format!("{cell:?}, expected a number"))?;
    Ok(Some(value).filter(|value| value.is_finite()))
}

fn options(folder: &Path) -> Result<Vec<(String, String)>> {
    let path = folder.join("train.json");
    let text = match text(&path) {
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        read => read.with_context(|| format!("reading {}", path.display()))?,
    };
    let told: Value =
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let told = told
        .as_object()
        .with_context(|| format!("reading {}: expected an object of options", path.display()))?;
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(told.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
}

fn is_missing(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(log: &str, options: Option<&str>) -> Result<RunLog> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log.csv"), log).unwrap();
        if let Some(options) = options {
            std::fs::write(folder.path().join("train.json"), options).unwrap();
        }
        RunLog::read(folder.path())
    }

    #[test]
    fn empty_cells_are_passed_over_and_the_lowest_val_loss_is_chosen() {
        let log =
            "epoch,train_loss,val_loss,val_gender\n1,4,3.5,\n2,3,3.25,0.9\n3,2,nan,\n4,1,3.25,\n";
        let log = read(log, Some("{\"lr\": 0.002, \"device\": \"cpu\"}")).unwrap();
        assert_eq!(log.points("val_loss"), [(1.0, 3.5), (2.0, 3.25), (4.0, 3.25)]);
        assert_eq!(log.points("val_gender"), [(2.0, 0.9)]);
        assert!(log.points("none").is_empty());
        assert_eq!(log.chosen(), Some((4.0, 3.25)));
        let options = [("device", "cpu"), ("lr", "0.002")].map(|(a, b)| (a.into(), b.into()));
        assert_eq!(log.options, options);
    }

    #[test]
    fn what_is_no_log_is_named_with_its_place() {
        for (log, options, what) in [
            ("epoch,val_loss\n1,2\n2,low\n", None, "log.csv: line 3, column val_loss: \"low\""),
            ("step,val_loss\n1,2\n", None, "log.csv: it has no column `epoch`"),
            ("epoch,val_loss\n,2\n", None, "log.csv: line 2: the epoch is empty"),
            ("epoch,val_loss\n1\n", None, "log.csv"),
            ("epoch\n1\n", Some("[1]"), "train.json: expected an object"),
            ("epoch\n1\n", Some("{"), "train.json"),
        ] {
            let error = format!("{:#}", read(log, options).unwrap_err());
            assert!(error.contains(what), "{error}");
        }
        assert!(read("epoch\n", None).unwrap().epochs.is_empty());
    }
}
