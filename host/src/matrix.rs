//! Large dense matrices in f32: products over all cores, and Cholesky's factor of one.

use anyhow::{Context, Result};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

/// Rows that one task computes, and columns that Cholesky takes at once.
const BLOCK: usize = 128;

/// a · b, each core its own rows.
pub fn product(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut sums = Array2::zeros((a.nrows(), b.ncols()));
    let blocks: Vec<_> = sums.axis_chunks_iter_mut(Axis(0), BLOCK).collect();
    blocks.into_par_iter().enumerate().for_each(|(at, mut sums)| {
        let rows = a.slice(s![at * BLOCK..at * BLOCK + sums.nrows(), ..]);
        general_mat_mul(1.0, &rows, &b, 0.0, &mut sums);
    });
    sums
}

/// Adds `share` · a · aᵀ to the lower triangle of `sums`; what is above it ends in any state.
///
/// # Shapes
/// - sums: `[a.rows, a.rows]`
pub fn add_square(share: f32, a: ArrayView2<'_, f32>, mut sums: ArrayViewMut2<'_, f32>) {
    let blocks: Vec<_> = sums.axis_chunks_iter_mut(Axis(0), BLOCK).collect();
    blocks.into_par_iter().enumerate().for_each(|(at, mut sums)| {
        let (from, upto) = (at * BLOCK, at * BLOCK + sums.nrows());
        let (rows, columns) = (a.slice(s![from..upto, ..]), a.slice(s![..upto, ..]));
        general_mat_mul(share, &rows, &columns.t(), 1.0, &mut sums.slice_mut(s![.., ..upto]));
    });
}

/// Replaces the lower triangle of a symmetric positive definite matrix by L, where L · Lᵀ is the matrix.
///
/// Block by block, right-looking (Golub, Van Loan 2013, section 4.2).
///
/// # Errors
/// It is not positive definite.
///
/// # Shapes
/// - matrix: `[size, size]`; only its lower triangle is read
pub fn cholesky(matrix: &mut Array2<f32>) -> Result<()> {
    let size = matrix.nrows();
    for begin in (0..size).step_by(BLOCK) {
        let end = (begin + BLOCK).min(size);
        let whole = factor(matrix.slice_mut(s![begin..end, begin..end]));
        whole.with_context(|| format!("the matrix is not positive definite near row {begin}"))?;
        let block = matrix.slice(s![begin..end, begin..end]).to_owned();
        let mut panel = matrix.slice(s![end.., begin..end]).to_owned();
        let rows: Vec<_> = panel.axis_iter_mut(Axis(0)).collect();
        rows.into_par_iter().for_each(|row| solve(block.view(), row));
        matrix.slice_mut(s![end.., begin..end]).assign(&panel);
        add_square(-1.0, panel.view(), matrix.slice_mut(s![end.., end..]));
    }
    Ok(())
}

/// Cholesky's factor of a small block, row by row; `None` where there is none.
fn factor(mut block: ArrayViewMut2<'_, f32>) -> Option<()> {
    for row in 0..block.nrows() {
        let (known, mut rest) = block.view_mut().split_at(Axis(0), row);
        let mut new = rest.row_mut(0);
        solve(known.view(), new.slice_mut(s![..row]));
        let before = new.slice(s![..row]);
        let square = new[row] - before.dot(&before);
        new[row] = (square > 0.0).then(|| square.sqrt())?;
    }
    Some(())
}

/// Replaces `row` by x, where x · blockᵀ is the row and the block is lower triangular.
fn solve(block: ArrayView2<'_, f32>, mut row: ArrayViewMut1<'_, f32>) {
    for j in 0..row.len() {
        let known = block.slice(s![j, ..j]).dot(&row.slice(s![..j]));
        row[j] = (row[j] - known) / block[[j, j]];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smooth numbers in [−1, 1].
    fn numbers(rows: usize, cols: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, cols), |(i, j)| {
            ((i * 31 + j * 17) as f32 * 0.7 + (i * j % 97) as f32).sin()
        })
    }

    #[test]
    fn products_are_those_of_one_core() {
        let (a, b) = (numbers(300, 40), numbers(40, 30));
        assert_eq!(product(a.view(), b.view()), a.dot(&b));
        assert_eq!(product(b.t(), a.t()), b.t().dot(&a.t()));
        assert_eq!(product(numbers(0, 4).view(), b.slice(s![..4, ..])).dim(), (0, 30));
    }

    #[test]
    fn the_factor_times_itself_is_the_matrix() {
        // Sizes below, at and past the blocks' ends.
        for size in [1, 7, 128, 300] {
            let mut square = Array2::eye(size);
            let a = numbers(size, size + 20);
            add_square(1.0, a.view(), square.view_mut());
            let mut lower = square.clone();
            cholesky(&mut lower).unwrap();
            for i in 0..size {
                let row = |i: usize| lower.slice(s![i, ..=i]).to_owned();
                for j in 0..=i {
                    let sum = row(i).slice(s![..=j]).dot(&row(j));
                    let scale = (square[[i, i]] * square[[j, j]]).sqrt();
                    assert!((sum - square[[i, j]]).abs() < 1e-4 * scale, "{size} {i} {j}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        let mut matrix = ndarray::arr2(&[[1.0, 0.0], [0.0, -1.0]]);
        let error = cholesky(&mut matrix).unwrap_err().to_string();
        assert_eq!(error, "the matrix is not positive definite near row 0");
    }
}
