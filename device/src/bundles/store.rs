//! Bundles that were installed after the program, where a power cut at any moment leaves a whole one in use.
//!
//! ```text
//! compact             -> .versions/compact-3-1a2b…   what is used
//! .previous/compact   -> ../.versions/compact-2-…    what was used before
//! .versions/compact-3-1a2b…/model.toml …
//! ```
//!
//! A version is copied beside the others, checked there, and only then named by one rename of a link.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use models::bundle::trust::Policy;
use models::bundle::{Bundle, MANIFEST};
use rustix::fs::{FlockOperation, flock, statvfs};

/// Where it is unless `$APPARENT_STORE` says otherwise.
const DIR: &str = "/var/lib/apparent/bundles";
const VERSIONS: &str = ".versions";
const PREVIOUS: &str = ".previous";
/// More files than any bundle has.
const FILES_MAX: usize = 64;
/// Room that is left for others.
const SPARE_BYTES: u64 = 16 << 20;

/// The folder of installed bundles.
#[derive(Clone, Debug)]
pub struct Store(PathBuf);

/// What an installation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The bundle's name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Where it is now.
    pub dir: PathBuf,
    /// Whether it was there already.
    pub was_there: bool,
}

/// What is asked of a bundle, without its network.
struct Facts {
    name: String,
    version: u32,
    sha256: String,
}

impl Facts {
    fn read(dir: &Path, policy: &Policy) -> Result<Self> {
        let bundle = Bundle::open_by(dir, policy)?;
        let sha256 = bundle.sha256().to_owned();
        Ok(Self {
            name: bundle.manifest().name.clone(),
            version: bundle.manifest().version,
            sha256,
        })
    }
}

impl Store {
    /// This machine's.
    pub fn of_machine() -> Self {
        let named = std::env::var_os("APPARENT_STORE").map(PathBuf::from);
        Self(named.filter(|dir| dir.is_absolute()).unwrap_or_else(|| DIR.into()))
    }

    /// The folder itself: what is used of a bundle is in the folder of its name below.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Where the bundle `name` is that was used before, if one was.
    pub fn previous(&self, name: &str) -> PathBuf {
        self.0.join(PREVIOUS).join(name)
    }

    /// The names of the bundles in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// Copies the bundle in `from`, lets `check` look at the copy, and has it used from now on; the one that was is
    /// kept. What is used stays so until the last step, and after any error.
    ///
    /// # Errors
    /// A bundle that `policy` or `check` refuses or that is older than the one used, no room, or the file system.
    pub fn install(
        &self,
        from: &Path,
        policy: &Policy,
        check: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Installed> {
        let versions = self.0.join(VERSIONS);
        fs::create_dir_all(&versions)
            .with_context(|| format!("creating {}", versions.display()))?;
        let _lock = self.lock()?;
        let part = versions.join(".part");
        self.sweep(&versions)?;
        copy(from, &part)?;
        let done = self.adopt(&part, policy, check);
        if done.is_err() {
            // What is left of it is swept away by the next one.
            let _ = fs::remove_dir_all(&part);
        }
        done
    }

    /// Has the bundle `name` used again that was used before; where none was, the one in `shipped`, which came with
    /// the program. Tells its folder.
    ///
    /// # Errors
    /// Where nothing was installed, there is none to go back to, or that one is refused.
    pub fn roll_back(
        &self,
        name: &str,
        policy: &Policy,
        shipped: Option<PathBuf>,
    ) -> Result<PathBuf> {
        let used = self.0.join(name);
        let Some(target) = target(&used) else {
            bail!("no bundle '{name}' was installed in {}", self.0.display());
        };
        let _lock = self.lock()?;
        let previous = self.previous(name);
        let before = target_in(&previous, VERSIONS).filter(|it| *it != target);
        let dir = before.as_ref().map(|it| self.0.join(it)).or(shipped);
        let dir = dir.with_context(|| {
            format!("there is no bundle '{name}' to go back to: none was in use before, and none came with the program")
        })?;
        Facts::read(&dir, policy).context("the bundle to go back to is refused")?;
        if let Some(before) = before {
            link(&before, &used)?;
            link(&Path::new("..").join(target), &previous)?;
        } else {
            fs::remove_file(&used).with_context(|| format!("removing {}", used.display()))?;
            sync(&self.0)?;
        }
        Ok(dir)
    }

    /// Checks the copy and makes it the one in use.
    fn adopt(
        &self,
        part: &Path,
        policy: &Policy,
        check: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Installed> {
        let Facts { name, version, sha256 } = Facts::read(part, policy)?;
        let used = self.0.join(&name);
        let in_use = Facts::read(&used, policy).ok();
        let newest = in_use.as_ref().map_or(0, |used| used.version);
        ensure!(
            version >= newest,
            "{name} is of version {version}, the one in use of version {newest}; 'kiosk bundle rollback {name}' goes \
             back to the one before"
        );
        let to = Path::new(VERSIONS).join(format!("{name}-{version}-{sha256:.16}"));
        let dir = self.0.join(&to);
        if in_use.as_ref().is_some_and(|used| used.sha256 == sha256) {
            fs::remove_dir_all(part)?;
            return Ok(Installed { name, version, dir, was_there: true });
        }
        check(part)?;
        // One of the same bytes may be there from an earlier day: whatever became of it, this one is whole.
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::rename(part, &dir).with_context(|| format!("renaming it to {}", dir.display()))?;
        sync(&self.0.join(VERSIONS))?;
        if in_use.is_some() {
            self.keep(&name, &used)?;
        }
        link(&to, &used)?;
        Ok(Installed { name, version, dir, was_there: false })
    }

    /// Notes what is in use as the one before.
    fn keep(&self, name: &str, used: &Path) -> Result<()> {
        let Some(target) = target(used) else { return Ok(()) };
        fs::create_dir_all(self.0.join(PREVIOUS))?;
        sync(&self.0)?;
        link(&Path::new("..").join(target), &self.previous(name))
    }

    /// Removes what no link names: earlier versions, and what a power cut left.
    fn sweep(&self, versions: &Path) -> Result<()> {
        let named: Vec<PathBuf> = self
            .names()
            .iter()
            .flat_map(|name| [self.0.join(name), self.previous(name)])
            .filter_map(|link| Some(target(&link)?.file_name()?.into()))
            .collect();
        for entry in fs::read_dir(versions)? {
            let entry = entry?;
            if !named.contains(&entry.file_name().into()) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Held until it is dropped: one installation at a time.
    fn lock(&self) -> Result<File> {
        let path = self.0.join(".lock");
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => bail!("another installation is under way"),
            Err(error) => Err(error).with_context(|| format!("locking {}", path.display())),
        }
    }
}

/// Where a link of ours leads.
fn target(link: &Path) -> Option<PathBuf> {
    fs::read_link(link).ok()
}

/// The same, from the store's folder.
fn target_in(link: &Path, versions: &str) -> Option<PathBuf> {
    Some(Path::new(versions).join(target(link)?.file_name()?))
}

/// Makes or replaces a link, all at once.
fn link(to: &Path, at: &Path) -> Result<()> {
    let dir = at.parent().context("a link is in a folder")?;
    let fresh = dir.join(format!(".{}.new", at.file_name().unwrap_or_default().display()));
    let _ = fs::remove_file(&fresh);
    let made = symlink(to, &fresh).and_then(|()| fs::rename(&fresh, at));
    made.with_context(|| format!("linking {}", at.display()))?;
    sync(dir)
}

fn sync(dir: &Path) -> Result<()> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.with_context(|| format!("writing {} to the disk", dir.display()))
}

/// Copies the plain files in `from` into the fresh folder `into`, down to the disk.
fn copy(from: &Path, into: &Path) -> Result<()> {
    let files = plain_files(from).with_context(|| format!("reading {}", from.display()))?;
    let bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    fs::create_dir(into).with_context(|| format!("creating {}", into.display()))?;
    let room = statvfs(into)?;
    let (needed, free) = (bytes + SPARE_BYTES, room.f_bavail.saturating_mul(room.f_frsize));
    ensure!(
        needed <= free,
        "the bundle needs {needed} bytes in {}, there are {free} free; one of the same net cut down by SVD (trainer \
         quantize --svd 256,128) needs about {}",
        into.parent().unwrap_or(into).display(),
        bytes / 10 + SPARE_BYTES
    );
    for (path, bytes) in files {
        copy_file(&path, bytes, into).with_context(|| format!("copying {}", path.display()))?;
    }
    sync(into)
}

fn copy_file(path: &Path, bytes: u64, into: &Path) -> Result<()> {
    let name = path.file_name().context("a file has a name")?;
    let mut file = File::create_new(into.join(name))?;
    io::copy(&mut File::open(path)?.take(bytes), &mut file)?;
    Ok(file.sync_all()?)
}

/// The plain files in a folder, and their lengths.
fn plain_files(dir: &Path) -> Result<Vec<(PathBuf, u64)>> {
    ensure!(dir.join(MANIFEST).is_file(), "expected a bundle's folder, found no {MANIFEST} in it");
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        ensure!(meta.is_file(), "expected plain files, found {}", entry.path().display());
        files.push((entry.path(), meta.len()));
        ensure!(files.len() <= FILES_MAX, "expected at most {FILES_MAX} files, found more");
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::bundle::seal;
    use tempfile::TempDir;

    /// A store, and a bundle of each version, of a network that nobody computes.
    struct Bench {
        dir: TempDir,
        store: Store,
    }

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let store = Store(dir.path().join("store"));
            Self { dir, store }
        }

        fn bundle(&self, version: u32) -> PathBuf {
            let from = self.dir.path().join(version.to_string());
            let finder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/bundles/finder");
            fs::create_dir(&from).unwrap();
            for file in fs::read_dir(finder).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), from.join(file.file_name())).unwrap();
            }
            let text = fs::read_to_string(from.join(MANIFEST)).unwrap();
            let text = text.replacen("\n[", &format!("\nversion = {version}\n["), 1);
            fs::write(from.join(MANIFEST), text).unwrap();
            seal(&from).unwrap();
            from
        }

        fn install(&self, version: u32) -> Result<Installed> {
            let from = self.dir.path().join(version.to_string());
            let from = if from.exists() { from } else { self.bundle(version) };
            self.store.install(&from, &Policy::default(), |_| Ok(()))
        }

        /// The versions in use and before it, and how many are kept.
        fn state(&self) -> (u32, u32, usize) {
            let version =
                |dir: PathBuf| Bundle::open(&dir).map_or(0, |bundle| bundle.manifest().version);
            let kept = fs::read_dir(self.store.dir().join(VERSIONS)).unwrap().count();
            (version(self.store.dir().join("finder")), version(self.store.previous("finder")), kept)
        }
    }

    #[test]
    fn the_last_two_versions_are_kept() {
        let bench = Bench::new();
        assert!(!bench.install(1).unwrap().was_there);
        assert_eq!(bench.state(), (1, 0, 1));
        assert!(bench.install(1).unwrap().was_there);
        bench.install(2).unwrap();
        bench.install(3).unwrap();
        assert_eq!(bench.store.names(), ["finder"]);
        bench.install(3).unwrap();
        assert_eq!(bench.state(), (3, 2, 2));
    }

    #[test]
    fn an_older_one_is_refused_and_rolling_back_goes_to_it() {
        let bench = Bench::new();
        bench.install(2).unwrap();
        let error = bench.install(1).unwrap_err().to_string();
        assert!(error.contains("the one in use of version 2; 'kiosk bundle rollback"), "{error}");
        bench.install(3).unwrap();
        for (to, from) in [(2, 3), (3, 2)] {
            let dir = bench.store.roll_back("finder", &Policy::default(), None).unwrap();
            let name = dir.file_name().unwrap().display().to_string();
            assert!(name.starts_with(&format!("finder-{to}-")), "{name}");
            assert_eq!(bench.state(), (to, from, 2));
        }
    }

    #[test]
    fn where_nothing_was_before_rolling_back_uses_what_came_with_the_program() {
        let bench = Bench::new();
        let back = |shipped| bench.store.roll_back("finder", &Policy::default(), shipped);
        assert!(
            back(None).unwrap_err().to_string().starts_with("no bundle 'finder' was installed")
        );
        bench.install(2).unwrap();
        let error = back(None).unwrap_err().to_string();
        assert!(error.contains("there is no bundle 'finder' to go back to"), "{error}");
        assert_eq!(bench.state().0, 2);
        let shipped = bench.bundle(1);
        assert_eq!(back(Some(shipped.clone())).unwrap(), shipped);
        assert_eq!(bench.state().0, 0);
    }

    #[test]
    fn whatever_is_refused_leaves_the_one_in_use() {
        let bench = Bench::new();
        bench.install(1).unwrap();
        let damaged = bench.bundle(2);
        fs::write(damaged.join("finder.onnx"), "another").unwrap();
        assert!(bench.install(2).is_err());
        let refused =
            bench.store.install(&bench.bundle(3), &Policy::default(), |_| bail!("wrong answers"));
        assert_eq!(refused.unwrap_err().to_string(), "wrong answers");
        let stranger = bench.dir.path().join("stranger");
        fs::create_dir(&stranger).unwrap();
        let refused = bench.store.install(&stranger, &Policy::default(), |_| Ok(()));
        assert!(format!("{:#}", refused.unwrap_err()).contains("found no model.toml"));
        assert_eq!(bench.state(), (1, 0, 1));
    }

    #[test]
    fn what_a_power_cut_left_is_swept_away() {
        let bench = Bench::new();
        bench.install(1).unwrap();
        let versions = bench.store.dir().join(VERSIONS);
        for left in [".part", "finder-9-0000000000000000"] {
            fs::create_dir(versions.join(left)).unwrap();
            fs::write(versions.join(left).join("half"), "").unwrap();
        }
        symlink("nowhere", bench.store.dir().join(".finder.new")).unwrap();
        bench.install(2).unwrap();
        assert_eq!(bench.state(), (2, 1, 2));
    }

    #[test]
    fn one_is_installed_at_a_time() {
        let bench = Bench::new();
        bench.install(1).unwrap();
        let _lock = bench.store.lock().unwrap();
        assert_eq!(bench.install(2).unwrap_err().to_string(), "another installation is under way");
    }
}
