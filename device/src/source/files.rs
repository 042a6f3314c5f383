//! Pictures in files: which ones a path on the command line means, and their bytes.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};

/// Endings of the files that are taken from a folder, in lower case.
const ENDINGS: [&str; 5] = ["bmp", "jpeg", "jpg", "png", "webp"];

/// Larger files are refused: no picture within the decoder's limits needs more.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// One picture to be read, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file that should hold a picture.
    Picture(PathBuf),
    /// A path that means no picture.
    Unusable {
        /// The path as it was given.
        source: String,
        /// What is wrong with it.
        error: String,
    },
}

impl Entry {
    /// All bytes of its file.
    ///
    /// # Errors
    /// As [`read`], and where it means no picture.
    pub fn read(&self) -> Result<Vec<u8>> {
        match self {
            Self::Picture(path) => read(path),
            Self::Unusable { error, .. } => Err(anyhow!(error.clone())),
        }
    }

    /// How reports call it.
    pub fn source(&self) -> String {
        match self {
            Self::Picture(path) => path.display().to_string(),
            Self::Unusable { source, .. } => source.clone(),
        }
    }
}

/// The pictures that `path` means: a file is itself, a folder the pictures in it, and what is neither
/// may be a pattern (`*`, `?`, `[…]`).
///
/// Never empty: what means nothing is an [`Entry::Unusable`].
pub fn expand(path: &Path) -> Vec<Entry> {
    let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']));
    match (fs::metadata(path), pattern) {
        (Ok(meta), _) if meta.is_dir() => folder(path),
        (Ok(_), _) => vec![Entry::Picture(path.to_owned())],
        (Err(_), Some(pattern)) => matches(pattern),
        (Err(error), None) => vec![unusable(path, plain(&error))],
    }
}

/// All bytes of the file at `path`.
///
/// # Errors
/// Where it is no regular file (a pipe might never end), too large, or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    // Asked before opening: opening a pipe that nobody writes to would wait for ever.
    let meta = fs::metadata(path).map_err(|error| anyhow!(plain(&error)))?;
    ensure!(!meta.is_dir(), "this is a folder, expected a picture");
    ensure!(meta.is_file(), "this is no regular file");
    let file = File::open(path).map_err(|error| anyhow!(plain(&error)))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).context("reading the file")?;
    let within = bytes.len() as u64 <= FILE_BYTES_MAX;
    ensure!(within, "the file is larger than {} MiB", FILE_BYTES_MAX >> 20);
    Ok(bytes)
}

/// Refuses `dir` as the place for screens where one of `pictures` lies in it: a screen could replace a
/// picture of its name, and the next run would take the screens for pictures.
pub fn keep_apart(dir: &Path, pictures: &[Entry]) -> Result<()> {
    let Ok(real) = fs::canonicalize(dir) else { return Ok(()) };
    for entry in pictures {
        let Entry::Picture(path) = entry else { continue };
        ensure!(
            !lies_in(path, &real),
            "{} holds {}, expected another folder for the screens",
            dir.display(),
            path.display()
        );
    }
    Ok(())
}

/// `10` after `9`, as people number frames: runs of digits are compared as numbers.
pub fn natural_order(a: &Path, b: &Path) -> Ordering {
    let (left, right) = (a.to_string_lossy(), b.to_string_lossy());
    let numbered = chunks(&left).cmp(chunks(&right));
    numbered.then_with(|| left.cmp(&right))
}

/// Whether `path`, or the file that it is a link to, lies in the folder `real`.
fn lies_in(path: &Path, real: &Path) -> bool {
    // The parent of a bare name is "", which is no folder to the system.
    let named = path.parent().and_then(|parent| fs::canonicalize(Path::new(".").join(parent)).ok());
    let linked = fs::canonicalize(path);
    named.as_deref() == Some(real) || linked.is_ok_and(|path| path.parent() == Some(real))
}

fn folder(dir: &Path) -> Vec<Entry> {
    let files = fs::read_dir(dir).and_then(|entries| {
        entries.map(|entry| entry.map(|e| e.path())).collect::<io::Result<Vec<_>>>()
    });
    match files {
        Err(error) => vec![unusable(dir, plain(&error))],
        Ok(mut files) => {
            files.retain(|file| is_picture(file) && !file.is_dir());
            files.sort_by(|a, b| natural_order(a, b));
            found(
                dir,
                files.into_iter().map(Entry::Picture).collect(),
                "no pictures in this folder",
            )
        }
    }
}

fn matches(pattern: &str) -> Vec<Entry> {
    let source = Path::new(pattern);
    let mut paths: Vec<_> = match glob::glob(pattern) {
        Err(error) => return vec![unusable(source, error.to_string())],
        Ok(paths) => paths.filter_map(Result::ok).collect(),
    };
    paths.sort_by(|a, b| natural_order(a, b));
    let entry =
        |path: PathBuf| if path.is_dir() { folder(&path) } else { vec![Entry::Picture(path)] };
    found(source, paths.into_iter().flat_map(entry).collect(), "nothing matches this pattern")
}

fn found(source: &Path, entries: Vec<Entry>, otherwise: &str) -> Vec<Entry> {
    if entries.is_empty() { vec![unusable(source, otherwise.into())] } else { entries }
}

fn unusable(path: &Path, error: String) -> Entry {
    Entry::Unusable { source: path.display().to_string(), error }
}

/// The error in our words: without a number that means nothing to most readers.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".into(),
        io::ErrorKind::PermissionDenied => "no permission to read this".into(),
        _ => error.to_string(),
    }
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// The text cut where digits begin and end. A number's first part is its length without leading
/// zeros, so that comparing parts compares numbers of any size; of text it is 0.
fn chunks(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let numeric = rest.chars().next()?.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != numeric).unwrap_or(rest.len());
        let (chunk, after) = rest.split_at(end);
        rest = after;
        let digits = chunk.trim_start_matches('0');
        Some(if numeric { (digits.len() + 1, digits) } else { (0, chunk) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(entries: &[Entry]) -> Vec<String> {
        let name = |e: &Entry| Path::new(&e.source()).file_name().unwrap().to_string_lossy().into();
        entries.iter().map(name).collect()
    }

    #[test]
    fn a_folder_is_its_pictures_in_the_order_of_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["f10.png", "f9.JPG", "notes.txt", "f0008.jpg", "noending", "a.webp"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::create_dir(dir.path().join("folder.jpg")).unwrap();
        assert_eq!(names(&expand(dir.path())), ["a.webp", "f0008.jpg", "f9.JPG", "f10.png"]);
        let pattern = dir.path().join("f*0*.[pj]*g");
        assert_eq!(names(&expand(&pattern)), ["f0008.jpg", "f10.png"]);
        let text = dir.path().join("notes.txt");
        assert_eq!(expand(&text), [Entry::Picture(text)], "what is named is read");
    }

    #[test]
    fn what_means_no_picture_says_why() {
        let dir = tempfile::tempdir().unwrap();
        for (name, expected) in [
            ("", "no pictures in this folder"),
            ("missing.jpg", "no such file or folder"),
            ("*.jpg", "nothing matches this pattern"),
            ("[", "Pattern syntax error near position"),
        ] {
            let entries = expand(&dir.path().join(name));
            let [Entry::Unusable { source, error }] = entries.as_slice() else { panic!("{name}") };
            assert!(error.contains(expected), "{source}: {error}");
        }
    }

    #[test]
    fn a_file_whose_name_looks_like_a_pattern_is_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("me[1].jpg");
        fs::write(&path, "").unwrap();
        assert_eq!(expand(&path), [Entry::Picture(path)]);
    }

    #[test]
    fn screens_are_kept_apart_from_pictures() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        fs::write(&path, "").unwrap();
        let entries = expand(&path);
        let error = keep_apart(&dir.path().join("."), &entries).unwrap_err().to_string();
        assert!(error.contains("a.png"), "{error}");
        keep_apart(&dir.path().join("not-there-yet"), &entries).unwrap();
        keep_apart(Path::new("/"), &entries).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_lies_where_it_is_and_where_it_leads() {
        let dir = tempfile::tempdir().unwrap();
        let [album, links] = ["album", "links"].map(|name| dir.path().join(name));
        for folder in [&album, &links] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(album.join("a.png"), "").unwrap();
        std::os::unix::fs::symlink(album.join("a.png"), links.join("x.png")).unwrap();
        let entries = expand(&links.join("x.png"));
        assert!(keep_apart(&links, &entries).is_err());
        assert!(keep_apart(&album, &entries).is_err());
        keep_apart(dir.path(), &entries).unwrap();
    }

    #[test]
    fn only_regular_files_are_read() {
        assert!(read(Path::new("/")).unwrap_err().to_string().contains("folder"));
        #[cfg(unix)]
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("regular"));
    }

    #[test]
    fn numbers_of_any_length_are_ordered() {
        let order = |a: &str, b: &str| natural_order(Path::new(a), Path::new(b));
        assert_eq!(order("9", "10"), Ordering::Less);
        assert_eq!(order("a99999999999999999999998", "a99999999999999999999999"), Ordering::Less);
        assert_eq!(order("1b", "01a"), Ordering::Greater);
        assert_eq!(
            order("1", "01"),
            Ordering::Greater,
            "equal numbers are told apart by their text"
        );
    }
}
