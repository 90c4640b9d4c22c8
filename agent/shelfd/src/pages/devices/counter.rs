//! What stands at the counter beside each till: its receipt printer and customer display, how they are,
//! and what a person may try. No button here can start a payment; the drawer asks first.

use std::collections::BTreeMap;

use maud::{Markup, html};
use shelf_stock::name::TillId;
use shelf_stock::time::Timestamp;

use crate::daemon::beside::{Beside, DisplayStanding, PrinterStanding};
use crate::pages::layout::moment;
use crate::pages::speech::Speech;

/// All tills that have something beside them; nothing where there is none.
pub(super) fn section(speech: Speech, beside: &BTreeMap<TillId, Beside>, now: Timestamp) -> Markup {
    let any = |it: &&Beside| it.printer.is_some() || it.display.is_some();
    html! {
        @if beside.values().any(|it| any(&it)) {
            section aria-labelledby="counter" {
                h2 #counter { (speech.text("beside")) }
                div.grid {
                    @for (till, it) in beside {
                        @if let Some(it) = &it.printer { (printer(speech, till, it, now)) }
                        @if let Some(it) = &it.display { (display(speech, till, it)) }
                    }
                }
            }
        }
    }
}

/// How a printer is, worst first.
fn states(it: &PrinterStanding) -> Vec<&'static str> {
    if !it.trouble.is_empty() {
        return vec!["printer_unreachable"];
    }
    if !it.known {
        return vec!["printer_unknown"];
    }
    let words = [
        (it.paper_end, "printer_paper_end"),
        (it.cover_open, "printer_cover_open"),
        (it.cutter_error, "printer_cutter"),
        (it.offline, "printer_offline"),
        (it.paper_near_end && !it.paper_end, "printer_paper_low"),
    ];
    let said: Vec<_> = words.into_iter().filter(|it| it.0).map(|it| it.1).collect();
    if said.is_empty() {
        vec!["device_ready"]
    } else {
        said
    }
}

fn printer(speech: Speech, till: &TillId, it: &PrinterStanding, now: Timestamp) -> Markup {
    let states = states(it);
    let (class, sign) = match states[..] {
        ["device_ready"] => ("good", "✓"),
        ["printer_unknown"] => ("quiet", "…"),
        _ => ("warn", "!"),
    };
    let words: Vec<_> = states.iter().map(|it| speech.text(it)).collect();
    let said = it
        .said_at
        .map_or_else(|| speech.text("never").to_owned(), |at| moment(at, now));
    let contact = if it.drawer_contact {
        "contact_on"
    } else {
        "contact_off"
    };
    let name = format!("{} · {till}", speech.text("kind_printer"));
    html! {
        article.card.device data-printer=(till) {
            h3 { (name) }
            p { strong class=(class) { span aria-hidden="true" { (sign) " " } (words.join(" · ")) } }
            @if !it.trouble.is_empty() { p.quiet lang="en" { (it.trouble) } }
            @if it.in_use { p.quiet { (speech.text("printer_in_use")) } }
            dl {
                dt { (speech.text("printer_said")) } dd { (said) }
                @if it.known {
                    dt { (speech.text("drawer_contact")) } dd { (speech.text(contact)) }
                }
                dt { (speech.text("drawer_opened")) } dd { (it.drawer_opened) }
                dt { (speech.text("receipts_seen")) } dd { (it.receipts) }
                @if it.sales + it.copies + it.put_aside > 0 {
                    dt { (speech.text("receipts_sold")) } dd { (it.sales) }
                    dt { (speech.text("receipts_copies")) } dd { (it.copies) }
                    dt { (speech.text("receipts_aside")) } dd { (it.put_aside) }
                }
            }
            @if it.known { p.quiet { (speech.text("contact_hint")) } }
            div.row role="group" aria-label=(speech.language.fill("try_device", &[&name])) {
                (button(speech, till, "print", "try_print"))
            }
            form.row method="post" action=(action(speech, till)) data-act {
                input type="hidden" name="do" value="open_drawer";
                label.check {
                    input id={ "drawer-" (till) } type="checkbox" name="confirm" value="yes" required;
                    (speech.text("drawer_confirm"))
                }
                button.small { (speech.text("try_drawer")) }
            }
        }
    }
}

fn display(speech: Speech, till: &TillId, it: &DisplayStanding) -> Markup {
    let (class, sign, word) = match it.connected {
        true => ("good", "✓", "device_ready"),
        false => ("warn", "!", "display_unreachable"),
    };
    let name = format!("{} · {till}", speech.text("kind_display"));
    html! {
        article.card.device data-display=(till) {
            h3 { (name) }
            p { strong class=(class) { span aria-hidden="true" { (sign) " " } (speech.text(word)) } }
            @if !it.trouble.is_empty() { p.quiet lang="en" { (it.trouble) } }
            dl {
                dt { (speech.text("display_shows")) }
                dd {
                    @if it.shows.0.trim().is_empty() && it.shows.1.trim().is_empty() { "–" }
                    @else { span.code { (it.shows.0) br; (it.shows.1) } }
                }
            }
            @if it.connected {
                div.row role="group" aria-label=(speech.language.fill("try_device", &[&name])) {
                    (button(speech, till, "show", "try_show"))
                }
            }
        }
    }
}

fn action(speech: Speech, till: &TillId) -> String {
    speech.link(&format!("/api/v1/tills/{till}/beside"))
}

fn button(speech: Speech, till: &TillId, word: &str, text: &'static str) -> Markup {
    html! {
        form method="post" action=(action(speech, till)) data-act {
            input type="hidden" name="do" value=(word);
            button.small { (speech.text(text)) }
        }
    }
}
