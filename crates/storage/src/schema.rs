//! The schema that a version needs, and whether it is the schema of a database.

use sqlx::{
    FromRow, SqlSafeStr, SqlStr,
    migrate::{MigrateError, MigrationType, Migrator},
};

use super::OpenError;

/// One change of the schema, as a text for each database.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub name: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// The schema of a version of receiptd: all migrations that lead to it.
#[derive(Clone, Copy, Debug)]
pub struct Schema(&'static [Migration]);

impl Schema {
    /// The schema of this version.
    pub const CURRENT: Self = Self(&[Migration {
        name: "schema",
        sqlite: include_str!("../../../migrations/sqlite/0001_schema.sql"),
        postgres: include_str!("../../../migrations/postgres/0001_schema.sql"),
    }]);

    /// The schema of another version, made by these migrations. The first has the number 1.
    pub const fn of(migrations: &'static [Migration]) -> Self {
        Self(migrations)
    }

    pub fn migrations(self) -> &'static [Migration] {
        self.0
    }

    pub(super) fn sqlite(self) -> Migrator {
        self.migrator(|migration| migration.sqlite)
    }

    pub(super) fn postgres(self) -> Migrator {
        self.migrator(|migration| migration.postgres)
    }

    fn migrator(self, text: fn(&Migration) -> &'static str) -> Migrator {
        let numbered = (1..).zip(self.0).map(|(number, migration)| {
            let text: SqlStr = text(migration).into_sql_str();
            sqlx::migrate::Migration::new(number, migration.name.into(), MigrationType::Simple, text, false)
        });
        Migrator::with_migrations(numbered.collect())
    }
}

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
    use std::fs;

    use super::*;

    /// A later version, so that there are several migrations.
    fn migrators() -> [Migrator; 2] {
        let later = |name| Migration { name, sqlite: "SELECT 1", postgres: "SELECT 1" };
        let migrations = [Schema::CURRENT.migrations(), &[later("second"), later("third"), later("fourth")]].concat();
        let schema = Schema::of(migrations.leak());
        [schema.sqlite(), schema.postgres()]
    }

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

    fn assert_names_every_file(database: &str, text: fn(&Migration) -> &'static str) {
        let files = fs::read_dir(format!("../../migrations/{database}")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        let files = files.iter().map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        });
        let known = (1..).zip(Schema::CURRENT.migrations());
        let known = known.map(|(number, it)| (format!("{number:04}_{}.sql", it.name), text(it).to_owned()));
        assert_eq!(files.collect::<Vec<_>>(), known.collect::<Vec<_>>(), "{database}");
    }

    #[test]
    fn every_file_is_a_migration_of_the_current_schema() {
        assert_names_every_file("sqlite", |migration| migration.sqlite);
        assert_names_every_file("postgres", |migration| migration.postgres);
    }

    #[test]
    fn only_a_complete_and_unaltered_schema_is_current() {
        for migrator in migrators() {
            let known = newest(&migrator);
            assert!(known > 3);
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
