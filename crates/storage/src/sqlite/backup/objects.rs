//! Compares the tables, triggers, views and indexes of an SQLite file with those that the migrations create.

use std::collections::BTreeMap;

use sqlx::{
    Connection, SqliteConnection,
    migrate::{MigrateError, Migrator},
};

use crate::schema::newest;

/// The objects of a schema: from (type, name) to (table, statement that created it).
type Objects = BTreeMap<(String, String), (String, Option<String>)>;

/// The first difference between the schema of a database and the one that its migrations create. `None` if they are
/// equal. A trigger or a view that was added by others could alter what is stored.
pub(super) async fn difference(
    connection: &mut SqliteConnection,
    migrator: &Migrator,
) -> Result<Option<String>, MigrateError> {
    let there = objects(connection).await?;
    if !there.contains_key(&("table".to_owned(), "_sqlx_migrations".to_owned())) {
        return Ok(Some("it was not made by receiptd".to_owned()));
    }
    let version: Option<i64> =
        sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&mut *connection).await?;
    let mut fresh = SqliteConnection::connect("sqlite::memory:").await?;
    let version = version.unwrap_or_default();
    if version > newest(migrator) {
        // A newer version created it. Opening the database reports this.
        return Ok(None);
    }
    migrator.run_to(version, &mut fresh).await?;
    let right = objects(&mut fresh).await?;
    fresh.close().await?;
    Ok(compare(&there, &right))
}

/// All objects except the tables of `ANALYZE`.
async fn objects(connection: &mut SqliteConnection) -> Result<Objects, sqlx::Error> {
    let rows: Vec<(String, String, String, Option<String>)> = sqlx::query_as(
        "SELECT type, name, tbl_name, CASE WHEN name = '_sqlx_migrations' THEN NULL ELSE sql END FROM sqlite_schema \
         WHERE type <> 'table' OR name NOT IN ('sqlite_stat1', 'sqlite_stat3', 'sqlite_stat4')",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(kind, name, table, sql)| ((kind, name), (table, sql))).collect())
}

fn compare(there: &Objects, right: &Objects) -> Option<String> {
    let added = there.keys().find(|object| !right.contains_key(object));
    if let Some((kind, name)) = added {
        return Some(format!("the {kind} {name:?} does not belong to receiptd"));
    }
    let (kind, name) = right.iter().find(|(object, made)| there.get(object) != Some(made))?.0;
    let is_there = there.contains_key(&(kind.clone(), name.clone()));
    Some(format!("the {kind} {name:?} is {}", if is_there { "not the one that receiptd makes" } else { "missing" }))
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::{Migration, Schema};

    /// The migrations of a later version.
    fn later() -> Migrator {
        let next = Migration { name: "notes", sqlite: "CREATE TABLE notes (text TEXT NOT NULL)", postgres: "" };
        Schema::of([Schema::CURRENT.migrations(), &[next]].concat().leak()).sqlite()
    }

    async fn difference_after(version: i64, change: &str, known: &Migrator) -> Option<String> {
        let mut changed = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        later().run_to(version, &mut changed).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(change.to_owned())).execute(&mut changed).await.unwrap();
        difference(&mut changed, known).await.unwrap()
    }

    #[tokio::test]
    async fn a_schema_is_compared_with_that_of_its_own_version() {
        let (current, later) = (Schema::CURRENT.sqlite(), later());
        let (previous, latest) = (newest(&current), newest(&later));
        assert_eq!(difference_after(previous, "", &later).await, None);
        assert_eq!(difference_after(latest, "", &later).await, None);
        assert_eq!(difference_after(latest, "", &current).await, None, "opening it is refused");
        for version in [previous, latest] {
            let seen = difference_after(version, "CREATE VIEW seen AS SELECT * FROM messages", &later).await;
            assert_eq!(seen.unwrap(), "the view \"seen\" does not belong to receiptd");
            let gone = difference_after(version, "DROP TRIGGER messages_updated", &later).await;
            assert_eq!(gone.unwrap(), "the trigger \"messages_updated\" is missing");
        }
        let early = difference_after(previous, "CREATE TABLE notes (text TEXT NOT NULL)", &later).await;
        assert_eq!(early.unwrap(), "the table \"notes\" does not belong to receiptd");
        let without = difference_after(latest, "DROP TABLE notes", &later).await;
        assert_eq!(without.unwrap(), "the table \"notes\" is missing");
        let other = difference_after(latest, "ALTER TABLE notes ADD COLUMN more TEXT", &later).await;
        assert_eq!(other.unwrap(), "the table \"notes\" is not the one that receiptd makes");
    }
}
