//! Runs the trunk over the crops.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use half::f16;
use half::slice::HalfFloatSliceExt;
use image::RgbImage;
use image::imageops::flip_horizontal;
use models::preprocess::Preprocessor;
use rayon::prelude::*;
use tch::{Tensor, no_grad};

use super::Options;
use super::store::{About, FEATURES, Features, write_rows};
use crate::crops::Crops;
use crate::feed::feed;
use crate::net::{self, Layer, Net, layer_of};
use crate::train::forward::{Forward, Mode, Parameters, to_plain};
use crate::weights::Weights;
use crate::{files, progress};

/// Computes what is not there yet.
///
/// # Errors
/// A trunk that does not fit the net, features of something else in the folder, a full disk; what was
/// written stays, and the next run goes on after it.
pub fn run(options: &Options) -> Result<()> {
    let net = net::named(&options.net)?;
    let size_px = u32::try_from(net.input_px)?;
    let crops = Crops::open(&options.crops, size_px)?;
    let device = options.device.open()?;
    let kind = options.precision.kind(device);
    tch::set_num_threads(i32::try_from(options.threads)?);
    let weights = trunk_weights(&net, &Weights::read(&options.trunk)?)?;
    let about = About {
        net: net.name.into(),
        trunk_sha256: weights.sha256(),
        input: weights.input.clone(),
        crops_sha256: files::sha256_of(&options.crops.join("crops.csv"))?,
        shape: net.trunk_shape(),
        mirrored: options.mirrored,
        precision: format!("{kind:?}"),
        crops_in_all: crops.rows.len(),
        shard: options.shard,
        sha256: String::new(),
    };
    let Some(mut cache) = Cache::open(&options.out, about)? else {
        eprintln!("features: {} is finished already", options.out.display());
        return Ok(());
    };
    let preprocessor = Preprocessor::new(&weights.input);
    let parameters = Parameters::new(&weights, device, |_| false)?;
    let forward = Forward { net: &net, parameters: &parameters, mode: Mode::Eval, kind };
    let range = options.shard.range(crops.rows.len());
    let bar = progress::bar("features", range.len() as u64);
    let done = cache.begin_at(options.batch)?;
    bar.inc(done as u64);
    let starts = (range.start + done..range.end).step_by(options.batch);
    let make = |start: usize| {
        let members = start..(start + options.batch).min(range.end);
        Ok(batch(&crops, members, &preprocessor, options.mirrored))
    };
    feed(starts, make, |batch: Batch| {
        let side = net.input_px as i64;
        let input = Tensor::f_from_slice(&batch.values)?.f_reshape([-1, 3, side, side])?;
        let features = no_grad(|| forward.trunk(&input.f_to_device(device)?))?;
        cache.append(&to_plain(&features)?.values)?;
        bar.inc(batch.crops as u64);
        Ok(())
    })?;
    bar.finish_and_clear();
    cache.finish(&crops, range)
}

/// Only the tensors of the trunk, each of the shape that the net has.
fn trunk_weights(net: &Net, weights: &Weights) -> Result<Weights> {
    let mut trunk = Weights { input: weights.input.clone(), ..Weights::default() };
    for layer in net.trunk.iter().filter_map(Layer::weighted) {
        weights.get(&format!("{}.weight", layer.name), &layer.shape)?;
        weights.get(&format!("{}.bias", layer.name), &layer.shape[..1])?;
        let tensors = weights.tensors.iter().filter(|(name, _)| layer_of(name) == layer.name);
        trunk.tensors.extend(tensors.map(|(name, tensor)| (name.clone(), tensor.clone())));
    }
    Ok(trunk)
}

struct Batch {
    values: Vec<f32>,
    crops: usize,
}

fn batch(
    crops: &Crops,
    members: Range<usize>,
    preprocessor: &Preprocessor,
    mirrored: bool,
) -> Batch {
    let count = members.len();
    let tensor = |picture: &RgbImage| preprocessor.tensor(picture).values;
    let size_px = crops.size_px();
    let rows: Vec<Vec<f32>> = members
        .into_par_iter()
        .map(|at| {
            let picture = crops.plain(at, size_px);
            let mut values = tensor(&picture);
            if mirrored {
                values.extend(tensor(&flip_horizontal(&picture)));
            }
            values
        })
        .collect();
    Batch { values: rows.concat(), crops: count }
}

/// Features on their way to disk: `features.f16.part` until they are finished.
struct Cache<'a> {
    folder: &'a Path,
    about: About,
    part: File,
}

impl<'a> Cache<'a> {
    /// Begins in `folder`, or goes on there; `None` where the features are finished.
    fn open(folder: &'a Path, about: About) -> Result<Option<Self>> {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        if let Ok(before) = About::read(folder) {
            let same = About { sha256: String::new(), ..before.clone() } == about;
            ensure!(same, "{} holds features of something else: {before:?}", folder.display());
            if Features::open_shard(folder).is_ok() {
                return Ok(None);
            }
        }
        about.write(folder)?;
        let path = Self::part_path(folder);
        let part = OpenOptions::new().read(true).append(true).create(true).open(&path);
        Ok(Some(Self {
            folder,
            about,
            part: part.with_context(|| format!("opening {}", path.display()))?,
        }))
    }

    fn part_path(folder: &Path) -> std::path::PathBuf {
        folder.join(format!("{FEATURES}.part"))
    }

    /// Cuts off what is not a whole batch; gives how many crops are done.
    fn begin_at(&mut self, batch: usize) -> Result<usize> {
        let crop_bytes = self.about.copies() * self.about.row_len() * size_of::<f16>();
        let there = usize::try_from(self.part.metadata()?.len())? / crop_bytes;
        let done =
            if there >= self.about.crops() { self.about.crops() } else { there / batch * batch };
        self.part.set_len((done * crop_bytes) as u64)?;
        self.part.seek(SeekFrom::End(0))?;
        Ok(done)
    }

    /// Appends rows and waits until the disk has them.
    fn append(&mut self, values: &[f32]) -> Result<()> {
        let mut halves = vec![f16::ZERO; values.len()];
        halves.convert_from_f32_slice(values);
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        let written = self.part.write_all(&bytes).and_then(|()| self.part.sync_data());
        written.with_context(|| {
            format!(
                "writing {}: what is there is kept; run the same command again to go on",
                Self::part_path(self.folder).display()
            )
        })
    }

    fn finish(mut self, crops: &Crops, range: Range<usize>) -> Result<()> {
        write_rows(self.folder, &crops.rows[range])?;
        self.about.sha256 = files::sha256(&files::map(&self.part)?);
        self.about.write(self.folder)?;
        fs::rename(Self::part_path(self.folder), self.folder.join(FEATURES))?;
        eprintln!("features: {} crops → {}", self.about.crops(), self.folder.display());
        Ok(())
    }
}
