//! Queries of lists, of counts, of exports and of imports, and cursors: `name=value&…`. A cursor that is read is written as it was, no
//! text that a database would refuse is asked for, and every fault is told.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::{
    audit::{ExportRequest, ImportOptions},
    domain::{Cursor, Cutoffs, Fault, ListRequest, Pattern, StatsRequest},
};

/// The faults, each of which says something about a name.
fn told<T>(read: Result<T, Vec<Fault>>) -> Option<T> {
    let faults = match read {
        Ok(request) => return Some(request),
        Err(faults) => faults,
    };
    assert!(!faults.is_empty());
    assert!(faults.iter().all(|fault| fault.pointer.starts_with('/') && !fault.detail.is_empty()));
    None
}

fuzz_target!(|query: &str| {
    let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    if let Some(ListRequest { filter, after, limit }) = told(ListRequest::parse(pairs(), &Cutoffs::default())) {
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
    let _ = told(StatsRequest::parse(pairs()));
    let _ = told(ExportRequest::parse(pairs(), &Cutoffs::default()));
    if let Some(options) = told(ImportOptions::parse(pairs())) {
        assert!(!options.payload_column.trim().is_empty());
    }
    if let Some(cursor) = Cursor::decode(query) {
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
    }
});
