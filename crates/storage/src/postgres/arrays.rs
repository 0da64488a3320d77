//! Rows as arrays, the parameters of a statement.

use receiptd_domain::CorrelationId;

/// Turns rows into one array for each of the named columns, in this order.
macro_rules! columns {
    ($rows:ident: $($column:ident),+) => { $( let $column: Vec<_> = $rows.iter().map(|row| &row.$column).collect(); )+ };
}

pub(super) use columns;

/// The ids as one array.
pub(super) fn texts(ids: &[CorrelationId]) -> Vec<String> {
    ids.iter().map(CorrelationId::to_string).collect()
}
