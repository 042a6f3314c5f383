//! The kernel that a processor was found to be fastest with, kept in a small file.
//!
//! The file is a convenience: where it cannot be read, says nothing sensible or is of another processor or
//! program, the kernel is found once more; where it cannot be written, the next start does so too.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use models::session::Kernel;
use serde::{Deserialize, Serialize};

use crate::machine::cpu::Cpu;
use crate::whole;

/// What a choice holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The processor, with the instructions it has.
    pub cpu: Cpu,
    /// The version of the program, whose kernels may change.
    pub version: String,
    /// The kernels that there were to choose from.
    pub kernels: Vec<String>,
}

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    key: Key,
    kernel: String,
}

/// The kernel that `file` keeps for `key`, else what `find` finds, which is then kept.
pub fn kernel(file: &Path, key: &Key, find: &mut dyn FnMut() -> Option<Kernel>) -> Option<Kernel> {
    if let Some(kernel) = read(file, key) {
        return Some(kernel);
    }
    let found = find();
    if let Some(kernel) = found {
        // Nothing is lost where it cannot be kept but a few milliseconds of the next start.
        let _ = write(file, &Kept { key: key.clone(), kernel: kernel.name().to_owned() });
    }
    found
}

/// Where the choice is kept: in the user's cache, or in the system's for whoever has no home.
pub fn file() -> PathBuf {
    folder(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")).join("kernel.json")
}

fn folder(cache: Option<OsString>, home: Option<OsString>) -> PathBuf {
    // As the XDG base directory specification says, a path that is not absolute counts for nothing.
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|p| p.is_absolute());
    let home = absolute(home).filter(|home| home != Path::new("/"));
    let cache = absolute(cache).or_else(|| Some(home?.join(".cache")));
    cache.unwrap_or_else(|| PathBuf::from("/var/cache")).join("apparent")
}

fn read(file: &Path, key: &Key) -> Option<Kernel> {
    let kept: Kept = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let kernel: Kernel = kept.kernel.parse().ok()?;
    (kept.key == *key && kernel.runs_here()).then_some(kernel)
}

/// Under its name only when all of it is there, whoever else writes at the same time.
fn write(file: &Path, kept: &Kept) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    whole::replace(file, |part| Ok(fs::write(part, serde_json::to_vec(kept)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(version: &str) -> Key {
        let cpu = Cpu { name: "4 × Cortex-A72".into(), cores: 4, features: vec!["asimd".into()] };
        Key { cpu, version: version.into(), kernels: vec!["tract".into()] }
    }

    /// What is chosen, and how often it had to be found.
    fn choose(file: &Path, key: &Key) -> (Option<Kernel>, usize) {
        let mut searches = 0;
        let chosen = kernel(file, key, &mut || {
            searches += 1;
            Some(Kernel::Scalar)
        });
        (chosen, searches)
    }

    #[test]
    fn a_choice_is_found_once_for_each_processor_and_program() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cache/kernel.json");
        assert_eq!(choose(&file, &key("1")), (Some(Kernel::Scalar), 1));
        assert_eq!(choose(&file, &key("1")), (Some(Kernel::Scalar), 0));
        assert_eq!(choose(&file, &key("2")).1, 1, "another program");
        let mut masked = key("2");
        masked.cpu.features.clear();
        assert_eq!(choose(&file, &masked).1, 1, "a processor without the instructions");
        masked.kernels.push("scalar".into());
        assert_eq!(choose(&file, &masked).1, 1, "one more kernel to choose from");
        assert_eq!(
            fs::read_dir(file.parent().unwrap()).unwrap().count(),
            1,
            "nothing else is left"
        );
    }

    #[test]
    fn a_broken_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("kernel.json");
        let unknown = Kept { key: key("1"), kernel: "warp".into() };
        for broken in ["", "{", "[1]", &serde_json::to_string(&unknown).unwrap()] {
            fs::write(&file, broken).unwrap();
            assert_eq!(choose(&file, &key("1")).1, 1, "{broken}");
            assert_eq!(choose(&file, &key("1")).1, 0, "{broken}");
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let in_a_file = dir.path().join("file");
        fs::write(&in_a_file, "").unwrap();
        for file in [in_a_file.join("kernel.json"), dir.path().join("file/a/b")] {
            assert_eq!(choose(&file, &key("1")), (Some(Kernel::Scalar), 1));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left");
        assert_eq!(kernel(&in_a_file, &key("1"), &mut || None), None);
    }

    #[test]
    fn it_lies_in_the_users_cache_or_in_the_systems() {
        let check = |cache: Option<&str>, home: Option<&str>, expected: &str| {
            let found = folder(cache.map(Into::into), home.map(Into::into));
            assert_eq!(found, Path::new(expected));
        };
        check(Some("/c"), Some("/h"), "/c/apparent");
        check(None, Some("/h"), "/h/.cache/apparent");
        check(Some("relative"), Some("/h"), "/h/.cache/apparent");
        check(None, None, "/var/cache/apparent");
        check(Some(""), Some("/"), "/var/cache/apparent");
    }
}
