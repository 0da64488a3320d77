//! The output of commands: standard output that cannot be written, special files, and control characters.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{Read, Write},
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
        process::ExitStatusExt,
    },
    path::Path,
    process::{Command, Stdio},
    thread,
};

use harness::{Sample, database::block_on, program::receiptd};

use super::{folder, run, serve};

/// Runs a command on a full disk. Returns its exit code and its error.
fn on_a_full_disk(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = receiptd(folder, arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

/// Runs a command whose standard output was closed before it writes.
fn without_a_reader(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = receiptd(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.signal(), None);
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn every_command_fails_if_its_output_cannot_be_written() {
    block_on(async {
        let server = serve(&[]).await;
        server.client.posts(Sample::of("order-1")).await.is_acknowledged();
        server.client.posts(r#"{"event":"MO","from":"447700900123"}"#).await.is_acknowledged();
        server.client.posts("not JSON").await.is_acknowledged();
        let kept = |command: &[&str]| {
            let listed = receiptd(server.folder.path(), &[command, &["--json"]].concat()).output().unwrap();
            let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
            listed["items"][0]["fingerprint"].as_str().unwrap().to_owned()
        };
        let (inbound, quarantined) = (kept(&["inbound"]), kept(&["quarantine"]));
        fs::write(server.folder.path().join("lines"), Sample::of("order-2").body()).unwrap();
        let at = ["--server", &server.url, "--token", "t0ken"];
        for command in [
            &["--help"][..],
            &["messages", "--help"],
            &["--version"],
            &["openapi"],
            &["check-config"],
            &["check-config", "--json"],
            &["migrate"],
            &["messages"],
            &["messages", "--json"],
            &["status", "order-1"],
            &["status", "order-1", "--json"],
            &["stats"],
            &["inbound"],
            &["inbound", "show", &inbound],
            &["quarantine"],
            &["quarantine", "show", &quarantined],
            &["quarantine", "retry"],
            &["audit"],
            &["audit", "verify"],
            &["export"],
            &["export", "--of", "notifications", "--format", "ndjson"],
            &["export", "--output", "-"],
            &["export", "--output", "/dev/full"],
            &["export", "--output", "/dev/stdout"],
            &["import", "lines"],
            &["rebuild"],
            &["purge"],
            &["erase", "--dry-run", "--to", "447700900123"],
            &["messages", at[0], at[1], at[2], at[3]],
            &["export", at[0], at[1], at[2], at[3]],
            &["status", "order-1", "--json", at[0], at[1], at[2], at[3]],
        ] {
            let (code, said) = on_a_full_disk(server.folder.path(), command);
            assert_eq!(code, Some(1), "{command:?}: {said}");
            assert!(said.contains("cannot be written") && said.contains("No space left"), "{command:?}: {said}");
            if command[0] != "migrate" && command != ["export", "--output", "/dev/full"] {
                assert_eq!(without_a_reader(server.folder.path(), command), (Some(0), String::new()), "{command:?}");
            }
        }
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn an_export_follows_links_pipes_and_devices() {
    block_on(async {
        let server = serve(&[]).await;
        server.client.posts(Sample::of("order-1")).await.is_acknowledged();
        let folder = server.folder.path();
        let path = |name: &str| folder.join(name);
        let content = |name: &str| fs::read_to_string(path(name)).unwrap();
        let whole = run(folder, &["export"]).await.is(0).out;
        let export = async |name: &str| run(folder, &["export", "--output", name]).await;

        // A pipe is written to, and stays a pipe.
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        let reader = thread::spawn({
            let pipe = path("pipe");
            move || {
                let mut read = String::new();
                File::open(pipe).unwrap().read_to_string(&mut read).unwrap();
                read
            }
        });
        export("pipe").await.is(0);
        assert_eq!(reader.join().unwrap(), whole);
        assert!(fs::metadata(path("pipe")).unwrap().file_type().is_fifo());
        symlink("/dev/null", path("nothing")).unwrap();
        export("nothing").await.is(0);
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());

        // Standard output by any of its names. A file that another descriptor has open keeps its contents.
        for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            assert_eq!(export(name).await.is(0).out, whole, "{name}");
        }
        let mut log = File::create(path("log")).unwrap();
        log.write_all(b"before\n").unwrap();
        let mut command = receiptd(folder, &["export", "--output", "/dev/stdout"]);
        assert!(command.stdout(log).status().unwrap().success());
        assert_eq!(content("log"), format!("before\n{whole}"));

        // A link stays, whether its target exists or not. The mode and the owner of the file stay too.
        fs::create_dir(path("kept")).unwrap();
        fs::write(path("kept/file"), "before, and longer than what comes\n".repeat(99)).unwrap();
        fs::set_permissions(path("kept/file"), Permissions::from_mode(0o640)).unwrap();
        let owner = fs::metadata(path("kept/file")).unwrap().uid();
        symlink("kept/file", path("link")).unwrap();
        symlink("kept/new", path("dangling")).unwrap();
        symlink("dangling", path("link of a link")).unwrap();
        for (link, file) in [("link", "kept/file"), ("dangling", "kept/new"), ("link of a link", "kept/new")] {
            export(link).await.is(0);
            assert!(fs::symlink_metadata(path(link)).unwrap().is_symlink(), "{link}");
            assert_eq!(content(file), whole, "{link}");
        }
        let file = fs::metadata(path("kept/file")).unwrap();
        assert_eq!((file.mode() & 0o7777, file.uid()), (0o640, owner));
        assert_eq!(fs::metadata(path("kept/new")).unwrap().mode() & 0o777, 0o600, "the data are personal");

        symlink("round", path("round")).unwrap();
        for wrong in ["kept", "none/file", "round", "/dev/full"] {
            export(wrong).await.is(1).complains("cannot be written");
        }
        assert_eq!(fs::read_dir(path("kept")).unwrap().count(), 2, "nothing is left over");
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn a_backup_is_written_to_a_new_file_only() {
    block_on(async {
        let folder = folder();
        run(folder.path(), &["migrate"]).await.is(0);
        symlink("none", folder.path().join("dangling")).unwrap();
        assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
        for there in ["dangling", "pipe", "/dev/null", "/dev/stdout", "."] {
            run(folder.path(), &["backup", there]).await.is(2).complains("exists already");
        }
        run(folder.path(), &["backup", "-"]).await.is(2).complains("name a file");
        run(folder.path(), &["backup", "copy.db"]).await.is(0);
    });
}

#[test]
fn control_characters_are_shown_escaped() {
    block_on(async {
        let server = serve(&[]).await;
        let id = "a\u{1b}[31m\u{202e}b\nforged  line";
        let sample = Sample::of(id).says("Un-Delivered", "7203").with("Description", "\u{7}gone\u{200b}\u{2028}");
        server.client.posts(sample).await.is_acknowledged();
        server.client.posts("no JSON \u{1b}]0;title\u{7}\u{2066}\nsecond line").await.is_acknowledged();
        let fingerprint = server.client.items("/v1/quarantine").await[0]["fingerprint"].as_str().unwrap().to_owned();
        for command in [&["messages"][..], &["status", id], &["quarantine", "show", &fingerprint]] {
            for shown in server.both(command).await {
                let shown = shown.is(0);
                let hidden = ['\u{1b}', '\u{7}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}'];
                assert!(!shown.out.contains(hidden), "{command:?}: {:?}", shown.out);
                shown.prints(&["\\u{1b}"]);
                assert!(!shown.out.lines().any(|line| line.starts_with("forged")), "{}", shown.out);
            }
        }
        for shown in server.both(&["quarantine", "show", &fingerprint]).await {
            assert!(shown.out.lines().any(|line| line == "second line"), "a body has its lines: {}", shown.out);
        }
        for shown in server.both(&["messages", "--json"]).await {
            assert!(shown.out.contains('\u{202e}'), "data are as they are: {}", shown.out);
        }
        // In errors too: an id, a text from the server, and a flag.
        for wrong in
            [&["status", "none\u{1b}[31m"][..], &["messages", "stray\u{202e}"], &["export", "--output", "no/\u{202e}"]]
        {
            let ended = run(server.folder.path(), wrong).await;
            assert!(ended.code != Some(0) && !ended.err.contains(['\u{1b}', '\u{202e}']), "{ended:?}");
            assert!(ended.err.contains("\\u{1b}") || ended.err.contains("\\u{202e}"), "{ended:?}");
        }
        server.program.ends_on("TERM").await.is(0);
    });
}
