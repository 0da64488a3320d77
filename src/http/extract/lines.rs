//! The lines of a body that comes in pieces.

use actix_web::web::{Bytes, BytesMut};

/// One line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Whole(Bytes),
    /// It is longer than allowed, so its content was dropped.
    TooLong,
}

/// Cuts the pieces of a body into lines. It buffers at most one line and the last piece.
pub(crate) struct Lines {
    limit: usize,
    buffer: BytesMut,
    /// How many bytes at the beginning of the buffer are known to contain no line end.
    searched: usize,
    /// Whether the line at the beginning of the buffer is too long, and its first part was dropped.
    cut: bool,
}

impl Lines {
    /// Each line may have at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, buffer: BytesMut::new(), searched: 0, cut: false }
    }

    /// Adds the next piece of the body. All lines of the previous pieces must have been taken.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Returns the next line, if its end has arrived.
    pub(crate) fn next(&mut self) -> Option<Line> {
        let Some(at) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            if self.searched > self.limit {
                self.cut = true;
                self.buffer.clear();
                self.searched = 0;
            }
            return None;
        };
        let mut line = self.buffer.split_to(self.searched + at + 1);
        line.truncate(line.len() - 1);
        Some(self.whole(line))
    }

    /// Returns what came after the last line end, once the body is complete.
    pub(crate) fn last(&mut self) -> Option<Line> {
        let line = self.buffer.split();
        (self.cut || !line.is_empty()).then(|| self.whole(line))
    }

    fn whole(&mut self, line: BytesMut) -> Line {
        self.searched = 0;
        let cut = std::mem::take(&mut self.cut);
        if cut || line.len() > self.limit { Line::TooLong } else { Line::Whole(line.freeze()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 8;

    fn cut<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Line> {
        let (mut lines, mut found) = (Lines::new(LIMIT), Vec::new());
        for piece in pieces {
            lines.push(piece);
            found.extend(std::iter::from_fn(|| lines.next()));
            assert!(lines.buffer.len() <= LIMIT, "no more is held than a line may have");
        }
        found.extend(lines.last());
        found
    }

    #[test]
    fn a_line_ends_at_its_newline_or_with_the_body() {
        let whole = |text: &'static str| Line::Whole(Bytes::from_static(text.as_bytes()));
        assert_eq!(cut([b"a\n\nb".as_slice()]), [whole("a"), whole(""), whole("b")]);
        assert_eq!(cut([b"a\n".as_slice()]), [whole("a")]);
        assert_eq!(cut([b"".as_slice()]), []);
        assert_eq!(cut([b"12345678\n123456789\nx".as_slice()]), [whole("12345678"), Line::TooLong, whole("x")]);
    }

    proptest! {
        #[test]
        fn where_the_pieces_end_makes_no_difference(
            body in prop::collection::vec(prop::sample::select(b"ab\n".to_vec()), 0..60),
            size in 1_usize..20,
        ) {
            let mut expected: Vec<_> = body.split(|byte| *byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            let expected = expected.into_iter().map(|line| match line.len() {
                0..=LIMIT => Line::Whole(Bytes::copy_from_slice(line)),
                _ => Line::TooLong,
            });
            prop_assert_eq!(cut(body.chunks(size)), expected.collect::<Vec<_>>());
        }
    }
}
