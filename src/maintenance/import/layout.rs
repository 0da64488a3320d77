//! The kinds of files, and how they are detected.

use crate::domain::FieldError;

/// How a file contains its bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Columns, with commas, semicolons, tabs or bars between them.
    Csv,
    /// Columns with tabs between them.
    Txt,
    /// JSON: arrays, or objects one after the other, each of which may take many lines.
    Json,
    /// One body per line, which is JSON too.
    Ndjson,
}

impl Layout {
    const ALL: [Self; 4] = [Self::Csv, Self::Txt, Self::Json, Self::Ndjson];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Txt => "txt",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }

    /// Detects the layout from the beginning of a file: if that is neither an array nor an object, the file has
    /// columns.
    pub(super) fn detect(beginning: &[u8]) -> Self {
        match beginning.trim_ascii_start().first() {
            Some(b'[' | b'{') => Self::Json,
            _ => Self::Csv,
        }
    }
}

/// How to read a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// The layout of the file; `None` to detect it.
    pub layout: Option<Layout>,
    /// The header of the column with the body.
    pub payload_column: String,
}

impl Default for ImportOptions {
    /// The layout of the platform's report "Outbound Webhook Failed Notification".
    fn default() -> Self {
        Self { layout: None, payload_column: "Payload".to_owned() }
    }
}

impl ImportOptions {
    /// Reads `format` and `columns` (`payload=Payload`). Reports all errors at once.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<FieldError>> {
        let mut options = Self::default();
        let mut errors = Vec::new();
        for (name, value) in pairs {
            let set = match name {
                "format" => options.set_format(value),
                "columns" => value.split(',').try_for_each(|column| options.set_column(column)),
                _ => Err("is not a parameter; the parameters are format and columns".to_owned()),
            };
            errors.extend(set.err().map(|detail| FieldError { pointer: format!("/{name}"), detail }));
        }
        if errors.is_empty() { Ok(options) } else { Err(errors) }
    }

    fn set_format(&mut self, value: &str) -> Result<(), String> {
        let words = || Layout::ALL.map(Layout::as_str).join(", ");
        let layout = Layout::ALL.into_iter().find(|layout| layout.as_str() == value);
        self.layout = Some(layout.ok_or_else(|| format!("must be one of {}", words()))?);
        Ok(())
    }

    /// Only the column of the payload matters: it contains everything about a notification.
    fn set_column(&mut self, column: &str) -> Result<(), String> {
        match column.split_once('=') {
            Some(("payload", header)) if !header.trim().is_empty() => {
                header.trim().clone_into(&mut self.payload_column);
                Ok(())
            }
            _ => Err("must be payload=HEADER, with the header of the column that contains the notification".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_detected_from_the_beginning() {
        for (beginning, layout) in [
            ("\n [{", Layout::Json),
            ("{\"a\":1}\n", Layout::Json),
            ("Webhook ID\tPayload\n1,2", Layout::Csv),
            ("Webhook ID,Payload\n1\t2", Layout::Csv),
            ("\"Webhook ID\",\"Payload\"", Layout::Csv),
            ("", Layout::Csv),
        ] {
            assert_eq!(Layout::detect(beginning.as_bytes()), layout, "{beginning:?}");
        }
    }

    #[test]
    fn options_are_parsed_and_every_error_is_reported() {
        let options = ImportOptions::parse([("format", "txt"), ("columns", "payload=Body of it")]).unwrap();
        assert_eq!(options, ImportOptions { layout: Some(Layout::Txt), payload_column: "Body of it".to_owned() });
        let wrong = [("format", "xls"), ("columns", "payload="), ("columns", "code=Error Code"), ("of", "messages")];
        let pointers: Vec<_> =
            ImportOptions::parse(wrong).unwrap_err().into_iter().map(|error| error.pointer).collect();
        assert_eq!(pointers, ["/format", "/columns", "/columns", "/of"]);
    }
}
