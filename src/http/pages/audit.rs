//! `GET /audit`: who did what.

use actix_web::web::Data;
use maud::html;

use super::{
    page::{Page, Room, Twin, quoted},
    saved_views::Shown,
    show::{capitalised, extent, or_dash, time, with_query},
};
use crate::{
    domain::{AuditAction, AuditRequest, ViewedList},
    http::{
        extract::{
            auth::{Caller, CanAdminister},
            pairs::{Pairs, filled, filters_of},
        },
        problem::Problem,
        state::App,
    },
};

/// Shows a page of the audit log, newest first.
pub(super) async fn page(caller: Caller<CanAdminister>, pairs: Pairs, app: Data<App>) -> Result<Page, Problem> {
    let given = filled(&pairs);
    let request = AuditRequest::parse(given.iter().copied()).map_err(Problem::faulty)?;
    let list = app.audit.list(&request).await?;
    let value = |name: &str| given.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
    let kept = filters_of(&given);
    let shown = Shown { list: ViewedList::Audit, given: &kept, meant: &kept };
    let saved_views = shown.saved_views(caller.actor(), &app).await?;
    let others = given.iter().copied().filter(|(name, _)| *name != "cursor");
    let main = html! {
        h1 { "Audit log" }
        p.soft { "Who did what, newest first. Times are those of the first action that an entry counts." }
        form.filters method="get" action="/audit" {
            label { "Who" input name="actor" value=(value("actor")); }
            label {
                "Action"
                select name="action" {
                    option value="" { "Any" }
                    @for action in AuditAction::ALL.map(AuditAction::as_str) {
                        option value=(action) selected[action == value("action")] { (capitalised(action)) }
                    }
                }
            }
            label { "From (UTC)" input name="since" value=(value("since")) placeholder="2026-05-20"; }
            label { "Until (UTC)" input name="until" value=(value("until")) placeholder="2026-05-21"; }
            div.buttons { button.main-button { "Filter" } @if !given.is_empty() { a href="/audit" { "Clear" } } }
        }
        (saved_views)
        @if list.items.is_empty() {
            section.card { p.none { "No entry matches." } }
        } @else {
            div.card.wide {
                table.stacked {
                    thead { tr { th { "At" } th { "Who" } th { "Action" } th.number { "Count" } th { "Details" } th { "System user" } } }
                    tbody {
                        @for entry in &list.items {
                            tr data-row tabindex="-1" {
                                td { (time(&entry.at)) }
                                td { b { (entry.actor) } }
                                td { (capitalised(&entry.action)) }
                                td.number data-label="Count" { (entry.count) }
                                td { (or_dash(entry.details.as_deref())) }
                                td data-label="System user" { (or_dash(entry.os_user.as_deref())) }
                            }
                        }
                    }
                }
            }
        }
        nav.pages aria-label="Pages of the list" {
            @if let Some(next) = &list.next_cursor {
                a.button rel="next" href=(with_query("/audit", others.chain([("cursor", next.as_str())]))) { "Older entries" }
            }
            (extent(list.items.len(), "entry", "entries", list.next_cursor.is_none()))
        }
    };
    let flags = given.iter().map(|(name, value)| format!("--{name} {}", quoted(value)));
    let words: Vec<_> = ["audit".to_owned()].into_iter().chain(flags).collect();
    let twin = Twin {
        api: with_query("/v1/audit", given.iter().copied()),
        command: Some(words.join(" ")),
        export: Some(with_query("/v1/export", [("of", "audit"), ("format", "csv")])),
    };
    Ok(Page { title: "Audit log".to_owned(), room: Some(Room::AuditLog), main, twin: Some(twin) })
}
