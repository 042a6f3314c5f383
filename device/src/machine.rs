//! Which machine this is, read from a tree of files that looks like `/`.

pub mod cpu;
pub mod state;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use cpu::Cpu;

/// What does not change while the machine runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The board or computer as its firmware calls it, such as `Raspberry Pi 4 Model B Rev 1.4`.
    pub board: Option<String>,
    /// The chip as the device tree calls it, such as `brcm,bcm2711`.
    pub soc: Option<String>,
    /// The processor.
    pub cpu: Cpu,
    /// All memory, in bytes.
    pub memory_bytes: Option<u64>,
}

impl Machine {
    /// The machine whose files lie under `root`.
    pub fn read(root: &Path) -> Self {
        let cpuinfo = text(&root.join("proc/cpuinfo")).unwrap_or_default();
        let compatible = text(&root.join("proc/device-tree/compatible"));
        let meminfo = text(&root.join("proc/meminfo")).unwrap_or_default();
        Self {
            board: text(&root.join("proc/device-tree/model")).or_else(|| dmi(root)),
            // From the most to the least special; the last one names the chip.
            soc: compatible.and_then(|names| names.split('\0').next_back().map(str::to_owned)),
            cpu: Cpu::parse(&cpuinfo),
            memory_bytes: bytes_of(&meminfo, "MemTotal:"),
        }
    }
}

/// What the firmware of PCs and servers says.
fn dmi(root: &Path) -> Option<String> {
    let part = |name| text(&root.join("sys/class/dmi/id").join(name));
    let parts: Vec<_> = ["sys_vendor", "product_name"].into_iter().filter_map(part).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// What a table of the kernel's, such as `/proc/meminfo`, says in kB in the line that begins with `name`.
pub(crate) fn bytes_of(table: &str, name: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The text of a small file of the system's, without what the device tree ends its strings with; `None`
/// where there is none or it is empty.
fn text(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A made-up machine: files by their paths from `/`.
    pub(crate) fn tree(files: &[(&str, &str)]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn a_board_is_named_by_its_device_tree() {
        let root = tree(&[
            ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0"),
            ("proc/device-tree/compatible", "raspberrypi,4-model-b\0brcm,bcm2711\0"),
            ("proc/meminfo", "MemTotal:        3884280 kB\nMemFree: 1 kB\n"),
        ]);
        let machine = Machine::read(root.path());
        assert_eq!(machine.board.as_deref(), Some("Raspberry Pi 4 Model B Rev 1.4"));
        assert_eq!(machine.soc.as_deref(), Some("brcm,bcm2711"));
        assert_eq!(machine.memory_bytes, Some(3_977_502_720));
    }

    #[test]
    fn a_computer_is_named_by_its_firmware_and_an_unknown_one_not_at_all() {
        let root = tree(&[
            ("sys/class/dmi/id/sys_vendor", "ACME\n"),
            ("sys/class/dmi/id/product_name", "Server 3\n"),
        ]);
        assert_eq!(Machine::read(root.path()).board.as_deref(), Some("ACME Server 3"));
        assert_eq!(Machine::read(tree(&[]).path()), Machine::default());
    }
}
