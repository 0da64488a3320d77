//! Answers `404` to paths that are not routes. A notification that is posted there is not tried again and is lost, so
//! it is logged.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::Method,
    web::{Data, Payload},
};
use tokio::time::Instant;

use crate::{
    http::{
        extract::body,
        problem::{Code, Problem},
        state::App,
    },
    observe::{LogLimit, NotifyOutcome},
};

/// How long the beginning of a body may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The root member of a notification.
const ROOT: &[u8] = b"deliveryInfoNotification";
/// Parts of a path that are not secret. Any other part may be a path token.
const KNOWN_PARTS: [&str; 10] =
    ["", "api", "callback", "hooks", "messages", "notifications", "notify", "v1", "webex", "webhooks"];

/// Counts the notifications that came to such a path.
#[derive(Default)]
pub(crate) struct Misdirected(LogLimit);

/// Answers, and logs the path if a notification came there.
pub(super) async fn answer(
    request: HttpRequest,
    mut payload: Payload,
    app: Data<App>,
    misdirected: Data<Misdirected>,
) -> Problem {
    let problem = Problem::new(Code::NoSuchPath, "the API begins at /v1/messages, the notify URL is /notify");
    if request.method() != Method::POST {
        return problem;
    }
    let beginning = body::beginning(&mut payload, Instant::now() + PATIENCE).await;
    if beginning.windows(ROOT.len()).any(|part| part == ROOT) {
        app.metrics.notified(NotifyOutcome::UnknownPath);
        if let Some(count) = misdirected.0.due() {
            let path = without_secrets(request.path());
            tracing::error!(
                path,
                count,
                "notifications are posted to an unknown path; they are answered with 404 and lost. Correct the \
                 notify URL at the platform, or public_url: its path is /notify, or /notify/ and notify.path_token"
            );
        }
    }
    problem.closing(payload)
}

/// The path with a star for each part that may be a secret.
fn without_secrets(path: &str) -> String {
    let shown = path.split('/').map(|part| if KNOWN_PARTS.contains(&part) { part } else { "*" });
    shown.take(10).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_token_is_not_shown() {
        for (path, shown) in [
            ("/", "/"),
            ("/s3cret", "/*"),
            ("/other/notify/s3cret", "/*/notify/*"),
            ("/webhooks/webex", "/webhooks/webex"),
            ("/NOTIFY/s3cret/", "/*/*/"),
        ] {
            assert_eq!(without_secrets(path), shown);
        }
    }
}
