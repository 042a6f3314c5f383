//! Keeps the text console off the screen while the kiosk draws on it: no cursor, no text, no blanking.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::abi::{self, ConsoleMode, GRAPHICS, TEXT};

/// The console that is on the screen, silenced until this is dropped, after a panic too.
#[derive(Debug)]
pub struct Console {
    tty: File,
    mode: Option<ConsoleMode>,
    blank_after_minutes: u32,
}

/// See console_codes(4): hide the cursor, never blank.
const SILENCE: &str = "\x1b[?25l\x1b[9;0]";

impl Console {
    /// Silences the console of the system at `root`; `None` where there is none, or not for this user.
    pub fn silence(root: &Path) -> Option<Self> {
        let path = root.join("dev/tty0");
        let no_controlling_terminal = OFlags::NOCTTY.bits().cast_signed();
        let opened =
            OpenOptions::new().write(true).custom_flags(no_controlling_terminal).open(&path);
        let tty =
            opened.inspect_err(|e| log::debug!("leaving {} alone: {e}", path.display())).ok()?;
        let mut console = Self { mode: None, blank_after_minutes: blank_after_minutes(root), tty };
        console.write(SILENCE);
        // Only root may, or who is logged in there; the cursor is hidden without it.
        // One that was killed has left it in graphics: text is what it was before.
        let mode = abi::console_mode(&console.tty);
        let mode = mode.map(|mode| if mode == GRAPHICS { TEXT } else { mode });
        console.mode =
            mode.and_then(|m| abi::set_console_mode(&console.tty, GRAPHICS).map(|()| m)).ok();
        Some(console)
    }

    /// There is nobody to tell where it fails: the console stays as it is, and the kiosk works.
    fn write(&mut self, codes: &str) {
        if let Err(error) = self.tty.write_all(codes.as_bytes()) {
            log::debug!("writing to the console: {error}");
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if let Some(mode) = self.mode
            && let Err(error) = abi::set_console_mode(&self.tty, mode)
        {
            log::debug!("giving the console back: {error}");
        }
        self.write(&format!("\x1b[9;{}]\x1b[?25h", self.blank_after_minutes));
    }
}

/// After how many minutes the console goes dark by itself; 0 is never.
fn blank_after_minutes(root: &Path) -> u32 {
    let told = fs::read_to_string(root.join("sys/module/kernel/parameters/consoleblank"));
    let seconds: u32 = told.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    seconds.div_ceil(60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic;

    /// A system whose console is a plain file, which has no modes, and goes dark after ten minutes.
    fn system() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let parameters = root.path().join("sys/module/kernel/parameters");
        fs::create_dir_all(&parameters).unwrap();
        fs::write(parameters.join("consoleblank"), "600\n").unwrap();
        fs::create_dir(root.path().join("dev")).unwrap();
        fs::write(root.path().join("dev/tty0"), "").unwrap();
        root
    }

    fn written(root: &Path) -> String {
        fs::read_to_string(root.join("dev/tty0")).unwrap()
    }

    #[test]
    fn the_console_is_silent_and_then_as_it_was() {
        let root = system();
        let console = Console::silence(root.path()).unwrap();
        assert_eq!(written(root.path()), "\x1b[?25l\x1b[9;0]");
        drop(console);
        assert_eq!(written(root.path()), "\x1b[?25l\x1b[9;0]\x1b[9;10]\x1b[?25h");
    }

    #[test]
    fn a_panic_gives_the_console_back() {
        let root = system();
        let caught = panic::catch_unwind(|| {
            let _console = Console::silence(root.path()).unwrap();
            panic::resume_unwind(Box::new("a thread that dies"));
        });
        assert!(caught.is_err());
        assert!(written(root.path()).ends_with("\x1b[9;10]\x1b[?25h"));
    }

    #[test]
    fn a_system_without_a_console_is_no_trouble() {
        let root = tempfile::tempdir().unwrap();
        assert!(Console::silence(root.path()).is_none());
    }
}
