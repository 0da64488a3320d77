//! The saved views of a list, on its page: links to them, and forms that save the current view and remove others. `POST /views`
//! and `POST /views/remove` take the forms, and open the list again.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use maud::{Markup, html};

use super::{login::see_other, show::with_query};
use crate::{
    domain::{Actor, SavedView, ViewName, ViewedList},
    http::{
        extract::{
            auth::{Caller, CanRead},
            filters::Filters,
            form::Form,
            pairs::texts,
        },
        problem::Problem,
        routes::views::{removed, saved},
        state::App,
    },
    query::SavedViewRequest,
};

/// Filters whose values can name a person. In an address, an encrypted view stands for them.
const PERSONAL: [&str; 4] = ["to", "correlationId", "callbackData", "transactionId"];

/// Where a list is.
fn path(list: ViewedList) -> &'static str {
    match list {
        ViewedList::Messages => "/messages",
        ViewedList::Failures => "/failures",
        ViewedList::Audit => "/audit",
    }
}

/// The address of a view.
async fn address(view: &SavedView, app: &App) -> Result<String, Problem> {
    let pairs = view.filter.iter().map(|(name, value)| (name.clone(), value.clone()));
    let (personal, mut pairs): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| PERSONAL.contains(&name.as_str()));
    if !personal.is_empty() {
        pairs.push(("view".to_owned(), app.sealed_filters.seal(personal).await?.0));
    }
    Ok(with_query(path(view.list), texts(&pairs)))
}

/// A list as its page shows it.
pub(super) struct Shown<'a> {
    pub(super) list: ViewedList,
    /// The filters in the address.
    pub(super) given: &'a [(&'a str, &'a str)],
    /// The same, with the filters of an encrypted view in its place.
    pub(super) meant: &'a [(&'a str, &'a str)],
}

impl Shown<'_> {
    /// Renders the saved views of this list, and the forms.
    pub(super) async fn saved_views(&self, actor: &Actor, app: &App) -> Result<Markup, Problem> {
        let mut views = Vec::new();
        for view in app.query.saved_views(actor).await?.into_iter().filter(|view| view.list == self.list) {
            views.push((address(&view, app).await?, view));
        }
        if views.is_empty() && self.given.is_empty() {
            return Ok(Markup::default());
        }
        let words = match (views.is_empty(), self.given.is_empty()) {
            (true, _) => "Save this view",
            (false, true) => "Remove saved views",
            (false, false) => "Save this view, or remove saved ones",
        };
        Ok(html! {
            div.saved {
                @if !views.is_empty() {
                    nav.periods.wrapped aria-label="Saved views" {
                        span.soft { "Saved views:" }
                        @for (address, view) in &views {
                            a href=(address) aria-current=[self.is(view).then_some("true")] { (view.name.as_str()) }
                        }
                    }
                }
                details {
                    summary { (words) }
                    @if !self.given.is_empty() { (self.form_to_save(actor)) }
                    @for (_, view) in &views { (self.form_to_remove(view)) }
                }
            }
        })
    }

    /// Whether the page shows this view.
    fn is(&self, view: &SavedView) -> bool {
        let is_in = |(name, value): &(&str, &str)| view.filter.get(*name).is_some_and(|saved| saved == value);
        self.meant.len() == view.filter.len() && self.meant.iter().all(is_in)
    }

    /// The list and its filters, which both forms send.
    fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="of" value=(self.list.as_str());
            @for (name, value) in self.given { input type="hidden" name=(name) value=(value); }
        }
    }

    fn form_to_save(&self, actor: &Actor) -> Markup {
        let readers = if *actor == Actor::anonymous() {
            "Everyone who opens these pages sees it.".to_owned()
        } else {
            format!("Everyone who logs in with the token {} sees it.", actor.as_str())
        };
        html! {
            form.named method="post" action="/views" {
                (self.hidden())
                label for="view-name" { "Name" }
                input #view-name name="name" maxlength=(ViewName::LONGEST) required autocomplete="off" aria-describedby="view-readers";
                button { "Save" }
                small #view-readers { (readers) " A view with the same name is replaced." }
            }
        }
    }

    fn form_to_remove(&self, view: &SavedView) -> Markup {
        html! {
            form.named method="post" action="/views/remove" {
                (self.hidden())
                input type="hidden" name="id" value=(view.id);
                button.link-button { "Remove “" (view.name.as_str()) "”" }
            }
        }
    }
}

/// What a form sends.
struct Sent {
    of: String,
    /// The name of a view to save, or the id of one to remove.
    what: String,
    filters: Vec<(String, String)>,
}

impl Sent {
    fn of(form: &Form, what: &str) -> Self {
        let mut sent = Self { of: String::new(), what: String::new(), filters: Vec::new() };
        for (name, value) in form.fields() {
            match &*name {
                "of" => sent.of = value.into_owned(),
                name if name == what => sent.what = value.into_owned(),
                _ => sent.filters.push((name.into_owned(), value.into_owned())),
            }
        }
        sent
    }
}

/// Saves a view, and opens it.
pub(super) async fn save(
    caller: Caller<CanRead>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let sent = Sent::of(&Form::read(&head, payload).await?, "name");
    let filters = Filters::of(sent.filters, &app).await?;
    let request = SavedViewRequest::parse(&sent.of, &sent.what, texts(&filters)).map_err(Problem::faulty)?;
    let view = saved(&caller, request, &app).await?;
    Ok(see_other(&address(&view, &app).await?, None))
}

/// Removes a view, and opens the list as it was.
pub(super) async fn remove(
    caller: Caller<CanRead>,
    head: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let sent = Sent::of(&Form::read(&head, payload).await?, "id");
    removed(&caller, &sent.what, &app).await?;
    let list = ViewedList::from_word(&sent.of).unwrap_or(ViewedList::Messages);
    Ok(see_other(&with_query(path(list), texts(&sent.filters)), None))
}
