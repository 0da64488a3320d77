//! `GET` and `POST /v1/views`, `DELETE /v1/views/{id}`: filters that people save under a name.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use serde::Deserialize;
use serde_json::Value;

use super::search::filters;
use crate::{
    config::Scope,
    domain::{SavedView, ViewId, ViewedList},
    http::{
        extract::{
            auth::{Caller, CanRead},
            body,
            pairs::texts,
        },
        problem::{Code, Problem},
        state::App,
    },
    query::{SavedViewRequest, SavedViewView, SavedViewsView, too_many_views},
};

/// As for a search, with the name.
const LIMIT: usize = 5 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// The request: the filters, and what they are saved as.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToSave {
    of: String,
    name: String,
    filter: Value,
}

/// Lists the views that the token has saved, of all lists that it may read.
pub(super) async fn list(caller: Caller<CanRead>, app: Data<App>) -> Result<HttpResponse, Problem> {
    app.looked_at(caller.actor(), || "saved views".to_owned()).await?;
    let views = app.query.saved_views(caller.actor()).await?;
    let readable = views.iter().filter(|view| caller.may(scope(view.list)));
    Ok(HttpResponse::Ok().json(SavedViewsView { items: readable.map(SavedViewView::of).collect() }))
}

/// Saves a view, in place of one with the same name.
pub(super) async fn save(
    caller: Caller<CanRead>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let request = body::json_value(&head, payload, LIMIT, PATIENCE).await?;
    let advice =
        "send {\"of\": \"messages\", \"name\": \"Failed by SMS\", \"filter\": {\"status\": \"failed\"}} as JSON";
    let ToSave { of, name, filter } = body::object(request, advice)?;
    let filter = filters(&filter).map_err(|problem| problem.below("/filter"))?;
    let request = SavedViewRequest::parse(&of, &name, texts(&filter)).map_err(Problem::faulty)?;
    Ok(HttpResponse::Ok().json(SavedViewView::of(&saved(&caller, request, &app).await?)))
}

/// Removes a view.
pub(super) async fn remove(caller: Caller<CanRead>, id: Path<String>, app: Data<App>) -> Result<HttpResponse, Problem> {
    removed(&caller, &id, &app).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The scope that a list requires, and so do the views of it.
fn scope(list: ViewedList) -> Scope {
    match list {
        ViewedList::Messages | ViewedList::Failures => Scope::Read,
        ViewedList::Audit => Scope::Admin,
    }
}

/// Saves a view for the token of the caller.
pub(crate) async fn saved(
    caller: &Caller<CanRead>,
    request: SavedViewRequest,
    app: &App,
) -> Result<SavedView, Problem> {
    caller.must(scope(request.list))?;
    let view = request.view(ViewId::new(rand::random()), app.clock.now());
    let id = app.store.saved_views.save(caller.actor().as_str(), &view).await?;
    let id = id.ok_or_else(|| Problem::new(Code::InvalidRequest, too_many_views()))?;
    Ok(SavedView { id, ..view })
}

/// Removes a view of the token of the caller.
pub(crate) async fn removed(caller: &Caller<CanRead>, id: &str, app: &App) -> Result<(), Problem> {
    let absent = || Problem::new(Code::NotFound, "no saved view of this token has this id; take it from GET /v1/views");
    let id = ViewId::from_hex(id).ok_or_else(absent)?;
    if app.store.saved_views.remove(caller.actor().as_str(), id).await? { Ok(()) } else { Err(absent()) }
}
