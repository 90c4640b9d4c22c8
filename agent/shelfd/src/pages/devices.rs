//! The devices' page: how each is and what to do, what has no role yet, and codes that set scanners up.
//!
//! Its buttons try things that a person hears or sees; none of them can start a payment, and none moves
//! stock.

mod counter;

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};
use shelf_codecs::scanner::setup::{Mode, SetupCard, cards};
use shelf_stock::name::TillId;
use shelf_stock::time::Timestamp;

use super::layout::moment;
use super::orders::escaped;
use super::speech::Speech;
use crate::daemon::beside::Beside;
use crate::daemon::devices::{Complaint, DeviceBoard, Tried, UnboundDevice};
use crate::daemon::status::DeviceStatus;

/// Everything that live updates replace.
pub(crate) fn live(
    speech: Speech,
    (board, beside): (&DeviceBoard, &BTreeMap<TillId, Beside>),
    now: Timestamp,
) -> Markup {
    html! {
        (findings(speech, &board.findings))
        section aria-labelledby="configured" {
            div.row.between {
                h2 #configured { (speech.text("devices_configured")) }
                form method="post" action="/api/v1/devices/rescan" data-act {
                    button.small { (speech.text("look_again")) }
                }
            }
            @if board.devices.is_empty() { p.quiet { (speech.text("no_device")) } }
            div.grid { @for it in &board.devices { (device(speech, it, now)) } }
        }
        (counter::section(speech, beside, now))
        @if !board.unbound.is_empty() {
            section aria-labelledby="unbound" {
                h2 #unbound { (speech.text("devices_unbound")) }
                p.quiet { (speech.text("devices_unbound_hint")) }
                div.grid { @for it in &board.unbound { (without_role(speech, it)) } }
            }
        }
    }
}

/// What the doctor says. Its words are English, and marked so for those who hear them.
fn findings(speech: Speech, findings: &[Complaint]) -> Markup {
    if findings.is_empty() {
        return html! {
            p.good role="status" { span aria-hidden="true" { "✓ " } (speech.text("doctor_fine")) }
        };
    }
    let sign = |it: &Complaint| match it.severity.as_str() {
        "wrong" => ("✕", "doctor_wrong"),
        "risk" => ("!", "doctor_risk"),
        _ => ("i", "doctor_note"),
    };
    html! {
        section.card.needs[findings.iter().any(|it| it.severity == "wrong")] aria-labelledby="doctor" {
            h2 #doctor { (speech.text("doctor")) }
            ul.plain { @for it in findings {
                @let (mark, word) = sign(it);
                li {
                    strong { span aria-hidden="true" { (mark) " " } (speech.text(word)) }
                    @if let Some(device) = &it.device { " · " (device) }
                    div lang="en" { (it.what) div.quiet { (it.remedy) } }
                }
            } }
        }
    }
}

fn device(speech: Speech, it: &DeviceStatus, now: Timestamp) -> Markup {
    let language = speech.language;
    let last = it
        .last_data
        .map_or_else(|| speech.text("never").to_owned(), |at| moment(at, now));
    let (class, sign) = match it.state.as_str() {
        "ready" => ("good", "✓"),
        "opening" | "stopped" => ("quiet", "…"),
        _ => ("warn", "!"),
    };
    html! {
        article.card.device data-device=(it.name) {
            h3 { (it.name) }
            p {
                strong class=(class) {
                    span aria-hidden="true" { (sign) " " } (speech.text(state(&it.state)))
                }
                @if it.moved { " · " (speech.text("device_moved")) }
                @if it.paused { " · " (speech.text("device_paused")) }
            }
            @if let Some(todo) = todo(&it.state) { p { (speech.text(todo)) } }
            @if matches!(it.state.as_str(), "absent" | "lost") { p.quiet lang="en" { (it.detail) } }
            @if let Some(notice) = &it.notice { p.warn lang="en" { (notice) } }
            dl {
                dt { (speech.text("device_kind")) } dd { (speech.text(kind(&it.kind))) }
                dt { (speech.text("device_role")) } dd { (it.role) }
                @if it.share != "exclusive" {
                    dt { (speech.text("device_share")) } dd { (speech.text(share(&it.share))) }
                }
                dt { (speech.text("plugged_in")) }
                dd { @if it.place.is_empty() { "–" } @else { span.code { (it.place) } } }
                dt { (speech.text("last_data")) } dd { (last) }
                @if let Some(said) = &it.said {
                    dt { (speech.text("last_said")) } dd { span.code { (said) } }
                }
                dt { (speech.text("frames")) }
                dd { (language.fill("frames_faults", &[&it.counters.frames, &it.counters.faults])) }
                @if it.counters.resets > 0 {
                    dt { (speech.text("device_resets")) } dd { (it.counters.resets) }
                }
                @if it.counters.reopens + it.counters.stalls > 0 {
                    dt { (speech.text("reopens")) } dd { (it.counters.reopens) }
                    dt { (speech.text("stalls")) } dd { (it.counters.stalls) }
                }
            }
            (buttons(speech, it))
        }
    }
}

/// What can be tried at this device now.
fn buttons(speech: Speech, it: &DeviceStatus) -> Markup {
    let fitting: Vec<Tried> = Tried::ALL
        .into_iter()
        .filter(|test| test.fits(&it.kind))
        .collect();
    let action = format!("/api/v1/devices/{}/test", escaped(&it.name));
    html! {
        @if it.state == "ready" && !fitting.is_empty() {
            div.row role="group" aria-label=(speech.language.fill("try_device", &[&it.name])) {
                @for test in fitting {
                    form method="post" action=(speech.link(&action)) data-act {
                        input type="hidden" name="what" value=(test.word());
                        button.small { (speech.text(test.button())) }
                    }
                }
            }
        }
    }
}

fn without_role(speech: Speech, it: &UnboundDevice) -> Markup {
    let setup = it.vendor_id.map_or(&[][..], cards);
    html! {
        article.card.device {
            h3 {
                @if it.product.is_empty() { (speech.text(kind(&it.kind))) } @else { (it.product) }
            }
            p.quiet lang="en" { (it.hint) }
            @if it.twin { p.warn { (speech.text("device_twin")) } }
            p { (speech.text("device_paste")) }
            pre tabindex="0" aria-label=(speech.text("device_paste")) { (it.config) }
            @if it.kind == "keyboard_scanner" && !setup.is_empty() { (set_up(speech, setup)) }
        }
    }
}

/// Codes that the makers' scanners obey, for the whole page: a scanner in the wrong mode may not be seen
/// as a scanner at all.
pub(crate) fn rest(speech: Speech) -> Markup {
    let makers = [0x0C2E, 0x05E0, 0x05F9, 0x1EAB].map(cards);
    html! {
        details.card {
            summary { (speech.text("setup_codes")) }
            p.quiet { (speech.text("setup_hint")) }
            @for cards in makers { (set_up(speech, cards)) }
        }
    }
}

fn set_up(speech: Speech, cards: &[SetupCard]) -> Markup {
    html! {
        div { @for card in cards {
            figure.setup {
                figcaption {
                    strong { (card.maker) " · " (speech.text(mode(card.mode))) }
                    br;
                    span lang="en" { (card.instruction) }
                }
                // Drawn by us from a constant of ours; nothing of it came from outside.
                @if let Some(svg) = card.svg() { div.barcode { (PreEscaped(svg)) } }
            }
        } }
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::HidPos => "setup_hid_pos",
        Mode::Keyboard => "setup_keyboard",
    }
}

/// The text of a state.
pub(crate) fn state(word: &str) -> &'static str {
    match word {
        "ready" => "device_ready",
        "busy" => "device_busy",
        "opening" => "device_opening",
        "denied" => "device_denied",
        "lost" => "device_lost",
        "stopped" => "device_stopped",
        _ => "device_absent",
    }
}

/// What to do about a state.
fn todo(word: &str) -> Option<&'static str> {
    match word {
        "absent" => Some("todo_absent"),
        "busy" => Some("todo_busy"),
        "denied" => Some("todo_denied"),
        "lost" => Some("todo_lost"),
        _ => None,
    }
}

/// The text of a kind.
fn kind(word: &str) -> &'static str {
    match word {
        "hid_scanner" => "kind_hid_scanner",
        "keyboard_scanner" => "kind_keyboard_scanner",
        "badge_reader" => "kind_badge_reader",
        "ssi_scanner" => "kind_ssi_scanner",
        "counter_scanner" => "kind_counter_scanner",
        "scale" => "kind_scale",
        "llrp_reader" => "kind_llrp_reader",
        "uhf_reader" => "kind_uhf_reader",
        "printer" => "kind_printer",
        "display" => "kind_display",
        _ => "kind_scanner",
    }
}

fn share(word: &str) -> &'static str {
    match word {
        "shared" => "share_shared",
        "relay" => "share_relay",
        _ => "share_exclusive",
    }
}
