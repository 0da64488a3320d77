//! `POST /v1/import`: loads a file of notifications that never arrived.

use std::{
    io::{self, Read},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Buf, Bytes, Data, Payload},
};
use futures_util::StreamExt;
use tokio::{sync::mpsc, time::timeout};

use crate::{
    detached::detached,
    http::{
        extract::{
            auth::CanAdminister,
            body::media_type,
            caught_up::CaughtUp,
            pairs::{Pairs, texts},
        },
        problem::{Code, Problem},
        state::App,
    },
    maintenance::{ImportError, ImportOptions, Importer},
};

/// How many pieces of the body may wait for the reader.
const AHEAD: usize = 8;
/// The longest that a client may pause within the body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Imports the body while it arrives, however large it is, and answers with a report.
pub(super) async fn import(
    caller: CaughtUp<CanAdminister>,
    request: HttpRequest,
    pairs: Pairs,
    mut payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    // A page of another origin can send these types too.
    let refused_types = ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];
    if refused_types.contains(&media_type(&request).as_str()) {
        let detail = "set the file's Content-Type: text/csv, application/json, application/x-ndjson, or, for any of \
                      them, application/octet-stream; the layout is detected from the content";
        return Err(Problem::new(Code::UnsupportedMediaType, detail).closing(payload));
    }
    let options = match ImportOptions::parse(texts(&pairs)) {
        Ok(options) => options,
        Err(errors) => return Err(Problem::faulty(errors).closing(payload)),
    };
    let (pieces, waiting) = mpsc::channel(AHEAD);
    let importer = Importer::new(&app.store, app.intake.zone, app.clock.clone());
    let body = Pieces { waiting, current: Bytes::new(), is_over: false };
    let actor = caller.actor().clone();
    // What arrived before the client disconnects is committed and counted.
    let importing = detached(async move { importer.import(&actor, body, options).await });
    let (report, ()) = tokio::join!(importing, pump(&mut payload, pieces));
    match report {
        Ok(report) => Ok(HttpResponse::Ok().json(report)),
        Err(error) => Err(Problem::from(error).closing(payload)),
    }
}

/// Passes the body on. `None` marks its end, so that a closed connection cannot be mistaken for it.
async fn pump(payload: &mut Payload, pieces: mpsc::Sender<Option<Bytes>>) {
    loop {
        let piece = match timeout(PATIENCE, payload.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => Some(piece),
            Ok(Some(Err(_))) | Err(_) => return,
        };
        let is_last = piece.is_none();
        // It fails if the reader has stopped.
        if pieces.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

/// The body, for a reader that runs on its own thread.
struct Pieces {
    waiting: mpsc::Receiver<Option<Bytes>>,
    current: Bytes,
    is_over: bool,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.is_over {
            match self.waiting.blocking_recv() {
                Some(Some(piece)) => self.current = piece,
                Some(None) => self.is_over = true,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let taken = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..taken]);
        Ok(taken)
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Storage(error) => error.into(),
            error @ ImportError::NothingUnderstood(_) => Self::new(Code::NotAnExport, error.to_string()),
            error => {
                let detail =
                    format!("{error}; the rows before it are stored, and the whole file can be imported again");
                Self::new(Code::NotAnExport, detail)
            }
        }
    }
}
