//! What the fuzzers begin with, made from `tests/fixtures`.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cargo::root;

fn fixtures() -> PathBuf {
    root().join("tests/fixtures")
}

/// All samples of a folder, as they are.
fn samples(folder: &str) -> Result<Vec<Vec<u8>>> {
    let folder = fixtures().join(folder);
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(fs::read(entry?.path())?)).collect()
}

/// What is posted.
pub(super) fn bodies() -> Result<Vec<Vec<u8>>> {
    Ok([samples("notify")?, samples("inbound")?].concat())
}

/// The same, three in an array, and one within another array.
pub(super) fn arrays() -> Result<Vec<Vec<u8>>> {
    let bodies = bodies()?;
    let array =
        |bodies: &[Vec<u8>]| [b"[", bodies.join(&b",[7, [], "[..]).as_slice(), &b"]".repeat(bodies.len())].concat();
    Ok(bodies.chunks(3).map(array).collect())
}

/// A time in each format.
pub(super) fn times() -> Vec<Vec<u8>> {
    let times = [
        "2026-05-20T14:15:04.749+01:00",
        "2026-05-20 13:15:04,749 UTC",
        "2026-05-20T13:15",
        "2026-05-20T14:15:04.749+01:00[Europe/London][u-ca=gregory]",
        "Wed, 20 May 2026 14:15:04 +0100",
        "20260520141504",
        "1779282904",
        "1779282904.749",
        "1.779282904749E12",
        "1779282904749123",
    ];
    times.map(|time| time.as_bytes().to_vec()).to_vec()
}

/// A header, and the body in the next line.
pub(super) fn signed() -> Result<Vec<Vec<u8>>> {
    let vectors: Vec<Value> = serde_json::from_slice(&fs::read(fixtures().join("signature-vectors.json"))?)?;
    let text = |vector: &Value, name: &str| vector[name].as_str().unwrap_or_default().to_owned();
    let signed = |vector: &Value, header| format!("{}\n{}", text(vector, header), text(vector, "body")).into_bytes();
    let headers = ["header_sha256", "sha256_hex", "sha512_hex"];
    Ok(vectors.iter().flat_map(|vector| headers.map(|header| signed(vector, header))).collect())
}

/// Every name with a value that it takes.
pub(super) fn queries() -> Vec<Vec<u8>> {
    let queries = [
        "status=failed&final=true&failure=permanent&channel=sms&to=+447700900123&code=7203&limit=500",
        "correlationId=order-*&callbackData=shop%207&transactionId=t&origin=observed&overdue=false",
        "since=2026-05-20T13:15:00+01:00&until=2026-05-21T00:00:00Z&cursor=MTc3OTI4MjkwMTcwODEyMzpvcmRlci0x",
        "by=channel,status,code,day,hour&since=2026-05-20T13:00:00Z",
        "format=ndjson&columns=payload=Payload",
        "MTc3OTI4MjkwMTcwODEyMzpvcmRlci0x",
    ];
    queries.map(|query| query.as_bytes().to_vec()).to_vec()
}

pub(super) fn numbers() -> Vec<Vec<u8>> {
    let numbers = [
        "+44 7700 900123",
        "0044 (0)7700/900-123",
        "07700900123",
        "tel:+44-7700-900123;ext=5",
        "447700900123:12@s.whatsapp.net",
        "\u{202A}+44\u{A0}7700\u{2011}900123\u{202C}",
        "＋４４７７００９００１２３",
        "userid:0123456",
        "Dana@Example.org",
        "GB.1000000000000001",
    ];
    numbers.map(|number| number.as_bytes().to_vec()).to_vec()
}

/// The same bodies in each layout of a file.
pub(super) fn files() -> Result<Vec<Vec<u8>>> {
    let bodies = samples("notify")?;
    let texts: Vec<String> = bodies.iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect();
    let table = |texts: &[String], between: &str| {
        let row = |text: &String| format!("7{between}\"{}\"\r\n", text.replace('"', "\"\""));
        format!("Trans ID{between}Payload\r\n{}", texts.iter().map(row).collect::<String>())
    };
    let wrap = |text: &String| format!("{{\"df_payload\":{text}}}");
    let files = texts.chunks(3).flat_map(|texts| {
        let wrapped: Vec<_> = texts.iter().map(wrap).collect();
        let lines: Vec<_> = texts.iter().map(|text| text.replace(['\r', '\n'], "")).collect();
        [table(texts, ","), table(texts, "\t"), format!("[{}]", wrapped.join(",")), lines.join("\n")]
    });
    Ok(files.map(String::into_bytes).collect())
}

/// One message for each channel, and the platform's own requests, whose objects are theirs.
pub(super) fn messages() -> Result<Vec<Vec<u8>>> {
    let own = [
        r#"{"channel":"sms","from":"ACME","to":"+447700900123","text":"Hello","correlationId":"a","callbackData":"b"}"#,
        r#"{"channel":"email","from":"a@example.com","to":"b@example.com","subject":"S","text":"T","html":"<p>T</p>"}"#,
        r#"{"channel":"whatsapp","from":"a_1","to":{"bsuid":"GB.1"},"template":{"name":"n","parameters":{}}}"#,
        r#"{"channel":"voice","from":"447700900123","to":"447700900124","content":{"callflowid":"7"}}"#,
        r#"{"channel":"push","from":"a_1","to":{"ios_pushid":["x","y"]},"content":{"push":{"title":"t"}}}"#,
        r#"{"channel":"apple","from":"a_1","to":"urn:mbid:x","text":"Hi","sendAt":"2030-01-01T09:00:00Z"}"#,
        r#"{"channel":"instagram","from":"1","to":"2","text":"Hi","expireAt":"2030-01-01T09:00:00Z","options":{}}"#,
    ];
    Ok([own.map(|message| message.as_bytes().to_vec()).to_vec(), samples("send")?].concat())
}
