//! Holds the documents to what is there: commands, settings, paths and routes that they name must exist.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

const DOCUMENTS: [&str; 5] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn exists(path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists()
}

/// What stands between backticks on one line.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with("```")).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The lines of the shell examples.
fn shell_lines(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => lines.push(line),
            _ => {}
        }
    }
    lines
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_receiptd")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "receiptd {arguments:?} --help failed");
    String::from_utf8(output.stdout).unwrap()
}

/// The subcommands, from the help; none where a command has none.
fn subcommands(of: &[&str]) -> BTreeSet<String> {
    let help = help(of);
    let list = help.split("Commands:").nth(1).unwrap_or_default().split("Options:").next().unwrap_or_default();
    list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Every setting by its environment variable, from the defaults file.
fn variables() -> BTreeSet<String> {
    let mut section = String::new();
    let mut variables = BTreeSet::from(
        ["RECEIPTD_API_TOKENS", "RECEIPTD_TEST_POSTGRES_URL", "RECEIPTD_TOKEN", "RECEIPTD_TOKEN_FILE"]
            .map(str::to_owned),
    );
    for line in text("config.default.toml").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{}__", name.to_uppercase());
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            variables.insert(format!("RECEIPTD_{section}{}", key.to_uppercase()));
        }
    }
    variables
}

#[test]
fn every_command_that_is_shown_exists_with_its_flags() {
    let known = subcommands(&[]);
    let mut seen = 0;
    for document in DOCUMENTS {
        let text = text(document);
        for line in shell_lines(&text) {
            let mut words = line.split_whitespace().skip_while(|word| *word != "receiptd");
            let Some(command) = words.by_ref().nth(1).filter(|_| !line.starts_with("create")) else { continue };
            assert!(known.contains(command), "{document}: there is no command in {line:?}");
            let mut words = words.peekable();
            let below = words.next_if(|word| subcommands(&[command]).contains(*word));
            let help = help(&[command].into_iter().chain(below).collect::<Vec<_>>());
            for flag in words.filter(|word| word.starts_with("--")) {
                assert!(help.contains(flag), "{document}: receiptd {command} has no {flag}");
                seen += 1;
            }
        }
        for span in code_spans(&text) {
            if let Some(command) = span.strip_prefix("receiptd ") {
                let command = command.split_whitespace().next().unwrap();
                assert!(known.contains(command), "{document}: there is no command in {span:?}");
            }
        }
    }
    assert!(seen > 5, "the examples were not found");
}

#[test]
fn every_command_is_listed_in_the_changelog() {
    let changelog = text("CHANGELOG.md");
    for command in subcommands(&[]).iter().filter(|command| *command != "help") {
        assert!(changelog.contains(&format!("`{command}`")) || changelog.contains(&format!("`receiptd {command}`")));
    }
}

#[test]
fn every_variable_that_is_named_is_a_setting() {
    let known = variables();
    assert!(known.len() > 30, "{known:?}");
    for document in DOCUMENTS {
        let text = text(document);
        for (at, _) in text.match_indices("RECEIPTD_") {
            let rest = &text[at..];
            let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
            assert!(known.contains(&rest[..end]), "{document}: there is no setting {}", &rest[..end]);
        }
    }
}

#[test]
fn every_link_and_every_path_leads_somewhere() {
    for document in DOCUMENTS {
        let text = text(document);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(leads_somewhere(document, target), "{document}: {target} does not exist");
        }
        for span in code_spans(&text) {
            let is_path =
                ["src/", "crates/", "tests/", "migrations/", "xtask/"].iter().any(|root| span.starts_with(root));
            assert!(!is_path || exists(span), "{document}: {span} does not exist");
            // ARCHITECTURE names files by their package or module, without saying where that is.
            let Some((top, rest)) = span.split_once('/').filter(|_| !span.contains(' ')) else { continue };
            let path = match top {
                "domain" | "webex" | "storage" | "simulator" => format!("crates/{top}/src/{rest}"),
                "send" | "notify" | "query" | "audit" | "http" | "cli" => format!("src/{span}"),
                _ => continue,
            };
            assert!(exists(&path) || exists(&format!("{path}.rs")), "{document}: {span} does not exist");
        }
    }
}

/// A page of others, a file, or a heading of a document.
fn leads_somewhere(document: &str, target: &str) -> bool {
    let Some((file, anchor)) = target.split_once('#').filter(|_| !target.starts_with("http")) else {
        return target.starts_with("http") || exists(target);
    };
    let file = if file.is_empty() { document } else { file };
    let headings = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with('#'));
        lines.map(|line| line.trim_matches(['#', ' ']).to_lowercase().replace(' ', "-")).collect::<Vec<_>>()
    };
    exists(file) && headings(&text(file)).iter().any(|heading| heading == anchor)
}

#[test]
fn every_countermeasure_names_what_holds_it() {
    let model = text("SECURITY.md");
    let table = model.split("## Threat model").nth(1).unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() > 8, "the table was not found");
    for row in rows {
        let holds = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let paths: Vec<_> = code_spans(holds).collect();
        assert!(!paths.is_empty() && paths.iter().all(|path| exists(path)), "{row}");
    }
}

#[test]
fn every_route_is_in_the_readme_and_the_other_way_round() {
    let (readme, routes) = (text("README.md"), text("src/http/routes.rs"));
    let quoted = |path: &&str| path.starts_with('/');
    for path in routes.split('"').skip(1).step_by(2).filter(quoted) {
        assert!(readme.contains(path.trim_end_matches('/').trim_end_matches("/{token}")), "README: {path} is missing");
    }
    let table = readme.split("| Method, path | Does |").nth(1).unwrap().split("\n\n").next().unwrap();
    for span in code_spans(table) {
        for path in span.split([' ', ',']).filter(quoted) {
            let path = path.split('?').next().unwrap();
            assert!(routes.contains(&format!("\"{path}\"")), "README: there is no route {path}");
        }
    }
}

#[test]
fn the_readmes_two_commands_are_as_they_should_be() {
    let readme = text("README.md");
    let lines = shell_lines(&readme);
    assert_eq!(lines[0], "cargo run --release -- demo");
    let test = lines.iter().find(|line| line.contains("xtask")).unwrap();
    assert_eq!(*test, "cargo xtask test");
    assert!(text(".ci/run").contains(test), ".ci/run must call the README's test command");
}
