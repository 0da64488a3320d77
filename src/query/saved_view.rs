//! Views that people saved: which filters they may contain, and how the API and the command line show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{CountRequest, Query};
use crate::{
    domain::{
        Actor, AuditRequest, Cutoffs, FieldError, ListRequest, PAGING, SavedView, Timestamp, ViewId, ViewName,
        ViewedList,
    },
    storage::StorageError,
};

/// Longer filters would not fit into an address when they are sealed. In bytes.
const LONGEST: usize = 4 * 1024;
/// What counts take beside filters.
const BY: &str = "by";

/// A request to save a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedViewRequest {
    pub list: ViewedList,
    name: ViewName,
    filter: BTreeMap<String, String>,
}

impl SavedViewRequest {
    /// Reads a request, and reports all errors at once. The filters are those that the list takes.
    pub fn parse<'a>(
        list: &str,
        name: &str,
        filter: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Vec<FieldError>> {
        let error = |pointer: &str, detail: String| FieldError { pointer: pointer.to_owned(), detail };
        let words = || ViewedList::ALL.map(ViewedList::as_str).join(", ");
        let list = ViewedList::from_word(list).ok_or_else(|| error("/of", format!("must be one of {}", words())));
        let name = ViewName::new(name).map_err(|detail| error("/name", detail));
        let filter: Vec<_> = filter.into_iter().collect();
        let mut errors = list.as_ref().map_or_else(|_| Vec::new(), |list| errors_of(*list, &filter));
        match (list, name) {
            (Ok(list), Ok(name)) if errors.is_empty() => {
                let filter = filter.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                Ok(Self { list, name, filter })
            }
            (list, name) => {
                errors.extend(list.err());
                errors.extend(name.err());
                Err(errors)
            }
        }
    }

    /// The view to store.
    pub fn view(self, id: ViewId, saved_at: Timestamp) -> SavedView {
        SavedView { id, list: self.list, name: self.name, filter: self.filter, saved_at }
    }
}

/// What is wrong with the filters of a view.
fn errors_of(list: ViewedList, filter: &[(&str, &str)]) -> Vec<FieldError> {
    let pairs = || filter.iter().copied();
    let length: usize = pairs().map(|(name, value)| name.len() + value.len()).sum();
    let detail = match length {
        0 => Some("must contain a filter, since a view without one is the whole list".to_owned()),
        1..=LONGEST => None,
        _ => Some(format!("must have at most {LONGEST} bytes")),
    };
    let whole = detail.map(|detail| FieldError { pointer: "/filter".to_owned(), detail });
    let (others, filters): (Vec<_>, Vec<_>) = pairs().partition(|(name, _)| *name == BY || PAGING.contains(name));
    let others = others.into_iter().map(|(name, _)| {
        let detail = "is not a filter, so a view cannot contain it".to_owned();
        FieldError { pointer: format!("/filter/{name}"), detail }
    });
    let wrong = match list {
        // What is overdue is decided when the view is used.
        ViewedList::Messages => ListRequest::parse(filters, &Cutoffs::default()).err(),
        ViewedList::Failures => CountRequest::parse(filters).err(),
        ViewedList::Audit => AuditRequest::parse(filters).err(),
    };
    let wrong = wrong.into_iter().flatten();
    let wrong = wrong.map(|error| FieldError { pointer: format!("/filter{}", error.pointer), ..error });
    whole.into_iter().chain(others).chain(wrong).collect()
}

/// Why a view was not saved.
pub fn too_many_views() -> String {
    format!("there are {} saved views already, which is the most; remove one first", SavedView::MOST)
}

/// The saved views of a caller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedViewsView {
    /// By list and name.
    pub items: Vec<SavedViewView>,
}

/// A saved view.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedViewView {
    pub id: String,
    /// The list whose filters it contains.
    pub of: String,
    pub name: String,
    /// The filters, as a search takes them.
    pub filter: Map<String, Value>,
    pub saved_at: String,
}

impl SavedViewView {
    /// The view as it is shown.
    pub fn of(view: &SavedView) -> Self {
        Self {
            id: view.id.to_string(),
            of: view.list.as_str().to_owned(),
            name: view.name.as_str().to_owned(),
            filter: search_body(view.filter.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            saved_at: view.saved_at.to_string(),
        }
    }
}

/// Parameters as members of the body of a search, which have types.
pub fn search_body<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let value = |name: &str, text: &str| {
        let typed = match name {
            "final" | "overdue" => text.parse::<bool>().ok().map(Value::from),
            "limit" => text.parse::<u64>().ok().map(Value::from),
            _ => None,
        };
        typed.unwrap_or_else(|| text.into())
    };
    pairs.into_iter().map(|(name, text)| (name.to_owned(), value(name, text))).collect()
}

impl Query {
    /// The views that this owner saved, by list and name.
    pub async fn saved_views(&self, owner: &Actor) -> Result<Vec<SavedView>, StorageError> {
        self.saved_views.saved(owner.as_str()).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(list: &str, name: &str, filter: &[(&str, &str)]) -> Vec<String> {
        let errors = SavedViewRequest::parse(list, name, filter.iter().copied()).unwrap_err();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_view_contains_the_filters_of_its_list() {
        for (list, filter) in [
            ("messages", &[("to", "+447700900123"), ("overdue", "true"), ("correlationId", "order-*")][..]),
            ("failures", &[("channel", "sms"), ("since", "2026-05-20")]),
            ("audit", &[("actor", "shop"), ("action", "sent")]),
        ] {
            assert!(SavedViewRequest::parse(list, "A name", filter.iter().copied()).is_ok(), "{list}");
        }
    }

    #[test]
    fn every_error_is_reported() {
        assert_eq!(pointers("inbox", " ", &[]), ["/of", "/name"]);
        assert_eq!(pointers("messages", "", &[]), ["/filter", "/name"]);
        let long = "x".repeat(LONGEST);
        assert_eq!(pointers("messages", "A name", &[("callbackData", &long)]), ["/filter"]);
        let twice = [("limit", "7"), ("status", "gone"), ("to", "07700 900123")];
        assert_eq!(pointers("messages", "A name", &twice), ["/filter/limit", "/filter/status", "/filter/to"]);
        assert_eq!(pointers("failures", "A name", &[("by", "day"), ("to", "a")]), ["/filter/by", "/filter/to"]);
        assert_eq!(
            pointers("audit", "A name", &[("cursor", "x"), ("channel", "sms")]),
            ["/filter/cursor", "/filter/channel"]
        );
    }

    #[test]
    fn parameters_become_members_with_types() {
        let body = search_body([("final", "true"), ("limit", "20"), ("code", "7203"), ("overdue", "perhaps")]);
        assert_eq!(Value::from(body), json!({"final": true, "limit": 20, "code": "7203", "overdue": "perhaps"}));
    }
}
