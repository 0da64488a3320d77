//! Decodes a file: UTF-8 and UTF-16 are read; a file that is not text is refused with the name of its format.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use super::row::ImportError;

/// How many bytes at the beginning of a file are inspected.
const BEGINNING: u64 = 1 << 16;

/// A file as UTF-8, without a byte order mark, and its beginning.
pub(super) struct Text<R: Read> {
    pub(super) beginning: Vec<u8>,
    rest: R,
}

/// Formats that are not text: how they begin, what they are, and what to do with the file.
const OTHER_FORMATS: [(&[u8], &str); 12] = [
    (b"\x1f\x8b", "gzip; unpack it first, as with gunzip"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook (.xlsx); unpack it, or save the sheet as CSV"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls); save the sheet as CSV"),
    (b"BZh", "bzip2; unpack it first, as with bunzip2"),
    (b"\xfd7zXZ\0", "xz; unpack it first, as with unxz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard; unpack it first, as with unzstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "an Apache Parquet file"),
    (b"SQLite format 3\0", "an SQLite database; restore a backup with receiptd restore"),
];

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF_32_MARKS: [&[u8]; 2] = [b"\xff\xfe\0\0", b"\0\0\xfe\xff"];

/// Reads a file as text.
pub(super) fn text(mut file: impl Read) -> Result<Text<impl Read>, ImportError> {
    let mut beginning = Vec::new();
    (&mut file).take(BEGINNING).read_to_end(&mut beginning)?;
    let order = byte_order(&beginning)?;
    let file = Cursor::new(beginning).chain(file);
    let mut text = match order {
        Some(order) => Decoded::Utf16(Utf16 { file, order, high: None, ready: Cursor::default() }),
        None => Decoded::Utf8(file),
    };
    let mut beginning = Vec::new();
    (&mut text).take(BEGINNING).read_to_end(&mut beginning)?;
    while beginning.starts_with(UTF_8_MARK) {
        beginning.drain(..UTF_8_MARK.len());
    }
    let first = String::from_utf8_lossy(&beginning[..beginning.len().min(100)]).trim_start().to_ascii_lowercase();
    if ["<!doctype", "<html", "<?xml"].iter().any(|start| first.starts_with(start)) {
        return Err(ImportError::NoText("HTML or XML; it may be a saved error page"));
    }
    Ok(Text { beginning, rest: text })
}

impl<R: Read> Text<R> {
    /// Returns the whole text, from the beginning.
    pub(super) fn reader(self) -> impl BufRead {
        BufReader::with_capacity(1 << 16, Cursor::new(self.beginning).chain(self.rest))
    }
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

/// Returns whether a file with this beginning can be read without conversion: it is text, and not UTF-16.
pub fn is_utf_8(beginning: &[u8]) -> Result<bool, ImportError> {
    byte_order(beginning).map(|order| order.is_none())
}

/// Returns a UTF-8 or UTF-16 file as UTF-8.
pub fn as_utf_8(file: impl Read) -> Result<impl BufRead, ImportError> {
    Ok(text(file)?.reader())
}

/// Returns the byte order if this is UTF-16. It has a byte order mark, or every other byte of the first characters is
/// zero.
fn byte_order(beginning: &[u8]) -> Result<Option<ByteOrder>, ImportError> {
    if let Some((_, name)) = OTHER_FORMATS.iter().find(|(magic, _)| beginning.starts_with(magic)) {
        return Err(ImportError::NoText(name));
    }
    if UTF_32_MARKS.iter().any(|mark| beginning.starts_with(mark)) {
        return Err(ImportError::NoText("UTF-32; save it as UTF-8"));
    }
    Ok(match beginning {
        [0xff, 0xfe, ..] | [1..=255, 0, 1..=255, 0, ..] => Some(ByteOrder::Little),
        [0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255, ..] => Some(ByteOrder::Big),
        _ => None,
    })
}

enum Decoded<R: Read> {
    Utf8(R),
    Utf16(Utf16<R>),
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Utf8(file) => file.read(buffer),
            Self::Utf16(file) => file.read(buffer),
        }
    }
}

/// UTF-16 as UTF-8. A surrogate without its pair is replaced.
struct Utf16<R> {
    file: R,
    order: ByteOrder,
    /// A high surrogate whose pair has to follow.
    high: Option<u16>,
    /// What is decoded, but not yet read.
    ready: Cursor<Vec<u8>>,
}

/// How many units are decoded together.
const UNITS: usize = 4096;

impl<R: Read> Utf16<R> {
    fn decode(&mut self) -> io::Result<String> {
        let mut bytes = Vec::with_capacity(2 * UNITS);
        (&mut self.file).take(2 * UNITS as u64).read_to_end(&mut bytes)?;
        let unit = |bytes: &[u8]| match (bytes, self.order) {
            ([low, high], ByteOrder::Little) | ([high, low], ByteOrder::Big) => u16::from_be_bytes([*high, *low]),
            // Half a unit at the end is invalid.
            _ => 0xfffd,
        };
        let mut units: Vec<u16> = self.high.take().into_iter().chain(bytes.chunks(2).map(unit)).collect();
        let is_high = |unit: &mut u16| (0xd800..0xdc00).contains(unit);
        // At the end of the file, no pair can follow.
        self.high = if bytes.len() == 2 * UNITS { units.pop_if(is_high) } else { None };
        Ok(String::from_utf16_lossy(&units))
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.ready.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        self.ready = Cursor::new(self.decode()?.into_bytes());
        self.ready.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(file: &[u8]) -> Result<String, ImportError> {
        let mut read = String::new();
        text(file)?.reader().read_to_string(&mut read)?;
        Ok(read)
    }

    fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn a_file_that_is_not_text_is_refused_with_its_format() {
        for (file, name) in [
            (&b"\x1f\x8b\x08\0"[..], "gzip"),
            (b"PK\x03\x04\x14\0", "Excel"),
            (b"\xff\xfe\0\0{\0\0\0", "UTF-32"),
            (b"SQLite format 3\0", "receiptd restore"),
            (b"\n <!DOCTYPE html>", "HTML"),
        ] {
            let refused = text(file).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(refused.contains(name), "{refused}");
        }
    }

    #[test]
    fn a_surrogate_without_its_pair_and_half_a_unit_are_replaced() {
        assert_eq!(read(b"\xff\xfea\0\x00\xd8b\0c").unwrap(), "a\u{fffd}b\u{fffd}");
    }

    proptest! {
        #[test]
        fn a_text_reads_alike_in_every_encoding(text in "[ -~][ -~]\\PC{0,40}", times in prop::sample::select(vec![1_usize, 400])) {
            let text = text.repeat(times);
            prop_assume!(!text.trim_start().starts_with('<'));
            prop_assume!(OTHER_FORMATS.iter().all(|(magic, _)| !text.as_bytes().starts_with(magic)));
            prop_assert_eq!(read(text.as_bytes()).unwrap(), text.clone());
            for marked in [text.clone(), format!("\u{feff}{text}")] {
                prop_assert_eq!(read(marked.as_bytes()).unwrap(), text.clone());
                prop_assert_eq!(read(&utf_16(&marked, u16::to_le_bytes)).unwrap(), text.clone());
                prop_assert_eq!(read(&utf_16(&marked, u16::to_be_bytes)).unwrap(), text.clone());
            }
        }

        #[test]
        fn no_file_is_a_panic(file in prop::collection::vec(any::<u8>(), 0..99)) {
            let _ = read(&file);
        }
    }
}
