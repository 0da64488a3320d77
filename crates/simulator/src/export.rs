//! The report "Outbound Webhook Failed Notification": the downloadable list of notifications that the platform dropped.

use serde::Deserialize;
use serde_json::{Value, json};

use super::ledger::Dropped;

/// The format of the file.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    #[default]
    Csv,
    /// Like `Csv`, with tabs.
    Txt,
    /// The format of one user's nightly file.
    Json,
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Txt => "text/plain; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// The query of the request.
#[derive(Debug, Deserialize)]
pub(super) struct Kind {
    #[serde(default)]
    pub(super) format: Format,
}

/// The documented columns.
const COLUMNS: [&str; 11] = [
    "Webhook ID",
    "Webhook Name",
    "Error Code",
    "Trans ID",
    "Source",
    "URL",
    "Time Taken",
    "Request Origin Time",
    "Datetime",
    "Response",
    "Payload",
];

/// The report as a file.
pub(super) fn file(format: Format, dropped: &[Dropped]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    match format {
        Format::Csv => columns(b',', dropped),
        Format::Txt => columns(b'\t', dropped),
        Format::Json => Ok(serde_json::to_vec(&dropped.iter().map(wrapped).collect::<Vec<_>>())?),
    }
}

fn columns(delimiter: u8, dropped: &[Dropped]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for one in dropped {
        let code = one.status.map_or_else(String::new, |status| status.to_string());
        let payload = one.payload.to_string();
        writer.write_record([
            "1",
            "notifications",
            &code,
            &one.transaction_id,
            "API",
            &one.url,
            "",
            &one.at,
            &one.at,
            &one.response,
            &payload,
        ])?;
    }
    Ok(writer.into_inner()?)
}

fn wrapped(one: &Dropped) -> Value {
    let status = one.status.map(|status| status.to_string()).unwrap_or_default();
    json!({
        "df_payload": one.payload,
        "df_status": "2",
        "df_status_text": format!("HTTP Status {status}"),
        "df_response_status": status,
        "df_response_content": one.response,
    })
}
