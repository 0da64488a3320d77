//! Tests of the messages that rows become.

use std::{io::Write, path::Path};

use proptest::prelude::*;

use super::*;

fn plan(template: Option<&str>) -> Plan {
    let defaults = json!({ "channel": "sms", "from": "ACME", "to": "447700900123" });
    Plan {
        defaults: defaults.as_object().unwrap().clone(),
        template: template.map(|text| Template::parse(text).unwrap()),
        to_column: None,
        id_column: None,
        batch: None,
        sms_api: Some(SmsApi::V2),
        unused: Vec::new(),
    }
}

fn rows(plan: &Plan, name: &str, text: &[u8]) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::File::create(&path).unwrap().write_all(text).unwrap();
    let input = Input::open(Path::new(&path), None, None).unwrap();
    input.records().unwrap().map(|record| plan.row(record.unwrap())).collect()
}

fn id(row: &Row) -> String {
    row.message.as_ref().unwrap().submission.correlation_id.to_string()
}

#[test]
fn an_id_is_derived_from_the_message_and_not_from_the_file() {
    let table = rows(&plan(None), "x.csv", b"\xEF\xBB\xBFtext,name\nHi,Ada\nHi,Bob\n\"Hi\n\",Cy\n");
    assert_eq!((id(&table[0]), table[3 - 1].record.line), (id(&table[1]), 4));
    assert_ne!(id(&table[0]), id(&table[2]));
    let lines = rows(&plan(None), "x.ndjson", b"\n{\"text\":\"Hi\",\"html\":null}\n{\"text\":\"Hi\",\"retry\":1}\n");
    assert_eq!((id(&table[0]), lines[0].record.line), (id(&lines[0]), 2));
    assert_ne!(id(&lines[0]), id(&lines[1]));
    let other = Plan { batch: Some("again".to_owned()), ..plan(None) };
    assert_ne!(id(&table[0]), id(&rows(&other, "x.csv", b"text,name\nHi,Ada\n")[0]));
}

#[test]
fn the_same_message_written_differently_has_the_same_id() {
    let to = |row: &str| format!("to,text\n\"{row}\",Hi\n").into_bytes();
    let one = id(&rows(&plan(None), "x.csv", &to("+447700900123"))[0]);
    for other in ["447700900123", "+44 7700 900-123", "(+44)\u{A0}7700.900123", "msisdn:447700900123"] {
        assert_eq!(id(&rows(&plan(None), "x.csv", &to(other))[0]), one, "{other}");
    }
    let line = b"{\"text\":\"Hi\",\"options\":{},\"correlationId\":null}\n";
    assert_eq!(id(&rows(&plan(None), "x.ndjson", line)[0]), one);
}

#[test]
fn blank_rows_are_skipped() {
    let table = "to,text,error\n447700900123,Hi,\n,,\n  ,\u{A0},\n,,,,,\n\u{200B}\n447700900124,Hi,odd\n";
    let lines: Vec<_> = rows(&plan(None), "x.csv", table.as_bytes()).iter().map(|row| row.record.line).collect();
    assert_eq!(lines, [2, 7]);
    let table =
        "{\"to\":\"447700900123\",\"text\":\"Hi\"}\n\n \u{A0}\n{}\n{\"to\":null,\"text\":\" \"}\n{\"text\":\"Hi\"}\n";
    let lines: Vec<_> = rows(&plan(None), "x.ndjson", table.as_bytes()).iter().map(|row| row.record.line).collect();
    assert_eq!(lines, [1, 6]);
}

#[test]
fn an_id_that_is_given_is_kept_and_counts_up() {
    let given = Plan { id_column: Some("order".to_owned()), ..plan(Some("Hi {n}")) };
    let table = rows(&given, "x.csv", b"order,n,retry,error\na,1,0,\na,1,2,whatever\n,1,0,\nb,1,often,\n");
    assert_eq!((id(&table[0]).as_str(), id(&table[1]).as_str()), ("a", "a~2"));
    let pointer = |row: &Row| row.message.as_ref().unwrap_err()[0].pointer.clone();
    assert_eq!((pointer(&table[2]).as_str(), pointer(&table[3]).as_str()), ("/order", "/retry"));
}

proptest! {
    #[test]
    fn a_row_knows_its_line(
        ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\n\n", "\r\n\r\n", ",\"\r\n\"\n"]), 1..30),
        bom in any::<bool>(),
    ) {
        let mut table = format!("{}line,more\n", if bom { "\u{FEFF}" } else { "" });
        for end in ends {
            let line = table.matches('\n').count() + 1;
            let cell = if end.starts_with(',') { "" } else { ",x" };
            table.extend([line.to_string().as_str(), cell, end]);
        }
        for row in rows(&plan(None), "x.csv", table.as_bytes()) {
            let Original::Cells(_, cells) = &row.record.original else { panic!("not a table") };
            let line = row.record.line.to_string();
            prop_assert_eq!(line.as_bytes(), &cells[0], "{:?}", table);
        }
    }

    #[test]
    fn a_cell_is_not_changed(cells in prop::collection::vec("[^\0]{0,10}[a-z{}\",;\n]", 3)) {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["text", "callbackData", "who"]).unwrap();
        table.write_record(&cells).unwrap();
        let text = table.into_inner().unwrap();
        let members_with = |template| {
            let row = rows(&plan(template), "x.csv", &text).remove(0);
            row.message.map(|ready| ready.draft.members().clone())
        };
        if !cells[0].trim().is_empty() {
            let members = members_with(None).unwrap();
            prop_assert_eq!((&members["text"], &members["callbackData"]), (&json!(cells[0]), &json!(cells[1])));
        }
        prop_assert_eq!(&members_with(Some("To {who}")).unwrap()["text"], &json!(format!("To {}", cells[2])));
    }

    #[test]
    fn any_bytes_are_read_or_give_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let table = [b"text,to\n".as_slice(), &bytes].concat();
        rows(&plan(None), "x.csv", &table);
        rows(&plan(Some("{a}")), "x.ndjson", &bytes);
    }
}
