//! Scales the part of a picture that is shown: bilinear, after averaging where it shrinks a lot.
//!
//! Fixed point, rows first, so that the slow part is a plain loop over bytes.

use models::image::RgbView;

use super::theme::px;

/// Which pixel of the picture a pixel of the screen shows, along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Screen pixels a picture pixel, more than 0.
    pub(super) scale: f32,
    /// The picture coordinate at the left or top edge of the first screen pixel.
    pub(super) origin: f32,
    /// Screen pixels wanted.
    pub(super) len: u32,
}

/// The part of `frame` that `x` and `y` describe.
///
/// # Shapes
/// - result: `[y.len, x.len, 3]`, u8, sRGB
pub(super) fn resize(frame: &RgbView, x: Axis, y: Axis) -> Vec<u8> {
    let factor = usize::try_from(px((1.0 / x.scale.min(y.scale)).floor())).unwrap_or(1).max(1);
    if factor == 1 {
        return bilinear(frame, x, y);
    }
    let (width, height) = ((frame.width() / factor).max(1), (frame.height() / factor).max(1));
    let pixels = average(frame, factor, (width, height));
    match RgbView::new(&pixels, width, height, width * 3) {
        Some(small) => bilinear(&small, x.shrunk(factor), y.shrunk(factor)),
        None => bilinear(frame, x, y),
    }
}

/// Two neighbouring pixels and the weight of the second, of 256.
struct Tap {
    first: usize,
    second: usize,
    weight: u16,
}

impl Axis {
    /// The same part of a picture `factor` times smaller.
    fn shrunk(self, factor: usize) -> Self {
        let factor = factor as f32;
        Self { scale: self.scale * factor, origin: self.origin / factor, len: self.len }
    }

    fn taps(self, side: usize) -> Vec<Tap> {
        let last = side - 1;
        let tap = |i: u32| {
            let middle = self.origin + (i as f32 + 0.5) / self.scale - 0.5;
            let middle = middle.clamp(0.0, last as f32);
            let first = usize::try_from(px(middle.floor())).unwrap_or(0).min(last);
            let weight = px((middle - first as f32) * 256.0).clamp(0, 256);
            let weight = u16::try_from(weight).unwrap_or(0);
            Tap { first, second: (first + 1).min(last), weight }
        };
        (0..self.len).map(tap).collect()
    }
}

fn bilinear(frame: &RgbView, x: Axis, y: Axis) -> Vec<u8> {
    let columns = x.taps(frame.width());
    let mut mixed = vec![0u16; frame.width() * 3];
    let mut out = vec![0; columns.len() * y.len as usize * 3];
    let rows = out.chunks_exact_mut((columns.len() * 3).max(1));
    for (row, tap) in rows.zip(y.taps(frame.height())) {
        let (above, below) = (frame.row(tap.first), frame.row(tap.second));
        for ((sum, &a), &b) in mixed.iter_mut().zip(above).zip(below) {
            *sum = u16::from(a) * (256 - tap.weight) + u16::from(b) * tap.weight;
        }
        let pixels = mixed.as_chunks::<3>().0;
        for (out, tap) in row.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            let (left, right) = (&pixels[tap.first], &pixels[tap.second]);
            let weight = u32::from(tap.weight);
            *out = std::array::from_fn(|channel| {
                let sum = u32::from(left[channel]) * (256 - weight);
                byte(sum + u32::from(right[channel]) * weight)
            });
        }
    }
    out
}

/// A mean whose weights sum to 2^16, at most 255 * 2^16, as a byte.
#[allow(clippy::cast_possible_truncation, reason = "a mean of bytes is a byte")]
fn byte(sum: u32) -> u8 {
    ((sum + (1 << 15)) >> 16) as u8
}

/// The means of blocks of `factor` × `factor` pixels; what is left at the edges is left out.
fn average(frame: &RgbView, factor: usize, (width, height): (usize, usize)) -> Vec<u8> {
    let (block_w, block_h) = (factor.min(frame.width()), factor.min(frame.height()));
    let count = (block_w * block_h) as u64;
    let mut out = Vec::with_capacity(width * height * 3);
    let mut sums = vec![0u64; width * 3];
    for y in 0..height {
        sums.fill(0);
        for row in y * block_h..(y + 1) * block_h {
            let blocks = frame.row(row).chunks_exact(block_w * 3);
            for (sum, block) in sums.chunks_exact_mut(3).zip(blocks) {
                for pixel in block.chunks_exact(3) {
                    sum.iter_mut().zip(pixel).for_each(|(s, &v)| *s += u64::from(v));
                }
            }
        }
        out.extend(sums.iter().map(|s| u8::try_from((s + count / 2) / count).unwrap_or(u8::MAX)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(scale: f32, len: u32) -> Axis {
        Axis { scale, origin: 0.0, len }
    }

    fn grey(values: &[u8]) -> Vec<u8> {
        values.iter().flat_map(|&v| [v; 3]).collect()
    }

    #[test]
    fn at_its_own_size_a_picture_is_itself() {
        let pixels = [1, 2, 3, 4, 5, 6, 250, 251, 252, 253, 254, 255];
        let view = RgbView::new(&pixels, 2, 2, 6).unwrap();
        assert_eq!(resize(&view, axis(1.0, 2), axis(1.0, 2)), pixels);
    }

    #[test]
    fn between_two_pixels_lies_their_mean() {
        let pixels = grey(&[0, 200]);
        let view = RgbView::new(&pixels, 2, 1, 6).unwrap();
        let out = resize(&view, axis(2.0, 4), axis(1.0, 1));
        assert_eq!(out, grey(&[0, 50, 150, 200]));
    }

    #[test]
    fn shrinking_takes_every_pixel_into_account() {
        let pixels = grey(&[0, 0, 80, 0, 0, 0, 255, 255, 255, 255, 255, 255]);
        let view = RgbView::new(&pixels, 12, 1, 36).unwrap();
        let out = resize(&view, axis(1.0 / 6.0, 2), axis(1.0 / 6.0, 1));
        assert_eq!(out, grey(&[13, 255]));
    }

    #[test]
    fn one_pixel_fills_any_pane() {
        let view = RgbView::new(&[9, 8, 7], 1, 1, 3).unwrap();
        assert_eq!(resize(&view, axis(488.0, 2), axis(444.0, 1)), [9, 8, 7, 9, 8, 7]);
    }
}
