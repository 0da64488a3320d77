//! Saved views on the command line, for the database and for a server.

use harness::{Sample, database::block_on};
use serde_json::json;

use super::serve;

#[test]
fn a_view_is_saved_used_and_removed() {
    block_on(async {
        let server = serve(&[]).await;
        for (id, to) in [("order-1", "447700900123"), ("order-2", "447700900124")] {
            server.client.posts(Sample::of(id).to(to).says("Failed", "7203")).await.is_acknowledged();
        }
        for shown in server.both(&["views"]).await {
            assert_eq!(shown.is(0).out, "no saved views\n");
        }
        for shown in server.both(&["views", "save", "Dana", "to=+44 7700 900123", "final=true"]).await {
            shown.is(0).prints(&["saved \"Dana\" of messages"]);
        }
        for (of, filter) in [("failures", "channel=sms"), ("audit", "action=erased")] {
            for shown in server.both(&["views", "save", "Dana", filter, "--of", of]).await {
                shown.is(0);
            }
        }
        for shown in server.both(&["views", "--json"]).await {
            let views = shown.is(0).json();
            assert_eq!(views["items"][0]["filter"], json!({"to": "+44 7700 900123", "final": true}));
            assert_eq!(views["items"].as_array().unwrap().len(), 3);
        }
        for shown in server.both(&["messages", "--view", "Dana", "--limit", "7", "--json"]).await {
            let page = shown.is(0).json();
            assert_eq!(page["items"].as_array().unwrap().len(), 1);
            assert_eq!(page["items"][0]["correlationId"], "order-1");
        }
        for shown in server.both(&["stats", "--view", "Dana", "--by", "code", "--json"]).await {
            assert_eq!(shown.is(0).json()["items"], json!([{"code": "7203", "count": 2}]));
        }
        for shown in server.both(&["audit", "--view", "Dana"]).await {
            assert_eq!(shown.is(0).out, "no entries\n");
        }
        for shown in server.both(&["messages", "--view", "Dana", "--to", "+447700900124"]).await {
            shown.is(2).complains("the view \"Dana\" has the filter to already");
        }
        for shown in server.both(&["messages", "--view", "Eli"]).await {
            shown.is(1).complains("there is no saved view \"Eli\" of messages");
        }
        for shown in server.both(&["views", "save", "Dana", "status=gone"]).await {
            shown.is(2).complains("filter/status must be one of");
        }
        for shown in server.both(&["views", "remove", "Dana"]).await {
            shown.is(0).prints(&["removed \"Dana\" of messages"]);
        }
        for shown in server.both(&["views", "remove", "Dana"]).await {
            shown.is(1).complains("there is no saved view");
        }
        server.program.ends_on("TERM").await.is(0);
    });
}
