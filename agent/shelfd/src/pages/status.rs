//! The manager's page: one verdict, then what needs a person, then the parts.

use maud::{Markup, html};
use shelf_stock::item::Item;
use shelf_stock::quantity::Quantity;

use super::layout::moment;
use super::orders::{address, escaped};
use super::speech::Speech;
use super::texts::Language;
use crate::daemon::compare::Step;
use crate::daemon::lan::refusal;
use crate::daemon::status::{Cause, Level, Need, Status, Verdict};

/// An item as the search shows it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The catalogue's entry.
    pub(crate) item: Item,
    /// What the book says.
    pub(crate) on_hand: Quantity,
}

/// Everything that live updates replace.
pub(crate) fn live(speech: Speech, status: &Status, wan: Option<bool>) -> Markup {
    let language = speech.language;
    html! {
        (verdict_line(language, status))
        (needs(speech, status))
        div.grid {
            (tills(speech, status))
            (at_risk(language, status))
            (sync(language, status, wan))
            (orders(speech, status))
            (ledger(language, status))
            (comparison(speech, status))
            (devices(speech, status))
            (super::zones::card(speech, &status.zones))
        }
    }
}

/// The stock search, which live updates leave alone.
pub(crate) fn stock(speech: Speech, text: &str, found: &[Found], currency: &str) -> Markup {
    let language = speech.language;
    html! {
        section.card aria-labelledby="stock" {
            h2 #stock { (language.text("stock")) }
            form.row method="get" action="/" role="search" {
                @if speech.is_asked { input type="hidden" name="lang" value=(language.tag()); }
                label for="q" { (language.text("search_hint")) }
                input #q name="q" value=(text) autocomplete="off" maxlength="80";
                button { (language.text("search")) }
            }
            @if !text.is_empty() && found.is_empty() { p { (language.text("nothing_found")) } }
            @if !found.is_empty() {
                table {
                    thead { tr {
                        th scope="col" { (language.text("item")) }
                        th.number scope="col" { (language.text("on_hand")) }
                        th.number scope="col" { (language.text("price")) }
                    } }
                    tbody { @for it in found { tr {
                        td {
                            a href=(speech.link(&format!("/stock/{}", escaped(it.item.id.as_str()))))
                                { (it.item.name) }
                            span.quiet { " " (it.item.id) }
                        }
                        td.number { (it.on_hand) }
                        td.number { @if let Some(price) = it.item.price { (price) " " (currency) } }
                    } } }
                }
            }
        }
    }
}

/// The verdict as text: a colour never stands alone.
pub(crate) fn sentence(language: Language, verdict: &Verdict, status: &Status) -> String {
    let at = |it| moment(it, status.as_of);
    match &verdict.cause {
        Cause::Fine => language.text("all_fine").into(),
        Cause::Alone => language.text("hub_alone").into(),
        Cause::Offline {
            since: None,
            waiting,
        } => language.fill("hub_never", &[waiting]),
        Cause::Offline {
            since: Some(since),
            waiting,
        } => language.fill("hub_offline", &[&at(*since), waiting]),
        Cause::Behind { waiting, oldest } => language.fill("hub_behind", &[waiting, &at(*oldest)]),
        Cause::Needs { count } => language.fill("needs", &[count]),
        Cause::DiskFull => language.text("disk_full").into(),
        Cause::Clock => language.text("clock_wrong").into(),
    }
}

fn verdict_line(language: Language, status: &Status) -> Markup {
    let (class, word, sign) = match status.verdict.level {
        Level::Green => ("verdict green", "green", "✓"),
        Level::Amber => ("verdict amber", "amber", "!"),
        Level::Red => ("verdict red", "red", "✕"),
    };
    html! {
        div class=(class) role="status" aria-live="polite" {
            span.sign aria-hidden="true" { (sign) }
            div {
                h1 { (language.text(word)) }
                p { (sentence(language, &status.verdict, status)) }
            }
            p.quiet.about {
                (status.pc_name)
                @if let Some(store) = &status.store { " · " (store) }
            }
        }
    }
}

fn needs(speech: Speech, status: &Status) -> Markup {
    let language = speech.language;
    if status.needs_you.is_empty() {
        return html! {};
    }
    let text = |need: &Need| match need {
        Need::PaymentUnknown { till, amount, .. } => language.fill("need_payment", &[till, amount]),
        Need::UnknownCodes { codes, lines } => language.fill("need_codes", &[codes, lines]),
        Need::Inbox { count } => language.fill("need_inbox", &[count]),
        Need::Device { name, detail } => language.fill("need_device", &[name, detail]),
        Need::Balances {
            items,
            first,
            since,
            repair,
        } => {
            let since = since.map_or_else(String::new, |it| moment(it, status.as_of));
            let done = repair
                .as_ref()
                .map_or("", |it| language.text(it.step.key()));
            format!(
                "{} {done}",
                language.fill("need_balances", &[items, first, &since])
            )
        }
        Need::Ledger { complaint } => language.fill("need_ledger", &[complaint]),
        Need::Order { order, what } => {
            format!("{order}: {}", language.text(what.key()))
        }
        Need::ShutOnline { item, name } => language.fill("need_shut", &[name, item]),
    };
    html! {
        section.card.needs aria-labelledby="needs" {
            h2 #needs { (language.text("needs_you")) }
            ul { @for need in &status.needs_you { li {
                @match need {
                    Need::Order { order, .. } => {
                        a href=(speech.link(&address("/orders", order))) { (text(need)) }
                    }
                    Need::Device { .. } => {
                        a href=(speech.link("/devices")) { (text(need)) }
                    }
                    Need::ShutOnline { .. } => {
                        a href=(speech.link("/count")) { (text(need)) }
                    }
                    _ => (text(need)),
                }
            } } }
        }
    }
}

fn tills(speech: Speech, status: &Status) -> Markup {
    let language = speech.language;
    html! {
        section.card aria-labelledby="tills" {
            h2 #tills { (language.text("tills")) }
            @if status.tills.is_empty() { p.quiet { (language.text("no_till")) } }
            @for till in &status.tills {
                article.till {
                    h3 {
                        @if till.sales_source == "basket" {
                            a href=(speech.link(&format!("/till/{}", till.name))) { (till.name) }
                        } @else { (till.name) }
                    }
                    dl {
                        dt { (language.text("source")) }
                        dd { (source(language, &till.sales_source)) }
                        dt { (language.text("last_scan")) }
                        dd { (till.last_scan.as_deref().unwrap_or(language.text("none"))) }
                        @if let Some(since) = till.basket_since {
                            dt { (language.text("open_basket")) }
                            dd {
                                (moment(since, status.as_of))
                                @if let Some(total) = till.basket_total {
                                    ", " (total) " " (status.currency)
                                }
                            }
                        }
                        @if let Some(terminal) = &till.terminal {
                            dt { (language.text("terminal")) }
                            dd {
                                @if terminal.is_empty() { (language.text("terminal_idle")) }
                                @else { (terminal) }
                            }
                        }
                        dt { (language.text("sales_today")) } dd { (till.sales) }
                    }
                }
            }
        }
    }
}

fn orders(speech: Speech, status: &Status) -> Markup {
    let it = &status.orders;
    html! {
        section.card aria-labelledby="orders" {
            h2 #orders { a href=(speech.link("/orders")) { (speech.text("orders")) } }
            @if it.open == 0 { p.quiet { (speech.text("no_orders")) } }
            @else { p.big { (it.open) } }
            dl {
                dt { (speech.text("late")) }
                dd { span.warn[it.late > 0] { (it.late) } }
                dt { (speech.text("exceptions")) }
                dd { span.warn[it.exceptions > 0] { (it.exceptions) } }
                dt { (speech.text("shut_online")) }
                dd { span.warn[it.shut > 0] { (it.shut) } }
                @if let Some(grantor) = it.grantor {
                    dt { (speech.text("grants")) }
                    dd { (speech.text(if grantor { "grants_yes" } else { "grants_no" })) }
                }
            }
        }
    }
}

fn source(language: Language, word: &str) -> &str {
    match word {
        "basket" => language.text("source_basket"),
        "api" => language.text("source_api"),
        "file" => language.text("source_file"),
        other => other,
    }
}

fn at_risk(language: Language, status: &Status) -> Markup {
    let risk = &status.at_risk;
    html! {
        section.card aria-labelledby="risk" {
            h2 #risk { (language.text("at_risk")) }
            @if let Some(since) = risk.since.filter(|_| risk.documents > 0) {
                p.big { (risk.documents) }
                p { (language.fill("at_risk_some",
                    &[&risk.documents, &moment(since, status.as_of)])) }
            } @else {
                p { (language.text("at_risk_nothing")) }
            }
            @if risk.baskets > 0 { p { (language.fill("at_risk_baskets", &[&risk.baskets])) } }
        }
    }
}

fn sync(language: Language, status: &Status, wan: Option<bool>) -> Markup {
    let sync = &status.sync;
    let never = || language.text("never").to_owned();
    let at = |it: Option<_>| it.map_or_else(never, |it| moment(it, status.as_of));
    html! {
        section.card aria-labelledby="sync" {
            h2 #sync { (language.text("sync")) }
            dl {
                dt { (language.text("link")) }
                dd {
                    @if sync.link_up { (language.text("link_up")) }
                    @else { (language.text("link_down")) }
                    @if let Some(error) = sync.link_error.as_deref().filter(|_| !sync.link_up) {
                        span.quiet { " " (error) }
                    }
                }
                dt { (language.text("hub_heard")) } dd { (at(sync.hub_heard)) }
                dt { (language.text("unsynced")) } dd { (sync.unsynced) }
                @if sync.unsynced > 0 {
                    dt { (language.text("oldest")) } dd { (at(sync.oldest_unsynced)) }
                }
                dt { (language.text("catalogue")) } dd { (sync.catalogue_revision) }
                @if let Some(it) = sync.bootstrap {
                    dt { (language.text("bootstrap")) } dd { (it.held) " / " (it.documents) }
                }
            }
            (others(language, status))
            (spark(language, &sync.trend))
            @if let Some(up) = wan {
                form method="post" action="/demo/wan" data-act {
                    input type="hidden" name="up" value=(if up { "false" } else { "true" });
                    button { (language.text("wan")) ": "
                        (language.text(if up { "wan_cut" } else { "wan_restore" })) }
                }
            }
        }
    }
}

/// The store's other PCs, each with when that was known; and what to do about this one's identity
/// or disk.
fn others(language: Language, status: &Status) -> Markup {
    let sync = &status.sync;
    let state = |here: bool, stopped: bool| match (here, stopped) {
        (true, _) => "pc_here",
        (false, true) => "pc_stopped",
        (false, false) => "pc_gone",
    };
    html! {
        @if let Some(word) = &sync.refused { p { (refusal(word)) } }
        @if let Some(doubt) = &sync.restored {
            p { (doubt.words) }
            ul { @for item in &doubt.recount { li { (item) } } }
        }
        @for pc in &sync.pcs {
            p {
                strong { (if pc.name.is_empty() { &pc.node } else { &pc.name }) } " "
                (language.text(state(pc.here, pc.stopped)))
                @if let Some(at) = pc.as_of {
                    ", " (language.fill("pc_as_of", &[&moment(at, status.as_of)]))
                }
                @if let Some(count) = pc.unsynced {
                    ": " (language.fill("pc_waits", &[&count]))
                }
            }
        }
    }
}

/// The backlog over the last samples as bars; the numbers stand beside it as text. Nothing where
/// nothing waited.
fn spark(language: Language, trend: &[u64]) -> Markup {
    let most = trend.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return html! {};
    }
    html! {
        svg.spark viewBox="0 0 120 24" role="img" preserveAspectRatio="none"
            aria-label=(language.text("trend")) {
            @for (index, value) in trend.iter().enumerate() {
                @let height = (value * 22 / most).max(1);
                rect x=(index * 2) y=(24 - height) width="1.5" height=(height) {}
            }
        }
    }
}

fn devices(speech: Speech, status: &Status) -> Markup {
    let language = speech.language;
    let never = || language.text("never").to_owned();
    html! {
        section.card.wide aria-labelledby="devices" {
            h2 #devices { a href=(speech.link("/devices")) { (language.text("devices")) } }
            @if status.devices.is_empty() { p.quiet { (language.text("no_device")) } }
            @else {
                div.scroll tabindex="0" role="group" aria-labelledby="devices" { table {
                    thead { tr {
                        @for key in ["device", "state", "till", "plugged_in", "last_data"] {
                            th scope="col" { (language.text(key)) }
                        }
                        @for key in ["scans", "faults"] {
                            th.number scope="col" { (language.text(key)) }
                        }
                    } }
                    tbody { @for it in &status.devices { tr {
                        th scope="row" { (it.name) }
                        td {
                            (language.text(super::devices::state(&it.state)))
                            @if !matches!(it.state.as_str(), "ready" | "opening") {
                                div.quiet { (it.detail) }
                            }
                        }
                        td { @if let Some(till) = &it.till { (till) } }
                        td.quiet { (it.place) }
                        td { (it.last_data.map_or_else(never, |at| moment(at, status.as_of))) }
                        td.number { (it.scans) }
                        td.number { (it.faults) }
                    } } }
                } }
            }
        }
    }
}

/// Balances compared with the hub: what differs, since when, what was done about it.
fn comparison(speech: Speech, status: &Status) -> Markup {
    let (language, it) = (speech.language, &status.compare);
    let at = |it| moment(it, status.as_of);
    let act = |repair: bool, key: &'static str| {
        html! {
            form method="post" action=(speech.link("/api/v1/compare")) data-act {
                @if repair { input type="hidden" name="repair" value="true"; }
                button.small { (language.text(key)) }
            }
        }
    };
    html! {
        section.card aria-labelledby="compare" {
            h2 #compare { (language.text("compare")) }
            p { @match (it.compared, it.since) {
                (None, _) => span.quiet { (language.text("compare_never")) },
                (Some(compared), None) => {
                    (language.fill("compare_equal", &[&at(compared)]))
                }
                (Some(_), Some(since)) => {
                    span.warn { (language.fill("compare_differs",
                        &[&it.differing.len(), &at(since)])) }
                }
            } }
            @if it.put_off.is_some() { p.quiet { (language.text("compare_put_off")) } }
            @if it.asked.is_some() { p.quiet { (language.text("compare_runs")) } }
            @if !it.differing.is_empty() {
                ul { @for row in it.differing.iter().take(10) {
                    li { (row.name) ": " (language.fill("compare_row",
                        &[&row.at_pc, &row.at_hub])) }
                } }
            }
            @if let Some(repair) = &it.repair {
                p { (at(repair.at)) ": " (language.text(repair.step.key())) }
                @if let Step::Failed { message } = &repair.step { p.quiet { (message) } }
            }
            @if status.sync.broker.is_some() {
                div.row {
                    (act(false, "compare_now"))
                    @if it.repair.as_ref().is_some_and(|it| it.step == Step::Waits) {
                        (act(true, "repair_now"))
                    }
                }
            }
        }
    }
}

fn ledger(language: Language, status: &Status) -> Markup {
    let ledger = &status.ledger;
    html! {
        section.card aria-labelledby="ledger" {
            h2 #ledger { (language.text("ledger")) }
            dl {
                dt { (language.text("documents")) } dd { (ledger.documents) }
                dt { (language.text("disk_free")) }
                dd { (ledger.disk_free_bytes / (1024 * 1024)) " MiB" }
                dt { (language.text("checked")) }
                dd {
                    @if ledger.checked { (language.text("green")) }
                    @else { (language.text("checking")) }
                }
                dt { (language.text("version")) } dd { (status.version) }
            }
        }
    }
}
