//! What is new since a page was made. A script counts it from `/v1/events` and shows it when the reader asks for it, so
//! nothing moves under the eyes of the reader. Without scripts there is nothing to see.

use maud::{Markup, html};

use super::show::with_query;
use crate::{domain::EventPosition, http::state::App, storage::StorageError};

/// The position up to which a page shows everything. It has to be read before the contents of the page: what happens in
/// between is then counted although it is shown, and never the reverse.
pub(super) async fn position(app: &App) -> Result<EventPosition, StorageError> {
    app.store.status_events.end().await
}

/// Renders the bar. `filters` are those of the page, and `here` is the address that shows what is new.
pub(super) fn bar<'a>(
    position: EventPosition,
    filters: impl IntoIterator<Item = (&'a str, &'a str)>,
    here: &str,
) -> Markup {
    html! { live-bar data-events=(with_query("/v1/events", filters)) data-after=(position) data-here=(here) {} }
}
