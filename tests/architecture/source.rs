//! Source files, and the names that they mention.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A source file.
pub(crate) struct File {
    /// The path from the root of the repository.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// All source files below these folders.
pub(crate) fn files(folders: &[&str]) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths = folders.iter().flat_map(|folder| below(&root.join(folder)));
    let file = |path: PathBuf| File {
        name: path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(),
        text: fs::read_to_string(&path).unwrap(),
    };
    paths.map(file).collect()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort_unstable();
    let found = entries.into_iter().flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

impl File {
    /// Whether all of it is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.name.ends_with("tests.rs") || self.name.split('/').any(|part| part == "tests")
    }

    /// The modules of `src/` that it is in, from the top: `["http", "routes", "notify"]` of `src/http/routes/notify.rs`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let path = self.name.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').collect()
    }

    /// Its code, without comments and without the tests at its end.
    pub(crate) fn code(&self) -> String {
        let code = self.text.split("#[cfg(test)]\nmod ").next().unwrap();
        code.split_inclusive('\n').filter(|line| !line.trim_start().starts_with("//")).collect()
    }

    /// The modules below `parent` that its code mentions; the top-level ones are below `crate::`.
    pub(crate) fn mentions(&self, parent: &str) -> Vec<String> {
        let code = self.code();
        let after = code.match_indices(parent).map(|(at, prefix)| &code[at + prefix.len()..]);
        after.flat_map(first_names).collect()
    }

    /// The part of its top-level module that it is, or is in: `notify` of `src/http/notify/check.rs`.
    pub(crate) fn unit(&self) -> String {
        self.module().get(1).copied().unwrap_or_default().to_owned()
    }

    /// The other parts of its top-level module that its code mentions.
    pub(crate) fn siblings(&self) -> Vec<String> {
        let (code, depth) = (self.code(), self.module().len());
        let up = ["super::".repeat(depth.saturating_sub(1)), format!("crate::{}::", self.module()[0])];
        let after = up.iter().filter(|up| !up.is_empty()).flat_map(|up| code.split(up.as_str()).skip(1));
        after.flat_map(first_names).collect()
    }

    /// Whether its code mentions a crate: `name::`, not as the end of a longer name, and not at the beginning of a
    /// string.
    pub(crate) fn uses_crate(&self, name: &str) -> bool {
        let code = self.code();
        code.match_indices(&format!("{name}::")).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            before.is_none_or(|before| !before.is_alphanumeric() && !['_', ':', '"'].contains(&before))
        })
    }

    /// Whether its code leaves its module at this depth by `super`, so that [`Self::mentions`] does not see where it goes.
    /// Top-level modules are at depth 1.
    pub(crate) fn leaves_by_super(&self, depth: usize) -> bool {
        self.code().contains(&"super::".repeat(self.module().len() + 1 - depth))
    }
}

/// The first name of each path after `crate::`, for a single path or a group in braces.
fn first_names(text: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = text.strip_prefix('{') else { return vec![name(text)] };
    let (mut names, mut depth, mut is_first) = (Vec::new(), 0, true);
    for (at, character) in group.char_indices() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => is_first = true,
            _ if is_first && !character.is_whitespace() => {
                names.push(name(&group[at..]));
                is_first = false;
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { name: "src/query/view.rs".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn mentions_are_found_in_every_form() {
        for (text, found) in [
            ("use crate::send::Sender;", vec!["send"]),
            ("use crate::{\n    audit::{Proof, Verdict},\n    send,\n};", vec!["audit", "send"]),
            ("fn f() { vec![crate::send::x()]; }", vec!["send"]),
            ("impl crate::send::Reads for S {}", vec!["send"]),
            ("// crate::send is not meant\n/// [`crate::send`]\n", vec![]),
            ("#[cfg(test)]\nmod tests { use crate::send::Sender; }", vec![]),
        ] {
            assert_eq!(file(text).mentions("crate::"), found, "{text}");
        }
        assert!(file("use super::super::send::Sender;").leaves_by_super(1));
        assert!(!file("use super::feed::Feed;").leaves_by_super(1));
    }

    #[test]
    fn siblings_are_found_from_every_depth() {
        let siblings = |name: &str, text: &str| File { name: name.to_owned(), text: text.to_owned() }.siblings();
        assert_eq!(siblings("src/query/view.rs", "use super::{feed::Feed, page::{A, B}};"), ["feed", "page"]);
        assert_eq!(siblings("src/query/view/rows.rs", "use super::A; use super::super::feed::Feed;"), ["feed"]);
        assert_eq!(siblings("src/query/view.rs", "fn f() { crate::query::feed::x() }"), ["feed"]);
        assert!(siblings("src/query/mod.rs", "use self::feed::Feed;").is_empty());
    }

    #[test]
    fn crates_are_found_by_their_whole_name() {
        assert!(file("use clap::Args;").uses_crate("clap"));
        assert!(file("fn f(x: &clap::Error) {}").uses_crate("clap"));
        assert!(!file("use myclap::Args; use x::clap::y; f(\"clap::z\")").uses_crate("clap"));
    }
}
