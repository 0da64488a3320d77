//! A server whose clock is set forward and back while it works.

use std::{collections::BTreeSet, time::Duration};

use harness::{Database, Follower, Sample, SetClock, TestServer, both};

both!(order_status_pages_and_events_are_right_while_the_clock_jumps);

const DAY: Duration = Duration::from_hours(24);

/// Forward and back, by hours and by years.
fn jump(clock: &SetClock, turn: usize) {
    match turn % 5 {
        0 => clock.goes_back(DAY * 400),
        1 => clock.goes_forward(DAY * 3_000),
        2 => clock.goes_back(DAY * 1),
        3 => clock.goes_forward(Duration::from_mins(90)),
        _ => clock.goes_back(DAY * 2_599),
    }
}

async fn order_status_pages_and_events_are_right_while_the_clock_jumps(database: &Database) {
    const MESSAGES: usize = 12;
    let clock = SetClock::default();
    let server = TestServer::on(database).by(clock.clock()).start().await;
    let mut follower = Follower::of(&server, "").await;
    let name = |n: usize| format!("order-{n:02}");
    let mut told = Vec::new();
    for n in 0..MESSAGES {
        // The platform's clock is wrong by years too, and its own order counts.
        let year = 1999 + n * 4;
        let at = |second: &str| format!("{year}-10-25T01:30:{second}Z");
        let sample = Sample::of(&name(n));
        for (status, code, second) in [("Read", "7502", "03"), ("Submitted", "7501", "01"), ("Read", "7502", "03")] {
            server.posts(sample.clone().on("WhatsApp").says(status, code).at(&at(second))).await.is_acknowledged();
            jump(&clock, n);
        }
        told.push(format!("{} read", name(n)));
    }
    assert_eq!(follower.changes(MESSAGES).await, told, "events come in the order in which things happened");

    for n in 0..MESSAGES {
        let message = server.message(&name(n)).await;
        assert_eq!((&message["status"], &message["notificationCount"]), (&"read".into(), &2.into()), "{message}");
        let timeline = message["timeline"].as_array().unwrap();
        let of = |member: &str| timeline.iter().map(|entry| entry[member].to_string()).collect::<Vec<_>>();
        assert_eq!(
            (of("status"), of("times")),
            (vec!["\"submitted\"".into(), "\"read\"".into()], vec!["1".into(), "2".into()])
        );
    }

    let before = server.ids("?limit=500").await;
    assert_eq!(before.len(), MESSAGES);
    let (mut walked, mut path) = (Vec::new(), "/v1/messages?limit=2".to_owned());
    for turn in 0.. {
        let page = server.gets(&path).await.is(200).json();
        let ids =
            page["items"].as_array().unwrap().iter().map(|item| item["correlationId"].as_str().unwrap().to_owned());
        walked.extend(ids);
        jump(&clock, turn);
        server.posts(Sample::of(&format!("later-{turn}"))).await.is_acknowledged();
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/messages?limit=2&cursor={cursor}");
    }
    assert_eq!(walked.iter().collect::<BTreeSet<_>>().len(), walked.len(), "twice: {walked:?}");
    walked.retain(|id| id.starts_with("order-"));
    assert_eq!(walked, before);
    drop(follower);
    server.stop().await;
}
