//! The table of the status glossary has the words that the API and the pages have.

use receiptd::query::statuses;

#[test]
fn the_status_glossary_has_the_words_of_the_api() {
    let text = super::text("docs/status-glossary.md");
    let table = text.split("| Status | Meaning |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<Vec<String>> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.replace('`', "").trim().to_owned()).collect())
        .collect();
    let words = statuses().items.into_iter().map(|entry| {
        let is_final = if entry.is_final { "yes" } else { "no" }.to_owned();
        vec![entry.status, entry.meaning, entry.set_by, entry.next, is_final]
    });
    assert_eq!(rows, words.collect::<Vec<_>>());
}
