//! CSV files, read row by row with errors that name the file and the line.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use csv::{Position, StringRecord};

/// An open CSV file, its first line read.
pub(crate) struct Table {
    /// The names of the columns.
    pub(crate) headers: StringRecord,
    path: PathBuf,
    reader: csv::Reader<File>,
}

impl Table {
    /// Opens the file `path`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        let mut reader = csv::Reader::from_reader(file);
        let headers = reader.headers().with_context(|| format!("reading {}", path.display()))?;
        Ok(Self { headers: headers.clone(), path: path.to_owned(), reader })
    }

    /// Every row, as `parse` reads it.
    pub(crate) fn rows<T>(
        self,
        parse: impl Fn(&StringRecord) -> Result<T>,
    ) -> impl Iterator<Item = Result<T>> {
        let Self { path, reader, .. } = self;
        reader.into_records().map(move |record| {
            let position = match &record {
                Ok(record) => record.position(),
                Err(error) => error.position(),
            };
            let byte = position.map(Position::byte);
            let row = record.map_err(Into::into).and_then(|record| parse(&record));
            row.with_context(|| place(&path, byte))
        })
    }
}

/// The file, and the line of the row at `byte`.
///
/// Counted anew: the reader's own count stands before line breaks that it has yet to skip, and so is one
/// short where lines end in CR LF or are empty.
fn place(path: &Path, byte: Option<u64>) -> String {
    let line = byte.and_then(|byte| {
        let text = fs::read(path).ok()?;
        let (before, row) = text.split_at_checked(usize::try_from(byte).ok()?)?;
        let skipped = row.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let breaks = before.iter().chain(skipped).filter(|&&byte| byte == b'\n').count();
        Some(breaks + 1)
    });
    match line {
        Some(line) => format!("{} line {line}", path.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_bad_row_s_line_is_counted_as_an_editor_does() {
        for (text, line) in [
            ("a\nbad\n", 2),
            ("a\nx\nbad", 3),
            ("a\r\nx\r\nbad\r\n", 3),
            ("a\n\n\nbad\n", 4),
            ("a\n\"two\nlines\"\nbad\n", 4),
            ("a\nx,y\n", 2),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("t.csv");
            fs::write(&path, text).unwrap();
            let rows = Table::open(&path).unwrap().rows(|record| match &record[0] {
                "bad" => bail!("bad"),
                text => Ok(text.to_owned()),
            });
            let error = rows.collect::<Result<Vec<_>>>().unwrap_err();
            assert!(
                error.to_string().ends_with(&format!("t.csv line {line}")),
                "{text:?}: {error}"
            );
        }
    }
}
