//! Imports between the files of a package. Each is followed through re-exports to the file that defines what is imported,
//! so a `mod.rs` that only re-exports is imported by none.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use crate::source::File;

/// A module by its path from the root of the package.
type Module = Vec<String>;

/// The module `sql` of the storage package is compiled as a child of each of these, by `#[path]`.
const EMBEDDED: (&str, [&str; 2]) = ("sql", ["sqlite", "postgres"]);

/// The files of a package, by module.
pub(crate) struct Package {
    names: BTreeMap<Module, String>,
    uses: BTreeMap<Module, Uses>,
}

/// What a file mentions.
#[derive(Default)]
struct Uses {
    /// The paths of its imports, by the names that they have in the file.
    imports: Vec<(String, Vec<String>)>,
    /// All other paths.
    paths: Vec<Vec<String>>,
}

impl Package {
    /// The package whose sources are below `root`, for example `crates/storage/src/`.
    pub(crate) fn of(root: &str, files: &[File]) -> Self {
        let (mut names, mut uses) = (BTreeMap::new(), BTreeMap::new());
        for file in files.iter().filter(|file| !file.is_test()) {
            let path = file.name.strip_prefix(root).unwrap().trim_end_matches(".rs").trim_end_matches("/mod");
            let module: Module = path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect();
            let mut found = Uses::default();
            found.visit_file(&syn::parse_file(&file.code()).unwrap());
            names.insert(module.clone(), file.name.clone());
            uses.insert(module, found);
        }
        Self { names, uses }
    }

    /// The files that import each other in circles, or lie between such files, each with what it imports of them.
    pub(crate) fn circles(&self) -> Vec<String> {
        let mut imports: BTreeMap<&Module, BTreeSet<Module>> =
            self.uses.keys().map(|module| (module, self.imported_by(module))).collect();
        // Take away the files that import none of the others, or are imported by none, again and again.
        loop {
            let before = imports.len();
            let left: BTreeSet<Module> = imports.keys().map(|module| (*module).clone()).collect();
            imports.retain(|_, of| {
                of.retain(|module| left.contains(module));
                !of.is_empty()
            });
            let imported: BTreeSet<Module> = imports.values().flatten().cloned().collect();
            imports.retain(|module, _| imported.contains(*module));
            if imports.len() == before {
                break;
            }
        }
        let name = |module: &Module| self.names[module].as_str();
        let line = |(module, of): (&&Module, &BTreeSet<Module>)| {
            format!("{} imports {}", name(module), of.iter().map(name).collect::<Vec<_>>().join(", "))
        };
        imports.iter().map(line).collect()
    }

    fn imported_by(&self, module: &Module) -> BTreeSet<Module> {
        let uses = &self.uses[module];
        let paths = uses.imports.iter().map(|(_, path)| path).chain(&uses.paths);
        let mut found: BTreeSet<Module> = paths.flat_map(|path| self.resolve(module, path, 0)).collect();
        found.remove(module);
        found
    }

    /// The modules that define what a path in this module names. None if it names a module or something of another package.
    fn resolve(&self, module: &Module, path: &[String], depth: usize) -> Vec<Module> {
        let Some(first) = path.first().filter(|_| depth < 20) else { return Vec::new() };
        match first.as_str() {
            "crate" => self.walk(&Vec::new(), &path[1..], depth),
            "self" => self.walk(module, &path[1..], depth),
            "super" => {
                let mut places = vec![module.clone()];
                let ups = path.iter().take_while(|part| *part == "super").count();
                for _ in 0..ups {
                    places = places.iter().flat_map(parents).collect();
                }
                places.iter().flat_map(|place| self.walk(place, &path[ups..], depth)).collect()
            }
            _ if self.child(module, first).is_some() => self.walk(module, path, depth),
            _ => match self.import(module, first) {
                Some(import) => self.resolve(module, &[import, &path[1..]].concat(), depth + 1),
                None => Vec::new(),
            },
        }
    }

    /// Follows a path down from a module. A path to a module names nothing that the module defines.
    fn walk(&self, module: &Module, path: &[String], depth: usize) -> Vec<Module> {
        let Some(first) = path.first() else { return Vec::new() };
        if let Some(child) = self.child(module, first) {
            return self.walk(&child, &path[1..], depth);
        }
        match self.import(module, first) {
            Some(import) => self.resolve(module, &[import, &path[1..]].concat(), depth + 1),
            None => vec![module.clone()],
        }
    }

    fn child(&self, module: &Module, name: &str) -> Option<Module> {
        let (embedded, hosts) = EMBEDDED;
        let is_host = module.len() == 1 && hosts.contains(&module[0].as_str());
        let child = if is_host && name == embedded {
            vec![name.to_owned()]
        } else {
            [module.as_slice(), &[name.to_owned()]].concat()
        };
        self.names.contains_key(&child).then_some(child)
    }

    fn import(&self, module: &Module, name: &str) -> Option<&[String]> {
        let imports = &self.uses.get(module)?.imports;
        imports.iter().find(|(known, _)| known == name).map(|(_, path)| path.as_slice())
    }
}

/// The parent, or all that a module is compiled in.
fn parents(module: &Module) -> Vec<Module> {
    let (embedded, hosts) = EMBEDDED;
    match module.as_slice() {
        [name] if name == embedded => hosts.map(|host| vec![host.to_owned()]).to_vec(),
        [above @ .., _] => vec![above.to_vec()],
        [] => Vec::new(),
    }
}

impl<'a> Visit<'a> for Uses {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.read(Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

impl Uses {
    fn read(&mut self, mut before: Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.read(before, &path.tree);
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.imports.push((before.last().cloned().unwrap_or_default(), before));
            }
            syn::UseTree::Name(name) => self.import(&name.ident, before, &name.ident),
            syn::UseTree::Rename(renamed) if renamed.ident == "self" => {
                self.imports.push((renamed.rename.to_string(), before));
            }
            syn::UseTree::Rename(renamed) => self.import(&renamed.rename, before, &renamed.ident),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.read(before.clone(), tree)),
            syn::UseTree::Glob(_) => self.paths.push(before),
        }
    }

    fn import(&mut self, name: &syn::Ident, mut path: Vec<String>, last: &syn::Ident) {
        path.push(last.to_string());
        self.imports.push((name.to_string(), path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let file = |(name, text): &(&str, &str)| File { name: format!("src/{name}"), text: (*text).to_owned() };
        Package::of("src/", &files.iter().map(file).collect::<Vec<_>>()).circles()
    }

    #[test]
    fn a_circle_is_found_in_every_form() {
        for one in ["use super::b::B;", "use crate::{b::{self, B}, c};", "fn f() { super::b::f(); }", "use super::B;"] {
            let lib = "mod a; mod b; mod c; pub use b::B;";
            let found = circles(&[("lib.rs", lib), ("a.rs", one), ("b.rs", "use crate::a::A;"), ("c.rs", "")]);
            assert_eq!(found, ["src/a.rs imports src/b.rs", "src/b.rs imports src/a.rs"], "{one}");
        }
        let up = circles(&[("a/mod.rs", "pub use self::b::B; pub struct A;"), ("a/b.rs", "use super::A;")]);
        assert_eq!(up, ["src/a/mod.rs imports src/a/b.rs", "src/a/b.rs imports src/a/mod.rs"]);
    }

    #[test]
    fn a_circle_through_the_embedded_folder_is_found() {
        let files = |text| {
            [
                ("sqlite/mod.rs", "mod x; mod sql;"),
                ("sqlite/x.rs", text),
                ("sql/mod.rs", "mod dialect; mod y; pub use y::Y;"),
                ("sql/dialect.rs", "use super::super as database; pub use database::x::X;"),
                ("sql/y.rs", "use super::dialect::{self, X};"),
            ]
        };
        assert_eq!(circles(&files("")), [""; 0]);
        assert_eq!(
            circles(&files("use super::sql::Y;")),
            ["src/sql/y.rs imports src/sqlite/x.rs", "src/sqlite/x.rs imports src/sql/y.rs"]
        );
    }

    #[test]
    fn imports_in_one_direction_are_no_circle() {
        let found = circles(&[
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B; fn f() { a::f(); }"),
            ("a.rs", "use crate::B;"),
            ("b.rs", "use std::a::A; use url::b::B;"),
        ]);
        assert_eq!(found, [""; 0]);
    }
}
