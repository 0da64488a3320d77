//! `POST /find`: the box of every page. What is looked for is posted, so that no number stands in an address.

use actix_web::{
    Either, HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use maud::html;
use url::form_urlencoded;

use super::{
    login::see_other,
    messages,
    page::{Page, Room},
    show::message_path,
};
use crate::{
    domain::{CorrelationId, ListRequest},
    http::{
        extract::{auth::CanRead, caught_up::CaughtUp},
        problem::Problem,
        routes::session::read,
        state::App,
    },
};

/// Opens the message with this id, or shows the messages of this transaction or recipient.
pub(super) async fn find(
    caller: CaughtUp<CanRead>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<Either<HttpResponse, Page>, Problem> {
    let text = read(&head, payload).await?;
    let sought = form_urlencoded::parse(&text).find(|(name, _)| name == "q").map(|(_, value)| value.trim().to_owned());
    let sought = sought.unwrap_or_default();
    if let Ok(id) = CorrelationId::new(&sought)
        && let Some(message) = app.query.message(&id).await?
    {
        return Ok(Either::Left(see_other(&message_path("/messages", &message.correlation_id), None)));
    }
    for (filter, words) in [("transactionId", "with the transaction id"), ("to", "to")] {
        let Ok(request) = ListRequest::parse([(filter, sought.as_str())], &app.query.cutoffs()) else { continue };
        let list = app.query.list(&request.filter, None, request.limit).await?;
        if list.items.is_empty() {
            continue;
        }
        app.looked_at(caller.actor(), || format!("messages {filter}")).await?;
        let main = html! {
            h1 { "Messages " (words) " " (sought) }
            p.soft { "Newest first." @if list.next_cursor.is_some() { " These are the latest " (list.items.len()) "; there are more." } }
            (messages::rows(&list))
        };
        return Ok(Either::Right(Page { title: "Found".to_owned(), room: Some(Room::Messages), main, twin: None }));
    }
    app.looked_at(caller.actor(), || "messages to".to_owned()).await?;
    let main = html! {
        section.card.note {
            h1 { "Nothing found for " (sought) }
            p { "It is no correlation id, no transaction id, and no recipient of a stored message. Numbers need their country code." }
            p { "Perhaps it is among the " a href="/inbound" { "inbound messages" } ", or in " a href="/quarantine" { "quarantine" } "." }
        }
    };
    Ok(Either::Right(Page { title: "Nothing found".to_owned(), room: None, main, twin: None }))
}
