//! Slow clients. They do not affect other clients, and are disconnected.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use harness::{Database, Ending, Raw, Sample, TestServer, by_hand, sqlite};

use super::is_well;

sqlite!(slow_clients_are_disconnected_and_delay_no_others, a_half_closed_client_gets_its_answer);

/// Maximum time for the first head or a later one, with a reserve for a busy machine.
const HEAD_WITHIN: Duration = Duration::from_secs(25);

async fn slow_clients_are_disconnected_and_delay_no_others(database: &Database) {
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

/// Some clients close their half of the connection when they have sent everything.
async fn a_half_closed_client_gets_its_answer(database: &Database) {
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
    // Half a body is not stored. The client may or may not get an answer.
    assert!([Ending::Closed(vec![503]), Ending::Closed(vec![])].contains(&half), "{half:?}");
    assert!(matches!((head, nothing), (Ending::Closed(_), Ending::Closed(_))));
    assert_eq!(server.ids("").await, ["order-1"]);
    is_well(&server).await;
    server.stop().await;
}
