//! The power goes: of what was not synced all is lost, or any part.
//!
//! A shim between the program and the operating system (`power/shim.c`) logs each write and each sync while the program
//! works. From the log the test builds what the disk could hold after a cut at any point (`power/disk.rs`), and starts the
//! program on it. Whatever had been acknowledged before that point must be there. It takes Linux and a C compiler.
//!
//! Of Postgres this is Postgres' own affair: we see to it that `fsync`, `full_page_writes` and `synchronous_commit` are
//! on, and kill it (`notifications.rs`, `sends.rs`).

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

/// At how many points the power goes.
fn cuts() -> usize {
    usize::try_from(length("RECEIPTD_TEST_CUTS", 40)).unwrap()
}

/// Of so many cuts one is looked at in every respect.
const THOROUGH: usize = 10;

#[test]
fn what_was_promised_is_there_after_a_power_cut() {
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
        // What this test is worth: with SQLite's usual syncs promises are broken, and nothing else.
        let mut lost = 0;
        for image in Images::of(&with_synchronous_normal(&entries)) {
            lost += broken_promises(&image, &load.promises).await;
        }
        eprintln!("with synchronous=NORMAL, {lost} promises would have been broken");
        assert!(lost > 0);
    });
}

/// How many of the promises made before the cut are not kept by the program, started again.
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

/// The same without those syncs of the write-ahead log that `synchronous=NORMAL` leaves out: all but that of its header
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

/// What the disk could hold after a cut.
struct Image {
    /// How much of the log the program had written.
    cut: u64,
    database: Database,
}

/// Images of cuts all over a log.
struct Images<'a> {
    entries: &'a [Entry],
    disk: Disk,
    done: usize,
    /// After how many entries the power goes, in their order.
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
