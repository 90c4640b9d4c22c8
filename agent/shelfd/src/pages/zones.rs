//! The RFID zones on the manager's page: what is where, and which zone sees nothing.

use maud::{Markup, html};

use super::speech::Speech;
use crate::daemon::rfid::ZoneSummary;

/// A card of all zones; nothing where there are none.
pub(super) fn card(speech: Speech, zones: &[ZoneSummary]) -> Markup {
    if zones.is_empty() {
        return html! {};
    }
    let language = speech.language;
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
            p { a href=(speech.link("/rfid")) { (language.text("zones_more")) } }
        }
    }
}

/// The text of a kind of zone.
pub(super) fn kind(word: &str) -> &'static str {
    match word {
        "till_pad" => "zone_till_pad",
        "exit" => "zone_exit",
        _ => "zone_area",
    }
}
