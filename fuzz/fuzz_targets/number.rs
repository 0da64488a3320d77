//! Numbers and addresses. What was read reads as itself, and names the person whose it is, in whatever encoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::domain::{Address, Person};

fuzz_target!(|text: &str| {
    if let Some(address) = Address::new(text) {
        assert_eq!(Address::new(address.as_str()), Some(address));
    }
    // NUL is replaced where it is stored.
    if let Ok(person) = Person::new(text)
        && !text.contains('\0')
    {
        assert!(person.is_named_in(text.as_bytes()));
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        assert!(person.is_named_in(escaped.as_bytes()));
        let wide: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(person.is_named_in(&wide));
    }
});
