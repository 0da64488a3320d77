//! `receiptd audit`, `purge` and `erase`.

use std::fs;

use harness::program::receiptd;

use crate::{Sample, backup::execute, block_on, ends, run, serve};

#[test]
fn the_store_is_verified_against_a_head_or_a_file() {
    block_on(async {
        let server = serve(&[]).await;
        server.client.posts(Sample::of("order-1")).await.is_acknowledged();
        for shown in server.both(&["audit", "verify"]).await {
            let shown = shown.is(0);
            shown.prints(&["Verified: ", " rows in ", "head "]);
            let head = shown.out.split_whitespace().last().unwrap().to_owned();
            let file = server.folder.path().join("head.txt");
            fs::write(&file, &shown.out).unwrap();
            for head in [head.as_str(), file.to_str().unwrap()] {
                for shown in server.both(&["audit", "verify", "--head", head, "--json"]).await {
                    assert_eq!(shown.is(0).json()["sound"], true);
                }
            }
        }
        execute(&server.folder.path().join("receiptd.db"), "UPDATE messages SET status = 'read'").await;
        for shown in server.both(&["audit", "verify"]).await {
            shown.is(1).complains("messages order-1 was altered: its value of status");
        }
        execute(&server.folder.path().join("receiptd.db"), "UPDATE messages SET status = 'delivered'").await;
        let other = "0".repeat(64);
        for shown in server.both(&["audit", "verify", "--head", &other]).await {
            shown.is(1).complains("links were removed");
        }
        for shown in server.both(&["audit", "verify", "--head", "nowhere"]).await {
            shown.is(2).complains("must be 64 hexadecimal digits or a file");
        }
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn an_erasure_is_in_the_audit_log_with_its_actor() {
    block_on(async {
        let server = serve(&[]).await;
        for (id, arguments) in [("order-1", &[][..]), ("order-2", &["--server"])] {
            server.client.posts(Sample::of(id)).await.is_acknowledged();
            let number = server.client.message(id).await["to"].as_str().unwrap().to_owned();
            for shown in server.both(&["erase", "--to", &number, "--dry-run", "--json"]).await {
                assert_eq!(shown.is(0).json()["messages"], 1);
            }
            let mut command = vec!["erase", "--to", number.as_str()];
            if !arguments.is_empty() {
                command.extend(["--server", &server.url, "--token", "t0ken"]);
            }
            run(server.folder.path(), &command).await.is(0).prints(&["erased", "notifications"]);
            assert_eq!(server.client.message(id).await["to"], "erased");
        }
        for shown in server.both(&["audit"]).await {
            shown.is(0).prints(&["who", "cli:", "ops", "erased"]);
        }
        for shown in server.both(&["audit", "--limit", "1", "--json"]).await {
            assert_eq!(shown.is(0).json()["items"].as_array().unwrap().len(), 1);
        }
        run(server.folder.path(), &["erase", "--to", " "]).await.is(2).complains("must not be blank");
        for shown in server.both(&["erase", "--to", "07700 900123"]).await {
            shown.is(2).complains("write it as in +447700900123");
        }
        for flags in [&[][..], &["--dry-run"]] {
            for shown in server.both(&[&["erase", "--to", "+447700900999"], flags].concat()).await {
                shown.is(1).complains("nothing is stored about this address");
            }
        }
        for shown in server.both(&["erase", "--to", "+447700900999", "--json"]).await {
            assert_eq!(shown.is(1).json()["found"], false);
        }
        server.program.ends_on("TERM").await.is(0);
        for file in fs::read_dir(server.folder.path()).unwrap() {
            let path = file.unwrap().path();
            // The output of the commands names a number as an example.
            if !path.to_string_lossy().contains(".db") {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(12).any(|window| window == b"447700900123"), "{}", path.display());
        }
    });
}

#[test]
fn a_purge_previews_and_then_removes() {
    block_on(async {
        let server = serve(&[]).await;
        server.client.posts(Sample::of("order-1")).await.is_acknowledged();
        let folder = server.folder.path();
        run(folder, &["purge"]).await.is(0).prints(&["kept forever"]);
        fs::write(folder.join("receiptd.toml"), "[retention]\nmessages_days = 30\nbodies_days = 7\n").unwrap();
        run(folder, &["purge", "--dry-run"]).await.is(0).prints(&["would be removed", "messages", "bodies"]);
        assert_eq!(run(folder, &["purge", "--json"]).await.is(0).json()[0]["rows"], 0, "nothing is old");
        server.client.message("order-1").await;
        fs::write(folder.join("receiptd.toml"), "[retention]\nmessages_days = 30\nbodies_days = 70\n").unwrap();
        run(folder, &["purge"]).await.is(1).complains("retention.bodies_days is longer than retention.messages_days");
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn the_audit_log_has_the_claimed_name_and_the_operating_system_user() {
    block_on(async {
        let server = serve(&[]).await;
        server.client.posts(Sample::of("order-1")).await.is_acknowledged();
        let folder = server.folder.path();
        let mut command = receiptd(folder, &["rebuild"]);
        ends(command.env("USER", "mallory")).await.is(0);
        let id = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap());
        for shown in server.both(&["audit", "--actor", "cli:mallory", "--action", "rebuilt", "--json"]).await {
            let items = shown.is(0).json()["items"].clone();
            assert_eq!(items[0]["actor"], "cli:mallory");
            assert!(items[0]["osUser"].as_str().unwrap().contains(&format!("uid {id}")), "{items}");
        }
        for shown in server.both(&["audit", "--actor", "nobody", "--json"]).await {
            assert!(shown.is(0).json()["items"].as_array().unwrap().is_empty());
        }
        for shown in server.both(&["audit", "--action", "seen"]).await {
            shown.is(2).complains("action must be one of sent, cancelled");
        }
        for shown in server.both(&["export", "--of", "audit", "--action", "rebuilt"]).await {
            shown.is(0).prints(&["at,actor,osUser,action,count,details", "cli:mallory"]);
        }
        server.program.ends_on("TERM").await.is(0);
    });
}
