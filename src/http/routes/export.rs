//! `GET /v1/export`: messages, failures, notifications, inbound or quarantine, as CSV or NDJSON.

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    web::{Bytes, Data},
};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    config::Scope,
    http::{
        extract::{auth::CanRead, caught_up::CaughtUp, filters::Filters, pairs::texts},
        problem::{Code, Problem},
        state::App,
    },
    maintenance::{Export, ExportError, ExportRequest, Format, Subject},
};

/// Streams the export page by page, as fast as the client reads it. An error before the first byte is answered with a
/// problem. After that, the connection is closed before the end of the body, so that a partial export cannot be
/// mistaken for a complete one.
pub(super) async fn export(caller: CaughtUp<CanRead>, pairs: Filters, app: Data<App>) -> Result<HttpResponse, Problem> {
    let request = ExportRequest::parse(texts(&pairs), &app.query.cutoffs()).map_err(Problem::faulty)?;
    if request.subject == Subject::Audit {
        caller.must(Scope::Admin)?;
    }
    let content_type = match request.format {
        Format::Csv => "text/csv; charset=utf-8; header=present",
        Format::Ndjson => "application/x-ndjson",
    };
    let name = format!("receiptd-{}.{}", request.subject.as_str(), request.format.as_str());
    let export = Export::begin(&app.store, request, &app.audit, caller.actor()).await?;
    let mut pieces = Box::pin(export.pieces());
    let first = pieces.try_next().await?;
    let pieces = stream::iter(first.map(Ok)).chain(pieces).map_ok(|piece| Bytes::from(piece.bytes));
    let pieces = pieces.inspect_err(|error| {
        tracing::error!(error = crate::observe::causes(error), "an export failed before its end");
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(pieces))
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Storage(error) => error.into(),
            ExportError::AuditUnavailable(error) => error.into(),
            error @ ExportError::Json(_) => {
                tracing::error!(error = crate::observe::causes(&error), "an export could not start");
                Self::new(Code::Unavailable, "the export could not start; try again")
            }
        }
    }
}
