//! Checks whether the schema of a database is the one that this version needs.

use sqlx::{
    FromRow,
    migrate::{MigrateError, Migrator},
};

use super::OpenError;

/// An applied migration, as sqlx stores it in `_sqlx_migrations`.
#[derive(FromRow)]
pub(super) struct Applied {
    version: i64,
    description: String,
    success: bool,
    checksum: Vec<u8>,
}

impl Applied {
    /// Reads all applied migrations in the order of their versions. The statement is equal for both databases.
    pub(super) const ALL: &'static str =
        "SELECT version, description, success, checksum FROM _sqlx_migrations ORDER BY version";
}

/// The state of a database's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The database is empty.
    Empty,
    /// An earlier version of receiptd created it.
    Older {
        /// The latest version up to which all migrations were applied.
        found: i64,
        /// The latest known version.
        known: i64,
    },
    /// It is the schema that this version needs.
    Current,
}

/// The latest known version.
pub(super) fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or_default()
}

impl Standing {
    /// The state of a database with these applied migrations. Refuses a database of a newer version or of another
    /// program, and one whose migrations were altered.
    pub(super) fn of(applied: &[Applied], migrator: &Migrator) -> Result<Self, OpenError> {
        let Some(first) = migrator.iter().next().filter(|_| !applied.is_empty()) else { return Ok(Self::Empty) };
        if applied.iter().any(|applied| applied.version == first.version && applied.description != first.description) {
            return Err(OpenError::Foreign);
        }
        let known = newest(migrator);
        for applied in applied {
            let Some(migration) = migrator.iter().find(|migration| migration.version == applied.version) else {
                return Err(OpenError::migrate(MigrateError::VersionMissing(applied.version), known));
            };
            if !applied.success {
                return Err(OpenError::migrate(MigrateError::Dirty(applied.version), known));
            }
            if *applied.checksum != *migration.checksum {
                return Err(OpenError::migrate(MigrateError::VersionMismatch(applied.version), known));
            }
        }
        let was_run = |version| applied.iter().any(|applied| applied.version == version);
        let run = migrator.iter().map(|migration| migration.version).take_while(|version| was_run(*version));
        let found = run.last().unwrap_or_default();
        Ok(if found < known { Self::Older { found, known } } else { Self::Current })
    }

    /// Refuses a database that must be migrated first.
    pub(super) fn require_current(self) -> Result<(), OpenError> {
        match self {
            Self::Empty => Err(OpenError::Empty),
            Self::Older { found, known } => Err(OpenError::Older { found, known }),
            Self::Current => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The migrations up to `version`, as sqlx would store them.
    fn run_to(migrator: &Migrator, version: i64) -> Vec<Applied> {
        let run = migrator.iter().filter(|migration| migration.version <= version);
        let applied = run.map(|migration| Applied {
            version: migration.version,
            description: migration.description.to_string(),
            success: true,
            checksum: migration.checksum.to_vec(),
        });
        applied.collect()
    }

    #[test]
    fn only_a_complete_and_unaltered_schema_is_current() {
        for migrator in [sqlx::migrate!("../../migrations/sqlite"), sqlx::migrate!("../../migrations/postgres")] {
            let known = migrator.iter().last().unwrap().version;
            assert!(matches!(Standing::of(&[], &migrator), Ok(Standing::Empty)));
            assert!(matches!(Standing::of(&run_to(&migrator, known), &migrator), Ok(Standing::Current)));
            let older = Standing::of(&run_to(&migrator, 1), &migrator);
            assert!(matches!(older, Ok(Standing::Older { found: 1, known: k }) if k == known), "{older:?}");
            let mut gap = run_to(&migrator, known);
            gap.remove(2);
            let older = Standing::of(&gap, &migrator);
            assert!(matches!(older, Ok(Standing::Older { found: 2, .. })), "{older:?}");
            let changed = |change: fn(&mut Applied)| {
                let mut applied = run_to(&migrator, known);
                change(applied.last_mut().unwrap());
                Standing::of(&applied, &migrator)
            };
            assert!(matches!(changed(|last| last.version += 1_000), Err(OpenError::Newer { .. })));
            assert!(matches!(changed(|last| last.success = false), Err(OpenError::Migrate(_))));
            assert!(matches!(changed(|last| last.checksum.clear()), Err(OpenError::Migrate(_))));
            let mut foreign = run_to(&migrator, known);
            "users".clone_into(&mut foreign[0].description);
            assert!(matches!(Standing::of(&foreign, &migrator), Err(OpenError::Foreign)));
        }
    }
}
