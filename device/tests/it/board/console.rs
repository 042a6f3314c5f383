//! A text console that is not there, and what was done to it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use libc::c_int;

use super::memory;
use super::notify::Call;

/// The console: what is written to it is kept.
#[derive(Debug)]
pub(crate) struct Console {
    file: File,
    /// The modes that it was put into, in order.
    pub(crate) modes: Vec<u64>,
}

const NAME: &str = "apparent-console";

impl Console {
    pub(crate) fn new() -> Self {
        Self { file: memory::named(NAME, 0), modes: Vec::new() }
    }

    pub(crate) fn open(&self) -> OwnedFd {
        self.file.try_clone().unwrap().into()
    }

    /// Whether a descriptor is the console's, by what it stands for.
    pub(crate) fn is(file: &str) -> bool {
        memory::name(file) == Some(NAME)
    }

    /// What was written to it.
    pub(crate) fn text(&self) -> String {
        let mut bytes = vec![0; usize::try_from(self.file.metadata().unwrap().len()).unwrap()];
        self.file.read_exact_at(&mut bytes, 0).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Does what `call`, an `ioctl` on it, asks for: `KDSETMODE` and `KDGETMODE` of linux/kd.h.
    pub(crate) fn ioctl(&mut self, call: &Call) -> Result<(), c_int> {
        match call.args[1] {
            0x4B3A => {
                self.modes.push(call.args[2]);
                Ok(())
            }
            0x4B3B => call.write_bytes(call.args[2], &[0; 4]).map_err(|_| libc::EFAULT),
            _ => Err(libc::ENOTTY),
        }
    }
}
