//! Memory that programs can open and map, and that is known again by its name.

#![allow(unsafe_code, reason = "mapping is unsafe by its nature")]

use std::fs::File;

use memmap2::{MmapMut, MmapOptions};
use rustix::fs::{MemfdFlags, memfd_create};

/// Memory of this name.
pub(crate) fn named(name: &str, bytes: u32) -> File {
    let file = File::from(memfd_create(name, MemfdFlags::CLOEXEC).unwrap());
    file.set_len(bytes.into()).unwrap();
    file
}

/// Gives memory a size and maps it.
pub(crate) fn sized(file: &File, bytes: u32) -> MmapMut {
    file.set_len(bytes.into()).unwrap();
    // SAFETY: it never becomes shorter while somebody may look at it; torn pictures are looked at again.
    unsafe { MmapOptions::new().len(bytes as usize).map_mut(file) }.unwrap()
}

/// The name of what `/proc/PID/fd/N` points to, where that is such memory.
pub(crate) fn name(link: &str) -> Option<&str> {
    link.strip_prefix("/memfd:")?.strip_suffix(" (deleted)")
}
