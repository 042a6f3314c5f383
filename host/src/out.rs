//! Standard output: the tables that stages print.

use std::io::{ErrorKind, Write, stdout};

use anyhow::{Context, Result};

/// Prints a text and a line end. A reader that has gone, as `head` does, is no error.
///
/// # Errors
/// What the system says of the output.
pub fn print(text: &str) -> Result<()> {
    match stdout().lock().write_all(format!("{text}\n").as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.context("writing to standard output"),
    }
}
