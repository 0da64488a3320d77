//! Splits a JSON array into its elements without parsing them. So a malformed element does not spoil the others, and
//! each element keeps its own bytes.

/// The elements of the array, and of arrays within it. `None` if the bytes are not a complete array.
///
/// An element extends from one comma to the next, whatever it contains.
pub(super) fn elements(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = without_bom(bytes);
    if !rest.starts_with(b"[") {
        return None;
    }
    let (mut found, mut open, mut after_comma) = (Vec::new(), 0_usize, false);
    loop {
        match rest.trim_ascii_start() {
            [b'[', inner @ ..] => {
                (rest, open, after_comma) = (inner, open + 1, false);
                continue;
            }
            end @ [b']', ..] if !after_comma => rest = end,
            start => {
                let length = length(start)?;
                let element = start[..length].trim_ascii_end();
                if element.is_empty() {
                    return None;
                }
                found.push(element);
                rest = &start[length..];
            }
        }
        while let [b']', after @ ..] = rest.trim_ascii_start() {
            (rest, open) = (after, open - 1);
            if open == 0 {
                return after.trim_ascii().is_empty().then_some(found);
            }
        }
        rest = rest.trim_ascii_start().strip_prefix(b",")?;
        after_comma = true;
    }
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes.trim_ascii_start();
    while let Some(rest) = bytes.strip_prefix("\u{FEFF}".as_bytes()) {
        bytes = rest.trim_ascii_start();
    }
    bytes
}

/// The number of bytes up to the comma or bracket that ends an element. `None` if there is none.
fn length(bytes: &[u8]) -> Option<usize> {
    let (mut in_string, mut escaped, mut open) = (false, false, 0_usize);
    bytes.iter().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b',' | b']' if open == 0 => return true,
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn texts(body: &str) -> Option<Vec<&str>> {
        elements(body.as_bytes())
            .map(|found| found.into_iter().map(|element| str::from_utf8(element).unwrap()).collect())
    }

    #[test]
    fn elements_are_split_and_keep_their_bytes() {
        assert_eq!(texts("\u{FEFF} [ {\"a\" : \"],{\\\"\"} ,\n7]\n").unwrap(), ["{\"a\" : \"],{\\\"\"}", "7"]);
        assert_eq!(texts("[[1, [2]], [], [[]], {\"a\":[3,4]}]").unwrap(), ["1", "2", "{\"a\":[3,4]}"]);
        assert_eq!(texts("[]").unwrap(), [""; 0]);
    }

    #[test]
    fn a_malformed_element_does_not_spoil_the_others() {
        assert_eq!(
            texts(r#"[{"a":1},{"b" 2},tru,{"c":3}]"#).unwrap(),
            [r#"{"a":1}"#, r#"{"b" 2}"#, "tru", r#"{"c":3}"#]
        );
    }

    #[test]
    fn an_incomplete_array_has_no_elements() {
        for body in ["", "{}", "[", "[1", "[1,", "[1,]", "[,1]", "[1,,2]", "[1] 2", "[1]]", "[[1]", "[\"1]", "[1][2]"] {
            assert_eq!(texts(body), None, "{body}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(json!(null)), any::<i32>().prop_map(Value::from), ".{0,8}".prop_map(Value::from)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn flat(value: &Value) -> Vec<&Value> {
        match value {
            Value::Array(list) => list.iter().flat_map(flat).collect(),
            other => vec![other],
        }
    }

    proptest! {
        #[test]
        fn every_array_is_split_into_its_elements(list in prop::collection::vec(any_value(), 0..5), pretty: bool) {
            let value = Value::from(list);
            let body = if pretty { format!("{value:#}") } else { value.to_string() };
            let found: Vec<Value> = texts(&body).unwrap().into_iter().map(|text| serde_json::from_str(text).unwrap()).collect();
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), flat(&value));
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes in "[\\[\\]{},\"\\\\ a]{0,24}") {
            let _ = elements(bytes.as_bytes());
        }
    }
}
