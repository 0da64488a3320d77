//! Where a page of a list begins, and what it holds.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{CorrelationId, Message, Timestamp};

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

    /// The number.
    pub fn get(self) -> usize {
        usize::from(self.0)
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

    /// Reads what [`Cursor::encode`] wrote.
    pub fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (at, id) = text.split_once(':')?;
        CorrelationId::new(id).ok()?;
        Some(Self { at: Timestamp::from_micros(at.parse().ok()?), id: id.to_owned() })
    }

    /// As opaque text.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}:{}", self.at.as_micros(), self.id))
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
    fn a_page_limit_is_bounded() {
        assert_eq!(PageLimit::new(0), None);
        assert_eq!(PageLimit::new(501), None);
        assert_eq!(PageLimit::default().get(), 50);
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back(at in any::<i64>(), id in ".{1,60}") {
            let cursor = Cursor { at: Timestamp::from_micros(at), id };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = Cursor::decode(&text);
        }
    }
}
