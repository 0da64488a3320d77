//! Adds up the counters. Triggers on `messages` maintain the counters in the same transaction as each change.

use receiptd_domain::{Dimension, StatsRequest, StatsRow, Timestamp};

use super::dialect::Connection;

struct CounterRow {
    channel: Option<String>,
    status: Option<String>,
    code: Option<String>,
    sender: Option<String>,
    period: Option<i64>,
    count: i64,
}

/// The number of messages with equal properties.
pub(super) async fn stats(connection: &mut Connection, request: &StatsRequest) -> Result<Vec<StatsRow>, sqlx::Error> {
    let by = |dimension| i64::from(request.by.contains(&dimension));
    let hours = match (by(Dimension::Hour), by(Dimension::Day)) {
        (1, _) => Some(1),
        (_, 1) => Some(24),
        _ => None,
    };
    let rows = sql_as!(
        CounterRow,
        "SELECT CASE WHEN CAST($1 AS BIGINT) = 1 THEN channel END AS \"channel?\", CASE WHEN CAST($2 AS BIGINT) = 1 THEN status END AS \"status?\", \
         CASE WHEN CAST($3 AS BIGINT) = 1 THEN code END AS \"code?\", CASE WHEN CAST($4 AS BIGINT) = 1 THEN sender END AS \"sender?\", \
         hour / CAST($5 AS BIGINT) AS \"period?: i64\", CAST(SUM(count) AS BIGINT) AS \"count!: i64\" \
         FROM counters WHERE hour >= $6 AND hour < $7 \
         GROUP BY 1, 2, 3, 4, 5 HAVING SUM(count) <> 0 ORDER BY 5, 1, 2, 3, 4",
        by(Dimension::Channel),
        by(Dimension::Status),
        by(Dimension::Code),
        by(Dimension::From),
        hours,
        request.since.map_or(i64::MIN, Timestamp::hour),
        request.until.map_or(i64::MAX, Timestamp::hour)
    );
    let stats_row = |row: CounterRow| {
        let known = |text: &String| !text.is_empty();
        let begin = |period: i64| Timestamp::from_micros(period * hours.unwrap_or_default() * Timestamp::HOUR);
        StatsRow {
            channel: row.channel.filter(known),
            status: row.status,
            code: row.code.filter(known),
            sender: row.sender.filter(known),
            begin: row.period.map(begin),
            count: row.count,
        }
    };
    Ok(rows.fetch_all(connection).await?.into_iter().map(stats_row).collect())
}
