//! The failed messages of each hour, as a chart and as a table.

use maud::{Markup, html};

use crate::{
    http::pages::{
        chart::{self, Bar},
        show::{number, time},
    },
    query::OverviewView,
};

/// Renders the hours.
pub(super) fn render(overview: &OverviewView) -> Markup {
    let hours = &overview.hours;
    let bars: Vec<_> = hours.iter().map(|hour| Bar { failed: hour.failed.count, usual: hour.failed.usual }).collect();
    let ends = [hours.first(), hours.last()].map(|hour| hour.map_or_else(Markup::default, |hour| time(&hour.begin)));
    html! {
        (chart::failed(&bars, "Failed messages an hour, as in the table below", ends))
        details {
            summary { "The same as a table" }
            div.wide {
                table {
                    thead { tr { th { "Hour" } th.number { "Messages" } th.number { "Failed" } th.number { "Usually failed" } } }
                    tbody {
                        @for hour in hours {
                            tr {
                                td { (time(&hour.begin)) }
                                td.number { (number(hour.messages)) }
                                td.number { (number(hour.failed.count)) }
                                td.number { @match hour.failed.usual { Some(usual) => { (usual) } None => { "–" } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
