//! `check-config --connect`: reports whether the database and the platform answer, and changes nothing.

use std::{fs, path::Path};

use harness::{Database, Platform, Recorder};
use receiptd::simulator::Settings;

use super::{Ended, block_on, ends, folder, receiptd, run};

const KEY: &str = "k3y-s3cret";
const NOBODY: &str = "http://127.0.0.1:9";

async fn tries(folder: &Path, platform: &str, key: &str, database: &str) -> Ended {
    let mut command = receiptd(folder, &["check-config", "--connect", "--json"]);
    command.env("RECEIPTD_PUBLIC_URL", "http://127.0.0.1:9/notify").env("RECEIPTD_WEBEX__BASE_URL", platform);
    ends(command.env("RECEIPTD_WEBEX__SERVICE_KEY", key).env("RECEIPTD_DATABASE_URL", database)).await
}

/// The result for one of the two.
#[track_caller]
fn told(ended: &Ended, what: &str) -> String {
    ended.json()[what].as_str().unwrap().to_owned()
}

#[test]
fn the_credentials_are_checked_without_sending_a_message() {
    block_on(async {
        let folder = folder();
        let platform = Platform::with(Settings { service_key: Some(KEY.to_owned()), ..Settings::calm() });
        let try_platform = async |platform: &str, key: &str| tries(folder.path(), platform, key, "sqlite://x.db").await;
        let good = try_platform(&platform.url, KEY).await.is(0);
        assert_eq!(told(&good, "platform answers"), "yes, and it accepts the credentials");
        let denied = try_platform(&platform.url, "an0ther").await.is(1);
        assert!(told(&denied, "platform answers").starts_with("no: it rejects the credentials"), "{denied:?}");
        let away = try_platform(NOBODY, KEY).await.is(1);
        assert!(told(&away, "platform answers").starts_with("no: it cannot be reached"), "{away:?}");
        let recorder = Recorder::saying(404, "<html>not found</html>").await;
        let other = try_platform(&recorder.url, KEY).await.is(1);
        assert!(told(&other, "platform answers").contains("is not Webex Connect"), "{other:?}");
        assert_eq!(recorder.requests()[0].body, serde_json::json!({}), "it contains no recipient and no text");
        assert!(platform.report().accepted_by_correlation_id.is_empty());
        platform.stop().await;
    });
}

#[test]
fn the_database_is_checked_and_not_changed() {
    block_on(async {
        let folder = folder();
        let names = || {
            let names =
                fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> = names.filter(|name| name.contains(".db")).collect();
            names.sort_unstable();
            names
        };
        let mut command = receiptd(folder.path(), &["check-config", "--connect", "--json"]);
        let mut tries = async |database: &str| ends(command.env("RECEIPTD_DATABASE_URL", database)).await;
        let new = tries("sqlite://new.db").await.is(0);
        assert_eq!(told(&new, "database answers"), "there is no file yet; serve creates it");
        assert_eq!(told(&new, "platform answers"), "not asked: sending is off");
        fs::write(folder.path().join("text.db"), "x".repeat(200)).unwrap();
        let text = tries("sqlite://text.db").await.is(1);
        assert!(told(&text, "database answers").contains("not an SQLite database"), "{text:?}");
        let away = tries("postgres://u:planted-password@127.0.0.1:9/x?foo=planted").await.is(1);
        assert!(told(&away, "database answers").contains("refused"), "{away:?}");
        assert!(away.out.contains("the parameter foo is unknown") && !(away.out + &away.err).contains("planted"));
        run(folder.path(), &["migrate"]).await.is(0);
        assert_eq!(told(&tries("sqlite://receiptd.db").await.is(0), "database answers"), "yes");
        assert_eq!(names(), ["receiptd.db", "text.db"]);
    });
}

/// By every command, with the same error.
#[test]
fn the_file_of_another_program_is_refused_by_every_command() {
    block_on(async {
        let folder = folder();
        fs::write(folder.path().join("receiptd.db"), "").unwrap();
        Database::at(&folder.path().join("receiptd.db")).execute_now("CREATE TABLE users (name TEXT)").await;
        let before = fs::read(folder.path().join("receiptd.db")).unwrap();
        let words = "this is the database of another program; name a database of receiptd";
        let tried = run(folder.path(), &["check-config", "--connect", "--json"]).await.is(1);
        assert_eq!(told(&tried, "database answers"), format!("no: {words}"));
        for arguments in [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["migrate"],
            &["backup", "copy.db"],
            &["messages"],
            &["export"],
            &["audit", "verify"],
            &["purge"],
        ] {
            run(folder.path(), arguments).await.is(1).complains(words);
        }
        assert_eq!(fs::read(folder.path().join("receiptd.db")).unwrap(), before);
        assert!(!folder.path().join("copy.db").exists());
    });
}

#[test]
fn a_read_only_database_is_refused_by_commands_that_write() {
    block_on(async {
        let folder = folder();
        run(folder.path(), &["migrate"]).await.is(0);
        let only_read = "sqlite://receiptd.db?mode=ro";
        let words = "mode=ro in the database URL opens the database read-only, but this command writes to it; \
                     remove mode=ro";
        for arguments in [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["check-config"],
            &["check-config", "--connect"],
            &["migrate"],
            &["export"],
            &["purge"],
            &["audit", "verify"],
            &["restore", "copy.db"],
        ] {
            let refused = run(folder.path(), &[arguments, &["--database-url", only_read]].concat()).await;
            assert_ne!(refused.code, Some(0), "{arguments:?}");
            refused.complains(words);
        }
        for arguments in [&["messages"][..], &["stats"], &["audit"], &["backup", "copy.db"]] {
            run(folder.path(), &[arguments, &["--database-url", only_read]].concat()).await.is(0);
        }
    });
}
