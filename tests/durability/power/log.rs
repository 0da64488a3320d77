//! The operations of a program on the files of a folder, as `shim.c` logged them.

use std::{collections::HashMap, fs, path::Path};

use harness::preload::compile;

/// One operation.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Create {
        file: usize,
        name: String,
    },
    Unlink {
        name: String,
    },
    Write {
        file: usize,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: usize,
        length: usize,
    },
    /// All bytes of the file are on disk.
    Sync {
        file: usize,
    },
    /// All names of the folder are on disk.
    SyncFolder,
}

/// An operation, and the length of the log after it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) end: u64,
    pub(crate) operation: Operation,
}

/// Builds the library that writes a log. Returns the environment variables with which a program loads it. A sync takes
/// `sync_micros` longer.
pub(crate) fn loaded(build: &Path, folder: &Path, log: &Path, sync_micros: u32) -> Vec<(&'static str, String)> {
    let library = compile("tests/durability/power/shim.c", build);
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    vec![
        ("LD_PRELOAD", path(&library)),
        ("DISK_FOLDER", path(folder)),
        ("DISK_LOG", path(log)),
        ("DISK_SYNC_MICROS", sync_micros.to_string()),
    ]
}

/// Reads a log from its beginning. An incomplete entry at the end is left out.
pub(crate) fn read(log: &Path) -> Vec<Entry> {
    let bytes = fs::read(log).unwrap();
    let (mut entries, mut at) = (Vec::new(), 0);
    // The inode of a removed file may be used again.
    let mut files = HashMap::<String, usize>::new();
    let mut number = 0;
    while let Some(length) = bytes[at..].iter().position(|byte| *byte == b'\n') {
        let line = std::str::from_utf8(&bytes[at..at + length]).unwrap();
        let words: Vec<_> = line.split(' ').collect();
        let count = |text: &str| text.parse::<usize>().unwrap();
        at += length + 1;
        let operation = match words[..] {
            ["C", inode, name] => {
                number += 1;
                files.insert(inode.to_owned(), number);
                Operation::Create { file: number, name: name.to_owned() }
            }
            ["U", name] => Operation::Unlink { name: name.to_owned() },
            ["W", inode, offset, length] => {
                let Some(written) = bytes.get(at..at + count(length)) else { break };
                at += written.len();
                Operation::Write { file: files[inode], offset: count(offset), bytes: written.to_vec() }
            }
            ["T", inode, length] => Operation::Truncate { file: files[inode], length: count(length) },
            ["S", inode] => Operation::Sync { file: files[inode] },
            ["D"] => Operation::SyncFolder,
            _ => panic!("shim.c does not model: {line}"),
        };
        entries.push(Entry { end: u64::try_from(at).unwrap(), operation });
    }
    entries
}
