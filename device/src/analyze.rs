//! `kiosk analyze`: each picture's faces as a line of JSON or of a table, and as a labelled screen.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use anyhow::Result;

use crate::answer::Answer;
use crate::bundles::Models;
use crate::cli::AnalyzeArgs;
use crate::display::png::PngFolder;
use crate::language::Strings;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::report::table::Table;
use crate::report::{Detail, Outcome, Report};
use crate::source::files::{self, Entry};

/// Reads all pictures; one that cannot be read, or whose screen cannot be written, is named with the
/// reason, and the others still are read.
///
/// # Errors
/// Where the models, the folder for screens or `out` cannot be used.
pub fn run(args: &AnalyzeArgs, out: &mut dyn Write) -> Result<Outcome> {
    let Models { detector, estimator, description, .. } = Models::open(&args.models)?;
    let mut pipeline = Pipeline::new(detector, estimator);
    let entries: Vec<_> = args.paths.iter().flat_map(|path| files::expand(path)).collect();
    let mut screens = match &args.out {
        Some(dir) => Some(Screens::create(dir, args, &entries)?),
        None => None,
    };
    let mut lines = Lines::new(args, &entries);
    lines.begin(&description, out)?;
    let mut outcome = Outcome::Good;
    let mut progress = Progress::new(entries.len());
    for entry in &entries {
        let mut answer = Answer::of(entry, &mut pipeline);
        if let Some(screens) = &mut screens {
            answer = answer.and_then(|answer| screens.write(&entry.source(), answer));
        }
        if answer.is_err() {
            outcome = Outcome::Bad;
        }
        lines.add(&Report::new(entry.source(), &answer, lines.detail()), out)?;
        progress.tick();
    }
    drop(progress);
    lines.end(out)?;
    if let Some(dir) = args.out.as_deref().filter(|_| !args.json) {
        writeln!(out, "screens: {}", dir.display())?;
    }
    Ok(outcome)
}

/// How the answers are written down.
enum Lines {
    Json(Detail),
    Table(Table),
}

impl Lines {
    fn new(args: &AnalyzeArgs, entries: &[Entry]) -> Self {
        match (args.json, args.distribution) {
            (true, true) => Self::Json(Detail::Distribution),
            (true, false) => Self::Json(Detail::Figures),
            (false, _) => {
                let sources: Vec<_> = entries.iter().map(Entry::source).collect();
                Self::Table(Table::new(sources.iter().map(String::as_str)))
            }
        }
    }

    fn detail(&self) -> Detail {
        match self {
            Self::Json(detail) => *detail,
            Self::Table(_) => Detail::Figures,
        }
    }

    fn begin(&self, models: &str, out: &mut dyn Write) -> Result<()> {
        match self {
            Self::Json(_) => Ok(()),
            Self::Table(table) => Ok(table.head(models, out)?),
        }
    }

    fn add(&mut self, report: &Report, out: &mut dyn Write) -> Result<()> {
        match self {
            Self::Json(_) => Ok(writeln!(out, "{}", serde_json::to_string(report)?)?),
            Self::Table(table) => Ok(table.rows(report, out)?),
        }
    }

    fn end(&self, out: &mut dyn Write) -> Result<()> {
        match self {
            Self::Json(_) => Ok(()),
            Self::Table(table) => Ok(table.foot(out)?),
        }
    }
}

/// Longer names are cut, so that a file system takes them with all that is added to them.
const NAME_BYTES_MAX: usize = 200;

/// Labelled screens, each named for its picture.
struct Screens {
    folder: PngFolder,
    names: HashSet<String>,
    words: &'static Strings,
}

impl Screens {
    fn create(dir: &Path, args: &AnalyzeArgs, pictures: &[Entry]) -> Result<Self> {
        files::keep_apart(dir, pictures)?;
        let folder = PngFolder::create(dir, args.size.0)?;
        Ok(Self { folder, names: HashSet::new(), words: args.language.strings() })
    }

    /// Gives `answer` back once its screen is written.
    fn write(&mut self, source: &str, answer: Answer) -> Result<Answer> {
        let name = format!("{}.screen", self.free_name(source));
        self.folder.write(&name, &answer.screen(self.folder.size_px(), self.words)?)?;
        Ok(answer)
    }

    /// `face` for `album/face.jpg`, `face-2` for the second picture of that name.
    fn free_name(&mut self, source: &str) -> String {
        let stem = Path::new(source).file_stem().map(|stem| stem.to_string_lossy());
        // The stem of `..jpg` is `.`.
        let stem = stem.filter(|stem| !["", ".", ".."].contains(&stem.as_ref()));
        let stem = stem.as_deref().unwrap_or("picture");
        let stem = stem[..stem.floor_char_boundary(NAME_BYTES_MAX)].to_owned();
        let numbered = (2..).map(|n| format!("{stem}-{n}"));
        let mut names = std::iter::once(stem.clone()).chain(numbered);
        names.find(|name| self.names.insert(name.clone())).unwrap_or(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use embedded_graphics::geometry::Size;

    #[test]
    fn pictures_of_one_name_get_screens_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let folder = PngFolder::create(dir.path(), Size::new(1, 1)).unwrap();
        let words = Language::En.strings();
        let mut screens = Screens { folder, names: HashSet::new(), words };
        let sources = ["a/face.jpg", "b/face.png", "face-2.jpg", "c/face.jpg", "..", "..jpg"];
        let names = sources.map(|source| screens.free_name(source));
        assert_eq!(names, ["face", "face-2", "face-2-2", "face-3", "picture", "picture-2"]);
        let long = format!("a{}.jpg", "é".repeat(120));
        assert_eq!(screens.free_name(&long), format!("a{}", "é".repeat(99)), "199 bytes");
    }
}
