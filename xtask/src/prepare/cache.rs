//! The content of `sqlx-data.json`: what sqlx knows about each query, by the hash of its text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

#[derive(Debug, Default)]
pub(crate) struct Cache(BTreeMap<String, Value>);

impl Cache {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        Ok(Self(serde_json::from_str(&fs::read_to_string(path)?)?))
    }

    /// Sorted at every level and indented, so that a change of one query is a change of few lines.
    pub(crate) fn to_text(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&self.0)? + "\n")
    }

    /// In one step, and only if it differs: an unchanged file starts no build.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = self.to_text()?;
        if fs::read_to_string(path).ok().as_ref() != Some(&text) {
            let unfinished = path.with_extension("json.new");
            fs::write(&unfinished, text)?;
            fs::rename(unfinished, path)?;
        }
        Ok(())
    }

    /// Adds the files that the macros saved in a folder, and answers how many.
    pub(crate) fn take(&mut self, folder: &Path) -> Result<usize> {
        let mut found = 0;
        for file in fs::read_dir(folder)? {
            let path = file?.path();
            let mut entry: Value = serde_json::from_str(&fs::read_to_string(&path)?)
                .with_context(|| format!("sqlx saved something else than a query as {}", path.display()))?;
            entry.sort_all_objects();
            let hash = entry["hash"].as_str().context("sqlx saved a query without a hash")?.to_owned();
            let text = describe(&entry);
            ensure!(
                self.0.insert(hash, entry).is_none(),
                "both databases have a query of exactly this text, and the cache is by text: give it the prefix of its \
                 database: {text}"
            );
            found += 1;
        }
        Ok(found)
    }

    /// One line for each query that the committed cache lacks, has in vain, or has otherwise.
    pub(crate) fn differences(&self, committed: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (hash, entry) in &self.0 {
            match committed.0.get(hash) {
                None => lines.push(format!("missing  {}", describe(entry))),
                Some(old) if old != entry => lines.push(format!("altered  {}", describe(entry))),
                Some(_) => {}
            }
        }
        let stale = committed.0.iter().filter(|(hash, _)| !self.0.contains_key(*hash));
        lines.extend(stale.map(|(_, entry)| format!("stale    {}", describe(entry))));
        lines
    }
}

/// The database and the beginning of the query, on one line.
fn describe(entry: &Value) -> String {
    const SHOWN: usize = 100;
    let query = entry["query"].as_str().unwrap_or("?").split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, rest) = query.char_indices().nth(SHOWN).map_or((&*query, ""), |(end, _)| (&query[..end], "…"));
    format!("{}: {shown}{rest}", entry["db_name"].as_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cache(entries: &[(&str, bool)]) -> Cache {
        let entry =
            |nullable| json!({"db_name": "SQLite", "query": "SELECT\n  1", "describe": {"nullable": [nullable]}});
        Cache(entries.iter().map(|(hash, nullable)| ((*hash).to_owned(), entry(*nullable))).collect())
    }

    #[test]
    fn differences_name_what_is_missing_altered_and_stale() {
        let fresh = cache(&[("a", true), ("b", true), ("c", true)]);
        let committed = cache(&[("b", true), ("c", false), ("d", true)]);
        let lines = fresh.differences(&committed);
        assert_eq!(lines, ["missing  SQLite: SELECT 1", "altered  SQLite: SELECT 1", "stale    SQLite: SELECT 1"]);
        assert!(fresh.differences(&cache(&[("a", true), ("b", true), ("c", true)])).is_empty());
    }

    #[test]
    fn a_long_query_is_shortened_between_characters() {
        let entry = json!({"db_name": "SQLite", "query": "é".repeat(200)});
        assert_eq!(describe(&entry), format!("SQLite: {}…", "é".repeat(100)));
    }

    #[test]
    fn the_same_text_for_both_databases_is_refused() -> Result<()> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("query-a.json"), r#"{"db_name":"SQLite","hash":"a","query":"SELECT 1"}"#)?;
        let mut cache = Cache::default();
        assert_eq!(cache.take(folder.path())?, 1);
        assert!(cache.take(folder.path()).is_err_and(|error| error.to_string().contains("exactly this text")));
        Ok(())
    }
}
