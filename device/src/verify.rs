//! `kiosk bundle verify`: hashes first, then the stored answers against this machine's.

use std::io::Write;

use anyhow::{Context, Result};
use models::bundle::Bundle;
use models::detect;
use models::golden;
use models::manifest::Role;
use models::session::Options;

use crate::report::Outcome;

/// Two builds of one network may differ by the order of their sums, and by nothing that is seen.
const AGE_YEARS_MAX: f32 = 0.05;
/// The same for the probability *female*.
const GENDER_MAX: f32 = 0.002;

/// Checks the answers of a bundle, whose hashes were checked as it was opened, and says what was found.
///
/// # Errors
/// Where its network cannot be computed.
pub fn run(bundle: Bundle, options: &Options, out: &mut dyn Write) -> Result<Outcome> {
    let manifest = bundle.manifest();
    writeln!(out, "{}: every file has its hash (bundle {:.16}…)", manifest.name, bundle.sha256())?;
    let name = manifest.name.clone();
    if manifest.detector.is_some() {
        detect::open(bundle, options)?;
        writeln!(out, "the network is as the manifest says")?;
        return Ok(Outcome::Good);
    }
    if bundle.file(Role::Golden).is_none() {
        writeln!(out, "no goldens: what its network answers was not checked")?;
        return Ok(Outcome::Bad);
    }
    let deviation = golden::check(bundle, options).with_context(|| format!("checking {name}"))?;
    let (age, gender) = (deviation.age_years_max, deviation.gender_max);
    writeln!(
        out,
        "{} faces: the apparent age differs by at most {age:.4} years, expected {AGE_YEARS_MAX}; \
         the probability of a gender by {gender:.5}, expected {GENDER_MAX}",
        deviation.crops
    )?;
    let good = age <= AGE_YEARS_MAX && gender <= GENDER_MAX;
    Ok(if good { Outcome::Good } else { Outcome::Bad })
}
