//! Numbers and addresses. A canonical address is read as itself, and a number is the same in every spelling. A person is found by
//! each of them, in every encoding. The search of a text takes a short time, whatever the text is.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use receiptd::domain::{Address, Person};

static SOMEBODY: LazyLock<[Person; 2]> =
    LazyLock::new(|| ["+447700900123", "dana@example.org"].map(|text| Person::new(text).expect("an address")));

/// The spellings of a number with its country code.
fn spellings(digits: &str) -> [String; 8] {
    let wide = digits.chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap_or(c)).collect();
    let spaced = digits.chars().map(|c| format!("{c}\u{A0}")).collect();
    [
        format!("+{digits}"),
        format!("00{digits}"),
        format!("tel:+{digits}"),
        format!("\u{202A}+{digits}\u{202C}"),
        format!("{digits}@s.whatsapp.net"),
        format!("{}-{}", &digits[..4], &digits[4..]),
        wide,
        spaced,
    ]
}

fuzz_target!(|text: &str| {
    if let Some(address) = Address::new(text) {
        assert!(!address.as_str().is_empty() && address.as_str().len() <= 512 && !address.as_str().contains('\0'));
        assert_eq!(Address::new(address.as_str()).as_ref(), Some(&address));
        assert_eq!(Address::new(&format!("\u{202A} {text}\u{A0}\u{202C}")).as_ref(), Some(&address));
        let digits = address.as_str();
        if (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            for spelling in spellings(digits) {
                assert_eq!(Address::new(&spelling).as_ref(), Some(&address), "{spelling:?}");
                let person = Person::new(&spelling).expect("a number with its country code");
                assert!(person.is_named_in(format!("{{\"to\":\"{spelling}\"}}").as_bytes()), "{spelling:?}");
            }
        }
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
    for person in &*SOMEBODY {
        let _ = person.is_named_in(text.as_bytes());
        let within = format!("{text}\n{}\n{text}", person.address());
        assert!(person.is_named_in(within.as_bytes()));
    }
});
