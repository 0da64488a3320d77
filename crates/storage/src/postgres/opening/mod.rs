//! Opens a database.

mod connect;
mod inspect;
mod migrate;
mod url;

use std::sync::Arc;

use sqlx::{Connection as _, PgConnection};

use self::connect::{begin_session, connect, reach};
pub(crate) use self::url::{Server, check as check_url};
use super::{backend::Pools, sql::Backend, unanswered::Unanswered};
use crate::{
    Access, OpenError, OpenOptions, Store,
    schema::{Schema, Standing},
};

/// Connects to the server and migrates the schema if `options` allow it. Refuses a server that could lose commits.
pub(crate) async fn open(url: &str, options: OpenOptions, schema: Schema) -> Result<Store, OpenError> {
    let migrator = schema.postgres();
    let (pool, mut first) = connect(url, options).await?;
    let standing = inspect::standing(&mut first, &migrator).await?;
    match options.access {
        Access::Read | Access::Write => standing.require_current()?,
        Access::Migrate | Access::Create if standing != Standing::Current => {
            // The role may have only one connection.
            let _ = first.close().await;
            let connect = pool.connect_options();
            migrate::run(&connect, options, &migrator).await?;
            first = reach(&connect, options.timeout).await.map_err(OpenError::connect)?;
            begin_session(&mut first, options).await.map_err(OpenError::connect)?;
        }
        Access::Migrate | Access::Create => {}
    }
    inspect::check_rights(&mut first, options.access).await?;
    // It was only needed for the checks.
    let _ = first.close().await;
    let (read, write) = (pool.clone(), pool);
    let backend = Backend::new(Arc::new(Pools { read, write, unanswered: Unanswered::default() }));
    Ok(backend.into_store())
}

/// Checks the server and the database as [`open`] does, without changing them. Whether the role may change the schema
/// shows only when it does.
pub(crate) async fn probe(url: &str, options: OpenOptions, schema: Schema) -> Result<bool, OpenError> {
    let (_, mut first) = connect(url, options).await?;
    let looked = look(&mut first, options.access, schema).await;
    let _ = first.close().await;
    looked.map(|()| true)
}

async fn look(connection: &mut PgConnection, access: Access, schema: Schema) -> Result<(), OpenError> {
    let standing = inspect::standing(connection, &schema.postgres()).await?;
    if matches!(access, Access::Read | Access::Write) {
        standing.require_current()?;
    }
    inspect::check_rights(connection, access).await
}
