//! Hostile input: nothing panics, nothing is answered with 500, everything is answered or closed in time, and the
//! server works afterwards.

mod bodies;
mod crowd;
mod framing;
mod patience;

use harness::{Sample, TestServer};

/// The server accepts a notification and returns it.
async fn is_well(server: &TestServer) {
    let id = format!("well-{}", uuid::Uuid::new_v4());
    server.posts(Sample::of(&id)).await.is_acknowledged();
    assert_eq!(server.message(&id).await["status"], "delivered");
    server.gets("/health/ready").await.is(200);
}
