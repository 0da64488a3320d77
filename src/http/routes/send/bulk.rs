//! Many messages, as `application/x-ndjson`: accepts one message per line and answers each with a line, in order, while
//! the request is still arriving.
//!
//! The lines that have arrived are accepted in one commit and answered; then the next ones are read. So neither the
//! request nor the answer is kept in memory: if a client does not read its answers, its request is not read either.
//! Nothing is lost if the upload breaks off: accepted messages are sent, and it is safe to upload them again.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpResponse,
    web::{Bytes, Data, Payload},
};
use futures_util::{FutureExt, StreamExt, stream};
use serde::Serialize;
use tokio::time::timeout;

use super::draft::{LIMIT, draft_of, not_shown, too_long};
use crate::{
    domain::{Actor, CorrelationId, Draft},
    http::{
        extract::lines::{Line, Lines},
        problem::{Code, Problem},
        state::{App, Closing},
    },
    query::MessageView,
    send::{SendError, Sent},
};

/// The maximum number of lines, and of bytes, in one commit.
const MOST_LINES: usize = 256;
const MOST_BYTES: usize = 1024 * 1024;
/// How long a client may pause between two pieces.
const PATIENCE: Duration = Duration::from_mins(5);

/// Accepts messages, and answers each line with a line.
pub(super) fn send(
    actor: Actor,
    payload: Payload,
    app: Data<App>,
    closing: Data<Closing>,
) -> Result<HttpResponse, Problem> {
    if !app.sender.is_configured() {
        return Err(Problem::from(SendError::NotConfigured).closing(payload));
    }
    let upload = Upload { actor, payload, lines: Lines::new(LIMIT), number: 0, app, closing };
    let answers = stream::unfold(Some(upload), |upload| async {
        let mut upload = upload?;
        let lines = upload.gather().await;
        let answers = upload.answer(&lines).await;
        Some((Ok::<_, Infallible>(answers), lines.end.is_none().then_some(upload)))
    });
    // An empty piece would end a chunked answer.
    let answers = answers.filter(|answers| std::future::ready(answers.as_ref().is_ok_and(|bytes| !bytes.is_empty())));
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(answers))
}

struct Upload {
    /// The caller that sends the messages.
    actor: Actor,
    payload: Payload,
    lines: Lines,
    /// The number of the line that was read last, counted from 1.
    number: u64,
    app: Data<App>,
    closing: Data<Closing>,
}

/// The lines for one commit.
#[derive(Default)]
struct Gathered {
    lines: Vec<(u64, Line)>,
    bytes: usize,
    end: Option<End>,
}

/// The reason why nothing more is read.
#[derive(Clone, Copy)]
enum End {
    /// The request is complete; or the client is gone, and an incomplete last line is not a message.
    Over,
    Paused,
    Closing,
}

/// The answer to a message that was accepted.
#[derive(Serialize)]
struct Accepted<'a> {
    line: u64,
    new: bool,
    #[serde(flatten)]
    message: &'a MessageView,
}

impl Gathered {
    fn is_full(&self) -> bool {
        self.lines.len() >= MOST_LINES || self.bytes >= MOST_BYTES
    }
}

impl Upload {
    /// Returns the lines that have arrived; if there are none, waits for the next ones.
    async fn gather(&mut self) -> Gathered {
        let mut gathered = Gathered::default();
        if self.closing.has_begun() {
            gathered.end = Some(End::Closing);
        }
        while !self.take_lines(&mut gathered) {
            let piece = if gathered.lines.is_empty() {
                tokio::select! {
                    piece = timeout(PATIENCE, self.payload.next()) => piece.map_err(|_| End::Paused),
                    () = self.closing.begun() => Err(End::Closing),
                }
            } else {
                match self.payload.next().now_or_never() {
                    Some(piece) => Ok(piece),
                    None => return gathered,
                }
            };
            match piece {
                Ok(Some(Ok(piece))) => self.lines.push(&piece),
                Ok(Some(Err(_))) => gathered.end = Some(End::Over),
                Ok(None) => {
                    if let Some(line) = self.lines.last() {
                        self.keep(&mut gathered, line);
                    }
                    gathered.end = Some(End::Over);
                }
                Err(end) => gathered.end = Some(end),
            }
        }
        gathered
    }

    /// Takes the lines that have arrived. Returns whether these are enough.
    fn take_lines(&mut self, gathered: &mut Gathered) -> bool {
        while !gathered.is_full() && gathered.end.is_none() {
            let Some(line) = self.lines.next() else { return false };
            self.keep(gathered, line);
        }
        true
    }

    /// Adds a line. Blank lines are counted, but otherwise ignored.
    fn keep(&mut self, gathered: &mut Gathered, line: Line) {
        self.number += 1;
        if let Line::Whole(bytes) = &line {
            if bytes.trim_ascii().is_empty() {
                return;
            }
            gathered.bytes += bytes.len();
        }
        gathered.lines.push((self.number, line));
    }

    /// Accepts the messages, and builds the answers.
    async fn answer(&self, gathered: &Gathered) -> Bytes {
        let mut drafts = Vec::with_capacity(gathered.lines.len());
        let mut read = Vec::with_capacity(gathered.lines.len());
        for (number, line) in &gathered.lines {
            read.push((*number, draft(line).map(|draft| drafts.push(draft))));
        }
        let mut accepted = self.accept(&drafts).await.into_iter();
        let mut answers = Vec::new();
        for (line, read) in read {
            let answer = read.and_then(|()| accepted.next().unwrap_or_else(|| Err(not_read())));
            match answer {
                Ok((new, message)) => write(&mut answers, &Accepted { line, new, message: &message }),
                Err(problem) => write(&mut answers, &problem.of_line(line)),
            }
        }
        let why = match gathered.end {
            Some(End::Closing) => "the server is stopping; send this line and all later ones again",
            Some(End::Paused) => "no data arrived for five minutes; send this line and all later ones again",
            Some(End::Over) | None => return answers.into(),
        };
        write(&mut answers, &Problem::new(Code::Unavailable, why).of_line(self.number + 1));
        answers.into()
    }

    /// Returns for each message whether it is new, and its current state.
    async fn accept(&self, drafts: &[Draft]) -> Vec<Result<(bool, MessageView), Problem>> {
        let sent = self.app.sender.accept_all(&self.actor, drafts).await;
        // A new message need not be looked up, and a committed one is never answered with an error.
        let known = sent.iter().filter_map(|sent| match sent {
            Ok(Sent::Same(id)) => Some(id.clone()),
            _ => None,
        });
        let known: Vec<CorrelationId> = known.collect();
        let mut known = self.app.query.messages(&known).await.map(Vec::into_iter);
        let mut outcome = |sent: Result<Sent, _>| match sent.map_err(Problem::from)? {
            Sent::New(message) => Ok((true, self.app.query.view(&message))),
            Sent::Same(id) => {
                let message = known.as_mut().map_err(|error| not_shown(&id, error))?.next().flatten();
                Ok((false, message.ok_or_else(|| Problem::no_such_message(id.as_str()))?))
            }
        };
        sent.into_iter().map(&mut outcome).collect()
    }
}

fn draft(line: &Line) -> Result<Draft, Problem> {
    match line {
        Line::Whole(bytes) => draft_of(bytes),
        Line::TooLong => Err(too_long()),
    }
}

/// For a line without an outcome, which does not happen.
fn not_read() -> Problem {
    Problem::new(Code::Unavailable, "the line was not accepted; send it again")
}

fn write(answers: &mut Vec<u8>, answer: &impl Serialize) {
    // Strings and numbers always serialize.
    answers.extend(serde_json::to_vec(answer).unwrap_or_default());
    answers.push(b'\n');
}
