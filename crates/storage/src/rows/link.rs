//! Rows of `links`.

use receiptd_domain::{Checkpoint, Link, LinkHash, LinkSignature, Writer};

use crate::StorageError;

pub(crate) struct LinkRow {
    pub(crate) writer: Vec<u8>,
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) changes: Vec<u8>,
    pub(crate) checkpoints: Option<Vec<u8>>,
    pub(crate) signature: Option<Vec<u8>>,
}

impl LinkRow {
    pub(crate) fn link(self) -> Result<Link, StorageError> {
        let Checkpoint { writer, sequence, hash } = checkpoint(&self.writer, self.sequence, &self.hash)?;
        // A signature of another length, which receiptd never writes, becomes one that is not valid.
        let signature = self.signature.map(|bytes| LinkSignature::from_bytes(&bytes).unwrap_or_default());
        let checkpoints = self.checkpoints.unwrap_or_default();
        Ok(Link { writer, sequence, hash, changes: self.changes, checkpoints, signature })
    }
}

/// A link as a checkpoint.
pub(crate) fn checkpoint(writer: &[u8], sequence: i64, hash: &[u8]) -> Result<Checkpoint, StorageError> {
    let corrupt =
        |column| StorageError::Corrupt { table: "links", column, row: format!("{} {sequence}", hex::encode(writer)) };
    Ok(Checkpoint {
        writer: Writer::new(writer.try_into().map_err(|_| corrupt("writer"))?),
        sequence,
        hash: LinkHash::new(hash.try_into().map_err(|_| corrupt("hash"))?),
    })
}
