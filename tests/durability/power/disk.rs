//! A disk that loses its power.
//!
//! It may contain any part of the data that was not synced, in units of sectors and in any order, since no file system
//! promises more. Names and lengths are no safer than bytes.

use std::{collections::BTreeMap, fs, path::Path};

use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

use super::log::Operation;

/// The unit that a disk writes completely.
const SECTOR: usize = 512;

/// The contents of the disk, and the writes on their way to it.
#[derive(Default)]
pub(crate) struct Disk {
    files: BTreeMap<usize, File>,
    /// For each name, the files that it may refer to: the one of the last sync, and those since then.
    names: BTreeMap<String, Vec<Option<usize>>>,
}

#[derive(Default)]
struct File {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

enum Change {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

impl Disk {
    pub(crate) fn does(&mut self, operation: &Operation) {
        match operation {
            Operation::Create { file, name } => {
                self.files.insert(*file, File::default());
                self.leads_to(name, Some(*file));
            }
            Operation::Unlink { name } => self.leads_to(name, None),
            Operation::Write { file, offset, bytes } => self.file(*file).pending.extend(sectors(*offset, bytes)),
            Operation::Truncate { file, length } => self.file(*file).pending.push(Change::Length(*length)),
            Operation::Sync { file } => {
                let file = self.file(*file);
                let pending = std::mem::take(&mut file.pending);
                for change in pending {
                    change.apply(&mut file.synced);
                }
            }
            Operation::SyncFolder => self.names.values_mut().for_each(|files| drop(files.drain(..files.len() - 1))),
        }
    }

    fn file(&mut self, file: usize) -> &mut File {
        self.files.get_mut(&file).unwrap()
    }

    fn leads_to(&mut self, name: &str, file: Option<usize>) {
        self.names.entry(name.to_owned()).or_insert_with(|| vec![None]).push(file);
    }

    /// Writes into `folder` what may be found after the power failure.
    pub(crate) fn loses_power(&self, folder: &Path, chance: &mut StdRng) {
        // All unsynced writes are lost, none, or some.
        let share = *[0.0, 0.1, 0.5, 0.9, 1.0].choose(chance).unwrap();
        for (name, files) in &self.names {
            let Some(File { synced, pending }) = files.choose(chance).unwrap().map(|file| &self.files[&file]) else {
                continue;
            };
            let mut bytes = synced.clone();
            pending.iter().filter(|_| chance.random_bool(share)).for_each(|change| change.apply(&mut bytes));
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Length(length) => file.resize(*length, 0),
            Self::Bytes(offset, bytes) => {
                let end = offset + bytes.len();
                file.resize(file.len().max(end), 0);
                file[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

/// A write, split at the borders of sectors.
fn sectors(offset: usize, bytes: &[u8]) -> Vec<Change> {
    let first = (SECTOR - offset % SECTOR).min(bytes.len());
    let (head, rest) = bytes.split_at(first);
    let rest =
        rest.chunks(SECTOR).enumerate().map(|(n, part)| Change::Bytes(offset + first + n * SECTOR, part.to_vec()));
    std::iter::once(Change::Bytes(offset, head.to_vec())).chain(rest).collect()
}
