//! How much memory a bundle needs, and how much there is.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::machine::bytes_of;

/// Of a network's bytes, what is needed at the most, while its weights are packed: measured, 2.01 for the pair of
/// full-size nets in int8, 2.02 for VGG-16 in f32.
const TIMES_NETWORK: u64 = 2;
/// Of the program, frames and screens.
const BESIDE_BYTES: u64 = 64 << 20;

/// Refuses the bundle in `dir` where its network has no room in the memory of this machine.
///
/// # Errors
/// How many bytes it needs and how many there are.
pub(super) fn check(dir: &Path, root: &Path) -> Result<()> {
    let (Some(network), Some(free)) = (network_bytes(dir), free_bytes(root)) else { return Ok(()) };
    let needed = TIMES_NETWORK * network + BESIDE_BYTES;
    if needed <= free {
        return Ok(());
    }
    let name = dir.file_name().unwrap_or_default().display();
    bail!(
        "the bundle {name} needs {needed} bytes of memory, there are {free}; a bundle of the same net cut down by SVD \
         (trainer quantize --svd 256,128) needs about {} bytes",
        needed / 10 + BESIDE_BYTES
    );
}

/// The length of the networks in `dir`, of which nothing is read.
fn network_bytes(dir: &Path) -> Option<u64> {
    let entries = fs::read_dir(dir).ok()?.flatten();
    let networks = entries.filter(|it| it.path().extension().is_some_and(|end| end == "onnx"));
    Some(networks.filter_map(|it| it.metadata().ok()).map(|meta| meta.len()).sum())
}

/// What may still be taken: of the machine, and of the group that the program runs in.
fn free_bytes(root: &Path) -> Option<u64> {
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    let of_machine = bytes_of(&meminfo, "MemAvailable:")
        .map(|free| free + bytes_of(&meminfo, "SwapFree:").unwrap_or_default());
    of_machine.into_iter().chain(limits(root)).min()
}

/// What the control groups that the program is in allow, from its own to the outermost.
fn limits(root: &Path) -> Vec<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let group =
        |prefix: &str| groups.lines().find_map(|line| line.split_once(prefix)).map(|it| it.1);
    let all = root.join("sys/fs/cgroup");
    let unified = group("0::/").map(|group| within(&all, group, "memory.max"));
    // Version 1, as JetPack 4 and 5 have it.
    let memory =
        group(":memory:/").map(|group| within(&all.join("memory"), group, "memory.limit_in_bytes"));
    unified.into_iter().chain(memory).flatten().collect()
}

/// The numbers in the files `name` of `group` and all around it, up to the folder `outermost`.
fn within(outermost: &Path, group: &str, name: &str) -> Vec<u64> {
    let inside = outermost.join(group);
    let groups = inside.ancestors().take_while(|dir| dir.starts_with(outermost));
    let limit = |dir: &Path| fs::read_to_string(dir.join(name)).ok()?.trim().parse().ok();
    groups.filter_map(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::tests::tree;

    const MEMINFO: (&str, &str) =
        ("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 800000 kB\nSwapFree: 1000 kB\n");

    /// A bundle with a network of `mib` MiB, none of which is on the disk.
    fn bundle(mib: u64) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let network = fs::File::create(dir.path().join("net.onnx")).unwrap();
        network.set_len(mib << 20).unwrap();
        dir
    }

    #[test]
    fn the_narrowest_limit_counts() {
        assert_eq!(free_bytes(tree(&[MEMINFO]).path()), Some(801_000 * 1024));
        let group = ("proc/self/cgroup", "0::/system.slice/kiosk.service\n");
        let root = tree(&[
            MEMINFO,
            group,
            ("sys/fs/cgroup/system.slice/memory.max", "536870912\n"),
            ("sys/fs/cgroup/system.slice/kiosk.service/memory.max", "max\n"),
        ]);
        assert_eq!(free_bytes(root.path()), Some(512 << 20));
        let group = ("proc/self/cgroup", "4:memory:/a/b\n1:name=systemd:/a/b\n");
        let limit = ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "268435456\n");
        assert_eq!(free_bytes(tree(&[MEMINFO, group, limit]).path()), Some(256 << 20));
        assert_eq!(free_bytes(tree(&[]).path()), None);
    }

    #[test]
    fn a_network_that_has_no_room_is_refused_with_both_numbers() {
        let root = tree(&[MEMINFO]);
        assert!(check(bundle(300).path(), root.path()).is_ok());
        let error = check(bundle(400).path(), root.path()).unwrap_err().to_string();
        let (needed, free) = (864 << 20, 801_000 * 1024);
        let expected = format!("needs {needed} bytes of memory, there are {free}; a bundle");
        assert!(error.contains(&expected), "{error}");
        assert!(check(bundle(400).path(), tree(&[]).path()).is_ok(), "nothing is known");
    }
}
