//! Pages of a list and their cursors.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};

use super::{Message, Timestamp};

/// Accepts every text of its letters, so that a pattern can describe the form of a cursor.
const LETTERS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// The parameters of a list that are no filters: the length of a page, and where it begins.
pub const PAGING: [&str; 2] = ["limit", "cursor"];

/// The maximum number of items on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u16);

impl PageLimit {
    pub const MAX: u16 = 500;

    /// Accepts 1 to 500.
    pub fn new(limit: u16) -> Option<Self> {
        (1..=Self::MAX).contains(&limit).then_some(Self(limit))
    }

    /// Reads a number. Otherwise returns the error.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let limit = text.parse().ok().and_then(Self::new);
        limit.ok_or_else(|| format!("must be a number from 1 to {}", Self::MAX))
    }

    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// The approximate maximum size of a page in bytes.
    pub const BYTES: i64 = 1 << 20;

    /// How many of the items with these sizes in bytes fit on a page. If items are large, the page ends with the item
    /// that reaches the limit, so a page needs at most one item's memory more than the limit.
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

/// Where a page begins: after this item, in the order of the list. It is a key and not an offset, so pages neither skip
/// nor repeat items while new ones arrive. To clients it is opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time by which the list is ordered.
    pub at: Timestamp,
    /// The order of items with equal times.
    pub id: String,
}

impl Cursor {
    /// The cursor of the page that follows `message`.
    pub fn after(message: &Message) -> Self {
        Self { at: message.created_at, id: message.correlation_id.as_str().to_owned() }
    }

    /// The form of a cursor: microseconds, a dot, and the id in base64 for URLs.
    pub const PATTERN: &str = "^-?[0-9]{1,18}\\.([A-Za-z0-9_-]{4}){0,170}([A-Za-z0-9_-]{2,3})?$";

    /// Reads the output of [`Cursor::encode`], and every other text of this form. A cursor that was made up selects
    /// some position in the list, which does no harm.
    pub fn decode(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        let id = LETTERS.decode(id).ok()?;
        // As in ids: stored text contains no NUL, and Postgres rejects it in a statement.
        let id = String::from_utf8_lossy(&id).replace('\0', "\u{FFFD}");
        Some(Self { at: Timestamp::from_micros(at.parse().ok()?), id })
    }

    /// Like [`Cursor::decode`], but returns the error.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        Self::decode(text).ok_or_else(|| "is not a cursor; use nextCursor of the previous page".to_owned())
    }

    /// The text form, which is opaque to clients.
    pub fn encode(&self) -> String {
        format!("{}.{}", self.at.as_micros(), LETTERS.encode(&self.id))
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The cursor of the next page. `None` on the last page.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page of these items. `has_next` states whether others follow.
    pub fn of(items: Vec<T>, has_next: bool, cursor: impl Fn(&T) -> Cursor) -> Self {
        let next = items.last().filter(|_| has_next).map(cursor);
        Self { items, next }
    }

    /// A page from a query that read one item more than fits. The surplus item only shows that there is a next page.
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
    fn a_page_states_whether_another_follows() {
        let limit = PageLimit::new(2).unwrap();
        let cursor = |n: &i64| Cursor { at: Timestamp::from_micros(*n), id: n.to_string() };
        assert_eq!(Page::from_surplus(vec![1, 2], limit, cursor).next, None);
        let page = Page::from_surplus(vec![1, 2, 3], limit, cursor);
        assert_eq!((page.items, page.next.unwrap().id), (vec![1, 2], "2".to_owned()));
    }

    #[test]
    fn a_page_ends_at_its_size_limit_and_has_at_least_one_item() {
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
        fn a_cursor_can_be_read_again(at in any::<i64>(), id in "[^\0]{1,60}") {
            let cursor = Cursor { at: Timestamp::from_micros(at), id };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn every_text_in_the_form_of_a_cursor_is_accepted(text in Cursor::PATTERN.trim_matches(['^', '$'])) {
            let cursor = Cursor::decode(&text);
            prop_assert!(cursor.is_some_and(|cursor| !cursor.id.contains('\0')), "{}", text);
        }

        #[test]
        fn no_text_causes_a_panic(text in ".*") {
            let _ = Cursor::decode(&text);
        }
    }
}
