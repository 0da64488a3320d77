//! Queries of lists, of counts and of imports, and cursors: `name=value&…`. A cursor that is read is written as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::{
    audit::ImportOptions,
    domain::{Cursor, Cutoffs, ListRequest, TallyRequest},
};

fuzz_target!(|query: &str| {
    let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    if let Ok(request) = ListRequest::parse(pairs(), &Cutoffs::default()) {
        let after = request.after.map(|cursor| cursor.encode());
        assert_eq!(after.as_deref().and_then(Cursor::decode).map(|cursor| cursor.encode()), after);
    }
    let _ = TallyRequest::parse(pairs());
    let _ = ImportOptions::parse(pairs());
    let _ = Cursor::decode(query);
});
