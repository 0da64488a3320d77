//! The text of statements, or parts of them, that several files share. The files of each database fill in how they pass
//! the rows of a batch.

/// The upsert of messages. It makes the result independent of the order of arrival: the notification with the greatest
/// precedence wins, by the same rule as `domain::Standing::merge`. `$source` selects the rows of the batch.
///
/// Precedence does not decide if a message of another system has several recipients: the row names a recipient other
/// than that of the message, or several, which makes its precedence longer. `recipients.rs` merges these
/// messages.
macro_rules! merge_messages {
    ($source:literal $(, $argument:expr)+ $(,)?) => {
        merge_messages!(
            @ "excluded.precedence > messages.precedence AND length(excluded.precedence) <= 26 \
             AND (messages.dispatch IS NOT NULL OR messages.recipient IS NULL OR excluded.recipient IS NULL \
                 OR excluded.recipient = messages.recipient)",
            $source $(, $argument)+
        )
    };
    (@ $wins:literal, $source:literal $(, $argument:expr)+) => {
        sql!(
            "INSERT INTO messages (correlation_id, channel, recipient, transaction_id, status, precedence, status_at, \
             is_final, failure, code, reason, segments, callback_data, created_at, updated_at) "
                + $source
                + " ON CONFLICT (correlation_id) DO UPDATE SET \
             channel = CASE WHEN messages.dispatch IS NULL AND " + $wins + " \
                 THEN excluded.channel ELSE messages.channel END, \
             recipient = COALESCE(messages.recipient, excluded.recipient), \
             transaction_id = CASE WHEN " + $wins + " \
                 AND (messages.dispatch IS NULL OR excluded.transaction_id IS NOT NULL) \
                 THEN excluded.transaction_id ELSE messages.transaction_id END, \
             status = CASE WHEN " + $wins + " \
                 THEN excluded.status ELSE messages.status END, \
             precedence = CASE WHEN " + $wins + " \
                 THEN excluded.precedence ELSE messages.precedence END, \
             status_at = CASE WHEN " + $wins + " \
                 THEN excluded.status_at ELSE messages.status_at END, \
             is_final = CASE WHEN " + $wins + " \
                 THEN excluded.is_final ELSE messages.is_final END, \
             failure = CASE WHEN " + $wins + " \
                 THEN excluded.failure ELSE messages.failure END, \
             code = CASE WHEN " + $wins + " \
                 THEN excluded.code ELSE messages.code END, \
             reason = CASE WHEN " + $wins + " \
                 THEN excluded.reason ELSE messages.reason END, \
             segments = CASE WHEN messages.segments IS NULL OR excluded.segments > messages.segments \
                 THEN excluded.segments ELSE messages.segments END, \
             callback_data = CASE WHEN messages.dispatch IS NULL AND (messages.callback_data IS NULL \
                 OR excluded.callback_data > messages.callback_data) \
                 THEN excluded.callback_data ELSE messages.callback_data END, \
             updated_at = CASE WHEN excluded.updated_at > messages.updated_at \
                 THEN excluded.updated_at ELSE messages.updated_at END"
            $(, $argument)+
        )
    };
}

/// Stores which message owns each transaction. A real correlation id wins over `txn:…`. Of two real ones, the smaller
/// wins, so that the order of arrival does not matter. `$returning` selects the result for new transactions and for
/// transactions whose owner changes.
macro_rules! claim_transactions {
    ($source:literal, $returning:literal $(, $argument:expr)+ $(,)?) => {
        sql!(
            "INSERT INTO transactions (transaction_id, correlation_id) "
                + $source
                + " ON CONFLICT (transaction_id) DO UPDATE \
             SET formerly = transactions.correlation_id, correlation_id = excluded.correlation_id \
             WHERE excluded.correlation_id <> 'txn:' || excluded.transaction_id \
             AND (transactions.correlation_id = 'txn:' || transactions.transaction_id \
                  OR excluded.correlation_id < transactions.correlation_id)"
                + $returning
            $(, $argument)+
        )
    };
}

/// Inserts notifications. A notification that exists already is counted. `$before` and `$after` surround the statement.
macro_rules! insert_notifications {
    ($before:literal, $source:literal, $after:literal $(, $argument:expr)+ $(,)?) => {
        sql!(
            $before
                + "INSERT INTO notifications (correlation_id, fingerprint, occurrences, uncorrelated, transaction_id, block, \
             position) "
                + $source
                + " ON CONFLICT (correlation_id, fingerprint) DO UPDATE \
             SET occurrences = notifications.occurrences + excluded.occurrences"
                + $after
            $(, $argument)+
        )
    };
}

/// Inserts blocks. `$source` selects them, `$returning` selects the result.
macro_rules! insert_blocks {
    ($source:literal, $returning:literal $(, $argument:expr)+ $(,)?) => {
        sql!(
            "INSERT INTO notification_blocks (received_from, received_to, records, bodies, bodies_from, size, payload) "
                + $source
                + $returning
            $(, $argument)+
        )
    };
}

/// Inserts new messages. `$returning` selects the result for these.
macro_rules! insert_messages {
    ($source:literal, $returning:literal $(, $argument:expr)+ $(,)?) => {
        sql!(
            "INSERT INTO messages (correlation_id, dispatch, channel, sender, recipient, status, precedence, status_at, \
             is_final, callback_data, created_at, updated_at) "
                + $source
                + " ON CONFLICT (correlation_id) DO NOTHING"
                + $returning
            $(, $argument)+
        )
    };
}

/// Sets the status of messages to the state of our dispatch, unless a notification reports more. `$source` selects the
/// steps. `$1` is `Precedence::DISPATCH_BYTES`.
macro_rules! move_messages {
    ($source:literal $(, $argument:expr)+ $(,)?) => {
        sql!(
            "UPDATE messages SET dispatch = step.dispatch, updated_at = step.at, \
             transaction_id = CASE WHEN messages.precedence <= $1 AND step.transaction_id IS NOT NULL \
                 THEN step.transaction_id ELSE messages.transaction_id END, \
             status = CASE WHEN messages.precedence <= $1 THEN step.dispatch ELSE messages.status END, \
             status_at = CASE WHEN messages.precedence <= $1 THEN step.at ELSE messages.status_at END, \
             is_final = CASE WHEN messages.precedence <= $1 THEN step.is_final ELSE messages.is_final END, \
             failure = CASE WHEN messages.precedence <= $1 THEN step.failure ELSE messages.failure END, \
             code = CASE WHEN messages.precedence <= $1 THEN step.code ELSE messages.code END, \
             reason = CASE WHEN messages.precedence <= $1 THEN step.reason ELSE messages.reason END \
             FROM ("
                + $source
                + ") AS step WHERE messages.correlation_id = step.correlation_id"
            $(, $argument)+
        )
    };
}

/// Merges the standings of the recipients of messages with several recipients. The greatest precedence wins here too.
macro_rules! merge_recipients {
    ($source:literal $(, $argument:expr)+ $(,)?) => {
        sql!(
            "INSERT INTO recipient_standings (correlation_id, recipient, severity, is_open, precedence, status, failure, \
             code, reason, channel, transaction_id) "
                + $source
                + " ON CONFLICT (correlation_id, recipient) DO UPDATE SET severity = excluded.severity, \
             is_open = excluded.is_open, precedence = excluded.precedence, status = excluded.status, \
             failure = excluded.failure, code = excluded.code, reason = excluded.reason, channel = excluded.channel, \
             transaction_id = excluded.transaction_id WHERE excluded.precedence > recipient_standings.precedence"
            $(, $argument)+
        )
    };
}

/// A counter that differs from the number of messages, as text.
macro_rules! miscounted {
    () => {
        sql!(
            "SELECT hour || ' ' || channel || ' ' || status || ' ' || code || ' ' || sender AS \"key!: String\" \
             FROM (SELECT hour, channel, status, code, sender, count FROM counters UNION ALL \
             SELECT created_at / 3600000000, COALESCE(channel, ''), status, COALESCE(substr(code, 1, 64), ''), \
             COALESCE(substr(sender, 1, 64), ''), -1 FROM messages) AS counted \
             GROUP BY hour, channel, status, code, sender HAVING SUM(count) <> 0 LIMIT 1"
        )
    };
}

/// Inserts dispatch steps, each as the next step of its message, with the state of the outbox. `$source` selects them, `$returning` selects the
/// result.
macro_rules! insert_steps {
    ($source:literal, $returning:literal $(, $argument:expr)+ $(,)?) => {
        sql!(
            "INSERT INTO dispatch_events (correlation_id, step, salt, at, dispatch, failure, code, reason, transaction_id, \
             attempts, settled, counted, due_at, lease_until) \
             SELECT step.correlation_id, (SELECT COALESCE(MAX(before.step), 0) + 1 FROM dispatch_events before \
                 WHERE before.correlation_id = step.correlation_id), \
             step.salt, step.at, step.dispatch, step.failure, step.code, step.reason, step.transaction_id, \
             outbox.attempts, outbox.settled, outbox.counted, outbox.due_at, outbox.lease_until \
             FROM ("
                + $source
                + ") AS step CROSS JOIN outbox WHERE outbox.correlation_id = step.correlation_id"
                + $returning
            $(, $argument)+
        )
    };
}

/// Complete rows of `notifications`, which do not contain the contents. `$before` and `$after` surround the columns.
macro_rules! slot_rows {
    ($before:literal, $after:literal $(, $argument:expr)* $(,)?) => {
        sql_as!(
            SlotRow,
            $before
                + "notifications.correlation_id, notifications.fingerprint, notifications.occurrences, \
             notifications.uncorrelated, notifications.transaction_id, notifications.block, notifications.position"
                + $after
            $(, $argument)*
        )
    };
}

/// Complete rows of `dispatch_events`. `$before` and `$after` surround the columns.
macro_rules! step_rows {
    ($before:literal, $after:literal $(, $argument:expr)* $(,)?) => {
        sql_as!(
            EventRow,
            $before
                + "correlation_id, step, salt, at, dispatch, failure, code, reason, transaction_id, attempts, settled, \
         counted, due_at, lease_until"
                + $after
            $(, $argument)*
        )
    };
}

/// Complete rows of `messages`. `$after` follows the columns.
macro_rules! full_message_rows {
    ($after:literal $(, $argument:expr)* $(,)?) => {
        sql_as!(
            FullMessageRow,
            "SELECT correlation_id, dispatch, channel, sender, recipient, transaction_id, status, precedence, status_at, \
         is_final, failure, code, reason, segments, callback_data, created_at, updated_at FROM messages " + $after
            $(, $argument)*
        )
    };
}

/// Complete rows of `inbound`. `$before` and `$after` surround the columns.
macro_rules! inbound_rows {
    ($before:literal, $after:literal $(, $argument:expr)* $(,)?) => {
        sql_as!(InboundRow, $before + "fingerprint, salt, received_at, source, occurrences, channel, event, sender, transaction_id, body, signature" + $after $(, $argument)*)
    };
}

/// Complete rows of `quarantine`. `$before` and `$after` surround the columns.
macro_rules! quarantine_rows {
    ($before:literal, $after:literal $(, $argument:expr)* $(,)?) => {
        sql_as!(QuarantineRow, $before + "fingerprint, salt, received_at, source, occurrences, reason, body, signature" + $after $(, $argument)*)
    };
}

/// Complete rows of `audit_log`. `$before` and `$after` surround the columns.
macro_rules! audit_rows {
    ($before:literal, $after:literal $(, $argument:expr)* $(,)?) => {
        sql_as!(AuditRow, $before + "id, at, actor, os_user, action, count, details" + $after $(, $argument)*)
    };
}

/// Complete rows of `status_events`. `$before` and `$after` surround the columns.
macro_rules! status_event_rows {
    ($before:literal, $after:literal $(, $argument:expr)* $(,)?) => {
        sql_as!(StatusEventRow, $before + "seq, correlation_id, is_sent, channel, status, is_final, status_at, failure, code, reason, changed_at, \
             replaced_by" + $after $(, $argument)*)
    };
}

/// Complete rows of `links`. `$after` follows the table.
macro_rules! link_rows {
    ($after:literal) => {
        sql_as!(LinkRow, "SELECT writer, sequence, hash, changes, checkpoints, signature FROM links" + $after)
    };
}

/// Complete rows of `recipient_standings`. `$after` follows the columns.
macro_rules! recipient_rows {
    ($after:literal $(, $argument:expr)* $(,)?) => {
        sql_as!(
            RecipientRow,
            "SELECT correlation_id, recipient, severity, is_open, precedence, status, failure, code, reason, channel, \
         transaction_id FROM recipient_standings " + $after
            $(, $argument)*
        )
    };
}

pub(crate) use {
    audit_rows, claim_transactions, full_message_rows, inbound_rows, insert_blocks, insert_messages,
    insert_notifications, insert_steps, link_rows, merge_messages, merge_recipients, miscounted, move_messages,
    quarantine_rows, recipient_rows, slot_rows, status_event_rows, step_rows,
};
