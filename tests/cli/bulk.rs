//! `receiptd cancel` with filters, and `receiptd resend`.

use harness::{database::block_on, sms};
use serde_json::Value;

use super::{Ended, Server, run, serve};

/// A server with five messages that wait, and no platform that answers.
async fn with_messages() -> Server {
    let platform = [
        ("RECEIPTD_PUBLIC_URL", "http://127.0.0.1:9/notify"),
        ("RECEIPTD_WEBEX__BASE_URL", "http://127.0.0.1:9"),
        ("RECEIPTD_WEBEX__SERVICE_KEY", "k3y"),
    ];
    let server = serve(&platform).await;
    for n in 0..5 {
        let mut message = sms(&format!("order-{n}"), "Hello.");
        message["sendAt"] = "2099-01-01T00:00:00Z".into();
        server.client.sends(&message).await.is(202);
    }
    server
}

/// Runs a command through the server.
async fn asks(server: &Server, arguments: &[&str]) -> Ended {
    let place = ["--server", &server.url, "--token", "t0ken"];
    run(server.folder.path(), &[arguments, &place].concat()).await
}

#[test]
fn all_messages_of_a_filter_are_cancelled_and_sent_again() {
    block_on(async {
        let server = with_messages().await;
        let number = ["--to", "+44 7700 900123"];
        let cancel = async |flags: &[&str]| asks(&server, &[&["cancel"], &number[..], flags].concat()).await;
        cancel(&["--dry-run"]).await.is(0).prints(&["would be cancelled", "5"]);
        assert_eq!(cancel(&["--dry-run", "--json"]).await.is(0).json()["count"], 5);
        assert_eq!(server.client.ids("?status=queued").await.len(), 5, "--dry-run changes nothing");
        cancel(&["--reason", "wrong text"]).await.is(0).prints(&["done: 5 cancelled"]);
        assert_eq!(server.client.ids("?status=cancelled").await.len(), 5);

        let resend =
            async |flags: &[&str]| asks(&server, &[&["resend", "--status", "cancelled"], flags].concat()).await;
        resend(&["--dry-run"]).await.is(0).prints(&["can be sent again", "5", "--even-twice"]);
        let preview: Value = resend(&["--dry-run", "--json"]).await.is(0).json();
        let act = preview["act"].as_str().unwrap();
        let reason = ["--reason", "right text", "--act", act];
        resend(&reason).await.is(0).prints(&["done: 5 sent as new messages, 0 sent again before"]);
        // The act is repeated as a whole.
        resend(&reason).await.is(0).prints(&["done: 0 sent as new messages, 5 sent again before"]);
        let lines = resend(&[&reason[..], &["--json"]].concat()).await.is(0);
        assert_eq!(lines.json()["already"], 5);
        assert_eq!(server.client.ids("").await.len(), 10);
        let once_more = ["--since", "2h", "--reason", "once more"];
        let printed = resend(&once_more).await.is(0);
        printed.prints(&["repeat the command with --act", "done: 0 sent as new messages, 5 sent again before"]);
        let since = printed.out.split(" --since ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        assert!(since.ends_with('Z') && !printed.out.contains("--until"), "{}", printed.out);
        let lines = resend(&[&once_more[..], &["--json"]].concat()).await.is(0).out;
        let planned: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert!(planned["since"].as_str().unwrap().ends_with('Z') && planned["until"].is_null(), "{planned}");
        assert_eq!(server.client.ids("").await.len(), 10, "another act sends none of them once more");
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn an_act_on_many_messages_says_what_it_needs() {
    block_on(async {
        let server = with_messages().await;
        let needs = [
            (&["cancel"][..], "give the id of a message, or filters, or --all"),
            (&["cancel", "order-1", "--channel", "sms", "--dry-run"], "but not both"),
            (&["cancel", "order-1", "--all"], "but not both"),
            (&["cancel", "order-1", "--reason", "x"], "leave them out for one message"),
            (&["cancel", "order-1", "--dry-run"], "leave them out for one message"),
            (&["cancel", "--channel", "sms"], "give a --reason"),
            (&["cancel", "--reason", "x"], "select messages by filters"),
            (&["cancel", "--all", "--channel", "sms", "--dry-run"], "--all is for messages without any filter"),
            (&["cancel", "--status", "failed", "--reason", "x"], "/filter/status must be queued"),
            (&["resend"], "select messages by filters"),
            (&["resend", "--overdue", "perhaps", "--dry-run"], "/filter/overdue must be true or false"),
            (&["resend", "--all", "--reason", "x", "--act", "order-1"], "/act must be the act of a preview"),
        ];
        for (arguments, words) in needs {
            asks(&server, arguments).await.is(2).complains(words);
        }
        let alone = run(server.folder.path(), &["cancel", "--all", "--dry-run"]).await;
        alone.is(2).complains("needs a running server");
        asks(&server, &["cancel", "--all", "--dry-run"]).await.is(0).prints(&["would be cancelled", "5"]);
        assert_eq!(server.client.ids("?status=queued").await.len(), 5);
        server.program.ends_on("TERM").await.is(0);
    });
}
