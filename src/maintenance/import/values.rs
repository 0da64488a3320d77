//! Splits a file into JSON values: one per line, over many lines, with or without commas between them, or in arrays.
//! Only one value of a file is in memory at a time.

use std::io::BufRead;

use super::{
    bounded::LONGEST,
    row::{ImportError, too_long},
};

/// A value, or a line that is not a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The number of the line in which it begins, or of the element within an array. Later pieces have greater numbers.
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

/// Splits a file into values. Whether they are valid JSON is found out later, when they are parsed.
pub(super) struct Values<R> {
    reader: R,
    /// Bytes that were read ahead and are read again, in reverse order.
    again: Vec<u8>,
    /// The line of the next byte.
    line: u64,
    /// How many arrays around the values are open.
    arrays: usize,
    /// Whether the array must continue with a comma, or end.
    is_after_element: bool,
    /// The number of the last piece.
    last: u64,
}

impl<R: BufRead> Values<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, again: Vec::new(), line: 1, arrays: 0, is_after_element: false, last: 0 }
    }

    /// Returns the next piece. Outside of arrays, an error affects one line only. Within an array, the values after an
    /// error cannot be separated any more.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, ImportError> {
        while let Some(byte) = self.peek()? {
            match byte {
                _ if byte.is_ascii_whitespace() => self.take()?,
                b'[' if !self.is_after_element => {
                    self.take()?;
                    self.arrays += 1;
                }
                b']' if self.arrays > 0 => {
                    self.take()?;
                    self.arrays -= 1;
                    self.is_after_element = self.arrays > 0;
                }
                b',' if self.arrays == 0 || self.is_after_element => {
                    self.take()?;
                    self.is_after_element = false;
                }
                _ if self.is_after_element => return Err(self.broken("an element does not end with a comma")),
                _ if self.arrays > 0 => return self.element().map(Some),
                b'{' => return self.value().map(Some),
                _ => return self.rest_of_line(Vec::new()).map(Some),
            }
        }
        if self.arrays > 0 { Err(self.broken("the array does not end")) } else { Ok(None) }
    }

    fn element(&mut self) -> Result<Piece, ImportError> {
        let (mut bytes, mut shape) = (Vec::new(), Shape::default());
        let number = self.last + 1;
        while let Some(byte) = self.peek()? {
            let step = shape.follow(byte);
            if step != Step::Before {
                self.take()?;
                bytes.push(byte);
                Self::bounded(&bytes, number)?;
            }
            match step {
                Step::More => {}
                Step::Last | Step::Before => {
                    self.is_after_element = true;
                    self.last = number;
                    return Ok(Piece { number, bytes });
                }
                Step::Broken => return Err(self.broken("an element is not JSON")),
            }
        }
        Err(self.broken("an element does not end"))
    }

    /// Reads an object outside of arrays, which may have many lines. If it is not valid or does not end, its first line
    /// becomes a piece, so that one incomplete line does not swallow the lines after it.
    fn value(&mut self) -> Result<Piece, ImportError> {
        let (mut bytes, mut shape, line) = (Vec::new(), Shape::default(), self.line);
        let mut has_line_that_begins_a_value = false;
        while let Some(byte) = self.peek()? {
            let is_broken = shape.depth() > DEEPEST || (byte == b'\n' && shape.is_in_text());
            match if is_broken { Step::Broken } else { shape.follow(byte) } {
                Step::Broken => return self.first_line(bytes, line),
                Step::Before => return Ok(self.piece(line, bytes)),
                step => {
                    has_line_that_begins_a_value |= b"{[".contains(&byte) && bytes.ends_with(b"\n");
                    self.take()?;
                    bytes.push(byte);
                    Self::bounded(&bytes, self.number(line))?;
                    if step == Step::Last {
                        return Ok(self.piece(line, bytes));
                    }
                }
            }
        }
        if has_line_that_begins_a_value { self.first_line(bytes, line) } else { Ok(self.piece(line, bytes)) }
    }

    /// Returns the first line of the bytes, and puts the others back.
    fn first_line(&mut self, mut bytes: Vec<u8>, line: u64) -> Result<Piece, ImportError> {
        match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.again.extend(bytes[end..].iter().rev());
                self.line = line;
                bytes.truncate(end);
                Ok(self.piece(line, bytes))
            }
            None => self.rest_of_line(bytes),
        }
    }

    /// Reads up to the end of the line.
    fn rest_of_line(&mut self, mut bytes: Vec<u8>) -> Result<Piece, ImportError> {
        let line = self.line;
        while let Some(byte) = self.peek()?.filter(|byte| *byte != b'\n') {
            self.take()?;
            bytes.push(byte);
            Self::bounded(&bytes, self.number(line))?;
        }
        Ok(self.piece(line, bytes.trim_ascii().to_vec()))
    }

    fn piece(&mut self, line: u64, bytes: Vec<u8>) -> Piece {
        self.last = self.number(line);
        Piece { number: self.last, bytes }
    }

    fn number(&self, line: u64) -> u64 {
        line.max(self.last + 1)
    }

    fn peek(&mut self) -> Result<Option<u8>, ImportError> {
        match self.again.last() {
            Some(byte) => Ok(Some(*byte)),
            None => Ok(self.reader.fill_buf()?.first().copied()),
        }
    }

    fn take(&mut self) -> Result<(), ImportError> {
        let byte = self.peek()?;
        if self.again.pop().is_none() {
            self.reader.consume(1);
        }
        self.line += u64::from(byte == Some(b'\n'));
        Ok(())
    }

    fn bounded(bytes: &[u8], number: u64) -> Result<(), ImportError> {
        if bytes.len() as u64 >= LONGEST { Err(too_long(number)) } else { Ok(()) }
    }

    fn broken(&self, why: &str) -> ImportError {
        ImportError::Layout { row: self.last + 1, why: format!("{why} (line {})", self.line) }
    }
}

/// The maximum depth of JSON that is parsed.
const DEEPEST: usize = 128;

/// The meaning of the next byte for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It is part of the value.
    More,
    /// It is the last byte of the value.
    Last,
    /// It is not part of the value, which ended before it.
    Before,
    /// A value cannot contain it there.
    Broken,
}

/// The structure of a value up to now: enough to find its end.
#[derive(Default)]
struct Shape {
    /// The open objects and arrays, each with the byte that closes it.
    open: Vec<u8>,
    expected: Expected,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Expected {
    #[default]
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    /// More of a string: whether it is a key, and whether the next byte is escaped.
    Text {
        is_key: bool,
        is_escaped: bool,
    },
    /// More of a number or a word.
    Word,
}

impl Shape {
    fn depth(&self) -> usize {
        self.open.len()
    }

    fn is_in_text(&self) -> bool {
        matches!(self.expected, Expected::Text { .. })
    }

    fn follow(&mut self, byte: u8) -> Step {
        use Expected::{Colon, CommaOrEnd, Key, KeyOrEnd, Text, Value, ValueOrEnd, Word};
        let is_word = byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        match (self.expected, byte) {
            (Text { is_key, is_escaped: true }, _) => self.expected = Text { is_key, is_escaped: false },
            (Text { is_key, .. }, b'\\') => self.expected = Text { is_key, is_escaped: true },
            (Text { is_key: true, .. }, b'"') => self.expected = Colon,
            (Text { is_key: false, .. }, b'"') => return self.end_of_value(),
            (Word, _) if is_word => {}
            (Word, _) if self.open.is_empty() => return Step::Before,
            (Word, _) => {
                self.expected = CommaOrEnd;
                return self.follow(byte);
            }
            (Text { .. }, _) | (_, b' ' | b'\t' | b'\r' | b'\n') => {}
            (ValueOrEnd | KeyOrEnd | CommaOrEnd, b']' | b'}') if self.open.last() == Some(&byte) => {
                self.open.pop();
                return self.end_of_value();
            }
            (Value | ValueOrEnd, b'{') => self.begin(b'}', KeyOrEnd),
            (Value | ValueOrEnd, b'[') => self.begin(b']', ValueOrEnd),
            (Value | ValueOrEnd, b'"') => self.expected = Text { is_key: false, is_escaped: false },
            (Value | ValueOrEnd, _) if is_word => self.expected = Word,
            (Key | KeyOrEnd, b'"') => self.expected = Text { is_key: true, is_escaped: false },
            (Colon, b':') => self.expected = Value,
            (CommaOrEnd, b',') => self.expected = if self.open.last() == Some(&b'}') { Key } else { Value },
            _ => return Step::Broken,
        }
        Step::More
    }

    fn begin(&mut self, end: u8, expected: Expected) {
        self.open.push(end);
        self.expected = expected;
    }

    fn end_of_value(&mut self) -> Step {
        self.expected = Expected::CommaOrEnd;
        if self.open.is_empty() { Step::Last } else { Step::More }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn pieces(file: &str) -> Result<Vec<(u64, String)>, ImportError> {
        let (mut values, mut pieces) = (Values::new(file.as_bytes()), Vec::new());
        while let Some(Piece { number, bytes }) = values.next()? {
            assert!(pieces.last().is_none_or(|(last, _)| *last < number), "{file:?}");
            pieces.push((number, String::from_utf8(bytes).unwrap()));
        }
        Ok(pieces)
    }

    #[track_caller]
    fn assert_pieces(file: &str, expected: &[(u64, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(number, text)| (*number, (*text).to_owned())).collect();
        assert_eq!(pieces(file).unwrap(), expected, "{file:?}");
    }

    #[test]
    fn values_are_separated_in_any_layout() {
        let pretty = "{\n  \"a\": [1,\n 2],\n  \"b\": \"}{\\\"\"\n}";
        assert_pieces(pretty, &[(1, pretty)]);
        assert_pieces("{\"a\":1}\n\n{\"b\":2}\r\n", &[(1, "{\"a\":1}"), (3, "{\"b\":2}")]);
        assert_pieces("{\"a\":1}{\"b\":2} {}", &[(1, "{\"a\":1}"), (2, "{\"b\":2}"), (3, "{}")]);
        assert_pieces("{\"a\":1},\n{\"b\":2},\n", &[(1, "{\"a\":1}"), (2, "{\"b\":2}")]);
        assert_pieces("[{\"a\":\n1}, 2 ,\"x\"]", &[(1, "{\"a\":\n1}"), (2, "2"), (3, "\"x\"")]);
        assert_pieces("[[{\"a\":1},[]],[{}]]\n[{\"b\":[1]}]", &[(1, "{\"a\":1}"), (2, "{}"), (3, "{\"b\":[1]}")]);
        assert_pieces("", &[]);
        assert_pieces(" [ ]\n\u{c}\n", &[]);
    }

    #[test]
    fn a_broken_line_affects_no_other_line() {
        for (broken, why) in [
            ("{\"a\":1,", "it goes on with no name"),
            ("{\"a\":", "it is cut off before a value, and the next line is one"),
            ("{\"a\":{\"b\":1}", "a brace is missing"),
            ("{\"a\":\"b", "a text does not end"),
            ("{\"a\":[", "an array does not end"),
            ("{\"a\" 1}", "no colon"),
            ("{a:1}", "no quotes"),
            ("?", "no JSON"),
            ("\"a\"", "no object"),
        ] {
            let file = format!("{broken}\n{{\"c\":3}}\n{{\"d\":4}}\n");
            assert_pieces(&file, &[(1, broken), (2, "{\"c\":3}"), (3, "{\"d\":4}")]);
            assert_pieces(broken, &[(1, broken)]);
            assert!(!why.is_empty());
        }
        let cut = "{\n  \"a\": {\n    \"b\": 1\n";
        assert_pieces(cut, &[(1, cut)]);
    }

    #[test]
    fn an_error_in_an_array_names_its_position() {
        for (file, at) in [("[{},{}", 3), ("[{},{\"a\":", 2), ("[{} {}]", 2), ("[{},,{}]", 2), ("[{\"a\" 1}]", 1)] {
            assert!(matches!(pieces(file), Err(ImportError::Layout { row, .. }) if row == at), "{file}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::hash_map(".{0,4}", inner, 0..3).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn objects_read_back_from_every_layout(
            values in prop::collection::vec(prop::collection::hash_map(".{0,4}", any_json(), 0..3), 0..5),
            is_pretty in any::<bool>(),
            between in prop::sample::select(vec!["", "\n", " ", ",\n", "\r\n\r\n"]),
            is_array in any::<bool>(),
        ) {
            let written = values.iter().map(|value| if is_pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) });
            let written: Vec<String> = written.collect::<Result<_, _>>().unwrap();
            let file = if is_array { format!("[{}]", written.join(",")) } else { written.join(between) };
            let read: Vec<_> = pieces(&file).unwrap().into_iter().map(|(_, text)| text).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn nothing_is_lost_outside_of_arrays(file in "[{}\":,a1\n\\\\ ]{0,40}") {
            let pieces = pieces(&file).unwrap();
            let kept: usize = pieces.iter().map(|(_, text)| text.chars().filter(|c| !" \n,".contains(*c)).count()).sum();
            prop_assert_eq!(kept, file.chars().filter(|c| !" \n,".contains(*c)).count());
        }

        #[test]
        fn no_file_is_a_panic(file in "[\\[\\]{}\":,a1\n\\\\ ]{0,60}") {
            let _ = pieces(&file);
        }
    }
}
