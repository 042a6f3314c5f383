//! Whether a JPEG is all there.
//!
//! The decoder fills what is missing with grey and says nothing, so the segments are walked here
//! (ITU-T T.81, annex B.1) up to the end-of-image marker.

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;

/// Whether an end-of-image marker follows the picture's data; a thumbnail's own does not count.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        // In entropy-coded data, 0xFF 0x00 is a byte of data and 0xD0–0xD7 are restart markers.
        let marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF | 0xD0..=0xD7);
        let Some(at) = rest.windows(2).position(marker) else { return false };
        let kind = rest[at + 1];
        rest = &rest[at + 2..];
        match kind {
            END_OF_IMAGE => return true,
            START_OF_IMAGE => {}
            _ => {
                let Some(length) = rest.first_chunk().map(|b| u16::from_be_bytes(*b)) else {
                    return false;
                };
                let Some(after) = rest.get(usize::from(length)..) else { return false };
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
        let with_thumbnail =
            [0xFF, 0xD8, 0xFF, 0xE1, 0, 4, 0xFF, 0xD9, 0xFF, 0xDA, 0, 2, 7, 0xFF, 0];
        assert!(!is_complete(&with_thumbnail));
        assert!(is_complete(&[&with_thumbnail[..], &[0xFF, 0xD9]].concat()));
    }
}
