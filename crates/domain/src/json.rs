//! JSON from callers, in which an object must not repeat a member. Programs disagree on which of two values counts, so
//! both are rejected. With two recipients, for example, one of them would be the wrong person.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::FieldError;

/// Why a text was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// The text is not JSON, or it is incomplete. The error contains nothing of the text.
    Syntax {
        what: &'static str,
        /// Line, starting at 1.
        line: usize,
        /// Column, starting at 1.
        column: usize,
    },
    /// The members that are given more than once.
    Repeated(Vec<FieldError>),
}

/// Maximum number of repeated members in an error. [`LONGEST_NAME`] limits the bytes of each name in their paths.
const MAX_REPORTED: usize = 100;
const LONGEST_NAME: usize = 100;

pub fn read_json(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut errors = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let reader = Reader { place: &Place::Root, errors: &mut errors };
    let read = reader.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match read {
        Ok(value) if errors.is_empty() => Ok(value),
        Ok(_) => Err(JsonError::Repeated(errors)),
        Err(error) => {
            let what = if error.is_eof() { "is not JSON: it ends too early" } else { "is not JSON" };
            Err(JsonError::Syntax { what, line: error.line(), column: error.column() })
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { what, line: 0 | 1, column } => write!(f, "{what}, at column {column}"),
            Self::Syntax { what, line, column } => write!(f, "{what}, at line {line}, column {column}"),
            Self::Repeated(errors) => {
                let told: Vec<_> =
                    errors.iter().map(|FieldError { pointer, detail }| format!("{pointer} {detail}")).collect();
                f.write_str(&told.join("; "))
            }
        }
    }
}

/// The path to a value in the text.
enum Place<'a> {
    Root,
    Member(&'a Self, &'a str),
    Element(&'a Self, usize),
}

impl Place<'_> {
    fn write(&self, pointer: &mut String) {
        let (within, name) = match self {
            Self::Root => return,
            Self::Member(within, name) => {
                let (start, dots) = match name.floor_char_boundary(LONGEST_NAME) {
                    end if end < name.len() => (&name[..end], "…"),
                    _ => (*name, ""),
                };
                (within, start.replace('~', "~0").replace('/', "~1") + dots)
            }
            Self::Element(within, at) => (within, at.to_string()),
        };
        within.write(pointer);
        pointer.push('/');
        pointer.push_str(&name);
    }
}

struct Reader<'a> {
    place: &'a Place<'a>,
    errors: &'a mut Vec<FieldError>,
}

impl Reader<'_> {
    fn tell(&mut self, repeated: &str) {
        if self.errors.len() >= MAX_REPORTED {
            return;
        }
        let mut pointer = String::new();
        Place::Member(self.place, repeated).write(&mut pointer);
        if !self.errors.iter().any(|error| error.pointer == pointer) {
            self.errors.push(FieldError { pointer, detail: "is given more than once; give it once".to_owned() });
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        loop {
            let place = Place::Element(self.place, array.len());
            match elements.next_element_seed(Reader { place: &place, errors: self.errors })? {
                Some(element) => array.push(element),
                None => return Ok(array.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                self.tell(&name);
            }
            let place = Place::Member(self.place, &name);
            let value = members.next_value_seed(Reader { place: &place, errors: self.errors })?;
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn repeated(text: &str) -> Vec<String> {
        match read_json(text.as_bytes()) {
            Err(JsonError::Repeated(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
            read => panic!("{text}: {read:?}"),
        }
    }

    #[test]
    fn a_repeated_member_is_reported_at_any_depth() {
        assert_eq!(repeated(r#"{"to":"a","to":"a"}"#), ["/to"]);
        assert_eq!(repeated(r#"{"to":"a","t\u006f":"b","to":null}"#), ["/to"]);
        assert_eq!(repeated(r#"{"a":[{},{"b/c":{"~":1,"~":2}}],"d":1,"d":2}"#), ["/a/1/b~1c/~0", "/d"]);
        assert_eq!(repeated(r#"[{"":1,"":2}]"#), ["/0/"]);
        let long = "é".repeat(5000);
        assert!(repeated(&format!("{{\"{long}\":{{\"a\":1,\"a\":2}}}}"))[0].len() < 120);
        let many: Vec<_> = (0..500).map(|n| format!("\"{n}\":1,\"{n}\":2")).collect();
        assert_eq!(repeated(&format!("{{{}}}", many.join(","))).len(), MAX_REPORTED);
        assert!(read_json(br#"[{"to":1},{"to":1},{"a":{"to":1},"to":2}]"#).is_ok());
    }

    #[test]
    fn an_error_states_the_position_and_contains_nothing_of_the_text() {
        let error = |text: &str| read_json(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("{\"secret\" 1}"), "is not JSON, at column 11");
        assert_eq!(error("{\n\"a\": x}"), "is not JSON, at line 2, column 6");
        assert_eq!(error("{"), "is not JSON: it ends too early, at column 1");
        assert_eq!(error(r#"{"a":1,"a":2}"#), "/a is given more than once; give it once");
        assert!(error("{} {}").starts_with("is not JSON"));
        assert!(error(&"[".repeat(100_000)).starts_with("is not JSON"));
    }

    proptest! {
        #[test]
        fn it_reads_the_same_values_as_serde_json(text in r#"[\[\]{}:,"ab01.e\- nul\\]{0,24}|.{0,24}"#) {
            let theirs = serde_json::from_str::<Value>(&text).ok();
            match read_json(text.as_bytes()) {
                Err(JsonError::Repeated(_)) => prop_assert!(theirs.is_some()),
                ours => prop_assert_eq!(ours.ok(), theirs, "{}", text),
            }
        }
    }
}
