//! What a batch of scenes costs: scores, boxes, landmarks.

use anyhow::{Context, Result};
use tch::{Device, Kind, Reduction, Tensor, no_grad};

use super::targets::WIDTH;

/// What boxes count beside scores.
const BOX_WEIGHT: f64 = 2.0;

/// The parts of a loss, each over the faces' cells that are asked for.
pub(super) struct Loss {
    /// Quality focal loss (Li et al. 2020, equation 4): a score is right when it tells the box's IoU.
    pub(super) score: Tensor,
    /// 1 − IoU + the distance of the middles (Zheng et al. 2020, DIoU), and the raw numbers' error.
    pub(super) bounds: Tensor,
    /// Mean distance, in face sizes, or in eye distances where crops are told of.
    pub(super) landmarks: Tensor,
}

impl Loss {
    /// # Shapes
    /// - told, targets: `[batch, cells, 15]`, `[batch, cells, 16]`, f32
    /// - certainty: what a score tells of a face: its box's IoU at 0, that it is one at 1
    pub(super) fn of(told: &Tensor, targets: &Tensor, certainty: f64) -> Result<Self> {
        let wanted = targets.f_select(2, 0)?;
        let shown = wanted.f_gt(0.5)?;
        let faces = shown.f_sum(Kind::Float)?.f_clamp_min(1.0)?;
        let (face, label) = (pick(told, &shown)?, pick(targets, &shown)?);
        let (bounds, iou) = bounds(&face, &label)?;
        let told_of = iou * (1.0 - certainty) + certainty;
        let quality = wanted.f_zeros_like()?.f_masked_scatter(&shown, &told_of)?;
        let score = score(&told.f_select(2, 0)?, &quality, &wanted.f_ge(0.0)?)?;
        Ok(Self {
            score: score / &faces,
            bounds: bounds / &faces,
            landmarks: landmarks(&face.f_narrow(1, 5, 10)?, &label.f_narrow(1, 5, 11)?)? / &faces,
        })
    }

    /// That of crops around faces, in which no box is told.
    ///
    /// # Shapes
    /// - told, targets: `[crops, 11]`, `[crops, 12]`, f32: whether it is a face, ten landmarks; and in what their errors
    ///   are measured
    pub(super) fn of_crops(told: &Tensor, targets: &Tensor) -> Result<Self> {
        let wanted = targets.f_select(1, 0)?;
        let shown = wanted.f_gt(0.5)?;
        let faces = shown.f_sum(Kind::Float)?.f_clamp_min(1.0)?;
        let at = shown.f_nonzero()?.f_squeeze_dim(1)?;
        let (face, label) = (told.f_index_select(0, &at)?, targets.f_index_select(0, &at)?);
        let score = score(&told.f_select(1, 0)?, &wanted, &wanted.f_ones_like()?)?;
        Ok(Self {
            score: score / &faces,
            bounds: faces.f_zeros_like()?,
            landmarks: landmarks(&face.f_narrow(1, 1, 10)?, &label.f_narrow(1, 1, 11)?)? / &faces,
        })
    }

    /// All of it; landmarks, whose errors are in face sizes, count `landmarks` times as much as scores.
    pub(super) fn sum(&self, landmarks: f64) -> Tensor {
        &self.score + &self.bounds * BOX_WEIGHT + &self.landmarks * landmarks
    }
}

/// The rows of the cells that show a face: `[faces, width]`.
fn pick(rows: &Tensor, shown: &Tensor) -> Result<Tensor> {
    let at = shown.f_flatten(0, -1)?.f_nonzero()?.f_squeeze_dim(1)?;
    Ok(rows.f_flatten(0, 1)?.f_index_select(0, &at)?)
}

/// |quality − σ|² · cross entropy, summed over the cells that count.
fn score(logits: &Tensor, quality: &Tensor, counts: &Tensor) -> Result<Tensor> {
    let entropy = logits.f_binary_cross_entropy_with_logits::<Tensor>(
        quality,
        None,
        None,
        Reduction::None,
    )?;
    let off = (quality - logits.f_sigmoid()?).f_square()?;
    Ok((entropy * off * counts.f_to_kind(Kind::Float)?).f_sum(Kind::Float)?)
}

/// The boxes' loss, summed, and each box's IoU without gradient.
fn bounds(face: &Tensor, label: &Tensor) -> Result<(Tensor, Tensor)> {
    let part = |rows: &Tensor, at: i64| rows.f_narrow(1, at, 2);
    let (center, wanted) = (part(face, 1)?, part(label, 1)?);
    // exp() of what an untrained net says must stay finite.
    let (sides, wanted_sides) = (part(face, 3)?.f_clamp(-4.0, 6.0)?, part(label, 3)?);
    let (side, wanted_side) = (sides.f_exp()?, wanted_sides.f_exp()?);
    let (low, high) = (&center - &side / 2.0, &center + &side / 2.0);
    let (wanted_low, wanted_high) = (&wanted - &wanted_side / 2.0, &wanted + &wanted_side / 2.0);
    let area = |sides: &Tensor| sides.f_prod_dim_int(1, false, Kind::Float);
    let shared = (high.f_minimum(&wanted_high)? - low.f_maximum(&wanted_low)?).f_clamp_min(0.0)?;
    let around = high.f_maximum(&wanted_high)? - low.f_minimum(&wanted_low)?;
    let shared = area(&shared)?;
    let iou = &shared / (area(&side)? + area(&wanted_side)? - &shared).f_clamp_min(1e-6)?;
    let square =
        |x: &Tensor| x.f_square()?.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
    let distance = square(&(&center - &wanted))? / square(&around)?.f_clamp_min(1e-6)?;
    let raw = (sides - wanted_sides).f_abs()?.f_sum(Kind::Float)? * 0.25;
    let kept = no_grad(|| iou.f_clamp(0.0, 1.0))?.detach();
    let off: Tensor = distance - iou + 1.0;
    Ok((off.f_sum(Kind::Float)? + raw, kept))
}

/// The mean distance of five landmarks, in the last number of each label, summed over the faces.
fn landmarks(told: &Tensor, label: &Tensor) -> Result<Tensor> {
    let off = told - label.f_narrow(1, 0, 10)?;
    let unit = label.f_narrow(1, 10, 1)?;
    Ok((off / unit)
        .f_abs()?
        .f_mean_dim([1i64].as_slice(), false, Kind::Float)?
        .f_sum(Kind::Float)?)
}

/// Targets as torch reads them: `[scenes, cells, 16]`.
pub(super) fn to_tensor(targets: &[Vec<f32>], device: Device) -> Result<Tensor> {
    let all: Vec<f32> = targets.iter().flatten().copied().collect();
    let cells = targets.first().context("a batch without scenes")?.len() / WIDTH;
    let shape = [targets.len() as i64, cells as i64, WIDTH as i64];
    Ok(Tensor::f_from_slice(&all)?.f_reshape(shape)?.f_to_device(device)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One scene of two cells: a face of 2×2 strides in the middle of the first, and none.
    fn target() -> Tensor {
        let mut values = [0.0; 2 * WIDTH];
        values[0] = 1.0;
        (values[3], values[4], values[15]) = (2f32.ln(), 2f32.ln(), 2.0);
        Tensor::from_slice(&values).reshape([1, 2, WIDTH as i64])
    }

    fn told(first: [f32; 15]) -> Tensor {
        let mut values = [0.0; 30];
        values[..15].copy_from_slice(&first);
        values[15] = -20.0;
        Tensor::from_slice(&values).reshape([1, 2, 15])
    }

    fn parts(first: [f32; 15]) -> [f64; 3] {
        let loss = Loss::of(&told(first), &target(), 0.0).unwrap();
        [loss.score, loss.bounds, loss.landmarks].map(|part| f64::try_from(&part).unwrap())
    }

    #[test]
    fn a_face_told_exactly_costs_nothing() {
        let mut exact = [0.0; 15];
        (exact[0], exact[3], exact[4]) = (20.0, 2f32.ln(), 2f32.ln());
        assert!(parts(exact).iter().all(|part| part.abs() < 1e-5), "{:?}", parts(exact));
    }

    #[test]
    fn a_box_half_beside_costs_its_iou_and_its_distance() {
        let mut beside = [0.0; 15];
        (beside[0], beside[1], beside[3], beside[4]) = (0.0, 1.0, 2f32.ln(), 2f32.ln());
        let [score, bounds, _] = parts(beside);
        // A third of the union is shared; the middles are 1 apart, the corners of both 3 and 2.
        assert!((bounds - (2.0 / 3.0 + 1.0 / 13.0)).abs() < 1e-5, "{bounds}");
        // σ(0) = 1/2 instead of 1/3: (1/6)² · ln 2.
        assert!((score - 2f64.ln() / 36.0).abs() < 1e-5, "{score}");
    }

    #[test]
    fn a_landmark_off_costs_its_share_of_the_face() {
        let mut off = [0.0; 15];
        (off[0], off[3], off[4], off[5]) = (20.0, 2f32.ln(), 2f32.ln(), 1.0);
        assert!((parts(off)[2] - 0.05).abs() < 1e-6);
    }

    #[test]
    fn cells_that_do_not_count_cost_nothing() {
        let targets = target();
        let _ = targets.select(2, 0).fill_(-1.0);
        let loss = Loss::of(&told([5.0; 15]), &targets, 0.0).unwrap();
        assert_eq!(f64::try_from(&loss.sum(8.0)).unwrap(), 0.0);
    }
}
