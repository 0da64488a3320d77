//! The place of a stored value, for errors.

use receiptd_domain::TransactionId;

use crate::StorageError;

/// Converts a stored value into its type. On failure, the error names the table, the column and the row.
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) row: &'a str,
}

impl Place<'_> {
    pub(crate) fn read<T>(&self, column: &'static str, value: Option<T>) -> Result<T, StorageError> {
        value.ok_or_else(|| StorageError::Corrupt { table: self.table, column, row: self.row.to_owned() })
    }

    pub(super) fn read_opt<T>(
        &self,
        column: &'static str,
        text: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StorageError> {
        text.map(|text| self.read(column, parse(text))).transpose()
    }
}

pub(super) fn transaction(text: &str) -> Option<TransactionId> {
    TransactionId::new(text).ok()
}
