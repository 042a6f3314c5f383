//! Smaller fully connected layers: fc6 and fc7 of every head as two thin layers each, by a truncated
//! singular value decomposition (Denton et al. 2014; Girshick 2015, section 3.1).
//!
//! The largest singular vectors are found by a randomized range finder with power iterations (Halko,
//! Martinsson, Tropp 2011, algorithms 4.4 and 5.1): 25,088 × 4,096 weights take seconds, not hours.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, ensure};
use ndarray::{Array2, ArrayView2, Axis, s};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::matrix::product;
use crate::net::{Layer, Linear, Net};
use crate::weights::Weights;

/// Directions looked at beyond those kept, and rounds of power iteration: the authors' advice.
const SPARE: usize = 10;
const ROUNDS: usize = 2;
/// Sweeps of Jacobi's method; it is done long before.
const SWEEPS: usize = 30;

/// Singular values that are kept of fc6 and of fc7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranks {
    /// Of fc6.
    pub fc6: usize,
    /// Of fc7.
    pub fc7: usize,
}

impl FromStr for Ranks {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let expected = || format!("{text:?}, expected two whole numbers above 0, such as 256,128");
        let (fc6, fc7) = text.split_once(',').with_context(expected)?;
        let rank = |text: &str| text.trim().parse().ok().filter(|&rank: &usize| rank > 0);
        let (fc6, fc7) = rank(fc6).zip(rank(fc7)).with_context(expected)?;
        Ok(Self { fc6, fc7 })
    }
}

/// What became of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Thinned {
    /// Its name.
    pub name: String,
    /// Singular values kept.
    pub rank: usize,
    /// Weights before and after.
    pub weights: (usize, usize),
    /// Share of the weights' sum of squares that is kept, in [0, 1].
    pub energy: f64,
}

impl fmt::Display for Thinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, rank, weights: (before, after), energy } = self;
        write!(
            f,
            "{name}: rank {rank}, {before} → {after} weights, {:.2} % of the energy",
            100.0 * energy
        )
    }
}

/// The net with fc6 and fc7 cut down, and its weights. A layer NAME of more than that rank becomes
/// NAME.thin, which has no bias and no ReLU, and NAME.
///
/// # Errors
/// Weights that do not fit the net, or a net without such layers.
///
/// # Shapes
/// - weights: folded ([`crate::fold`])
pub fn thin(net: &Net, weights: &Weights, ranks: Ranks) -> Result<(Net, Weights, Vec<Thinned>)> {
    let (mut net, mut weights, mut told) = (net.clone(), weights.clone(), vec![]);
    for part in [&mut net.trunk, &mut net.age, &mut net.gender] {
        let mut thinned = vec![];
        for layer in part.drain(..) {
            match rank_of(&layer, ranks) {
                Some((linear, rank)) => {
                    let (pair, what) = split(linear, rank, &mut weights)?;
                    thinned.extend(pair);
                    told.push(what);
                }
                None => thinned.push(layer),
            }
        }
        *part = thinned;
    }
    ensure!(!told.is_empty(), "{} has no fc6 or fc7 above those ranks", net.name);
    Ok((net, weights, told))
}

/// The layer and what it is cut down to, where it is.
fn rank_of(layer: &Layer, ranks: Ranks) -> Option<(&Linear, usize)> {
    let Layer::Linear(linear) = layer else { return None };
    let rank = match linear.name.rsplit('.').next()? {
        "fc6" => ranks.fc6,
        "fc7" => ranks.fc7,
        _ => return None,
    };
    (rank < linear.inputs.min(linear.outputs)).then_some((linear, rank))
}

fn split(linear: &Linear, rank: usize, weights: &mut Weights) -> Result<([Layer; 2], Thinned)> {
    let Linear { name, inputs, outputs, relu } = linear;
    let full = weights.get(&format!("{name}.weight"), &[*outputs, *inputs])?;
    let full = ArrayView2::from_shape((*outputs, *inputs), &full.values)?;
    let square = full.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>();
    let (left, right, kept) = truncated(full, rank);
    let thin = format!("{name}.thin");
    weights.set(format!("{thin}.weight"), &[rank, *inputs], right.into_iter().collect());
    weights.set(format!("{thin}.bias"), &[rank], vec![0.0; rank]);
    weights.set(format!("{name}.weight"), &[*outputs, rank], left.into_iter().collect());
    let layer = |name: &str, inputs, outputs, relu| {
        Layer::Linear(Linear { name: name.to_owned(), inputs, outputs, relu })
    };
    let told = Thinned {
        name: name.clone(),
        rank,
        weights: (outputs * inputs, rank * (outputs + inputs)),
        energy: kept / square.max(f64::MIN_POSITIVE),
    };
    Ok(([layer(&thin, *inputs, rank, false), layer(name, rank, *outputs, *relu)], told))
}

/// The nearest product of two thin matrices, and the sum of squares of the singular values kept. Both
/// take the root of each singular value, so that neither is small.
///
/// # Shapes
/// - full: `[outputs, inputs]` → `[outputs, rank]` and `[rank, inputs]`
fn truncated(full: ArrayView2<'_, f32>, rank: usize) -> (Array2<f32>, Array2<f32>, f64) {
    let (outputs, inputs) = full.dim();
    let width = (rank + SPARE).min(outputs.min(inputs));
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let probes = Array2::from_shape_simple_fn((inputs, width), || rng.random::<f32>() - 0.5);
    let mut range = orthonormal(product(full, probes.view()));
    for _ in 0..ROUNDS {
        let back = orthonormal(product(full.t(), range.view()));
        range = orthonormal(product(full, back.view()));
    }
    // full ≈ range · within, whose singular vectors are those of a small symmetric matrix.
    let within = product(range.t(), full);
    let small = product(within.view(), within.t()).mapv(f64::from);
    let (squares, vectors) = eigen(small);
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&a, &b| squares[b].total_cmp(&squares[a]));
    order.truncate(rank);
    let kept = order.iter().map(|&at| squares[at].max(0.0)).sum();
    #[allow(clippy::cast_possible_truncation, reason = "entries of unit vectors")]
    let chosen = vectors.select(Axis(1), &order).mapv(|v| v as f32);
    let (mut left, mut right) =
        (product(range.view(), chosen.view()), product(chosen.t(), within.view()));
    for (at, &column) in order.iter().enumerate() {
        #[allow(clippy::cast_possible_truncation, reason = "a singular value of f32 weights")]
        let root = (squares[column].max(f64::MIN_POSITIVE)).powf(0.25) as f32;
        left.column_mut(at).mapv_inplace(|v| v * root);
        right.row_mut(at).mapv_inplace(|v| v / root);
    }
    (left, right, kept)
}

/// Columns of length 1 at right angles that span the same; Gram and Schmidt's, each column twice, which
/// f32 needs. Columns that depend on those before them become 0.
fn orthonormal(columns: Array2<f32>) -> Array2<f32> {
    let mut rows = columns.reversed_axes().as_standard_layout().into_owned();
    for at in 0..rows.nrows() {
        let (before, mut rest) = rows.view_mut().split_at(Axis(0), at);
        let mut row = rest.row_mut(0);
        let length = row.dot(&row).sqrt();
        for _ in 0..2 {
            let along = before.dot(&row);
            row -= &along.dot(&before);
        }
        let left = row.dot(&row).sqrt();
        let unit = if left > 1e-6 * length { left.recip() } else { 0.0 };
        row.mapv_inplace(|v| v * unit);
    }
    rows.reversed_axes()
}

/// Eigenvalues and, as columns, eigenvectors of a symmetric matrix: Jacobi's method, row by row
/// (Golub, Van Loan 2013, section 8.5).
fn eigen(mut matrix: Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let size = matrix.nrows();
    // The rows of the transposed vectors lie together.
    let mut vectors = Array2::<f64>::eye(size);
    let tiny = 1e-14 * matrix.diag().iter().map(|v| v.abs()).sum::<f64>();
    for _ in 0..SWEEPS {
        let mut largest = 0.0f64;
        for p in 0..size {
            for q in p + 1..size {
                let off = matrix[[p, q]];
                largest = largest.max(off.abs());
                if off.abs() > tiny {
                    let turn = Turn::clearing(matrix[[p, p]], off, matrix[[q, q]]);
                    turn.rows(&mut matrix, p, q);
                    turn.rows(&mut vectors, p, q);
                    turn.columns(&mut matrix, p, q);
                }
            }
        }
        if largest <= tiny {
            break;
        }
    }
    (matrix.diag().to_vec(), vectors.reversed_axes())
}

/// A rotation of two axes.
struct Turn {
    cos: f64,
    sin: f64,
}

impl Turn {
    /// That which makes the off-diagonal element `off` 0.
    fn clearing(first: f64, off: f64, second: f64) -> Self {
        let half = (second - first) / (2.0 * off);
        let tan = half.signum() / (half.abs() + half.hypot(1.0));
        let cos = tan.hypot(1.0).recip();
        Self { cos, sin: tan * cos }
    }

    fn rows(&self, matrix: &mut Array2<f64>, p: usize, q: usize) {
        let (mut first, mut second) = matrix.multi_slice_mut((s![p, ..], s![q, ..]));
        ndarray::Zip::from(&mut first).and(&mut second).for_each(|a, b| self.pair(a, b));
    }

    fn columns(&self, matrix: &mut Array2<f64>, p: usize, q: usize) {
        let (mut first, mut second) = matrix.multi_slice_mut((s![.., p], s![.., q]));
        ndarray::Zip::from(&mut first).and(&mut second).for_each(|a, b| self.pair(a, b));
    }

    fn pair(&self, a: &mut f64, b: &mut f64) {
        (*a, *b) = (self.cos * *a - self.sin * *b, self.sin * *a + self.cos * *b);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;

    use super::*;
    use crate::init;

    fn numbers(rows: usize, cols: usize, seed: u64) -> Array2<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Array2::from_shape_simple_fn((rows, cols), || rng.random::<f32>() - 0.5)
    }

    /// 90 × 120 numbers with singular values 1, 1/2, 1/4 …
    fn halving() -> Array2<f32> {
        let left = orthonormal(numbers(90, 20, 1));
        let right = orthonormal(numbers(120, 20, 2));
        let scale = Array2::from_diag(&Array1::from_iter((0..20).map(|k| 0.5f32.powi(k))));
        left.dot(&scale).dot(&right.t())
    }

    #[test]
    fn what_is_cut_off_is_no_more_than_the_singular_values_left_out() {
        let full = halving();
        let (left, right, kept) = truncated(full.view(), 5);
        let off = (&full - &left.dot(&right)).mapv(|v| f64::from(v).powi(2)).sum();
        // Σ 4⁻ᵏ from 5 on is 4⁻⁵ · 4/3; below 5 it is 4/3 less that.
        let left_out = 4f64.powi(-5) * 4.0 / 3.0;
        assert!((off / left_out - 1.0).abs() < 0.01, "{off} {left_out}");
        assert!((kept - (4.0 / 3.0 - left_out)).abs() < 1e-4, "{kept}");
    }

    #[test]
    fn a_symmetric_matrix_is_its_eigenvectors_turned_back() {
        let a = numbers(30, 30, 3).mapv(f64::from);
        let symmetric = &a + &a.t();
        let (values, vectors) = eigen(symmetric.clone());
        let diagonal = Array2::from_diag(&Array1::from(values));
        let again = vectors.dot(&diagonal).dot(&vectors.t());
        assert!((again - symmetric).iter().all(|v| v.abs() < 1e-9));
    }

    fn small() -> Net {
        let linear = |name: &str, inputs, outputs, relu| {
            Layer::Linear(Linear { name: name.into(), inputs, outputs, relu })
        };
        Net {
            name: "small",
            input_px: 4,
            trunk: vec![Layer::Flatten],
            age: vec![linear("age.fc6", 48, 30, true), linear("age", 30, 101, false)],
            gender: vec![linear("gender.fc7", 48, 20, true), linear("gender", 20, 2, false)],
        }
    }

    #[test]
    fn layers_become_two_and_keep_their_names_and_shapes() {
        let net = small();
        let weights = init::he(&net, 1);
        let (thinned, weights, told) = thin(&net, &weights, Ranks { fc6: 7, fc7: 5 }).unwrap();
        let names: Vec<String> =
            thinned.layers().filter_map(Layer::weighted).map(|l| l.name.to_owned()).collect();
        let expected =
            ["age.fc6.thin", "age.fc6", "age", "gender.fc7.thin", "gender.fc7", "gender"];
        assert_eq!(names, expected);
        for layer in thinned.layers().filter_map(Layer::weighted) {
            weights.get(&format!("{}.weight", layer.name), &layer.shape).unwrap();
        }
        assert_eq!(told[0].weights, (48 * 30, 7 * 78));
        assert!(told.iter().all(|t| (0.2..0.9).contains(&t.energy)), "{told:?}");
        let whole = thin(&net, &init::he(&net, 1), Ranks { fc6: 64, fc7: 64 });
        let error = whole.unwrap_err().to_string();
        assert_eq!(error, "small has no fc6 or fc7 above those ranks");
    }

    #[test]
    fn ranks_are_two_numbers_above_0() {
        assert_eq!("256,128".parse::<Ranks>().unwrap(), Ranks { fc6: 256, fc7: 128 });
        for wrong in ["256", "256,0", "a,b", "1,2,3", ""] {
            assert!(wrong.parse::<Ranks>().unwrap_err().to_string().contains("such as 256,128"));
        }
    }
}
