//! Joins the shards of a feature cache.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Merging;
use super::store::{About, FEATURES, Features, Shard, write_rows};
use crate::files::{self, write_atomic};

/// Checks every shard's hash, and that they belong together and are all there; writes the whole.
///
/// # Errors
/// A shard that is missing, there twice, torn, or made of something else.
pub fn merge(options: &Merging) -> Result<()> {
    let mut shards =
        options.shards.iter().map(|folder| open(folder)).collect::<Result<Vec<_>>>()?;
    shards.sort_by_key(|shard| shard.about.shard.range(shard.about.crops_in_all).start);
    let whole = together(&shards)?;
    write_atomic(&options.out.join(FEATURES), |file| {
        shards.iter().try_for_each(|shard| Ok(file.write_all(shard.bytes())?))
    })?;
    let rows: Vec<_> = shards.iter().flat_map(|shard| shard.rows.clone()).collect();
    write_rows(&options.out, &rows)?;
    let sha256 = files::sha256_of(&options.out.join(FEATURES))?;
    About { sha256, ..whole }.write(&options.out)?;
    eprintln!("merge: {} crops → {}", rows.len(), options.out.display());
    Ok(())
}

fn open(folder: &Path) -> Result<Features> {
    let shard = Features::open_shard(folder)?;
    shard.check().with_context(|| folder.display().to_string())?;
    Ok(shard)
}

/// What the shards are together.
fn together(shards: &[Features]) -> Result<About> {
    let whole =
        |about: &About| About { shard: Shard::WHOLE, sha256: String::new(), ..about.clone() };
    let expected = whole(&shards[0].about);
    let mut next = 0;
    for shard in shards {
        let about = &shard.about;
        ensure!(
            whole(about) == expected,
            "shard {} was made of something else than shard {}: {about:?}",
            about.shard,
            shards[0].about.shard
        );
        let range = about.shard.range(about.crops_in_all);
        ensure!(
            range.start == next,
            "shard {} begins at crop {}, expected {next}: a shard is missing or there twice",
            about.shard,
            range.start
        );
        next = range.end;
    }
    ensure!(
        next == expected.crops_in_all,
        "the shards end at crop {next} of {}",
        expected.crops_in_all
    );
    Ok(expected)
}
