//! Where a page of a list begins, and what it holds.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};

use super::{Message, Timestamp};

/// Every text of its letters means something, so that the form of a cursor can be told by a pattern.
const LETTERS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// How many items a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The greatest.
    pub const MAX: u16 = 500;

    /// From 1 to 500.
    pub fn new(limit: u16) -> Option<Self> {
        (1..=Self::MAX).contains(&limit).then_some(Self(limit))
    }

    /// Reads a number; or says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let limit = text.parse().ok().and_then(Self::new);
        limit.ok_or_else(|| format!("must be a number from 1 to {}", Self::MAX))
    }

    /// The number.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// About how many bytes a page holds.
    pub const BYTES: i64 = 1 << 20;

    /// How many of the items of these sizes in bytes a page holds: where items are large, it ends with the one that fills
    /// it, so that no page takes much more memory than one item does.
    pub fn fitting(self, sizes: &[i64]) -> usize {
        let mut bytes = 0_i64;
        let full = sizes.iter().position(|size| {
            bytes = bytes.saturating_add(*size);
            bytes >= Self::BYTES
        });
        full.map_or(sizes.len(), |last| last + 1).min(self.get())
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}

/// Where a page begins: after this item, in the order of the list. A key and not a count, so pages neither skip nor
/// repeat while new items arrive. To a client it is opaque text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time by which the list is ordered.
    pub at: Timestamp,
    /// Decides among items of one instant.
    pub id: String,
}

impl Cursor {
    /// After `message`.
    pub fn after(message: &Message) -> Self {
        Self { at: message.created_at, id: message.correlation_id.as_str().to_owned() }
    }

    /// What a cursor looks like: microseconds, a dot, and the id in base64 for URLs.
    pub const PATTERN: &str = "^-?[0-9]{1,18}\\.([A-Za-z0-9_-]{4}){0,170}([A-Za-z0-9_-]{2,3})?$";

    /// Reads what [`Cursor::encode`] wrote, and whatever else looks like a cursor: that ends up somewhere in the list,
    /// harmlessly.
    pub fn decode(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        let id = LETTERS.decode(id).ok()?;
        // As in ids: no stored text holds NUL, and Postgres takes none in a statement.
        let id = String::from_utf8_lossy(&id).replace('\0', "\u{FFFD}");
        Some(Self { at: Timestamp::from_micros(at.parse().ok()?), id })
    }

    /// The same; or says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        Self::decode(text).ok_or_else(|| "is not a cursor; take nextCursor of the page before".to_owned())
    }

    /// As opaque text.
    pub fn encode(&self) -> String {
        format!("{}.{}", self.at.as_micros(), LETTERS.encode(&self.id))
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Of these items, with or without others after them.
    pub fn of(items: Vec<T>, has_next: bool, cursor: impl Fn(&T) -> Cursor) -> Self {
        let next = items.last().filter(|_| has_next).map(cursor);
        Self { items, next }
    }

    /// From up to one item more than the page holds: the surplus one tells that there is a next page.
    pub fn from_surplus(mut items: Vec<T>, limit: PageLimit, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = items.len() > limit.get();
        items.truncate(limit.get());
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_tells_whether_there_is_another() {
        let limit = PageLimit::new(2).unwrap();
        let cursor = |n: &i64| Cursor { at: Timestamp::from_micros(*n), id: n.to_string() };
        assert_eq!(Page::from_surplus(vec![1, 2], limit, cursor).next, None);
        let page = Page::from_surplus(vec![1, 2, 3], limit, cursor);
        assert_eq!((page.items, page.next.unwrap().id), (vec![1, 2], "2".to_owned()));
    }

    #[test]
    fn a_page_ends_where_it_is_full_and_holds_one_item_at_least() {
        let limit = PageLimit::new(3).unwrap();
        for (sizes, fitting) in [
            (&[][..], 0),
            (&[1, 1, 1, 1], 3),
            (&[PageLimit::BYTES, 1], 1),
            (&[i64::MAX, i64::MAX], 1),
            (&[PageLimit::BYTES - 1, 1, 1], 2),
            (&[PageLimit::BYTES - 2, 1], 2),
        ] {
            assert_eq!(limit.fitting(sizes), fitting, "{sizes:?}");
        }
    }

    #[test]
    fn a_page_limit_is_bounded() {
        assert_eq!(PageLimit::new(0), None);
        assert_eq!(PageLimit::new(501), None);
        assert_eq!(PageLimit::default().get(), 50);
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back(at in any::<i64>(), id in "[^\0]{1,60}") {
            let cursor = Cursor { at: Timestamp::from_micros(at), id };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn whatever_looks_like_a_cursor_is_one(text in Cursor::PATTERN.trim_matches(['^', '$'])) {
            let cursor = Cursor::decode(&text);
            prop_assert!(cursor.is_some_and(|cursor| !cursor.id.contains('\0')), "{}", text);
        }

        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = Cursor::decode(&text);
        }
    }
}
