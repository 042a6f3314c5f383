//! The largest of each 2×2 block, for pixels that lie side by side.

/// From `[4 · n, channels]` to `[n, channels]`; bytes xored with `flip` are signed.
pub(crate) fn largest(bytes: &[u8], channels: usize, flip: u8, output: &mut [u8]) {
    let blocks = bytes.chunks_exact(4 * channels);
    for (block, output) in blocks.zip(output.chunks_exact_mut(channels)) {
        let (top, bottom) = block.split_at(2 * channels);
        let [(a, b), (c, d)] = [top, bottom].map(|row| row.split_at(channels));
        if flip == 0 {
            let signed = |byte: u8| byte.cast_signed();
            for (i, byte) in output.iter_mut().enumerate() {
                let most = signed(a[i]).max(signed(b[i])).max(signed(c[i])).max(signed(d[i]));
                *byte = most.cast_unsigned();
            }
        } else {
            for (i, byte) in output.iter_mut().enumerate() {
                *byte = a[i].max(b[i]).max(c[i]).max(d[i]);
            }
        }
    }
}
