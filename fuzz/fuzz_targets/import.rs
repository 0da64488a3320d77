//! Files of notifications that never arrived, in each layout. Rows are counted upwards, and who wants no more gets no more.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::audit::{ImportOptions, Layout, read_rows};

fuzz_target!(|file: &[u8]| {
    for layout in [None, Some(Layout::Csv), Some(Layout::Txt), Some(Layout::Json), Some(Layout::Ndjson)] {
        let options = ImportOptions { layout, ..ImportOptions::default() };
        let (mut rows, mut last) = (0, 0);
        let all = read_rows(file, &options, |row| {
            assert!(row.number > last);
            (rows, last) = (rows + 1, row.number);
            true
        });
        let mut taken = 0;
        let first = read_rows(file, &options, |_| {
            taken += 1;
            false
        });
        assert_eq!(taken, rows.min(1));
        assert!(all.is_err() || first.is_ok());
    }
});
