//! Whether the kiosk's own answers (`kiosk analyze --json`) are those that `eval` scored.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use models::geometry::Rect;
use serde::Deserialize;

use super::{Answered, nearest};

/// How far the two may be apart, in years: they run the same code on the same bytes, and the JSON
/// rounds.
const YEARS_MAX: f32 = 1e-3;

/// One line of the kiosk's JSON: what is needed of it.
#[derive(Deserialize)]
struct Line {
    source: PathBuf,
    #[serde(default)]
    faces: Vec<Face>,
}

#[derive(Deserialize)]
struct Face {
    box_px: [f32; 4],
    apparent_age_years: f32,
}

impl Face {
    fn bounds(&self) -> Rect {
        let [left, top, width, height] = self.box_px;
        Rect::new(left, top, width, height)
    }
}

/// Fails where a face's apparent age in `json` is another one than that in `answered`.
///
/// # Errors
/// A picture that the file does not hold, or the first face whose age differs by more than 0.001 years.
pub(super) fn check(json: &Path, answered: &[Answered]) -> Result<()> {
    let text =
        std::fs::read_to_string(json).with_context(|| format!("reading {}", json.display()))?;
    let lines = text.lines().enumerate().map(|(at, line)| {
        let line: Line = serde_json::from_str(line).with_context(|| format!("line {}", at + 1))?;
        Ok((line.source, line.faces))
    });
    let lines: HashMap<PathBuf, Vec<Face>> =
        lines.collect::<Result<_>>().with_context(|| format!("reading {}", json.display()))?;
    for one in answered {
        let path = one.row.path.as_path();
        let faces = lines
            .get(path)
            .with_context(|| format!("{} is not in the kiosk's answers", path.display()))?;
        let kiosk = nearest(faces, one.found.as_ref().map(|face| face.bounds), Face::bounds);
        let (ours, kiosk) =
            (one.answer().map(|a| a.years), kiosk.map(|face| face.apparent_age_years));
        let same = match (ours, kiosk) {
            (Some(ours), Some(kiosk)) => (ours - kiosk).abs() <= YEARS_MAX,
            (ours, kiosk) => ours.is_none() && kiosk.is_none(),
        };
        ensure!(same, "{}: the kiosk says {kiosk:?} years, eval {ours:?}", path.display());
    }
    let ages = answered.iter().filter(|one| one.estimate.is_some()).count();
    ensure!(ages > 0, "no face was found: there is nothing to compare");
    eprintln!("eval: the kiosk gives the same {ages} ages");
    Ok(())
}
