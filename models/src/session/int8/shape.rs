//! The geometry of a convolution, and the order in which its pixels are computed.

/// What a convolution reads and writes, free of how it is computed.
///
/// # Shapes
/// - input: `[height, width, channels]`
/// - output: `[height, width, outputs]`, halved in height and width where it is pooled
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    /// Height and width of the input in pixels.
    pub(crate) input: [usize; 2],
    /// Channels of the input.
    pub(crate) channels: usize,
    /// Height and width of the kernel in pixels.
    pub(crate) kernel: [usize; 2],
    /// Steps down and across in pixels.
    pub(crate) stride: [usize; 2],
    /// Rows added above and columns added on the left.
    pub(crate) pad: [usize; 2],
    /// Height and width of the output in pixels, before pooling; what lies right of and below the input
    /// is padding too.
    pub(crate) output: [usize; 2],
    /// Channels of the output.
    pub(crate) outputs: usize,
    /// Whether only the largest of each 2×2 block of output pixels is kept; an odd last row or column is
    /// dropped.
    pub(crate) pooled: bool,
}

impl Shape {
    /// Pixels under the kernel.
    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Products a sum is made of.
    pub(crate) fn depth(&self) -> usize {
        self.taps() * self.channels
    }

    /// Whether the kernel covers the input just once: a fully connected layer.
    pub(crate) fn is_dense(&self) -> bool {
        self.kernel == self.input && self.pad == [0, 0] && self.output == [1, 1]
    }

    /// The same layer with the whole input as one pixel.
    pub(crate) fn flattened(self) -> Self {
        let channels = self.depth();
        Self { channels, input: [1, 1], kernel: [1, 1], stride: [1, 1], ..self }
    }

    /// Bytes of the input.
    pub(crate) fn read(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    /// Height and width of what is written.
    pub(crate) fn written(&self) -> [usize; 2] {
        if self.pooled { self.output.map(|side| side / 2) } else { self.output }
    }

    /// Pixels that are computed.
    pub(crate) fn pixels(&self) -> usize {
        let [height, width] = self.written();
        height * width * self.pixels_a_written()
    }

    /// Computed pixels for each written one.
    pub(crate) fn pixels_a_written(&self) -> usize {
        if self.pooled { 4 } else { 1 }
    }

    /// Row and column of the `number`th computed pixel: row by row, or the four of a block in a row where
    /// they are pooled.
    #[allow(clippy::cast_possible_truncation, reason = "pixels of a map in memory")]
    pub(crate) fn pixel(&self, number: usize) -> [usize; 2] {
        // Maps are far smaller, and 32 bits divide faster.
        let split = |number: usize, across: usize| {
            let (number, across) = (number as u32, across as u32);
            [number / across, number % across].map(|place| place as usize)
        };
        if !self.pooled {
            return split(number, self.output[1]);
        }
        let [row, column] = split(number / 4, self.output[1] / 2);
        [2 * row + number % 4 / 2, 2 * column + number % 2]
    }

    /// The index of the input pixel that the kernel's pixel `tap` meets at the output pixel `at`; `None` in
    /// the padding.
    pub(crate) fn source(&self, at: [usize; 2], tap: usize) -> Option<usize> {
        let offset = [tap / self.kernel[1], tap % self.kernel[1]];
        let along = |axis: usize| {
            let place =
                (at[axis] * self.stride[axis] + offset[axis]).checked_sub(self.pad[axis])?;
            (place < self.input[axis]).then_some(place)
        };
        Some(along(0)? * self.input[1] + along(1)?)
    }

    /// The index of the input pixel under the kernel's first, where no tap of the output pixel `at` is in
    /// the padding.
    pub(crate) fn inside(&self, at: [usize; 2]) -> Option<usize> {
        let along = |axis: usize| {
            let place = (at[axis] * self.stride[axis]).checked_sub(self.pad[axis])?;
            (place + self.kernel[axis] <= self.input[axis]).then_some(place)
        };
        Some(along(0)? * self.input[1] + along(1)?)
    }

    /// In bytes: where the channels of each tap begin, seen from the first one's, inside the picture.
    pub(crate) fn offsets(&self) -> Vec<usize> {
        let place = |tap: usize| tap / self.kernel[1] * self.input[1] + tap % self.kernel[1];
        (0..self.taps()).map(|tap| place(tap) * self.channels).collect()
    }
}
