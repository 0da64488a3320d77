//! What the fuzzers begin with, made from `tests/fixtures`.

use std::{collections::BTreeSet, fs, path::PathBuf};

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
        "2026-05-20T13:15:04.749[!Europe/London][u-ca=gregory]",
        "2016-12-31T23:59:60Z",
        "9999-12-31T23:59:59-01:00",
        "2026-05-20T14:15:04 \u{2212}1:00",
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
        "whatsapp://0044 [0] 7700.900123?text=Hi",
        "07700900123;phone-context=+44",
        "{\"to\":\"\\u002b44 (0)7700 900123\"}",
        "to=%2B44+7700+900123&#43;=2B44eyJ0byI6Iis0NDc3MDA5MDAxMjMifQ",
    ];
    numbers.map(|number| number.as_bytes().to_vec()).to_vec()
}

/// The same bodies in each layout of a file, and rows of our own exports.
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
    let exported = "\"receivedAt\":\"2026-05-20T13:15:00.000Z\",\"source\":\"notify\",\"times\":2";
    let files = files.chain([
        format!("{{\"fingerprint\":\"00\",{exported},\"status\":\"read\",\"body\":\"{{}}\"}}\n").repeat(2),
        format!("{{\"items\":[{{\"fingerprint\":\"00\",{exported},\"body\":\"\",\"bodyBase64\":\"/w==\"}}]}}"),
        "fingerprint,receivedAt,source,times,event,body\r\n00,2026-05-20T13:15:00Z,import,1,MO,\"'=1\"\r\n".to_owned(),
        "correlationId,createdAt,notificationCount\na,x,1\n".to_owned(),
        "sep=;\r\nWebhook ID;Payload\r\n7;\"{\"\"a\"\":1}\"\r\n".to_owned(),
        "sep=\t\nA\tPayload\n7\t{}\n".to_owned(),
        "A|Payload\n7|{}\n\n8|\n".to_owned(),
        "{\n  \"a\": [\n    1\n  ]\n},\n{\"a\":\n{\"b\":2}\n[[{}, 7], []]\n".to_owned(),
        "\u{FEFF}{\"df_payload\":\"{\\\"a\\\":\\\"\\ud83d\\\"}\"}".to_owned(),
        "<html><body>502 Bad Gateway</body></html>".to_owned(),
    ]);
    let files: Vec<Vec<u8>> = files.map(String::into_bytes).collect();
    let wide = "\u{FEFF}Payload\r\n{}\r\n{\"a\":\"😀\"}\r\n";
    let wide = [u16::to_le_bytes, u16::to_be_bytes].map(|to_bytes| wide.encode_utf16().flat_map(to_bytes).collect());
    Ok([files, wide.to_vec(), vec![b"\x1f\x8b\x08\0".to_vec(), b"PK\x03\x04".to_vec()]].concat())
}

/// Three bodies for each dialect.
pub(super) fn dialects() -> Result<Vec<Vec<u8>>> {
    let bodies = samples("notify")?;
    let seed = |dialect: u8| {
        let bodies = bodies.iter().cycle().skip(usize::from(dialect)).take(3).cloned().collect::<Vec<_>>().join(&0x1e);
        [&[dialect, dialect % 7], bodies.as_slice()].concat()
    };
    Ok((0..64).map(seed).collect())
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

/// The words of the samples, in the form in which libFuzzer takes them. It does not come upon long ones by itself.
pub(super) fn dictionary() -> Result<String> {
    const OURS: [&str; 16] = [
        "df_payload",
        "fingerprint",
        "receivedAt",
        "source",
        "times",
        "status",
        "event",
        "body",
        "bodyBase64",
        "items",
        "Payload",
        "sep=;",
        "\u{FEFF}",
        "\\ud83d",
        "(0)",
        "2026-05-20T13:15:00Z",
    ];
    let mut words: BTreeSet<String> = OURS.map(str::to_owned).into();
    for body in [samples("notify")?, samples("inbound")?, samples("send")?].concat() {
        words_of(&serde_json::from_slice(&body).unwrap_or_default(), &mut words);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-+.:/@".contains(&byte);
    let escaped = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("\\x{byte:02x}") };
    let line = |word: String| format!("\"{}\"\n", word.bytes().map(escaped).collect::<String>());
    Ok(words.into_iter().filter(|word| (2..=40).contains(&word.len())).map(line).collect())
}

/// All names, and all texts.
fn words_of(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            words.insert(text.clone());
        }
        Value::Array(list) => list.iter().for_each(|value| words_of(value, words)),
        Value::Object(members) => {
            words.extend(members.keys().cloned());
            members.values().for_each(|value| words_of(value, words));
        }
        _ => {}
    }
}
