//! Source files, and the paths that stand in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::visit::{self, Visit};

/// The folder that each backend compiles as a module of its own, and where it hangs there.
const COMPILED_ELSEWHERE: (&str, &str) = ("storage/portable", "storage/sqlite/portable");

/// A source file.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the folder that was asked for.
    pub(crate) name: String,
    /// The module that it is; empty for the roots.
    pub(crate) module: Vec<String>,
    pub(crate) text: String,
    /// Whether all of it is test code.
    pub(crate) is_test: bool,
}

/// A path that stands in a file: an import, or part of an expression or a type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mention {
    /// From the root of the crate (`crate`, …) or of another one (`sqlx`, …).
    pub(crate) path: Vec<String>,
    pub(crate) is_test: bool,
}

impl Mention {
    pub(crate) fn text(&self) -> String {
        self.path.join("::")
    }

    /// What follows `crate::`, where it is a path of ours.
    pub(crate) fn ours(&self) -> Option<&[String]> {
        let (root, rest) = self.path.split_first()?;
        (root == "crate" || root == "receiptd").then_some(rest)
    }
}

/// All source files below `folder`.
pub(crate) fn files(folder: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    for path in below(&root) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        files.push(File::of(&name, fs::read_to_string(&path).unwrap()));
    }
    let tests: Vec<_> = files.iter().flat_map(File::test_modules).collect();
    for file in &mut files {
        file.is_test = tests.iter().any(|module| file.module.starts_with(module));
    }
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    files
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

impl File {
    pub(crate) fn of(name: &str, text: String) -> Self {
        let (from, to) = COMPILED_ELSEWHERE;
        let logical = name.strip_prefix(from).map_or_else(|| name.to_owned(), |rest| format!("{to}{rest}"));
        let path = logical.trim_end_matches(".rs").trim_end_matches("/mod");
        let module = path.split('/').filter(|part| !["lib", "main"].contains(part)).map(str::to_owned).collect();
        Self { name: name.to_owned(), module, text, is_test: false }
    }

    pub(crate) fn parsed(&self) -> syn::File {
        syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Modules in files of their own that are test code.
    fn test_modules(&self) -> Vec<Vec<String>> {
        let modules = self.parsed().items.into_iter().filter_map(|item| match item {
            syn::Item::Mod(module) if module.content.is_none() && is_test(&module.attrs) => Some(module),
            _ => None,
        });
        let file = |module: &syn::ItemMod| {
            // `#[path = "x_tests.rs"] mod tests;` is the file beside this one.
            let beside = module.attrs.iter().find(|attribute| attribute.path().is_ident("path")).map(|attribute| {
                let syn::Meta::NameValue(pair) = &attribute.meta else {
                    panic!("{}: #[path] without a name", self.name)
                };
                let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) = &pair.value else {
                    panic!("{}: #[path] without a text", self.name)
                };
                File::of(&Path::new(&self.name).with_file_name(name.value()).to_string_lossy(), String::new()).module
            });
            beside.unwrap_or_else(|| [self.module.as_slice(), &[module.ident.to_string()]].concat())
        };
        modules.map(|module| file(&module)).collect()
    }

    /// Every path that stands in it.
    pub(crate) fn mentions(&self) -> BTreeSet<Mention> {
        let file = self.parsed();
        let mut names = Names { module: self.module.clone(), meaning: BTreeMap::new() };
        names.visit_file(&file);
        let mut reader =
            Reader { module: self.module.clone(), is_test: self.is_test, names: names.meaning, found: BTreeSet::new() };
        reader.visit_file(&file);
        reader.found
    }
}

pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

/// From the root of the crate, where a path begins at `self` or `super`.
fn absolute(module: &[String], path: &[String]) -> Vec<String> {
    if !path.first().is_some_and(|first| first == "self" || first == "super") {
        return path.to_vec();
    }
    let up = path.iter().take_while(|part| *part == "super").count();
    let depth = module.len().checked_sub(up).unwrap_or_else(|| panic!("{path:?} leads out of the crate"));
    let rest = path.iter().skip_while(|part| ["self", "super"].contains(&part.as_str()));
    ["crate".to_owned()].iter().chain(&module[..depth]).chain(rest).cloned().collect()
}

/// What a tree of imports brings in: each path, with the name that it gets.
fn imports(prefix: &[String], tree: &syn::UseTree) -> Vec<(String, Vec<String>)> {
    let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
    let last = || prefix.last().cloned().unwrap_or_default();
    match tree {
        syn::UseTree::Path(path) => imports(&with(&path.ident), &path.tree),
        syn::UseTree::Group(group) => group.items.iter().flat_map(|tree| imports(prefix, tree)).collect(),
        syn::UseTree::Name(name) if name.ident == "self" => vec![(last(), prefix.to_vec())],
        syn::UseTree::Name(name) => vec![(name.ident.to_string(), with(&name.ident))],
        syn::UseTree::Rename(rename) if rename.ident == "self" => vec![(rename.rename.to_string(), prefix.to_vec())],
        syn::UseTree::Rename(rename) => vec![(rename.rename.to_string(), with(&rename.ident))],
        syn::UseTree::Glob(_) => vec![("*".to_owned(), [prefix, &["*".to_owned()]].concat())],
    }
}

/// First walk: the names that mean something in this file which they do not mean elsewhere.
struct Names {
    module: Vec<String>,
    meaning: BTreeMap<String, Vec<String>>,
}

impl<'a> Visit<'a> for Names {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        let name = module.ident.to_string();
        self.meaning.insert(name.clone(), absolute(&self.module, &["self".to_owned(), name.clone()]));
        self.module.push(name);
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        for (name, path) in imports(&[], &item.tree) {
            self.meaning.insert(name, absolute(&self.module, &path));
        }
    }
}

/// Second walk: everything that is mentioned.
struct Reader {
    module: Vec<String>,
    is_test: bool,
    names: BTreeMap<String, Vec<String>>,
    found: BTreeSet<Mention>,
}

impl Reader {
    fn note(&mut self, path: &[String]) {
        let mut path = absolute(&self.module, path);
        if let Some(meaning) = path.first().and_then(|first| self.names.get(first)) {
            path.splice(..1, meaning.iter().cloned());
        }
        self.found.insert(Mention { path, is_test: self.is_test });
    }

    /// What stands in a macro is no syntax yet, so its paths are picked out of the words.
    fn note_tokens(&mut self, tokens: &str) {
        let tokens = without_literals(tokens).replace("::", " :: ");
        let words: Vec<&str> = tokens.split_whitespace().collect();
        let is_name = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '_');
        let mut at = 0;
        while at < words.len() {
            let mut path = Vec::new();
            while is_name(words[at]) {
                path.push(words[at].to_owned());
                if words.get(at + 1) != Some(&"::") || words.get(at + 2).is_none_or(|word| !is_name(word)) {
                    break;
                }
                at += 2;
            }
            // A single word is a name of the place.
            if path.len() > 1 {
                self.note(&path);
            }
            at += 1;
        }
    }
}

/// The same without what stands in quotes.
fn without_literals(tokens: &str) -> String {
    let mut kept = String::new();
    let mut characters = tokens.chars();
    while let Some(character) = characters.next() {
        if character != '"' {
            kept.push(character);
            continue;
        }
        kept.push(' ');
        while let Some(inside) = characters.next() {
            match inside {
                '\\' => drop(characters.next()),
                '"' => break,
                _ => {}
            }
        }
    }
    kept
}

impl<'a> Visit<'a> for Reader {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        let outside = self.is_test;
        self.is_test |= is_test(&module.attrs);
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
        self.is_test = outside;
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        for (_, path) in imports(&[], &item.tree) {
            let path = absolute(&self.module, &path);
            self.found.insert(Mention { path, is_test: self.is_test });
        }
    }

    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.note_tokens(&list.tokens.to_string());
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // A single word is a name of the place.
        if names.len() > 1 {
            self.note(&names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'a syn::Macro) {
        self.note_tokens(&found.tokens.to_string());
        visit::visit_macro(self, found);
    }
}
