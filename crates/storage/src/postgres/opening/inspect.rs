//! Checks of the server, the database and the role, before anything is stored.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, PgConnection, Row, migrate::Migrator, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::{
    Access, OpenError,
    schema::{Applied, Standing},
};

/// Refuses a pooler that gives each transaction another session: settings and prepared statements would be lost. It is
/// such a pooler if two clients that are connected at the same time have one session, or if one client has two.
pub(super) async fn refuse_shared_sessions(
    first: &mut PgConnection,
    connect: &PgConnectOptions,
) -> Result<(), OpenError> {
    const PATIENCE: Duration = Duration::from_secs(5);
    // A role with a limit may have no further connection. Then nothing can be compared.
    let Ok(Ok(mut second)) = timeout(PATIENCE, connect.connect()).await else { return Ok(()) };
    let (mut firsts, mut seconds) = (vec![session(first).await?], vec![session(&mut second).await?]);
    // In the other order, so that a pooler that rotates its connections is detected too.
    seconds.push(session(&mut second).await?);
    firsts.push(session(first).await?);
    let _ = second.close().await;
    let is_shared = firsts[0] != firsts[1] || seconds[0] != seconds[1] || firsts[0] == seconds[0];
    if is_shared { Err(OpenError::Pooler) } else { Ok(()) }
}

/// The process id of the session. The statement is not prepared, since such a pooler could not execute a prepared one.
async fn session(connection: &mut PgConnection) -> Result<i32, OpenError> {
    let row = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await.map_err(OpenError::connect)?;
    row.try_get(0).map_err(OpenError::connect)
}

async fn setting(connection: &mut PgConnection, name: &str) -> Result<String, OpenError> {
    let value = sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(connection);
    value.await.map_err(OpenError::connect)
}

/// Refuses a database that cannot store every text, or that does not check texts.
pub(super) async fn check_encoding(connection: &mut PgConnection) -> Result<(), OpenError> {
    let encoding = setting(connection, "server_encoding").await?;
    if encoding == "UTF8" { Ok(()) } else { Err(OpenError::Encoding(encoding)) }
}

/// Refuses a server that may lose commits.
pub(super) async fn check_durability(connection: &mut PgConnection) -> Result<(), OpenError> {
    for name in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value = setting(connection, name).await?;
        if value == "off" {
            return Err(OpenError::NotDurable { setting: name, value });
        }
    }
    Ok(())
}

/// The maximum number of connections. The server refuses more, and the pool would wait for them in vain.
pub(super) async fn connection_limit(connection: &mut PgConnection, wanted: u32) -> Result<u32, OpenError> {
    let limits = sqlx::query_as(
        "SELECT session_user::text, rolconnlimit, current_database()::text, datconnlimit FROM pg_roles, pg_database \
         WHERE rolname = session_user AND datname = current_database() AND NOT rolsuper",
    );
    let limits: Option<(String, i32, String, i32)> =
        limits.fetch_optional(connection).await.map_err(OpenError::connect)?;
    let Some((role, of_role, database, of_database)) = limits else { return Ok(wanted) };
    let mut most = wanted;
    for (whose, limit) in [(format!("role {role}"), of_role), (format!("database {database}"), of_database)] {
        // -1 means that there is no limit.
        let Ok(limit) = u32::try_from(limit) else { continue };
        if limit < wanted {
            tracing::warn!(
                limit,
                wanted,
                "the {whose} has a CONNECTION LIMIT below database.connections, so there are fewer connections; raise \
                 the limit, or lower the setting"
            );
            most = most.min(limit.max(1));
        }
    }
    Ok(most)
}

/// The state of the database's schema. Refuses a database of another program.
pub(super) async fn standing(connection: &mut PgConnection, migrator: &Migrator) -> Result<Standing, OpenError> {
    let there = sqlx::query_as(
        "SELECT to_regclass('_sqlx_migrations') IS NOT NULL, to_regclass('messages') IS NOT NULL, current_user::text, \
         (SELECT MIN(n.nspname::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
          WHERE c.relname = '_sqlx_migrations' AND NOT has_schema_privilege(n.oid, 'USAGE'))",
    );
    let there: (bool, bool, String, Option<String>) =
        there.fetch_one(&mut *connection).await.map_err(OpenError::connect)?;
    match there {
        (false, _, role, Some(schema)) => Err(OpenError::NotGranted { role, what: format!("use the schema {schema}") }),
        (false, true, ..) => Err(OpenError::Foreign),
        (false, false, ..) => Ok(Standing::Empty),
        (true, _, role, _) => match sqlx::query_as(Applied::ALL).fetch_all(connection).await {
            Ok(applied) => Standing::of(&applied, migrator),
            Err(error) if is_denied(&error) => {
                Err(OpenError::NotGranted { role, what: "read the table _sqlx_migrations".to_owned() })
            }
            Err(error) => Err(OpenError::connect(error)),
        },
    }
}

fn is_denied(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "42501")
}

/// Refuses a role that lacks a privilege that it will need. Otherwise the error would occur only later, at work.
pub(super) async fn check_rights(connection: &mut PgConnection, access: Access) -> Result<(), OpenError> {
    let missing = sqlx::query_as(
        "SELECT current_user::text, lower(r.name) || CASE WHEN c.relkind = 'S' THEN ' of the sequence ' \
             ELSE ' on the table ' END || c.relname \
         FROM pg_class c, pg_class m, (VALUES ('SELECT', 'r'), ('INSERT', 'r'), ('UPDATE', 'r'), ('DELETE', 'r'), \
             ('SELECT', 'S'), ('USAGE', 'S')) AS r (name, kind) \
         WHERE m.oid = to_regclass('_sqlx_migrations') AND c.relnamespace = m.relnamespace AND c.oid <> m.oid \
             AND c.relkind::text = r.kind AND (r.name = 'SELECT' OR $1) \
             AND NOT CASE r.kind WHEN 'S' THEN has_sequence_privilege(c.oid, r.name) \
                 ELSE has_table_privilege(c.oid, r.name) END \
         ORDER BY c.relname, r.name LIMIT 1",
    );
    let missing: Option<(String, String)> =
        missing.bind(access != Access::Read).fetch_optional(connection).await.map_err(OpenError::connect)?;
    missing.map_or(Ok(()), |(role, what)| Err(OpenError::NotGranted { role, what }))
}
