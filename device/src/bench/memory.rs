//! How much memory this process holds, from `/proc/self/status`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::machine;

/// Resident memory now and at most so far, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Now (`VmRSS`).
    pub now_bytes: u64,
    /// The most there ever was (`VmHWM`).
    pub peak_bytes: u64,
}

/// What a run did to the resident memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Before the bundle was opened.
    pub before_load_bytes: u64,
    /// When its network was ready.
    pub after_load_bytes: u64,
    /// At the end of the run.
    pub after_run_bytes: u64,
    /// The most there ever was.
    pub peak_bytes: u64,
    /// How much more there was at the end than before the load, in bundles.
    pub growth_by_bundle: f64,
    /// How much more there was at most than before the load, in bundles.
    pub peak_growth_by_bundle: f64,
}

impl Resident {
    /// Of this process; `None` where the system under `root` does not tell.
    pub fn read(root: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(root.join("proc/self/status")).ok()?)
    }

    fn parse(status: &str) -> Option<Self> {
        let bytes = |name| machine::bytes_of(status, name);
        Some(Self { now_bytes: bytes("VmRSS:")?, peak_bytes: bytes("VmHWM:")? })
    }
}

impl Memory {
    /// From three looks at the memory, and the size of the bundle in bytes.
    pub fn new(before: Resident, loaded: Resident, ended: Resident, bundle_bytes: u64) -> Self {
        let bundles = |bytes: u64| {
            let growth = bytes.saturating_sub(before.now_bytes) as f64 / bundle_bytes.max(1) as f64;
            (growth * 1e3).round() / 1e3
        };
        Self {
            before_load_bytes: before.now_bytes,
            after_load_bytes: loaded.now_bytes,
            after_run_bytes: ended.now_bytes,
            peak_bytes: ended.peak_bytes,
            growth_by_bundle: bundles(ended.now_bytes),
            peak_growth_by_bundle: bundles(ended.peak_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_process_tells_its_memory() {
        let status = "Name:\tkiosk\nVmHWM:\t    2204 kB\nVmRSS:\t    1000 kB\n";
        let expected = Resident { now_bytes: 1_024_000, peak_bytes: 2_256_896 };
        assert_eq!(Resident::parse(status), Some(expected));
        assert_eq!(Resident::parse("VmRSS:\t1 kB"), None);
        assert_eq!(Resident::parse("VmRSS: many kB\nVmHWM: 1 kB"), None);
        assert_eq!(Resident::read(Path::new("/nowhere")), None);
    }

    #[test]
    fn growth_is_counted_in_bundles_from_before_the_load() {
        let at = |now_bytes, peak_bytes| Resident { now_bytes, peak_bytes };
        let memory = Memory::new(at(1000, 1000), at(1300, 1500), at(1450, 1550), 200);
        assert_eq!((memory.growth_by_bundle, memory.peak_growth_by_bundle), (2.25, 2.75));
        assert_eq!(memory.after_load_bytes, 1300);
    }
}
