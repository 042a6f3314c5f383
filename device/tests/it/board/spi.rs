//! An SPI bus that is not there, as spidev gives it to programs; see linux/spi/spidev.h.

#![allow(unsafe_code, reason = "says that the kernel's structures are plain")]

use std::fs::File;
use std::os::fd::OwnedFd;

use libc::c_int;

use super::glass::{Glass, Make};
use super::memory;
use super::notify::{Call, Plain};

/// `struct spi_ioc_transfer`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Transfer {
    tx: u64,
    rx: u64,
    bytes: u32,
    speed_hz: u32,
    rest: [u32; 2],
}

// SAFETY: integers.
unsafe impl Plain for Transfer {}
// SAFETY: integers.
unsafe impl Plain for u32 {}

/// The bus and the panel on it.
#[derive(Debug)]
pub(crate) struct Spi {
    file: File,
    /// How many bytes it takes at once.
    pub(crate) bufsiz: u32,
    /// The most that came at once.
    pub(crate) longest: u32,
    /// The clock it was told.
    pub(crate) speed_hz: u32,
    /// What every transfer fails with.
    pub(crate) fails: Option<c_int>,
    /// Transfers so far.
    pub(crate) transfers: u64,
    pub(crate) glass: Glass,
}

const NAME: &str = "apparent-spi";

impl Spi {
    pub(crate) fn new(make: Make) -> Self {
        Self {
            file: memory::named(NAME, 0),
            bufsiz: 4096,
            longest: 0,
            speed_hz: 0,
            fails: None,
            transfers: 0,
            glass: Glass::new(make),
        }
    }

    pub(crate) fn open(&self) -> OwnedFd {
        self.file.try_clone().unwrap().into()
    }

    /// Whether a descriptor is the bus's, by what it stands for.
    pub(crate) fn is(file: &str) -> bool {
        memory::name(file) == Some(NAME)
    }

    /// Does what `call`, an `ioctl` on it, asks for, while the data/command line is as it is.
    pub(crate) fn ioctl(&mut self, call: &Call, is_data: bool) -> Result<i64, c_int> {
        let (request, at) = (call.args[1] & 0xFFFF_FFFF, call.args[2]);
        let (number, size) = (request & 0xFF, request >> 16 & 0x3FFF);
        match number {
            0 => self.transfer(call, is_data, size / size_of::<Transfer>() as u64),
            4 => {
                self.speed_hz = call.read(at).map_err(|_| libc::EFAULT)?;
                Ok(0)
            }
            // Mode, order of bits, bits in a word: as they are.
            1..=3 => Ok(0),
            _ => Err(libc::ENOTTY),
        }
    }

    fn transfer(&mut self, call: &Call, is_data: bool, count: u64) -> Result<i64, c_int> {
        if let Some(errno) = self.fails {
            return Err(errno);
        }
        let mut all = Vec::new();
        for n in 0..count {
            let at = call.args[2] + n * size_of::<Transfer>() as u64;
            let transfer: Transfer = call.read(at).map_err(|_| libc::EFAULT)?;
            if transfer.tx != 0 {
                let bytes = call.read_bytes(transfer.tx, transfer.bytes as usize);
                all.extend(bytes.map_err(|_| libc::EFAULT)?);
            }
        }
        let length = u32::try_from(all.len()).unwrap();
        self.longest = self.longest.max(length);
        if length > self.bufsiz {
            return Err(libc::EMSGSIZE);
        }
        self.transfers += 1;
        self.glass.receive(&all, is_data);
        Ok(length.into())
    }
}
