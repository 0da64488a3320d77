//! Query strings of lists, counts, exports and imports, and cursors: `name=value&…`. A cursor is written as it was read, no filter
//! contains a text that a database would refuse, and every error names its parameter.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::{
    domain::{Cursor, Cutoffs, FieldError, ListRequest, Pattern, StatsRequest},
    maintenance::{ExportRequest, ImportOptions},
};

/// Returns the request if it is valid. Otherwise each error names a parameter and says what is wrong.
fn valid<T>(read: Result<T, Vec<FieldError>>) -> Option<T> {
    let errors = match read {
        Ok(request) => return Some(request),
        Err(errors) => errors,
    };
    assert!(!errors.is_empty());
    assert!(errors.iter().all(|error| error.pointer.starts_with('/') && !error.detail.is_empty()));
    None
}

fuzz_target!(|query: &str| {
    let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    if let Some(ListRequest { filter, after, limit }) = valid(ListRequest::parse(pairs(), &Cutoffs::default())) {
        let cursor = after.map(|cursor| cursor.encode());
        assert_eq!(cursor.as_deref().and_then(Cursor::decode).map(|cursor| cursor.encode()), cursor);
        assert!((1..=500).contains(&limit.get()));
        let pattern = |pattern: &Option<Pattern>| match pattern {
            Some(Pattern::Exact(text) | Pattern::Prefix(text)) => Some(text.clone()),
            _ => None,
        };
        let texts = [
            filter.code.clone(),
            filter.recipient.as_ref().map(|address| address.as_str().to_owned()),
            filter.transaction_id.as_ref().map(|id| id.as_str().to_owned()),
            filter.channel.as_ref().map(|channel| channel.as_str().to_owned()),
            pattern(&filter.correlation_id),
            pattern(&filter.callback_data),
        ];
        assert!(texts.iter().flatten().all(|text| !text.contains('\0')));
    }
    let _ = valid(StatsRequest::parse(pairs()));
    let _ = valid(ExportRequest::parse(pairs(), &Cutoffs::default()));
    if let Some(options) = valid(ImportOptions::parse(pairs())) {
        assert!(!options.payload_column.trim().is_empty());
    }
    if let Some(cursor) = Cursor::decode(query) {
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
    }
});
