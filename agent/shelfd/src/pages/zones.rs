//! The RFID zones on the manager's page: what is where, and which zone sees nothing.

use maud::{Markup, html};

use super::texts::Language;
use crate::daemon::rfid::ZoneSummary;

/// A card of all zones; nothing where there are none.
pub(super) fn card(language: Language, zones: &[ZoneSummary]) -> Markup {
    if zones.is_empty() {
        return html! {};
    }
    html! {
        section.card aria-labelledby="zones" {
            h2 #zones { (language.text("zones")) }
            table {
                thead { tr {
                    th scope="col" { (language.text("zone")) }
                    th.number scope="col" { (language.text("zone_present")) }
                    th.number scope="col" { (language.text("zone_arrived")) }
                    th.number scope="col" { (language.text("zone_departed")) }
                } }
                tbody { @for it in zones { tr {
                    td {
                        (it.name)
                        span.quiet { " " (language.text(kind(&it.kind))) }
                        @if it.blind { br; strong { "! " (language.text("zone_blind")) } }
                    }
                    td.number { @if it.kind == "till_pad" { "–" } @else { (it.present) } }
                    td.number { (it.arrived) }
                    td.number { (it.departed) }
                } } }
            }
            p.quiet { (language.text("zones_hint")) }
        }
    }
}

fn kind(word: &str) -> &'static str {
    match word {
        "till_pad" => "zone_till_pad",
        "exit" => "zone_exit",
        _ => "zone_area",
    }
}
