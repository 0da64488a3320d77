//! The power fails: data that was not synced is lost, completely or in part.
//!
//! A shim between the program and the operating system (`power/shim.c`) logs each write and each sync while the program
//! works. From the log the test builds what the disk could contain after a power failure at any point
//! (`power/disk.rs`), and starts the program on it. Everything that was acknowledged before that point must be there.
//! The test needs Linux and a C compiler.
//!
//! For Postgres this is the responsibility of Postgres: receiptd checks that `fsync`, `full_page_writes` and
//! `synchronous_commit` are on, and the tests kill it (`notifications.rs`, `sends.rs`).

mod disk;
mod load;
mod log;

use std::path::Path;

use disk::Disk;
use harness::{Database, database::block_on, free_address};
use load::{Load, Promises};
use log::{Entry, Operation};
use rand::{RngExt, rngs::StdRng};

use crate::{
    aftermath::{all_is_sound, open, the_files_are_whole},
    chance,
    kills::Victims,
    length,
};

/// The number of power failures.
fn cuts() -> usize {
    usize::try_from(length("RECEIPTD_TEST_CUTS", 40)).unwrap()
}

/// One in this number of power failures is examined completely.
const THOROUGH: usize = 10;

#[test]
fn promises_hold_after_a_power_failure() {
    block_on(async {
        let load = Load::under_the_shim(300 + 2 * cuts()).await;
        let entries = log::read(&load.log);
        let mut lost = 0;
        for (n, image) in Images::of(&entries).enumerate() {
            lost += broken_promises(&image, &load.promises).await;
            if n % THOROUGH == 0 {
                is_sound(&image.database).await;
            }
        }
        eprintln!("{} promises, {} operations, {} cuts", load.promises.len(), entries.len(), cuts());
        assert_eq!(lost, 0, "promises were broken");
        // A check of the test itself: with the syncs of `synchronous=NORMAL`, promises are broken and nothing else.
        let mut lost = 0;
        for image in Images::of(&with_synchronous_normal(&entries)) {
            lost += broken_promises(&image, &load.promises).await;
        }
        eprintln!("with synchronous=NORMAL, {lost} promises would have been broken");
        assert!(lost > 0);
    });
}

/// The number of promises made before the power failure that do not hold in the restarted program.
async fn broken_promises(image: &Image, promises: &Promises) -> usize {
    drop(open(&image.database).await);
    the_files_are_whole(&image.database).await;
    promises.broken(image.cut, &image.database).await
}

async fn is_sound(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("RECEIPTD_DATABASE_URL", database.url())];
    let victims = Victims { folder: folder.path(), address: free_address(), settings: &settings, server: None };
    all_is_sound(database, &victims).await;
}

/// The log without the syncs of the write-ahead log that `synchronous=NORMAL` leaves out: all except that of its header
/// and that before a checkpoint.
fn with_synchronous_normal(entries: &[Entry]) -> Vec<Entry> {
    let mut wal = None;
    let mut kept = Vec::new();
    let mut last_offset = 0;
    for (n, entry) in entries.iter().enumerate() {
        match &entry.operation {
            Operation::Create { file, name } if name.ends_with("-wal") => wal = Some(*file),
            Operation::Write { file, offset, .. } if wal == Some(*file) => last_offset = *offset,
            Operation::Sync { file } if wal == Some(*file) => {
                let next = entries[n..].iter().find_map(|entry| match &entry.operation {
                    Operation::Write { file, .. } => Some(*file),
                    _ => None,
                });
                if last_offset > 0 && next == wal {
                    continue;
                }
            }
            _ => {}
        }
        kept.push(entry.clone());
    }
    kept
}

/// The possible contents of the disk after a power failure.
struct Image {
    /// The length of the log at the power failure.
    cut: u64,
    database: Database,
}

/// Images of power failures all over a log.
struct Images<'a> {
    entries: &'a [Entry],
    disk: Disk,
    done: usize,
    /// The numbers of entries after which the power fails, in ascending order.
    cuts: std::vec::IntoIter<usize>,
    chance: StdRng,
}

impl<'a> Images<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let mut chance = chance();
        let mut cuts: Vec<_> = (0..cuts()).map(|_| chance.random_range(1..=entries.len())).collect();
        cuts.sort_unstable();
        Self { entries, disk: Disk::default(), done: 0, cuts: cuts.into_iter(), chance }
    }
}

impl Iterator for Images<'_> {
    type Item = Image;

    fn next(&mut self) -> Option<Image> {
        let cut = self.cuts.next()?;
        for entry in &self.entries[self.done..cut] {
            self.disk.does(&entry.operation);
        }
        self.done = cut;
        let database = Database::in_a_file();
        let file = Path::new(database.url().strip_prefix("sqlite://").unwrap());
        self.disk.loses_power(file.parent().unwrap(), &mut self.chance);
        Some(Image { cut: self.entries[cut - 1].end, database })
    }
}
