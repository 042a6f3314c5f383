//! `SHA256SUMS` as `sha256sum` writes it: 64 hexadecimal digits, two spaces, a file name.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::manifest::is_plain_name;

/// More files than any bundle has.
const FILES_MAX: usize = 64;

/// What is wrong with a line of `SHA256SUMS`.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("line {line}: expected {expected}, found {found}")]
pub struct SumsError {
    line: usize,
    expected: &'static str,
    found: String,
}

/// File names and their hashes, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums(Vec<(String, String)>);

impl Sums {
    pub(super) fn parse(text: &str) -> Result<Self, SumsError> {
        let mut sums = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (sha256, name) = line.split_once(' ').unwrap_or((line, ""));
            let name = name.strip_prefix([' ', '*']).unwrap_or(name);
            sums.push(name, sha256.to_owned())?;
        }
        Ok(sums)
    }

    pub(super) fn push(&mut self, name: &str, sha256: String) -> Result<(), SumsError> {
        let line = self.0.len() + 1;
        let refuse = |expected, found: &str| Err(SumsError { line, expected, found: found.into() });
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if sha256.len() != 64 || !sha256.bytes().all(hex) {
            return refuse("64 lower-case hexadecimal digits", &sha256);
        }
        if !is_plain_name(name) {
            return refuse("a plain file name", name);
        }
        if line > FILES_MAX {
            return refuse("at most 64 files", name);
        }
        let place = match self.0.binary_search_by(|(other, _)| other.as_str().cmp(name)) {
            Ok(_) => return refuse("each file once", name),
            Err(place) => place,
        };
        self.0.insert(place, (name.to_owned(), sha256));
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(listed, sha256)| (listed == name).then_some(sha256))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, sha256)| (name.as_str(), sha256.as_str()))
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(name, sha256)| writeln!(f, "{sha256}  {name}"))
    }
}

/// The SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_hash_of_nothing_is_the_known_one() {
        let known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b""), known);
    }

    #[test]
    fn a_file_listed_twice_is_refused() {
        let line = format!("{}  a\n", "0".repeat(64));
        assert!(Sums::parse(&line).is_ok());
        let refusal = Sums::parse(&line.repeat(2)).unwrap_err();
        assert_eq!(refusal.to_string(), "line 2: expected each file once, found a");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = Sums::parse(&text);
        }
    }
}
