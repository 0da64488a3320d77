//! A rough parser of migrations, sufficient to compare the schemas of the two databases.

use std::{collections::BTreeMap, fs, path::Path};

pub(crate) const DATABASES: [&str; 2] = ["sqlite", "postgres"];

/// The migrations of a database by their file names.
pub(crate) fn migrations(database: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The tables with their columns and constraints in order, after all migrations.
pub(crate) fn tables(database: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    for sql in migrations(database).values() {
        apply(&mut tables, sql);
    }
    tables
}

fn apply(tables: &mut BTreeMap<String, Vec<String>>, sql: &str) {
    let sql: String = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    for statement in sql.split(';') {
        let head = statement.split('(').next().unwrap_or_default();
        let words: Vec<&str> =
            head.split_whitespace().filter(|word| !["IF", "NOT", "EXISTS", "ONLY"].contains(word)).collect();
        match words.as_slice() {
            ["CREATE", "TABLE", name, ..] => {
                let body = statement.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).unwrap().0;
                tables.insert((*name).to_owned(), split(body).iter().map(|line| plain(line)).collect());
            }
            ["ALTER", "TABLE", name, "ADD", "COLUMN", ..] => {
                let column = statement.split_once("COLUMN").unwrap().1;
                tables.get_mut(*name).unwrap_or_else(|| panic!("there is no table {name}")).push(plain(column));
            }
            ["ALTER", "TABLE", name, "DROP", "COLUMN", column, ..] => {
                let begins = |line: &String| line.split(' ').next() == Some(column);
                tables
                    .get_mut(*name)
                    .unwrap_or_else(|| panic!("there is no table {name}"))
                    .retain(|line| !begins(line));
            }
            ["ALTER", "TABLE", name, "RENAME", "TO", new] => {
                let columns = tables.remove(*name).unwrap_or_else(|| panic!("there is no table {name}"));
                tables.insert((*new).to_owned(), columns);
            }
            // How Postgres stores a column says nothing about its meaning.
            ["ALTER", "TABLE", _, "ALTER", "COLUMN", _, "SET", "STORAGE", _] => {}
            ["ALTER", "TABLE", ..] => panic!("tests/architecture cannot read: {statement}"),
            ["DROP", "TABLE", name] => drop(tables.remove(*name)),
            _ => {}
        }
    }
}

/// Splits at commas outside of brackets.
fn split(body: &str) -> Vec<String> {
    let mut depth = 0;
    let mut lines = vec![String::new()];
    for character in body.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                lines.push(String::new());
                continue;
            }
            _ => {}
        }
        lines.last_mut().unwrap().push(character);
    }
    lines
}

/// Removes the allowed differences: the name of the type for bytes, and the collation of texts, which SQLite does not
/// need.
fn plain(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("BYTEA", "BLOB").replace(" COLLATE \"C\"", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> BTreeMap<String, Vec<String>> {
        let mut tables = BTreeMap::new();
        apply(&mut tables, sql);
        tables
    }

    #[test]
    fn a_difference_is_detected() {
        let sqlite = read("CREATE TABLE a (x TEXT NOT NULL, y BLOB, PRIMARY KEY (x, y)) WITHOUT ROWID; -- so");
        assert_eq!(sqlite["a"], ["x TEXT NOT NULL", "y BLOB", "PRIMARY KEY (x, y)"]);
        let same =
            "CREATE TABLE a (\n x TEXT COLLATE \"C\" NOT NULL,\n y BYTEA, -- bytes, of course\n PRIMARY KEY (x, y))";
        assert_eq!(read(same), sqlite);
        for other in [
            "CREATE TABLE a (x TEXT, y BYTEA, PRIMARY KEY (x, y))",
            "CREATE TABLE a (x TEXT NOT NULL, y TEXT, PRIMARY KEY (x, y))",
            "CREATE TABLE a (x TEXT NOT NULL, y BYTEA, z TEXT, PRIMARY KEY (x, y))",
            "CREATE TABLE a (x TEXT NOT NULL, PRIMARY KEY (x))",
            "CREATE TABLE b (x TEXT NOT NULL, y BYTEA, PRIMARY KEY (x, y))",
        ] {
            assert_ne!(read(other), sqlite, "{other}");
        }
    }

    #[test]
    fn later_migrations_are_applied() {
        let tables = read(
            "CREATE TABLE a (x TEXT, y TEXT); CREATE TABLE b (x TEXT); CREATE INDEX i ON a (x); \
             ALTER TABLE a ADD COLUMN z BIGINT DEFAULT (1); ALTER TABLE a DROP COLUMN y; \
             ALTER TABLE b RENAME TO c; CREATE TABLE d (x TEXT); DROP TABLE IF EXISTS d;",
        );
        let expected = [("a", vec!["x TEXT", "z BIGINT DEFAULT (1)"]), ("c", vec!["x TEXT"])];
        let expected = expected.map(|(name, lines)| (name.to_owned(), lines.into_iter().map(str::to_owned).collect()));
        assert_eq!(tables, BTreeMap::from(expected));
    }
}
