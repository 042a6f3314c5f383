//! `kiosk bundle`: verify, install, list and rollback.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use models::bundle::trust::Signer;
use models::bundle::{self, Bundle};
use serde::{Deserialize, Serialize};

use super::{Shelf, room};
use crate::cli::BundleCommand;
use crate::cli::compute::ComputeArgs;
use crate::report::Outcome;
use crate::{columns, kernels, verify};

/// A bundle that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Counts the bundles of that name; `null` where it is refused.
    pub version: Option<u32>,
    /// Its folder.
    pub dir: String,
    /// Whether its name means this one.
    pub in_use: bool,
    /// The name of the key that signed it, `nobody` or `unknown`; `null` where it is refused.
    pub signed_by: Option<String>,
    /// Why it is refused.
    pub refused: Option<String>,
}

/// Runs a subcommand.
///
/// # Errors
/// What was asked for and could not be done.
pub fn run(command: &BundleCommand, out: &mut dyn Write) -> Result<Outcome> {
    let shelf = Shelf::of_machine()?;
    match command {
        BundleCommand::Verify { bundle, compute } => {
            let bundle = shelf.open(bundle)?.bundle;
            verify::run(bundle, &kernels::options(compute), out)
        }
        BundleCommand::Install { dir, compute } => install(&shelf, dir, compute, out),
        BundleCommand::List { json } => list(&shelf, *json, out),
        BundleCommand::Rollback { name } => roll_back(&shelf, name, out),
    }
}

fn install(
    shelf: &Shelf,
    dir: &Path,
    compute: &ComputeArgs,
    out: &mut dyn Write,
) -> Result<Outcome> {
    room::check(dir, Path::new("/"))?;
    let mut told = Vec::new();
    let check = |copy: &Path| {
        let bundle = Bundle::open_by(copy, &shelf.policy)?;
        match verify::run(bundle, &kernels::options(compute), &mut told)? {
            Outcome::Good => Ok(()),
            _ => bail!(String::from_utf8_lossy(&told).trim().replace('\n', "; ")),
        }
    };
    let installed = shelf
        .store
        .install(dir, &shelf.policy, check)
        .with_context(|| format!("installing {}", dir.display()))?;
    out.write_all(&told)?;
    let (name, version) = (&installed.name, installed.version);
    let dir = installed.dir.display();
    if installed.was_there {
        writeln!(out, "{name}, version {version}, is in use already: {dir}")?;
    } else {
        writeln!(out, "{name}, version {version}, is in use from the next start on: {dir}")?;
    }
    Ok(Outcome::Good)
}

fn roll_back(shelf: &Shelf, name: &str, out: &mut dyn Write) -> Result<Outcome> {
    let shipped = bundle::find(name, &shelf.shipped);
    let dir = shelf.store.roll_back(name, &shelf.policy, shipped)?;
    writeln!(out, "{name} is {} from the next start on", dir.display())?;
    Ok(Outcome::Good)
}

fn list(shelf: &Shelf, json: bool, out: &mut dyn Write) -> Result<Outcome> {
    let listed = listed(shelf);
    if json {
        serde_json::to_writer(&mut *out, &serde_json::json!({ "bundles": listed }))?;
        writeln!(out)?;
        return Ok(Outcome::Good);
    }
    let row = |it: &Listed| {
        let version = it.version.map_or(String::new(), |version| version.to_string());
        let note = match (&it.refused, &it.signed_by) {
            (Some(why), _) => format!("refused: {why}"),
            (None, signed_by) => format!("signed by {}", signed_by.as_deref().unwrap_or_default()),
        };
        let used = if it.in_use { "in use" } else { "" };
        [it.name.clone(), version, used.to_owned(), it.dir.clone(), note]
    };
    let rows: Vec<_> = listed.iter().map(row).collect();
    columns::write(["NAME", "VERSION", "", "FOLDER", "NOTE"], &rows, out)?;
    Ok(Outcome::Good)
}

/// All bundles that can be opened by a name, each name's best place first.
fn listed(shelf: &Shelf) -> Vec<Listed> {
    let mut all = Vec::new();
    for name in shelf.names() {
        let mut taken = false;
        for dir in shelf.places(&name) {
            if !dir.exists() && !dir.is_symlink() {
                continue;
            }
            let one = look(shelf, &name, &dir, taken);
            taken |= one.in_use;
            all.push(one);
        }
    }
    all
}

fn look(shelf: &Shelf, name: &str, dir: &Path, taken: bool) -> Listed {
    let opened = Bundle::open_by(dir, &shelf.policy);
    let signed_by = opened.as_ref().ok().map(|bundle| match bundle.signer() {
        Signer::Nobody => "nobody".to_owned(),
        Signer::Unknown => "unknown".to_owned(),
        Signer::Key(name) => name.clone(),
    });
    Listed {
        name: name.to_owned(),
        version: opened.as_ref().ok().map(|bundle| bundle.manifest().version),
        dir: dir.display().to_string(),
        in_use: !taken && opened.is_ok(),
        signed_by,
        refused: opened.err().map(|error| format!("{:#}", anyhow::Error::new(error))),
    }
}
