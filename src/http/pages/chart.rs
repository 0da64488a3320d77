//! A chart of failed messages over time: a bar for each period, and a mark at the usual level. The same figures stand in a
//! table beside it.

use maud::{Markup, html};

use super::show::number;

const WIDTH: usize = 720;
const HEIGHT: usize = 240;

/// One period.
pub(super) struct Bar {
    pub(super) failed: i64,
    /// The usual count, if it is known.
    pub(super) usual: Option<f64>,
}

/// Renders the chart. `label` says what it shows, and `ends` are the beginnings of the first and of the last period.
pub(super) fn failed(bars: &[Bar], label: &str, ends: [Markup; 2]) -> Markup {
    let levels = bars.iter().flat_map(|bar| [tenths(bar), usual_tenths(bar).unwrap_or_default()]);
    let highest = levels.max().unwrap_or_default().max(10);
    let step = (WIDTH / bars.len().max(1)).max(2);
    let width = step * bars.len().max(1);
    let height = |tenths: usize| tenths * HEIGHT / highest;
    let has_usual = bars.iter().any(|bar| bar.usual.is_some());
    let [first, last] = ends;
    html! {
        svg.chart viewBox={ "0 0 " (width) " " (HEIGHT + 24) } role="img" aria-label=(label) {
            path.grid d={ "M0 " (HEIGHT) "H" (width) "M0 " (HEIGHT / 2) "H" (width) "M0 .5H" (width) } {}
            @for (at, bar) in bars.iter().enumerate() {
                rect.failed x=(at * step + step / 8) y=(HEIGHT - height(tenths(bar))) width=((step * 3 / 4).max(1)) height=(height(tenths(bar))) {}
                @if let Some(usual) = usual_tenths(bar) {
                    path.usual d={ "M" (at * step) " " (HEIGHT - height(usual)) "h" (step) } {}
                }
            }
            text x="4" y="14" { (number(highest / 10)) }
        }
        p.ends {
            (first)
            span { b.failed { "■" } " failed" @if has_usual { " " b.usual { "▬" } " usual" } }
            (last)
        }
    }
}

fn tenths(bar: &Bar) -> usize {
    usize::try_from(bar.failed.saturating_mul(10)).unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of counts, to one decimal place")]
fn usual_tenths(bar: &Bar) -> Option<usize> {
    bar.usual.map(|usual| (usual * 10.0).round() as usize)
}
