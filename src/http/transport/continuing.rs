//! `Expect: 100-continue`: the client is asked for the body only when the handler reads it, and not if the request is
//! refused without it. actix alone would ask for the body before it calls the handler.
//!
//! So the handler is called at once, with a body that shows when it is read. If the handler answers before that, this
//! is the answer. Otherwise, actix asks the client to continue, and the handler continues where it was.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_http::{Request, error::PayloadError};
use actix_web::{HttpMessage, dev::Payload, web::Bytes};
use futures_util::{
    Stream,
    future::{LocalBoxFuture, poll_fn},
};

/// A request whose handler was called already, and waits for the body.
struct Begun<T>(LocalBoxFuture<'static, T>);

/// A body that shows when it is read.
struct Wanted {
    body: Payload,
    is_wanted: Rc<Cell<bool>>,
}

impl Stream for Wanted {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let wanted = self.get_mut();
        wanted.is_wanted.set(true);
        Pin::new(&mut wanted.body).poll_next(context)
    }
}

/// Replaces the body of a request by one that shows when it is read.
pub(crate) fn lazily(mut request: Request) -> (Request, Rc<Cell<bool>>) {
    let is_wanted = Rc::new(Cell::new(false));
    let body = Wanted { body: request.take_payload(), is_wanted: is_wanted.clone() };
    *request.payload() = Payload::Stream { payload: Box::pin(body) };
    (request, is_wanted)
}

/// Begins to answer such a request. `Err` is the answer of a handler that did not read the body. For the request in
/// `Ok`, [`begun`] returns the future of the answer.
pub(crate) fn begin<T: 'static>(
    answer: impl Future<Output = T> + 'static,
    is_wanted: Rc<Cell<bool>>,
) -> impl Future<Output = Result<Request, T>> {
    let mut answer: Option<LocalBoxFuture<'static, T>> = Some(Box::pin(answer));
    poll_fn(move |context| {
        let Some(begun) = &mut answer else { return Poll::Pending };
        if let Poll::Ready(answer) = begun.as_mut().poll(context) {
            return Poll::Ready(Err(answer));
        }
        if !is_wanted.get() {
            return Poll::Pending;
        }
        let request = Request::new();
        if let Some(begun) = answer.take() {
            request.extensions_mut().insert(Begun(begun));
        }
        Poll::Ready(Ok(request))
    })
}

/// Returns the future of the answer to a request that was begun.
pub(crate) fn begun<T: 'static>(request: &Request) -> Option<LocalBoxFuture<'static, T>> {
    request.extensions_mut().remove::<Begun<T>>().map(|begun| begun.0)
}
