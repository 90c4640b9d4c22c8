//! The picker's page: what is to be picked, most urgent first, and one order at a time in big.
//!
//! Works with a scanner alone (each scan counts towards the chosen order, and the last one records
//! the pick), with the keyboard alone, and without scripts.

use std::collections::BTreeMap;
use std::sync::Arc;

use maud::{Markup, html};
use shelf_stock::name::{ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::layout::moment;
use super::speech::Speech;
use crate::daemon::orders::{OrderView, Orders, Stage};

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// When it was made.
    pub(crate) now: Timestamp,
    /// All orders.
    pub(crate) orders: Arc<Orders>,
    /// The chosen one.
    pub(crate) selected: Option<OrderView>,
    /// What was scanned for it.
    pub(crate) found: BTreeMap<ItemId, Quantity>,
    /// What the last scan was: its number, what to say, whether it was wrong.
    pub(crate) said: Option<(u64, String, bool)>,
}

/// An address with an order's number in it.
pub(crate) fn address(path: &str, order: &OrderId) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("order", order.as_str())
        .finish();
    format!("{path}?{query}")
}

/// The address of a step of an order.
fn step(order: &OrderId, word: &str) -> String {
    format!("/api/v1/orders/{}/{word}", escaped(order.as_str()))
}

/// A text as one part of an address.
pub(crate) fn escaped(text: &str) -> String {
    let byte = |it: u8| match it {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(it).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Everything that live updates replace.
pub(crate) fn live(speech: Speech, page: &Page) -> Markup {
    html! {
        div.counter data-scan=[page.said.as_ref().map(|it| it.0)] data-scan-focus="code" {
            div.left {
                (chosen(speech, page))
            }
            div.right { (list(speech, page)) }
        }
    }
}

fn chosen(speech: Speech, page: &Page) -> Markup {
    html! {
        section.last.hint[page.said.is_none()] aria-live="assertive"
            aria-label=(speech.text("last_scan")) {
            @match (&page.said, &page.selected) {
                (Some((_, said, wrong)), _) => { p.name.warn[*wrong] { (said) } }
                (None, None) => {
                    p.name.quiet { (speech.text("orders_title")) }
                    p.quiet { (speech.text("orders_lead")) }
                }
                (None, Some(view)) => { p.quiet { (speech.text(hint(view))) } }
            }
        }
        @if let Some(view) = &page.selected { (one(speech, page, view)) }
    }
}

/// What is to be done next with a chosen order.
fn hint(view: &OrderView) -> &'static str {
    match view.stage {
        Stage::Waiting if view.may_be_picked => "hint_pick",
        Stage::Waiting => "scan_not_pickable",
        Stage::Picked => "hint_hand_over",
        Stage::HandedOver => "order_handed_over",
        Stage::Ended => "hint_ended",
    }
}

fn one(speech: Speech, page: &Page, view: &OrderView) -> Markup {
    let id = &view.order.id;
    html! {
        section.card.order aria-labelledby="order" {
            h2 #order { (id) " · " (view.order.channel) }
            (badges(speech, page, view))
            @for trouble in &view.exceptions {
                p.alert.mild { (speech.text(trouble.key())) }
            }
            @if view.stage == Stage::Waiting && !view.may_be_picked {
                p.alert.mild { (speech.text(match view.order.cancel_wanted {
                    true => "scan_cancelled",
                    false => "order_unpaid",
                })) }
            }
            @if view.may_be_picked {
                form.row method="post" action=(speech.link(&step(id, "scan"))) data-act
                    data-focus="code" {
                    label for="code" { (speech.text("scan_for_order")) }
                    input #code name="code" autocomplete="off" maxlength="200" required
                        data-key-focus="F2";
                    button { (speech.text("add")) }
                }
            }
            (goods(speech, page, view))
            div.pay { (buttons(speech, view)) }
            @if !view.exceptions.is_empty() || view.stage == Stage::HandedOver {
                (overrule(speech, view))
            }
        }
    }
}

fn badges(speech: Speech, page: &Page, view: &OrderView) -> Markup {
    let state = match view.stage {
        Stage::Waiting => "stage_waiting",
        Stage::Picked => "stage_picked",
        Stage::HandedOver => "stage_handed_over",
        Stage::Ended => "stage_ended",
    };
    html! {
        p {
            span.tag { (speech.text(state)) } " "
            @if let Some(promised) = view.order.promised {
                span.warn[view.is_late(page.now)] {
                    @if view.is_late(page.now) { (speech.text("late")) " · " }
                    (speech.language.fill("promised", &[&moment(promised, page.now)]))
                }
            }
        }
    }
}

fn goods(speech: Speech, page: &Page, view: &OrderView) -> Markup {
    let is_open = view.is_open();
    html! {
        div.scroll tabindex="0" role="group" aria-labelledby="order" { table {
            thead { tr {
                th scope="col" { (speech.text("item")) }
                th.number scope="col" { (speech.text("wanted")) }
                th.number scope="col" { (speech.text("scanned")) }
                th.number scope="col" { (speech.text("on_hand")) }
                @if is_open { th scope="col" { (speech.text("not_there")) } }
            } }
            tbody { @for it in &view.goods {
                @let found = page.found.get(&it.item).copied().unwrap_or_default();
                tr {
                    th scope="row" { (it.name) div.quiet { (it.item) } }
                    td.number { strong { (it.quantity) } }
                    td.number { span.good[found >= it.quantity] {
                        @if found >= it.quantity { "✓ " } (found)
                    } }
                    td.number { (it.on_hand) }
                    @if is_open { td { (not_there(speech, view, &it.item)) } }
                }
            } }
        } }
    }
}

fn not_there(speech: Speech, view: &OrderView, item: &ItemId) -> Markup {
    let name = speech.language.fill("not_there_of", &[item]);
    html! {
        form.row method="post" action=(speech.link(&step(&view.order.id, "short"))) data-act {
            input type="hidden" name="item" value=(item);
            input name="quantity" inputmode="decimal" autocomplete="off" required size="3"
                aria-label=(name);
            button.small { (speech.text("report_missing")) }
        }
    }
}

fn buttons(speech: Speech, view: &OrderView) -> Markup {
    let button = |word: &str, key: &'static str, primary: bool, hot: Option<&str>| {
        html! {
            form method="post" action=(speech.link(&step(&view.order.id, word))) data-act {
                button.primary[primary] data-key=[hot] { (speech.text(key)) }
            }
        }
    };
    html! {
        @match view.stage {
            Stage::Waiting if view.may_be_picked => {
                (button("pick", "button_pick", true, Some("F4")))
                (button("hand-over", "button_hand_over", false, None))
            }
            Stage::Waiting => {}
            Stage::Picked => {
                (button("hand-over", "button_hand_over", true, Some("F4")))
                (button("put-back", "button_put_back", false, Some("F8")))
            }
            Stage::Ended | Stage::HandedOver => {
                @if view.exceptions.contains(&crate::daemon::orders::Trouble::PickedAfterEnd) {
                    (button("put-back", "button_put_back", true, Some("F8")))
                }
            }
        }
    }
}

/// What contradicts the rules and happened all the same.
fn overrule(speech: Speech, view: &OrderView) -> Markup {
    html! {
        form.row method="post" action=(speech.link(&step(&view.order.id, "hand-over"))) data-act {
            label for="pin" { (speech.text("manager_pin")) }
            input #pin name="pin" type="password" inputmode="numeric" autocomplete="off" required;
            button { (speech.text("hand_over_anyway")) }
        }
    }
}

fn list(speech: Speech, page: &Page) -> Markup {
    let chosen = page.selected.as_ref().map(|it| &it.order.id);
    html! {
        section.card aria-labelledby="list" {
            h2 #list { (speech.language.fill("orders_open", &[&page.orders.open])) }
            @if page.orders.shown.is_empty() { p.quiet { (speech.text("no_orders")) } }
            @else { ul.plain { @for view in &page.orders.shown {
                li {
                    a.big-link href=(speech.link(&address("/orders", &view.order.id)))
                        aria-current=[(chosen == Some(&view.order.id)).then_some("true")] {
                        strong { (view.order.id) } " · " (view.order.channel)
                        (badges(speech, page, view))
                        p.quiet { (summary(view)) }
                        @for trouble in &view.exceptions {
                            p.warn { (speech.text(trouble.key())) }
                        }
                        @if view.stage == Stage::Waiting && !view.may_be_picked {
                            p.quiet { (speech.text("order_unpaid")) }
                        }
                    }
                }
            } } }
        }
        @if !page.orders.lost.is_empty() { (lost(speech, page)) }
    }
}

/// What orders lost, and why nobody has to do anything about it here.
fn lost(speech: Speech, page: &Page) -> Markup {
    html! {
        section.card aria-labelledby="lost" {
            h2 #lost { (speech.text("lost_title")) }
            p.quiet { (speech.text("lost_lead")) }
            ul.plain { @for it in &page.orders.lost {
                li {
                    strong { (it.order) } " · " (it.channel) " · " (it.quantity) " × " (it.name)
                    p.quiet {
                        (speech.language.fill("lost_accepted", &[&moment(it.accepted, page.now)]))
                        " " (speech.text(it.cause.key()))
                    }
                }
            } }
        }
    }
}

/// A few of its goods in one line.
fn summary(view: &OrderView) -> String {
    let named = view.goods.iter().take(3);
    let mut parts: Vec<String> = named
        .map(|it| format!("{} × {}", it.quantity, it.name))
        .collect();
    if view.goods.len() > parts.len() {
        parts.push("…".into());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_orders_are_safe_in_addresses() {
        assert_eq!(escaped("A/1 #2"), "A%2F1%20%232");
        let order = OrderId::new("a&b").unwrap();
        assert_eq!(address("/orders", &order), "/orders?order=a%26b");
    }
}
