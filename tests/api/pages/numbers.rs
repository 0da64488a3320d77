//! Numbers that lead to their rows.

use harness::{Page, TestServer};

/// Follows each number of the page that leads to a list, and fails unless the list has so many rows. Returns how many were
/// followed.
pub(super) async fn each_number_leads_to_its_rows(server: &TestServer, page: &Page) -> usize {
    let mut followed = 0;
    for part in page.answer.body.split("<a ").skip(1) {
        let Some((link, rest)) = part.split_once("href=\"/messages?").and_then(|(_, rest)| rest.split_once('"')) else {
            continue;
        };
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let words = rest.split("</a>").next().unwrap();
        // In a figure, the number is in bold. In a cell, the link is the number.
        let number = match words.split_once("<b>") {
            Some((_, number)) => digits(number.split('<').next().unwrap()),
            None => digits(words.split_once('>').unwrap().1),
        };
        let Ok(number) = number.parse::<usize>() else { continue };
        let query = link.replace("&amp;", "&");
        assert_eq!(server.items(&format!("/v1/messages?{query}")).await.len(), number, "{query}");
        followed += 1;
    }
    followed
}
