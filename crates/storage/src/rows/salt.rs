//! What makes digests of rows impossible to guess.

/// A random number that is stored with a row, and that its digest covers. When a person is erased from the row, the digest stays in
/// the hash chain, but the salt is replaced. Without it, no one can find out by trying what the row contained.
pub(crate) type Salt = i64;
