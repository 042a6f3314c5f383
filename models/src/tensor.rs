//! A plain f32 tensor: what goes into and comes out of a network.

/// Values in row-major order with their shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Length of each axis, outermost first.
    pub shape: Vec<usize>,
    /// `shape.iter().product()` values.
    pub values: Vec<f32>,
}

impl Tensor {
    /// A tensor of `shape`; `None` where the number of values is another one.
    pub fn new(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Option<Self> {
        let shape = shape.into();
        let len = shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis))?;
        (len == values.len()).then_some(Self { shape, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_values_must_fit_the_shape() {
        assert!(Tensor::new([2, 3], vec![0.0; 6]).is_some());
        assert!(Tensor::new([2, 3], vec![0.0; 5]).is_none());
        assert!(Tensor::new([usize::MAX, 2], vec![]).is_none());
    }
}
