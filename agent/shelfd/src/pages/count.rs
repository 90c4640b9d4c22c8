//! The count page: scan or type, say how much is there, go on.
//!
//! What a counting scanner reads appears by itself, with the quantity field ready; a line counts
//! for the moment of its scan, so that selling goes on meanwhile. Session and area stand in the
//! address, which makes them survive a reload and a change of hands.

use maud::{Markup, html};
use shelf_stock::name::{AreaId, ItemId, SessionId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::layout::moment;
use super::speech::Speech;

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    /// The stocktake session.
    pub(crate) session: SessionId,
    /// The part of the shop.
    pub(crate) area: AreaId,
    /// What was scanned last, if this page saw a scan.
    pub(crate) scan: Option<Scanned>,
    /// The session's lines, newest first.
    pub(crate) lines: Vec<Counted>,
    /// When the page was made.
    pub(crate) now: Timestamp,
}

/// The last scan of a counting scanner.
#[derive(Clone, Debug)]
pub(crate) struct Scanned {
    /// Grows with each scan, so that the page knows a new one.
    pub(crate) number: u64,
    /// When it was read.
    pub(crate) at: Timestamp,
    /// What it is.
    pub(crate) what: What,
}

/// What a scan turned out to be.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// An item.
    Item {
        /// Its number.
        item: ItemId,
        /// Its name.
        name: String,
        /// What the book says.
        book: Quantity,
    },
    /// A code that no item has.
    Unknown {
        /// The code.
        code: String,
    },
    /// Nothing that can be used.
    Unusable {
        /// Why.
        reason: String,
    },
}

/// A line of the session.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    /// The item's name, or its number.
    pub(crate) name: String,
    /// The part of the shop.
    pub(crate) area: AreaId,
    /// What was there.
    pub(crate) quantity: Quantity,
    /// When it was scanned.
    pub(crate) at: Timestamp,
    /// What the count changed in the book; none: it waits for its session to be closed.
    pub(crate) variance: Option<Quantity>,
    /// Goods moved while it was counted.
    pub(crate) is_doubtful: bool,
}

/// The address of something about a session's area.
pub(crate) fn page_of(path: &str, session: &SessionId, area: &AreaId) -> String {
    let pairs = [("session", session.as_str()), ("area", area.as_str())];
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("{path}?{query}")
}

/// Everything that live updates replace.
pub(crate) fn live(speech: Speech, page: &Counting) -> Markup {
    html! {
        div.counter data-scan=[page.scan.as_ref().map(|it| it.number)] data-scan-focus="counted" {
            div.left {
                (scanned(speech, page))
                (entry(speech, page))
            }
            div.right { (lines(speech, page)) }
        }
    }
}

fn scanned(speech: Speech, page: &Counting) -> Markup {
    html! {
        section.last aria-live="assertive" aria-label=(speech.text("last_scan")) {
            @match page.scan.as_ref().map(|it| &it.what) {
                Some(What::Item { name, book, .. }) => {
                    p.name { (name) }
                    p.price { (speech.language.fill("book_says", &[book])) }
                }
                Some(What::Unknown { code }) => {
                    p.name { (speech.text("unknown_item")) }
                    p.price { (speech.language.fill("count_unknown", &[code])) }
                }
                Some(What::Unusable { reason }) => {
                    p.name { (speech.text("unknown_item")) }
                    p.price { (speech.language.fill("notice_bad", &[reason])) }
                }
                None => {
                    p.name.quiet { (speech.text("count_title")) }
                    p.quiet { (speech.text("count_lead")) }
                }
            }
        }
    }
}

fn entry(speech: Speech, page: &Counting) -> Markup {
    let (item, when) = match &page.scan {
        Some(Scanned {
            at,
            what: What::Item { item, .. },
            ..
        }) => (Some(item.as_str()), Some(at.as_millis())),
        _ => (None, None),
    };
    html! {
        section.card {
            form method="post" action=(speech.link("/api/v1/counts")) data-act data-focus="code" {
                input type="hidden" name="session" value=(page.session);
                input type="hidden" name="area" value=(page.area);
                @if let Some(when) = when {
                    input type="hidden" name="when" value=(when) data-of=[item];
                }
                div.fields {
                    label for="code" { (speech.text("enter_code")) }
                    input #code name="code" value=[item] autocomplete="off" maxlength="200" required
                        list="found" data-suggest="/api/v1/items" data-key-focus="F2";
                    label for="counted" { (speech.text("counted")) }
                    input #counted name="quantity" inputmode="decimal" autocomplete="off" required;
                }
                datalist #found {}
                label.check {
                    input #done type="checkbox" name="done" value="true" checked;
                    (speech.text("done"))
                }
                button.primary { (speech.text("save")) }
            }
        }
    }
}

fn lines(speech: Speech, page: &Counting) -> Markup {
    html! {
        section.card aria-labelledby="lines" {
            h2 #lines { (page.session) " · " (page.area) }
            @if page.lines.is_empty() { p.quiet { (speech.text("nothing_counted")) } }
            @else {
                div.scroll tabindex="0" role="group" aria-labelledby="lines" { table {
                    thead { tr {
                        th scope="col" { (speech.text("item")) }
                        th.number scope="col" { (speech.text("counted")) }
                        th.number scope="col" { (speech.text("variance")) }
                    } }
                    tbody { @for line in &page.lines { tr {
                        th scope="row" {
                            (line.name)
                            div.quiet { (moment(line.at, page.now)) " · " (line.area) }
                        }
                        td.number { (line.quantity) }
                        td.number { (variance(speech, line)) }
                    } } }
                } }
            }
        }
    }
}

fn variance(speech: Speech, line: &Counted) -> Markup {
    html! {
        @match line.variance {
            None => span.quiet { (speech.text("pending")) },
            Some(it) if it == Quantity::ZERO => span.good { "✓ 0" },
            Some(it) if it > Quantity::ZERO => span.warn { "+" (it) },
            Some(it) => span.warn { "−" (it.negated()) },
        }
        @if line.is_doubtful { div.warn { (speech.text("count_again")) } }
    }
}

/// What live updates leave alone: which session this is, and corrections.
pub(crate) fn rest(speech: Speech, page: &Counting) -> Markup {
    html! {
        div.grid {
            section.card aria-labelledby="where" {
                h2 #where { (speech.text("count_where")) }
                form method="get" action="/count" {
                    @if speech.is_asked {
                        input type="hidden" name="lang" value=(speech.language.tag());
                    }
                    div.fields {
                        label for="session" { (speech.text("session")) }
                        input #session name="session" value=(page.session) maxlength="40" required;
                        label for="area" { (speech.text("area")) }
                        input #area name="area" value=(page.area) maxlength="40" required;
                    }
                    button { (speech.text("set")) }
                }
            }
            section.card aria-labelledby="adjust" {
                h2 #adjust { (speech.text("adjust")) }
                form method="post" action=(speech.link("/api/v1/adjustments")) data-act {
                    div.fields {
                        label for="adjusted" { (speech.text("search_hint")) }
                        input #adjusted name="code" autocomplete="off" maxlength="200" required
                            list="found" data-suggest="/api/v1/items";
                        label for="change" { (speech.text("new_quantity")) }
                        input #change name="quantity" inputmode="text" autocomplete="off"
                            placeholder="-1" required;
                        label for="reason" { (speech.text("reason")) }
                        select #reason name="reason" {
                            @for (value, key) in REASONS {
                                option value=(value) { (speech.text(key)) }
                            }
                        }
                    }
                    button { (speech.text("save")) }
                }
            }
        }
    }
}

/// Reasons of a correction: what is recorded, and its text.
const REASONS: [(&str, &str); 5] = [
    ("damaged", "reason_damaged"),
    ("expired", "reason_expired"),
    ("stolen", "reason_stolen"),
    ("found", "reason_found"),
    ("other", "reason_other"),
];
