//! MATLAB 5 files (`.mat`, also scipy's), as far as IMDB-WIKI needs them: numbers, texts, cells and one
//! struct. After "MAT-File Format", The MathWorks, R2024a.
//!
//! Nothing is copied out of the file but what is asked for: cells are read one at a time, so that half
//! a million of them need no tree in memory. Files may be broken or hostile: every length is checked
//! against what is there, and what a compressed part may grow to is limited.

use std::io::Read;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::ZlibDecoder;

/// Bytes before the first element.
const HEADER: usize = 128;
/// Fields that a struct may have; imdb.mat's has ten.
const FIELDS_MAX: usize = 256;
/// Cells of one element in cells: scipy nests texts where its user did.
const NESTED_MAX: usize = 8;

/// Types of data elements (table 1-1).
mod kind {
    pub(super) const INT8: u32 = 1;
    pub(super) const UINT8: u32 = 2;
    pub(super) const INT16: u32 = 3;
    pub(super) const UINT16: u32 = 4;
    pub(super) const INT32: u32 = 5;
    pub(super) const UINT32: u32 = 6;
    pub(super) const SINGLE: u32 = 7;
    pub(super) const DOUBLE: u32 = 9;
    pub(super) const INT64: u32 = 12;
    pub(super) const UINT64: u32 = 13;
    pub(super) const MATRIX: u32 = 14;
    pub(super) const COMPRESSED: u32 = 15;
    pub(super) const UTF8: u32 = 16;
    pub(super) const UTF16: u32 = 17;
    pub(super) const UTF32: u32 = 18;
}

/// Classes of arrays (table 1-3).
const CELL: u8 = 1;
const STRUCT: u8 = 2;
const CHAR: u8 = 4;

/// The bytes of the first struct in a file, ready for [`Array::parse`]; inflated to at most `limit`
/// bytes.
///
/// # Errors
/// Not such a file, of version 7.3 (HDF5) or big-endian, cut off, too large, or without a struct.
pub fn first_struct(file: &[u8], limit: u64) -> Result<Vec<u8>> {
    ensure!(
        file.len() >= HEADER,
        "{} bytes, expected a MATLAB 5 file of {HEADER} or more",
        file.len()
    );
    ensure!(!file.starts_with(b"\x89HDF"), "an HDF5 file (MATLAB 7.3): save it with -v7 or older");
    ensure!(!file.starts_with(b"MATLAB 7.3"), "MATLAB 7.3 (HDF5): save it with -v7 or older");
    match &file[124..HEADER] {
        [0, 1, b'I', b'M'] => {}
        [1, 0, b'M', b'I'] => bail!("it is big-endian, expected a little-endian MATLAB 5 file"),
        other => bail!("its header ends in {other:?}, expected a MATLAB 5 file"),
    }
    let mut elements = Elements(&file[HEADER..]);
    while let Some(element) = elements.next().transpose()? {
        let matrix = match element.kind {
            kind::COMPRESSED => inflate(element.data, limit)?,
            kind::MATRIX => element.data.to_vec(),
            _ => continue,
        };
        if Array::parse(&matrix).is_ok_and(|array| array.class == STRUCT) {
            return Ok(matrix);
        }
    }
    bail!("it holds no struct")
}

/// The matrix in a compressed element.
fn inflate(data: &[u8], limit: u64) -> Result<Vec<u8>> {
    let mut inflated = Vec::new();
    let read = ZlibDecoder::new(data).take(limit + 1).read_to_end(&mut inflated);
    read.context("a compressed variable is broken or cut off")?;
    ensure!(
        inflated.len() as u64 <= limit,
        "a variable inflates to more than {limit} bytes: raise --mat-max-mb if you trust the file"
    );
    let element = Elements(&inflated).next().context("a compressed variable is empty")??;
    // The whole word: a matrix is never a small element, so its bytes begin after eight.
    let tag = kind::MATRIX.to_le_bytes();
    ensure!(inflated.starts_with(&tag), "a compressed variable of kind {}", element.kind);
    let end = 8 + element.data.len();
    inflated.truncate(end);
    inflated.drain(..8);
    Ok(inflated)
}

/// One tagged piece.
#[derive(Clone, Copy)]
struct Element<'a> {
    kind: u32,
    data: &'a [u8],
}

/// Tagged pieces one after the other.
#[derive(Clone)]
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn split(&mut self) -> Result<Element<'a>> {
        let [a, b, c, d, rest @ ..] = self.0 else { bail!("a tag is cut off") };
        let tag = u32::from_le_bytes([*a, *b, *c, *d]);
        let (small, kind) = ((tag >> 16) as usize, tag & 0xffff);
        if small > 0 {
            // A small element: tag and data share eight bytes.
            ensure!(small <= 4 && rest.len() >= 4, "a small element of {small} bytes is cut off");
            self.0 = &rest[4..];
            return Ok(Element { kind, data: &rest[..small] });
        }
        let [a, b, c, d, rest @ ..] = rest else { bail!("a tag is cut off") };
        let len = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        ensure!(len <= rest.len(), "an element says {len} bytes where {} are left", rest.len());
        // All but compressed elements begin at multiples of eight.
        let padded = if kind == kind::COMPRESSED { len } else { len.next_multiple_of(8) };
        self.0 = &rest[padded.min(rest.len())..];
        Ok(Element { kind, data: &rest[..len] })
    }

    fn of_kind(&mut self, kind: u32) -> Result<&'a [u8]> {
        let element = self.split()?;
        ensure!(element.kind == kind, "an element of kind {}, expected {kind}", element.kind);
        Ok(element.data)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let element = self.split();
        if element.is_err() {
            self.0 = &[];
        }
        Some(element)
    }
}

/// One array: its kind, its length and where its content begins.
#[derive(Clone)]
pub struct Array<'a> {
    class: u8,
    /// The number of its elements.
    pub len: usize,
    content: Elements<'a>,
}

impl<'a> Array<'a> {
    /// Reads the head of a matrix.
    ///
    /// # Errors
    /// A head that is cut off or contradicts itself.
    pub fn parse(matrix: &'a [u8]) -> Result<Self> {
        let mut content = Elements(matrix);
        if matrix.is_empty() {
            return Ok(Self { class: 0, len: 0, content });
        }
        let flags = content.of_kind(kind::UINT32)?;
        let class = *flags.first().context("an array without flags")?;
        let dims = content.of_kind(kind::INT32)?.chunks_exact(4);
        let mut len = 1usize;
        for dim in dims {
            let dim = i32::from_le_bytes([dim[0], dim[1], dim[2], dim[3]]);
            let dim = usize::try_from(dim).context("an array of negative size")?;
            len = len.checked_mul(dim).context("an array of impossible size")?;
        }
        content.of_kind(kind::INT8)?;
        Ok(Self { class, len, content })
    }

    /// The fields of a struct of one element, by name.
    ///
    /// # Errors
    /// Another kind of array, or broken fields.
    pub fn fields(&self) -> Result<Vec<(String, Array<'a>)>> {
        ensure!(self.class == STRUCT, "an array of class {}, expected a struct", self.class);
        ensure!(self.len == 1, "a struct of {} elements, expected one", self.len);
        let mut content = self.content.clone();
        let width = content.of_kind(kind::INT32)?;
        let width =
            width.first().copied().filter(|&w| w > 0).context("field names of no length")?;
        let names = content.of_kind(kind::INT8)?.chunks_exact(width.into());
        let len = names.len();
        ensure!(len <= FIELDS_MAX, "a struct of {len} fields, expected at most {FIELDS_MAX}");
        let names = names.map(|name| {
            let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(name).into_owned()
        });
        names
            .map(|name| {
                let array = content.of_kind(kind::MATRIX).and_then(Self::parse);
                Ok((name.clone(), array.with_context(|| format!("field {name}"))?))
            })
            .collect()
    }

    /// The elements of a cell array, one at a time.
    ///
    /// # Errors
    /// Another kind of array; each element tells of its own.
    pub fn cells(&self) -> Result<impl Iterator<Item = Result<Array<'a>>> + use<'a>> {
        ensure!(self.class == CELL, "an array of class {}, expected cells", self.class);
        let content = self.content.clone();
        Ok(content.map(|element| {
            let element = element?;
            ensure!(element.kind == kind::MATRIX, "a cell of kind {}", element.kind);
            Self::parse(element.data)
        }))
    }

    /// The values of a numeric array.
    ///
    /// # Errors
    /// Another kind of array, or fewer values than its size says.
    pub fn numbers(&self) -> Result<impl Iterator<Item = f64> + use<'a>> {
        ensure!(
            self.class == 0 || self.class >= 6,
            "an array of class {}, expected numbers",
            self.class
        );
        let element = if self.len == 0 {
            Element { kind: kind::DOUBLE, data: &[] }
        } else {
            self.content.clone().split()?
        };
        let number = Number::of(element.kind)?;
        let found = element.data.len() / number.bytes;
        ensure!(found == self.len, "{found} numbers where its size says {}", self.len);
        Ok(element.data.chunks_exact(number.bytes).map(number.read))
    }

    /// The characters of a text, also where it is the one element of a cell.
    ///
    /// # Errors
    /// Another kind of array, or bytes that are no text.
    pub fn text(&self) -> Result<String> {
        let array = self.innermost()?;
        if array.len == 0 {
            return Ok(String::new());
        }
        ensure!(array.class == CHAR, "an array of class {}, expected a text", array.class);
        let element = array.content.clone().split()?;
        let wide = |n: usize| element.data.chunks_exact(n);
        Ok(match element.kind {
            kind::UTF8 | kind::INT8 | kind::UINT8 => {
                String::from_utf8_lossy(element.data).into_owned()
            }
            kind::UTF16 | kind::UINT16 => {
                let units = wide(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
                String::from_utf16_lossy(&units.collect::<Vec<_>>())
            }
            kind::UTF32 | kind::UINT32 => {
                let points = wide(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                points.map(|p| char::from_u32(p).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
            other => bail!("a text of kind {other}"),
        })
    }

    /// What is in a cell of one element, in a cell of one element, and so on.
    fn innermost(&self) -> Result<Self> {
        let mut array = self.clone();
        for _ in 0..NESTED_MAX {
            if array.class != CELL || array.len != 1 {
                break;
            }
            array = array.cells()?.next().context("a cell without its element")??;
        }
        Ok(array)
    }
}

/// How a number lies in the file.
struct Number {
    bytes: usize,
    read: fn(&[u8]) -> f64,
}

impl Number {
    #[allow(clippy::cast_precision_loss, reason = "64-bit integers stand for days and years here")]
    fn of(kind: u32) -> Result<Self> {
        macro_rules! read {
            ($type:ty) => {
                Self {
                    bytes: size_of::<$type>(),
                    read: |bytes| {
                        let mut value = [0; size_of::<$type>()];
                        value.copy_from_slice(bytes);
                        <$type>::from_le_bytes(value) as f64
                    },
                }
            };
        }
        Ok(match kind {
            kind::INT8 => read!(i8),
            kind::UINT8 => read!(u8),
            kind::INT16 => read!(i16),
            kind::UINT16 => read!(u16),
            kind::INT32 => read!(i32),
            kind::UINT32 => read!(u32),
            kind::SINGLE => read!(f32),
            kind::DOUBLE => read!(f64),
            kind::INT64 => read!(i64),
            kind::UINT64 => read!(u64),
            other => bail!("numbers of kind {other}"),
        })
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "a few bytes in every array")]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    /// An element with its padding.
    fn element(kind: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn matrix(class: u8, dims: [i32; 2], content: &[u8]) -> Vec<u8> {
        let flags = [u32::from(class).to_le_bytes(), [0; 4]].concat();
        let dims = dims.map(i32::to_le_bytes).concat();
        let head = [element(6, &flags), element(5, &dims), element(1, b"")].concat();
        element(14, &[&head, content].concat())
    }

    pub(crate) fn numbers(values: &[f64]) -> Vec<u8> {
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        matrix(6, [1, values.len() as i32], &element(9, &data))
    }

    /// Years as MATLAB keeps them: doubles in as few bytes as will do.
    pub(crate) fn years(values: &[u16]) -> Vec<u8> {
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        matrix(6, [1, values.len() as i32], &element(4, &data))
    }

    pub(crate) fn text(text: &str) -> Vec<u8> {
        let data: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        // Up to four bytes lie in the tag itself.
        let element = match data.len() {
            len @ 1..=4 => {
                let tag = ((len as u32) << 16 | 4).to_le_bytes();
                let mut bytes = [&tag[..], &data].concat();
                bytes.resize(8, 0);
                bytes
            }
            _ => element(4, &data),
        };
        matrix(4, [1, text.encode_utf16().count() as i32], &element)
    }

    pub(crate) fn cells(cells: &[Vec<u8>]) -> Vec<u8> {
        matrix(1, [1, cells.len() as i32], &cells.concat())
    }

    /// A file with the struct of `fields`.
    pub(crate) fn file(fields: &[(&str, Vec<u8>)], compressed: bool) -> Vec<u8> {
        let names: Vec<u8> = fields
            .iter()
            .flat_map(|(name, _)| {
                let mut name = name.as_bytes().to_vec();
                name.resize(32, 0);
                name
            })
            .collect();
        let width = [(4u32 << 16 | 5).to_le_bytes(), 32u32.to_le_bytes()].concat();
        let values = fields.iter().flat_map(|(_, value)| value.clone()).collect();
        let content = [width, element(1, &names), values].concat();
        let variable = matrix(2, [1, 1], &content);
        let mut file = vec![b' '; 124];
        file.extend([0, 1, b'I', b'M']);
        if compressed {
            let mut encoder = ZlibEncoder::new(vec![], Compression::fast());
            encoder.write_all(&variable).unwrap();
            let data = encoder.finish().unwrap();
            file.extend([15u32.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat());
            file.extend(data);
        } else {
            file.extend(variable);
        }
        file
    }

    fn sample(compressed: bool) -> Vec<u8> {
        let names = ["Ana", "Jürgen Ærø", "", "山田"].map(text);
        file(
            &[
                ("score", numbers(&[1.5, f64::NEG_INFINITY, f64::NAN, -2.0])),
                ("year", years(&[2010, 1990, 0, 7])),
                ("name", cells(&names)),
                ("none", cells(&[numbers(&[]), text("x")])),
            ],
            compressed,
        )
    }

    /// Everything a file says, as text.
    fn read(file: &[u8]) -> Result<String> {
        let bytes = first_struct(file, 1 << 20)?;
        let mut found = String::new();
        for (name, array) in Array::parse(&bytes)?.fields()? {
            if let Ok(cells) = array.cells() {
                for cell in cells {
                    found += &format!("{name} {:?}\n", cell?.text());
                }
            } else {
                found += &format!("{name} {:?}\n", array.numbers()?.collect::<Vec<_>>());
            }
        }
        Ok(found)
    }

    #[test]
    fn numbers_texts_and_cells_are_read_compressed_or_not() {
        let expected = "score [1.5, -inf, NaN, -2.0]\nyear [2010.0, 1990.0, 0.0, 7.0]\n\
            name Ok(\"Ana\")\nname Ok(\"Jürgen Ærø\")\nname Ok(\"\")\nname Ok(\"山田\")\n\
            none Ok(\"\")\nnone Ok(\"x\")\n";
        assert_eq!(read(&sample(false)).unwrap(), expected);
        assert_eq!(read(&sample(true)).unwrap(), expected);
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error() {
        for compressed in [false, true] {
            let file = sample(compressed);
            for len in 0..file.len() {
                assert!(read(&file[..len]).is_err(), "{len} of {} bytes", file.len());
            }
        }
    }

    #[test]
    fn other_files_are_told_apart() {
        let mut big = sample(false);
        big[124..128].copy_from_slice(&[1, 0, b'M', b'I']);
        let hdf = [b"MATLAB 7.3 MAT-file".to_vec(), vec![0; 200]].concat();
        let empty = file(&[], false)[..128].to_vec();
        for (file, what) in [
            (big, "big-endian"),
            (hdf, "7.3"),
            (vec![b'x'; 200], "expected a MATLAB 5 file"),
            (empty, "no struct"),
        ] {
            let error = first_struct(&file, 1 << 20).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn texts_in_cells_in_cells_are_read_but_not_for_ever() {
        let nested = |deep| (0..deep).fold(text("Ana"), |inner, _| cells(&[inner]));
        let read_nested = |deep| read(&file(&[("name", cells(&[nested(deep)]))], true)).unwrap();
        for deep in 0..4 {
            assert_eq!(read_nested(deep), "name Ok(\"Ana\")\n", "{deep} deep");
        }
        assert!(read_nested(5000).contains("expected a text"));
    }

    #[test]
    fn bytes_after_a_compressed_variable_are_passed_over() {
        let plain = sample(false);
        let mut encoder = ZlibEncoder::new(vec![], Compression::fast());
        encoder.write_all(&plain[128..]).unwrap();
        encoder.write_all(&[0; 8]).unwrap();
        let packed = encoder.finish().unwrap();
        let tag = [15u32.to_le_bytes(), (packed.len() as u32).to_le_bytes()].concat();
        let padded = [&plain[..128], &tag, &packed].concat();
        assert_eq!(read(&padded).unwrap(), read(&plain).unwrap());
    }

    #[test]
    fn a_struct_of_countless_fields_is_refused() {
        let width = [(4u32 << 16 | 5).to_le_bytes(), 1u32.to_le_bytes()].concat();
        let names = element(1, &[b'a'; 5000]);
        let values = element(14, b"").repeat(5000);
        let variable = matrix(2, [1, 1], &[width, names, values].concat());
        let error = read(&[&sample(false)[..128], &variable].concat()).unwrap_err().to_string();
        assert!(error.contains("5000 fields, expected at most"), "{error}");
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let zeros = numbers(&vec![0.0; 1 << 18]);
        let bomb = file(&[("zeros", zeros)], true);
        assert!(bomb.len() < 1 << 16);
        let error = first_struct(&bomb, 1 << 20).unwrap_err().to_string();
        assert!(error.contains("more than 1048576 bytes"), "{error}");
    }

    proptest! {
        #[test]
        fn whatever_is_changed_nothing_panics(
            changes in proptest::collection::vec((128usize..600, any::<u8>()), 1..6),
            compressed: bool,
        ) {
            let mut file = sample(compressed);
            for (at, byte) in changes {
                let at = at % file.len();
                file[at] = byte;
            }
            let _ = read(&file);
        }
    }
}
