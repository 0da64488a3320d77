//! Compares the tables, triggers, views and indexes of an SQLite file with those that the migrations create.

use std::collections::BTreeMap;

use sqlx::{Connection, SqliteConnection, migrate::MigrateError};

use crate::schema::newest;

/// The objects of a schema: from (type, name) to (table, statement that created it).
type Objects = BTreeMap<(String, String), (String, Option<String>)>;

/// The first difference between the schema of a database and the one that its migrations create. `None` if they are
/// equal. A trigger or a view that was added by others could alter what is stored.
pub(super) async fn difference(connection: &mut SqliteConnection) -> Result<Option<String>, MigrateError> {
    let there = objects(connection).await?;
    if !there.contains_key(&("table".to_owned(), "_sqlx_migrations".to_owned())) {
        return Ok(Some("it was not made by receiptd".to_owned()));
    }
    let version: Option<i64> =
        sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&mut *connection).await?;
    let mut fresh = SqliteConnection::connect("sqlite::memory:").await?;
    let migrator = sqlx::migrate!("../../migrations/sqlite");
    let version = version.unwrap_or_default();
    if version > newest(&migrator) {
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
