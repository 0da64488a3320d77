//! Compares the documents with the code: commands, flags, settings, routes and files that a document names must exist.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod codes;
mod statuses;

use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// The documents at the top, and those in `docs/`.
fn documents() -> Vec<String> {
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(str::to_owned);
    let guides = guides();
    assert!(guides.len() > 8, "docs/ was not found");
    top.into_iter().chain(guides).collect()
}

fn guides() -> Vec<String> {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    // There are pictures too.
    let texts = names.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
    let mut guides: Vec<_> = texts.map(|name| format!("docs/{name}")).collect();
    guides.sort();
    guides
}

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn exists(path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists()
}

/// The code between backticks. A span may continue on the next line.
fn code_spans(text: &str) -> Vec<String> {
    let paragraphs = text.split("```").step_by(2).flat_map(|prose| prose.split("\n\n"));
    let spans = paragraphs.flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
    spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The commands of the shell examples. A command with a continuation line is one command.
fn shell_lines(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines: Vec<String> = Vec::new();
    let mut is_continued = false;
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && is_continued => lines.last_mut().unwrap().push_str(line),
            line if inside => lines.push(line.to_owned()),
            _ => {}
        }
        is_continued = inside && lines.last_mut().is_some_and(continues);
    }
    lines
}

/// Removes the backslash of a continuation line.
fn continues(line: &mut String) -> bool {
    let continues = line.ends_with('\\');
    if continues {
        line.pop();
    }
    continues
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_receiptd")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "receiptd {arguments:?} --help failed");
    String::from_utf8(output.stdout).unwrap()
}

/// The subcommands in the help. Empty if a command has none.
fn subcommands(of: &[&str]) -> BTreeSet<String> {
    let help = help(of);
    let list = help.split("Commands:").nth(1).unwrap_or_default().split("Options:").next().unwrap_or_default();
    list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Every setting by its environment variable, from the defaults file.
fn variables() -> BTreeSet<String> {
    let mut section = String::new();
    let mut variables = BTreeSet::from(
        ["RECEIPTD_API_TOKENS", "RECEIPTD_CONFIG", "RECEIPTD_SERVER", "RECEIPTD_TEST_POSTGRES_URL", "RECEIPTD_TOKEN"]
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

/// Fails unless the command exists and its help names each of its flags. Returns the number of flags.
fn check_command(document: &str, line: &str, known: &BTreeSet<String>) -> usize {
    let mut words = line.split_whitespace().skip_while(|word| *word != "receiptd");
    let Some(command) = words.by_ref().nth(1) else { return 0 };
    assert!(known.contains(command), "{document}: there is no command in {line:?}");
    let mut words = words.peekable();
    let below = words.next_if(|word| subcommands(&[command]).contains(*word));
    let help = help(&[command].into_iter().chain(below).collect::<Vec<_>>());
    let flags: Vec<_> = words.filter(|word| word.starts_with("--")).collect();
    for flag in &flags {
        assert!(help.contains(flag), "{document}: receiptd {command} has no {flag}");
    }
    flags.len()
}

#[test]
fn every_command_in_the_documents_exists_with_its_flags() {
    let known = subcommands(&[]);
    let mut seen = 0;
    for document in documents() {
        let text = text(&document);
        for line in shell_lines(&text).iter().filter(|line| !line.contains("createdb") && !line.contains("createuser"))
        {
            seen += check_command(&document, line, &known);
        }
        for span in code_spans(&text).iter().filter(|span| span.starts_with("receiptd ")) {
            check_command(&document, span, &known);
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
fn every_variable_in_the_documents_is_a_setting() {
    let known = variables();
    assert!(known.len() > 30, "{known:?}");
    for document in documents() {
        let text = text(&document);
        for (at, _) in text.match_indices("RECEIPTD_") {
            let rest = &text[at..];
            let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
            let name = &rest[..end];
            let is_setting = known.contains(name.strip_suffix("_FILE").unwrap_or(name));
            assert!(is_setting, "{document}: there is no setting {name}");
        }
    }
}

#[test]
fn every_setting_in_the_documents_is_in_the_defaults() {
    let known = variables();
    let is_section = |name: &str| known.iter().any(|variable| variable.starts_with(&format!("RECEIPTD_{name}__")));
    let mut seen = 0;
    for document in documents() {
        for span in code_spans(&text(&document)) {
            let name = span.split([' ', '=']).next().unwrap_or_default();
            let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let Some((section, key)) = name.split_once('.').filter(|(a, b)| is_word(a) && is_word(b)) else { continue };
            let (section, key) = (section.to_uppercase(), key.to_uppercase());
            // Names such as `tls.rs` are files.
            if is_section(&section) && !["RS", "MD", "TOML", "JSON"].contains(&key.as_str()) {
                let variable = format!("RECEIPTD_{section}__{key}");
                let is_list = variable == "RECEIPTD_API__TOKENS" || name == "send.channel_rates";
                assert!(is_list || known.contains(&variable), "{document}: there is no setting {name}");
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "the settings were not found");
}

#[test]
fn every_link_and_path_in_the_documents_exists() {
    for document in documents() {
        let text = text(&document);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(leads_somewhere(&document, target), "{document}: {target} does not exist");
        }
        for span in code_spans(&text) {
            let roots = ["src/", "crates/", "tests/", "migrations/", "xtask/", "docs/", "examples/", "fuzz/"];
            let is_path = roots.iter().any(|root| span.starts_with(root));
            assert!(!is_path || exists(&span), "{document}: {span} does not exist");
            // A file may be named by its package or module, without `crates/` or `src/`.
            let Some((top, rest)) = span.split_once('/').filter(|_| !span.contains(' ')) else { continue };
            let path = match top {
                "domain" | "webex" | "storage" | "simulator" => format!("crates/{top}/src/{rest}"),
                "send" | "notify" | "query" | "audit" | "http" | "cli" | "config" | "observe" => format!("src/{span}"),
                _ => continue,
            };
            assert!(exists(&path) || exists(&format!("{path}.rs")), "{document}: {span} does not exist");
        }
    }
}

/// A page of another site, a file, or a heading of a document. Links are relative to the folder of their document.
fn leads_somewhere(document: &str, target: &str) -> bool {
    if target.starts_with("http") {
        return true;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = match file.strip_prefix("../") {
        _ if file.is_empty() => document.to_owned(),
        Some(file) if !folder.is_empty() => file.to_owned(),
        _ => Path::new(folder).join(file).to_str().unwrap().to_owned(),
    };
    let headings = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with('#'));
        let kept = |c: char| c.is_alphanumeric() || c == ' ' || c == '-';
        let plain = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(|c: char| !kept(c), "");
        lines.map(|line| plain(line).replace(' ', "-")).collect::<Vec<_>>()
    };
    exists(&path) && anchor.is_none_or(|anchor| headings(&text(&path)).iter().any(|heading| heading == anchor))
}

#[test]
fn every_countermeasure_names_its_test() {
    let model = text("SECURITY.md");
    let table = model.split("## Threat model").nth(1).unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() > 8, "the table was not found");
    for row in rows {
        let holds = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let paths = code_spans(holds);
        assert!(!paths.is_empty() && paths.iter().all(|path| exists(path)), "{row}");
    }
}

/// The paths of the routes.
fn routes() -> Vec<String> {
    let routes = text("src/http/routes/mod.rs");
    routes.split('"').skip(1).step_by(2).filter(|path| path.starts_with('/')).map(str::to_owned).collect()
}

/// Whether a path matches a route, in which `{name}` matches any segment.
fn is_served(path: &str, routes: &[String]) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    routes.iter().any(|route| {
        let wanted: Vec<_> = route.split('/').collect();
        wanted.len() == parts.len()
            && wanted.iter().zip(&parts).all(|(wanted, part)| wanted == part || is_any(wanted, part))
    })
}

fn is_any(wanted: &str, part: &str) -> bool {
    wanted.starts_with('{') && !part.is_empty()
}

#[test]
fn every_route_is_in_the_api_table() {
    let querying = text("docs/querying.md");
    let table = querying.split("| Method, path |").nth(1).unwrap().split("\n\n").next().unwrap();
    let named: Vec<_> = code_spans(table).iter().flat_map(|span| paths(span)).collect();
    for route in routes() {
        let route = route.trim_end_matches('/');
        assert!(named.iter().any(|path| path == route), "docs/querying.md: {route} is missing in the table");
    }
}

/// The paths of the API in a text.
fn paths(text: &str) -> Vec<String> {
    let words = text.split([' ', ',', '\'']);
    let paths = words.map(|word| word.strip_prefix("http://127.0.0.1:8080").unwrap_or(word));
    let paths = paths.filter(|word| {
        let first = word.strip_prefix('/').map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
        matches!(
            first,
            Some("v1" | "session" | "notify" | "notify-check" | "health" | "metrics" | "openapi.json" | "docs")
        )
    });
    paths.map(|path| path.split('?').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_api_path_in_the_documents_is_served() {
    let routes = routes();
    let mut seen = 0;
    for document in documents() {
        let text = text(&document);
        for part in code_spans(&text).iter().chain(&shell_lines(&text)) {
            for path in paths(part) {
                assert!(is_served(&path, &routes), "{document}: there is no route {path}");
                seen += 1;
            }
        }
    }
    assert!(seen > 40, "the paths were not found");
}

#[test]
fn the_readme_is_short_and_leads_to_every_guide() {
    let readme = text("README.md");
    assert!(readme.lines().count() <= 150, "README.md has more than 150 lines; move details to docs/");
    for guide in guides() {
        assert!(readme.contains(&format!("]({guide})")), "README.md has no link to {guide}");
    }
}

#[test]
fn the_two_commands_of_the_readme_are_right() {
    let readme = text("README.md");
    let lines = shell_lines(&readme);
    assert_eq!(lines[0], "cargo run --release -- demo");
    let test = lines.iter().find(|line| line.contains("xtask")).unwrap();
    assert_eq!(*test, "cargo xtask test");
    assert!(text(".ci/run").contains(test), ".ci/run must call the README's test command");
}
