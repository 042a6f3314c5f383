//! MJPEG as a stream: JPEGs one after the other, cut apart without decoding them.
//!
//! Segments are stepped over by their lengths, so that a thumbnail inside one does not end the frame
//! around it. What lies between frames is left out; a frame that another interrupts comes out as far as
//! it got, for its decoder to refuse and count.

/// A stream that grows by this much without a frame is no MJPEG; a 12-megapixel frame takes 8 MB.
const FRAME_BYTES_MAX: usize = 32 << 20;

const START: u8 = 0xD8;
const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;

/// Cuts a stream into JPEGs.
#[derive(Debug, Default)]
pub struct Mjpeg {
    buffer: Vec<u8>,
    /// Where the frame begins that is being looked at; what is before it is done with.
    start: usize,
    /// How far was looked.
    at: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    BetweenFrames,
    AtMarker,
    InScan,
}

/// What a look at the bytes came to.
enum Step {
    On,
    Frame(usize),
    Broken,
    NeedsMore,
}

impl Mjpeg {
    /// Adds what was read of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.at -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole JPEG; `None` where more must be read first.
    pub fn next_frame(&mut self) -> Option<Vec<u8>> {
        loop {
            let step = match self.place {
                Place::BetweenFrames => self.find_start(),
                Place::AtMarker => self.pass_segment(),
                Place::InScan => self.pass_scan(),
            };
            match step {
                Step::On => {}
                Step::Frame(end) => {
                    let frame = self.buffer[self.start..end].to_vec();
                    self.begin_at(end);
                    return Some(frame);
                }
                Step::Broken => self.begin_at(self.start + 2),
                Step::NeedsMore => {
                    if self.buffer.len() - self.start > FRAME_BYTES_MAX {
                        self.begin_at(self.buffer.len());
                    }
                    return None;
                }
            }
        }
    }

    fn begin_at(&mut self, place: usize) {
        (self.start, self.at, self.place) = (place, place, Place::BetweenFrames);
    }

    fn find_start(&mut self) -> Step {
        let found = self.buffer[self.at..].windows(2).position(|two| two == [0xFF, START]);
        // The last byte may be the first half of the marker.
        let skipped = found.unwrap_or((self.buffer.len() - self.at).saturating_sub(1));
        self.start = self.at + skipped;
        self.at = self.start;
        if found.is_none() {
            return Step::NeedsMore;
        }
        (self.at, self.place) = (self.start + 2, Place::AtMarker);
        Step::On
    }

    fn pass_segment(&mut self) -> Step {
        let Some(&[first, kind]) = self.bytes_at(self.at) else { return Step::NeedsMore };
        match (first, kind) {
            (0xFF, 0xFF) => self.at += 1,
            (0xFF, END) => return Step::Frame(self.at + 2),
            (0xFF, START) => return Step::Frame(self.at),
            (0xFF, 0x01 | 0xD0..=0xD7) => self.at += 2,
            (0xFF, 0x02..) => {
                let Some(&length) = self.bytes_at(self.at + 2) else { return Step::NeedsMore };
                let length = usize::from(u16::from_be_bytes(length));
                if length < 2 {
                    return Step::Broken;
                }
                self.at += 2 + length;
                if kind == SCAN {
                    self.place = Place::InScan;
                }
            }
            _ => return Step::Broken,
        }
        Step::On
    }

    fn pass_scan(&mut self) -> Step {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let Some(marker) = rest.iter().position(|&byte| byte == 0xFF) else {
            self.at = self.at.max(self.buffer.len());
            return Step::NeedsMore;
        };
        self.at += marker;
        let Some(&[_, kind]) = self.bytes_at(self.at) else { return Step::NeedsMore };
        match kind {
            // A stuffed byte, or a restart.
            0x00 | 0xD0..=0xD7 => self.at += 2,
            0xFF => self.at += 1,
            _ => self.place = Place::AtMarker,
        }
        Step::On
    }

    fn bytes_at(&self, at: usize) -> Option<&[u8; 2]> {
        self.buffer.get(at..)?.first_chunk()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A JPEG in outline: an EXIF segment with a thumbnail, a scan with a stuffed byte and a restart, and
    /// another scan.
    fn jpeg(mark: u8) -> Vec<u8> {
        let thumbnail = [0xFF, 0xE1, 0, 6, 0xFF, START, 0xFF, END];
        let scan = [0xFF, SCAN, 0, 3, 9, mark, 0xFF, 0, 7, 0xFF, 0xD3, mark];
        [&[0xFF, START][..], &thumbnail, &scan, &scan, &[0xFF, 0xFF, END]].concat()
    }

    fn frames(stream: &[u8], piece_bytes: usize) -> Vec<Vec<u8>> {
        let mut mjpeg = Mjpeg::default();
        let mut frames = Vec::new();
        for piece in stream.chunks(piece_bytes) {
            mjpeg.push(piece);
            frames.extend(std::iter::from_fn(|| mjpeg.next_frame()));
        }
        frames
    }

    #[test]
    fn frames_are_cut_apart_however_the_stream_arrives() {
        let stream =
            [b"noise\xFF".as_slice(), &jpeg(1), b"--boundary", &jpeg(2), &jpeg(3)].concat();
        for piece_bytes in [1, 2, 3, 7, 1000] {
            assert_eq!(frames(&stream, piece_bytes), [jpeg(1), jpeg(2), jpeg(3)], "{piece_bytes}");
        }
    }

    #[test]
    fn a_frame_that_is_interrupted_comes_out_as_it_is_and_the_next_is_whole() {
        let cut = &jpeg(1)[..16];
        assert_eq!(frames(&[cut, &jpeg(2)].concat(), 5), [cut.to_vec(), jpeg(2)]);
    }

    #[test]
    fn what_only_looks_like_a_start_is_passed_over() {
        for fake in [[0xFF, START, 1, 2, 3, 4], [0xFF, START, 0xFF, 0xE0, 0, 1]] {
            assert_eq!(frames(&[&fake[..], &jpeg(4)].concat(), 3), [jpeg(4)]);
        }
    }

    #[test]
    fn a_frame_without_end_does_not_take_all_memory() {
        let mut mjpeg = Mjpeg::default();
        mjpeg.push(&[0xFF, START, 0xFF, SCAN, 0, 2]);
        for _ in 0..3 * FRAME_BYTES_MAX / (1 << 20) {
            mjpeg.push(&[0; 1 << 20]);
            assert_eq!(mjpeg.next_frame(), None);
        }
        assert!(mjpeg.buffer.len() <= FRAME_BYTES_MAX + (2 << 20));
        mjpeg.push(&jpeg(5));
        assert_eq!(mjpeg.next_frame(), Some(jpeg(5)));
    }

    proptest! {
        #[test]
        fn any_stream_is_cut_the_same_in_any_pieces(
            stream in proptest::collection::vec(
                prop_oneof![
                    Just(0xFF), Just(START), Just(END), Just(SCAN), Just(0xE0), 0u8..8, any::<u8>()
                ],
                0..200,
            ),
            piece_bytes in 1usize..20,
        ) {
            let whole = frames(&stream, 1000);
            prop_assert!(whole.iter().map(Vec::len).sum::<usize>() <= stream.len());
            prop_assert!(whole.iter().all(|frame| frame.starts_with(&[0xFF, START])));
            prop_assert_eq!(frames(&stream, piece_bytes), whole);
        }
    }
}
