//! The payload of a journal row: records, compressed together.
//!
//! The first byte names the codec: 0 stands for bytes as they are, and any other number for zstd with the dictionary of this
//! number. A dictionary contains what bodies of the platform have in common, so that the first body of a batch is compressed
//! well too. A stored payload needs its dictionary for ever: a better one gets the next number.

use std::{cell::RefCell, io, sync::LazyLock};

use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
};

/// Trained on the samples in `tests/fixtures/` with other numbers, ids and times (`zstd --train --maxdict=8192`).
const DICTIONARY: &[u8] = include_bytes!("payload-1.dict");
const PLAIN: u8 = 0;
const ZSTD_1: u8 = 1;
/// The fastest level. The next ones save a few bytes per body, and take twice as long.
const LEVEL: i32 = 1;
/// The size in bytes from which records stay as they are, since compressing them would keep a thread busy for milliseconds.
/// Such a batch consists of unusually large bodies.
const LARGE: usize = 1 << 20;

/// Compresses the records of a row.
pub(crate) fn compressed(records: &[u8]) -> Vec<u8> {
    let compressed = if records.len() < LARGE { compress(records).ok() } else { None };
    let compressed = compressed.filter(|compressed| compressed.len() < records.len());
    let (codec, bytes) = compressed.as_ref().map_or((PLAIN, records), |compressed| (ZSTD_1, compressed));
    let mut payload = Vec::with_capacity(1 + bytes.len());
    payload.push(codec);
    payload.extend(bytes);
    payload
}

/// The records of a row, which have this size in bytes. `None` if the payload is not one that [`compressed`] returned for them.
pub(crate) fn records(payload: &[u8], size: usize) -> Option<Vec<u8>> {
    let (codec, bytes) = payload.split_first()?;
    let records = match *codec {
        PLAIN => bytes.to_vec(),
        ZSTD_1 if size < LARGE => decompress(bytes, size).ok()?,
        _ => return None,
    };
    Some(records).filter(|records| records.len() == size)
}

/// What zstd allocates for its work is used again.
fn compress(records: &[u8]) -> io::Result<Vec<u8>> {
    static PREPARED: LazyLock<EncoderDictionary<'static>> =
        LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::with_prepared_dictionary(&PREPARED)?),
        };
        compressor.compress(records)
    })
}

fn decompress(bytes: &[u8], size: usize) -> io::Result<Vec<u8>> {
    static PREPARED: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));
    Decompressor::with_prepared_dictionary(&PREPARED)?.decompress(bytes, size)
}

#[cfg(test)]
mod tests {
    use receiptd_domain::{Archived, Arrival, Source, Timestamp, Unreadable, journal_payload};

    use super::*;

    fn body(number: usize) -> String {
        format!(
            r#"{{"deliveryInfoNotification":{{"deliveryInfo":{{"timeStamp":"2026-05-20T14:16:00.000+01:00","code":"7500",
            "deliveryChannel":"SMS","destination":"44770090{number:04}","destinationType":"msisdn",
            "deliveryStatus":"Delivered"}},"correlationid":"order-{number}"}}}}"#
        )
    }

    fn batch(bodies: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
        let arrival = |body| {
            let why = Unreadable(String::new());
            Arrival::Quarantined(Archived::first_arrival(why, body, Source::Notify, Timestamp::default()))
        };
        journal_payload(&bodies.into_iter().map(arrival).collect::<Vec<_>>())
    }

    #[test]
    fn a_batch_takes_a_fraction_of_its_size_and_is_read_as_it_was() {
        for (count, least) in [(1, 2), (64, 8)] {
            let written = batch((0..count).map(|number| body(number).into_bytes()));
            let payload = compressed(&written);
            assert!(payload.len() * least < written.len(), "{count}: {} of {}", payload.len(), written.len());
            assert_eq!(records(&payload, written.len()), Some(written));
        }
    }

    #[test]
    fn records_that_cannot_be_made_smaller_stay_as_they_are() {
        let noise: Vec<u8> = (0..64_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let large = vec![b'x'; LARGE];
        for written in [batch([noise]), batch([large]), Vec::new()] {
            let payload = compressed(&written);
            assert_eq!(payload.len(), written.len() + 1);
            assert_eq!(records(&payload, written.len()), Some(written));
        }
    }

    #[test]
    fn other_bytes_are_no_payload() {
        let written = batch((0..4).map(|number| body(number).into_bytes()));
        let payload = compressed(&written);
        for end in 0..payload.len() {
            assert_eq!(records(&payload[..end], written.len()), None, "{end}");
        }
        for size in [0, 1, written.len() - 1, written.len() + 1, usize::MAX] {
            assert_eq!(records(&payload, size), None, "{size}");
        }
        assert_eq!(records(&[9, 1, 2, 3], 3), None);
    }
}
