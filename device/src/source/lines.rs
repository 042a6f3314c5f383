//! What a program prints for people, cut into lines that are safe to log.

/// Longer lines are cut: a log is no place for pictures.
const LINE_CHARS_MAX: usize = 400;

/// Gathers bytes until a line is whole.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Vec<u8>,
    last: String,
}

impl Lines {
    /// Adds what was read, and gives each line that is whole to `found`.
    pub fn push(&mut self, bytes: &[u8], mut found: impl FnMut(&str)) {
        for &byte in bytes {
            // Programs that count on one line end it by a carriage return.
            if byte == b'\n' || byte == b'\r' {
                let line = printable(&self.begun);
                self.begun.clear();
                if !line.is_empty() {
                    found(&line);
                    self.last = line;
                }
            } else if self.begun.len() < 4 * LINE_CHARS_MAX {
                self.begun.push(byte);
            }
        }
    }

    /// The last thing that was said, be its line whole or not; empty where nothing was.
    pub fn last(&self) -> String {
        let begun = printable(&self.begun);
        if begun.is_empty() { self.last.clone() } else { begun }
    }
}

fn printable(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let safe = line.trim().chars().filter(|c| !c.is_control());
    safe.take(LINE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_printable_and_bounded() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in ["one\n\n  t", "wo \r", "\x1b[31mred\n", &"x".repeat(9999), "\nthe e", "nd"] {
            lines.push(piece.as_bytes(), |line| found.push(line.to_owned()));
        }
        assert_eq!(found[..3], ["one", "two", "[31mred"]);
        assert_eq!(found[3].len(), LINE_CHARS_MAX);
        assert_eq!((found.len(), lines.last().as_str()), (4, "the end"));
    }
}
