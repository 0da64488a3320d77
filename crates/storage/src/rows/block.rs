//! Rows of `notification_blocks`: the contents of many notifications, compressed together.
//!
//! A payload consists of records, compressed by `payload.rs`. A record is a head of fixed size, what was parsed, as a JSON
//! array, and the body as it was posted. Most of the array repeats the body, so that it takes little space once it is
//! compressed.

use std::collections::{BTreeMap, BTreeSet};

use super::{payload, salt::Salt};

/// The most notifications in a block. If there were more, they would take hardly less space, and longer to read.
const MOST: usize = 64;
/// The size in bytes from which a record has a block of its own. A block never needs much memory then, but for a single large
/// body.
pub(crate) const LARGE: usize = 4 << 10;

/// Where the content of a notification is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) block: i64,
    /// The number of the record in its block.
    pub(crate) position: i64,
}

/// A complete row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockRow {
    /// When the first and the last of the notifications arrived.
    pub(crate) received_from: i64,
    pub(crate) received_to: i64,
    /// The number of records.
    pub(crate) records: i64,
    /// The number of records whose body is kept, and when the first of these arrived.
    pub(crate) bodies: i64,
    pub(crate) bodies_from: Option<i64>,
    /// Of the records, in bytes.
    pub(crate) size: i64,
    pub(crate) payload: Vec<u8>,
}

/// A row as it is read with its content.
pub(crate) struct StoredBlockRow {
    pub(crate) id: i64,
    pub(crate) size: i64,
    pub(crate) payload: Vec<u8>,
}

/// A block that contains something old.
pub(crate) struct OldBlockRow {
    pub(crate) id: i64,
    /// The number of records or bodies.
    pub(crate) number: i64,
    /// When the first of them arrived.
    pub(crate) since: i64,
}

/// The content of a notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) salt: Salt,
    pub(crate) received_at: i64,
    /// What was parsed, as JSON.
    pub(crate) parsed: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// The platform's signature of the body. Empty if it came without one.
    pub(crate) signature: Vec<u8>,
}

impl Record {
    /// Position, salt, time, and the lengths of the three parts, in bytes.
    const HEAD: usize = 2 + size_of::<Salt>() + 8 + 3 * 4;

    fn size(&self) -> usize {
        Self::HEAD + self.parsed.len() + self.body.len() + self.signature.len()
    }

    fn is_large(&self) -> bool {
        self.size() >= LARGE
    }

    fn write(&self, position: u16, records: &mut Vec<u8>) {
        records.extend(position.to_be_bytes());
        records.extend(self.salt.to_be_bytes());
        records.extend(self.received_at.to_be_bytes());
        let parts = [&self.parsed, &self.body, &self.signature];
        for part in parts {
            // The limit on a request's body is far below 4 GB.
            records.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
        records.extend(parts.into_iter().flatten());
    }

    /// Reads the next record, with its position.
    fn read(records: &mut &[u8]) -> Option<(u16, Self)> {
        let (position, rest) = records.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (received_at, rest) = rest.split_first_chunk()?;
        let (parsed, rest) = rest.split_first_chunk()?;
        let (body, rest) = rest.split_first_chunk()?;
        let (signature, rest) = rest.split_first_chunk()?;
        let length = |bytes: &[u8; 4]| usize::try_from(u32::from_be_bytes(*bytes)).ok();
        let (parsed, rest) = rest.split_at_checked(length(parsed)?)?;
        let (body, rest) = rest.split_at_checked(length(body)?)?;
        let (signature, rest) = rest.split_at_checked(length(signature)?)?;
        *records = rest;
        let record = Self {
            salt: i64::from_be_bytes(*salt),
            received_at: i64::from_be_bytes(*received_at),
            parsed: parsed.to_vec(),
            body: body.to_vec(),
            signature: signature.to_vec(),
        };
        Some((u16::from_be_bytes(*position), record))
    }
}

/// The records of a block, by their positions. A position stays when other records are removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block(BTreeMap<u16, Record>);

impl Block {
    /// Distributes records over new blocks. Also returns for each record which of these it is in, and its position there.
    pub(crate) fn pack(records: impl IntoIterator<Item = Record>) -> (Vec<Self>, Vec<(usize, i64)>) {
        let (mut blocks, mut places, mut shared) = (Vec::<Self>::new(), Vec::new(), None);
        for record in records {
            let is_large = record.is_large();
            let number = match shared {
                Some(number) if !is_large => number,
                _ => {
                    blocks.push(Self::default());
                    blocks.len() - 1
                }
            };
            let block = &mut blocks[number].0;
            let position = block.len();
            block.insert(u16::try_from(position).unwrap_or(u16::MAX), record);
            if !is_large {
                shared = (block.len() < MOST).then_some(number);
            }
            places.push((number, i64::try_from(position).unwrap_or(i64::MAX)));
        }
        (blocks, places)
    }

    /// Adds records to those that are there, and returns their positions. `None` if they do not all find room: the block is as
    /// before then.
    pub(crate) fn extend(&mut self, records: &[Record]) -> Option<Vec<i64>> {
        if self.0.len() + records.len() > MOST || records.iter().chain(self.0.values()).any(Record::is_large) {
            return None;
        }
        let next = self.0.last_key_value().map_or(0, |(last, _)| usize::from(*last) + 1);
        let positions: Vec<u16> = (next..next + records.len()).map(u16::try_from).collect::<Result<_, _>>().ok()?;
        self.0.extend(positions.iter().copied().zip(records.iter().cloned()));
        Some(positions.into_iter().map(i64::from).collect())
    }

    /// Reads the payload of a row, whose records have this size in bytes. `None` if receiptd never wrote them.
    pub(crate) fn read(payload: &[u8], size: i64) -> Option<Self> {
        let bytes = payload::records(payload, usize::try_from(size).ok()?)?;
        let (mut rest, mut records) = (bytes.as_slice(), BTreeMap::new());
        while !rest.is_empty() {
            let (position, record) = Record::read(&mut rest)?;
            if records.insert(position, record).is_some() {
                return None;
            }
        }
        Some(Self(records))
    }

    /// The row of this block. `None` if it has no records.
    pub(crate) fn row(&self) -> Option<BlockRow> {
        let times = || self.0.values().map(|record| record.received_at);
        let with_bodies = || self.0.values().filter(|record| !record.body.is_empty());
        let mut records = Vec::with_capacity(self.0.values().map(Record::size).sum());
        for (position, record) in &self.0 {
            record.write(*position, &mut records);
        }
        Some(BlockRow {
            received_from: times().min()?,
            received_to: times().max()?,
            records: i64::try_from(self.0.len()).ok()?,
            bodies: i64::try_from(with_bodies().count()).ok()?,
            bodies_from: with_bodies().map(|record| record.received_at).min(),
            size: i64::try_from(records.len()).ok()?,
            payload: payload::compressed(&records),
        })
    }

    pub(crate) fn get(&self, position: i64) -> Option<&Record> {
        self.0.get(&u16::try_from(position).ok()?)
    }

    pub(crate) fn positions(&self) -> BTreeSet<i64> {
        self.0.keys().copied().map(i64::from).collect()
    }

    /// Replaces a record. Returns whether it is there.
    pub(crate) fn replace(&mut self, position: i64, record: Record) -> bool {
        let stored = u16::try_from(position).ok().and_then(|position| self.0.get_mut(&position));
        stored.map(|stored| *stored = record).is_some()
    }

    /// Removes records.
    pub(crate) fn remove(&mut self, positions: &BTreeSet<i64>) {
        self.0.retain(|position, _| !positions.contains(&i64::from(*position)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn any_record() -> impl Strategy<Value = Record> {
        let body = prop_oneof![19 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), LARGE..=LARGE)];
        let bytes = || vec(any::<u8>(), 0..40);
        (any::<Salt>(), any::<i64>(), bytes(), body, bytes()).prop_map(
            |(salt, received_at, parsed, body, signature)| Record { salt, received_at, parsed, body, signature },
        )
    }

    proptest! {
        #[test]
        fn every_record_is_read_as_it_was_packed_and_large_ones_are_alone(records in vec(any_record(), 0..200)) {
            let (blocks, places) = Block::pack(records.clone());
            prop_assert_eq!(places.len(), records.len());
            for ((number, position), record) in places.iter().zip(&records) {
                let row = blocks[*number].row().unwrap();
                let block = Block::read(&row.payload, row.size).unwrap();
                prop_assert_eq!(&block, &blocks[*number]);
                prop_assert_eq!(block.get(*position), Some(record));
                prop_assert!(record.size() < LARGE || row.records == 1);
            }
            let all: usize = blocks.iter().map(|block| block.positions().len()).sum();
            prop_assert_eq!(all, records.len());
        }

        #[test]
        fn records_keep_their_positions_when_others_are_removed_or_replaced(
            records in vec(any_record(), 1..20), gone in any::<prop::sample::Index>(), other in any_record(),
        ) {
            let (mut blocks, places) = Block::pack(records.clone());
            let (number, position) = places[gone.index(places.len())];
            let block = &mut blocks[number];
            block.remove(&BTreeSet::from([position]));
            prop_assert_eq!(block.get(position), None);
            prop_assert!(!block.replace(position, other.clone()));
            for ((other_number, kept), record) in places.iter().zip(&records) {
                if *other_number == number && *kept != position {
                    prop_assert_eq!(block.get(*kept), Some(record));
                    prop_assert!(block.replace(*kept, other.clone()));
                    prop_assert_eq!(block.get(*kept), Some(&other));
                }
            }
            prop_assert_eq!(block.row().is_none(), block.positions().is_empty());
        }

        #[test]
        fn records_are_added_if_all_of_them_find_room(
            records in vec(any_record(), 1..40), more in vec(any_record(), 1..40), gone in any::<prop::sample::Index>(),
        ) {
            let (mut blocks, places) = Block::pack(records);
            let (number, position) = places[gone.index(places.len())];
            let block = &mut blocks[number];
            block.remove(&BTreeSet::from([position]));
            let before = block.clone();
            let is_large = |block: &Block| block.0.values().any(Record::is_large);
            let fits = before.0.len() + more.len() <= MOST && !is_large(&before) && !more.iter().any(Record::is_large);
            let positions = block.extend(&more);
            prop_assert_eq!(positions.is_some(), fits);
            for (position, record) in positions.iter().flatten().zip(&more) {
                prop_assert_eq!(before.get(*position), None);
                prop_assert_eq!(block.get(*position), Some(record));
            }
            block.remove(&positions.unwrap_or_default().into_iter().collect());
            prop_assert_eq!(&*block, &before);
        }

        #[test]
        fn no_bytes_cause_a_panic(payload in vec(any::<u8>(), 0..80), size in any::<i64>()) {
            let _ = Block::read(&payload, size);
        }
    }
}
