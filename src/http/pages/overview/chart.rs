//! The chart of failed messages: a bar an hour, and a mark at the usual level. The table below has the same figures.

use maud::{Markup, html};

use crate::{
    http::pages::show::{number, time},
    query::{HourView, OverviewView},
};

const WIDTH: usize = 720;
const HEIGHT: usize = 240;

/// Renders the chart.
pub(super) fn failed_by_hour(overview: &OverviewView) -> Markup {
    let hours = &overview.hours;
    let levels = hours.iter().flat_map(|hour| [tenths(hour), usual_tenths(hour).unwrap_or_default()]);
    let highest = levels.max().unwrap_or_default().max(10);
    let step = WIDTH / hours.len().max(1);
    let height = |tenths: usize| tenths * HEIGHT / highest;
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT + 24) } role="img" aria-label="Failed messages an hour, as in the table below" {
            path.grid d={ "M0 " (HEIGHT) "H" (WIDTH) "M0 " (HEIGHT / 2) "H" (WIDTH) "M0 .5H" (WIDTH) } {}
            @for (at, hour) in hours.iter().enumerate() {
                rect.failed x=(at * step + step / 8) y=(HEIGHT - height(tenths(hour))) width=((step * 3 / 4).max(1)) height=(height(tenths(hour))) {}
                @if let Some(usual) = usual_tenths(hour) {
                    path.usual d={ "M" (at * step) " " (HEIGHT - height(usual)) "h" (step) } {}
                }
            }
            text x="4" y="14" { (number(i64::try_from(highest / 10).unwrap_or(i64::MAX))) }
        }
        p.ends {
            @if let Some(first) = hours.first() { (time(&first.begin)) }
            span { b.failed { "■" } " failed " b.usual { "▬" } " usual" }
            @if let Some(last) = hours.last() { (time(&last.begin)) }
        }
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

fn tenths(hour: &HourView) -> usize {
    usize::try_from(hour.failed.count.saturating_mul(10)).unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of counts, to one decimal place")]
fn usual_tenths(hour: &HourView) -> Option<usize> {
    hour.failed.usual.map(|usual| (usual * 10.0).round() as usize)
}
