//! Clients that take their time. They cost nobody else anything, and are cut off.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use harness::{Database, Ending, Raw, Sample, TestServer, by_hand, sqlite};

use super::is_well;

sqlite!(whoever_drips_is_cut_off_and_nobody_waits_for_them, who_stops_talking_may_still_listen);

/// The longest that a head may take, the first or another, and some for a busy machine.
const HEAD_WITHIN: Duration = Duration::from_secs(25);

async fn whoever_drips_is_cut_off_and_nobody_waits_for_them(database: &Database) {
    let server = TestServer::on(database).with("notify.answer_within_seconds", "2").start().await;
    let address = server.address;
    let head = "POST /notify HTTP/1.1\r\nhost: x\r\n";
    let dripping = [
        ("nothing at all", String::new(), ""),
        ("a head, letter by letter", head.to_owned(), "x"),
        ("a later head, letter by letter", format!("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n{head}"), "x"),
        ("headers without end", head.to_owned(), "x-a: b\r\n"),
        ("a body, letter by letter", format!("{head}content-length: 100000\r\n\r\n"), " "),
        ("chunks without end", format!("{head}transfer-encoding: chunked\r\n\r\n"), "1\r\n \r\n"),
    ];
    let began = Instant::now();
    let drips = dripping.map(|(name, start, drip)| {
        by_hand(move || {
            let mut raw = Raw::connect(address);
            raw.sends(start);
            (name, raw.drips(drip.as_bytes(), Duration::from_millis(200), HEAD_WITHIN))
        })
    });
    let others = async {
        let mut answered = 0;
        while began.elapsed() < Duration::from_secs(3) {
            is_well(&server).await;
            answered += 1;
        }
        answered
    };
    let (drips, answered) = tokio::join!(join_all(drips), others);
    assert!(answered > 3, "{answered}");
    for (name, ending) in drips {
        assert!(matches!(ending, Ending::Closed(_)), "{name}: {ending:?}");
    }
    is_well(&server).await;
    server.stop().await;
}

/// Some clients close their half when they have sent all.
async fn who_stops_talking_may_still_listen(database: &Database) {
    let server = TestServer::start(database).await;
    let address = server.address;
    let body = Sample::of("order-1").body();
    let request = format!("POST /notify HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let half = request[..request.len() - 5].to_owned();
    let endings = by_hand(move || {
        [request, half, "POST /notify HT".to_owned(), String::new()].map(|sent| {
            let mut raw = Raw::connect(address);
            raw.sends(sent);
            raw.stops_talking();
            raw.ending()
        })
    });
    let [whole, half, head, nothing] = endings.await;
    assert_eq!(whole, Ending::Closed(vec![200]));
    // Half a body is nothing to keep; whether anybody hears that makes no difference.
    assert!([Ending::Closed(vec![503]), Ending::Closed(vec![])].contains(&half), "{half:?}");
    assert!(matches!((head, nothing), (Ending::Closed(_), Ending::Closed(_))));
    assert_eq!(server.ids("").await, ["order-1"]);
    is_well(&server).await;
    server.stop().await;
}
