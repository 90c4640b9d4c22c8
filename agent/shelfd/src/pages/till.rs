//! The cashier's page: the last scan in large type, the basket, what is to be paid.
//!
//! Scans reach the till through the daemon, so that the page needs no focus and no window. An
//! alert goes away by its own button, by touch or by Escape: never by Enter or the next scan,
//! because a scanner's Enter would close a warning that nobody has read.

mod alerts;
mod words;

use maud::{Markup, html};
use shelf_stock::item::Item;
use shelf_stock::name::TillId;
use shelf_till::basket::{
    BasketLine, BasketView, Direction, Mode, Notice, PaymentKind, PaymentState, PriceOrigin, Stage,
    TillView,
};

use super::speech::Speech;
use super::texts::Language;
use crate::daemon::counter::Shown;

use crate::daemon::terminal::TerminalStanding;
use words::mode_word;
pub(crate) use words::refusal;

/// What a till page needs beside the machine's view.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    /// ISO 4217 code of the store's currency.
    pub(crate) currency: String,
    /// Goods without barcode.
    pub(crate) quick_keys: Vec<Item>,
    /// Whether goods can be weighed here.
    pub(crate) has_scale: bool,
}

struct Pen<'a> {
    speech: Speech,
    language: Language,
    till: &'a TillId,
    currency: &'a str,
    has_scale: bool,
}

/// Everything that live updates replace.
pub(crate) fn live(speech: Speech, shown: &Shown, around: &Around) -> Markup {
    let view = &shown.view;
    let pen = Pen {
        speech,
        language: speech.language,
        till: &view.till,
        currency: &around.currency,
        has_scale: around.has_scale,
    };
    let sound = shown.sound.and_then(|it| serde_json::to_value(it).ok());
    let sound = sound.as_ref().and_then(|it| it.as_str());
    html! {
        div.counter data-revision=(shown.revision) data-sound=[sound] {
            div.left {
                (pen.alerts(view))
                (pen.last(view))
                (pen.lines(view.basket.as_ref()))
                (pen.notices(view))
            }
            div.right {
                (pen.unsettled(view))
                (pen.sum(view))
                (pen.pay(view))
                (pen.quick_keys(&around.quick_keys))
                (pen.entry(view))
                (pen.parked(view))
                (pen.terminal(shown.terminal.as_ref()))
            }
        }
    }
}

impl Pen<'_> {
    fn text(&self, key: &'static str) -> &'static str {
        self.language.text(key)
    }

    /// A form that does one thing.
    fn act(&self, deed: &str, content: &Markup) -> Markup {
        html! {
            form method="post" action=(self.speech.link(&format!("/till/{}/act", self.till))) data-act {
                input type="hidden" name="do" value=(deed);
                (content)
            }
        }
    }

    /// A form of one button; `key` is its key on the keyboard.
    fn button(&self, deed: &str, label: &str, class: &str, key: Option<&str>) -> Markup {
        self.act(
            deed,
            &html! { button class=(class) data-key=[key] { (label) } },
        )
    }

    fn last(&self, view: &TillView) -> Markup {
        let last = view.basket.as_ref().and_then(|basket| {
            let named = |it: &&std::sync::Arc<BasketLine>| Some(it.no) == basket.last_line;
            let mut live = basket.lines.iter().filter(|it| !it.voided);
            // After an undo the row before it is the last one.
            live.clone().find(named).or_else(|| live.next_back())
        });
        html! {
            @if let Some(staff) = &view.staff {
                p.quiet { (self.language.fill("signed_on", &[staff])) }
            }
            section.last aria-live="polite" aria-label=(self.text("last_scan")) data-mode=(mode_word(view.mode)) {
                @match last {
                    Some(line) => {
                        p.quiet { (self.text("last_scan")) }
                        p.name { (self.name(line)) }
                        p.price {
                            (line.quantity) " × "
                            @if let Some(price) = line.unit_price { (price) " " (self.currency) }
                            @else { "?" }
                        }
                    }
                    None => {
                        p.name { (self.text("scan_to_begin")) }
                        @if let Some(sale) = view.last_sale {
                            p.price.good {
                                "✓ " (self.language.fill("last_sale", &[&sale.total])) " "
                                (self.currency)
                            }
                        }
                    }
                }
            }
        }
    }

    fn name<'a>(&self, line: &'a BasketLine) -> &'a str {
        if line.is_unknown() {
            self.text("unknown_item")
        } else {
            &line.name
        }
    }

    fn lines(&self, basket: Option<&BasketView>) -> Markup {
        let Some(basket) = basket else {
            return html! {};
        };
        html! {
            div.scroll tabindex="0" role="region" aria-label=(self.text("open_basket")) {
                table.basket {
                    thead { tr {
                        th scope="col" { (self.text("item")) }
                        th.number scope="col" { (self.text("quantity")) }
                        th.number scope="col" { (self.text("price")) }
                        th.number scope="col" { (self.text("total")) }
                        th scope="col" { span.hidden { (self.text("void_line")) } }
                    } }
                    tbody {
                        @for line in basket.lines.iter().rev() { (self.line(line)) }
                    }
                }
            }
        }
    }

    fn line(&self, line: &BasketLine) -> Markup {
        let class = if line.voided {
            "voided"
        } else if line.is_unknown() {
            "unknown"
        } else {
            ""
        };
        html! {
            tr class=(class) {
                td {
                    (self.name(line))
                    @if let Some(code) = line.code.as_ref().filter(|_| line.is_unknown()) {
                        " " span.quiet { (code) }
                    }
                    @if matches!(line.direction, Direction::Return { .. }) {
                        " " span.tag { (self.text("returned")) }
                    }
                    @if line.price_origin == PriceOrigin::Keyed && line.unit_price.is_some() {
                        " " span.tag { (self.text("keyed")) }
                    }
                }
                td.number { (line.quantity) }
                td.number { @if let Some(price) = line.unit_price { (price) } @else { "?" } }
                td.number { @if let Some(amount) = line.amount { (amount) } }
                td {
                    @if !line.voided {
                        (self.act("void_line", &html! {
                            input type="hidden" name="line" value=(line.no.0);
                            button.small aria-label={
                                (self.text("void_line")) " " (line.name) } { "×" }
                        }))
                    }
                }
            }
        }
    }

    fn notices(&self, view: &TillView) -> Markup {
        html! {
            ul.notices aria-live="polite" {
                @for notice in view.notices.iter().rev() { li { (self.notice(notice)) } }
            }
        }
    }

    fn notice(&self, notice: &Notice) -> String {
        let fill = |key, gap: &dyn std::fmt::Display| self.language.fill(key, &[gap]);
        match notice {
            Notice::BadRead { reason, masked } => {
                fill("notice_bad", &format!("{reason} ({masked})"))
            }
            Notice::RefusedRead { .. } => self.text("notice_refused").into(),
            Notice::Duplicate { .. } => self.text("notice_duplicate").into(),
            Notice::Price { name, price, .. } => {
                let price = price.map_or("?".to_owned(), |it| format!("{it} {}", self.currency));
                self.language.fill("notice_price", &[name, &price])
            }
            Notice::PriceUnknown { .. } => self.text("notice_price_unknown").into(),
            Notice::Refused { why } => fill("notice_refusal", &self.text(refusal(*why))),
            Notice::NotCharged { text, .. } => fill("notice_not_charged", text),
        }
    }

    fn sum(&self, view: &TillView) -> Markup {
        let Some(basket) = &view.basket else {
            return html! {};
        };
        let pays_out = basket.due < shelf_stock::money::Money::ZERO;
        html! {
            section.sum aria-live="polite" {
                p.items { (self.language.fill("items", &[&basket.items])) }
                p.due {
                    span { (self.text(if pays_out { "to_pay_out" } else { "due" })) } " "
                    strong { (basket.due) " " (self.currency) }
                }
                @if basket.paid != shelf_stock::money::Money::ZERO {
                    p.quiet { (self.text("total")) " " (basket.total) " " (self.currency) }
                }
                @if let Some(progress) = &view.progress {
                    p.progress role="status" { (progress) }
                }
            }
        }
    }

    fn pay(&self, view: &TillView) -> Markup {
        let Some(basket) = &view.basket else {
            return html! {};
        };
        let under_way = basket
            .payments
            .iter()
            .find(|it| it.state == PaymentState::Started);
        html! {
            @if let Some(payment) = under_way {
                div.pay {
                    (self.act("cancel", &html! {
                        input type="hidden" name="intent" value=(payment.intent);
                        button { (self.text("cancel_payment")) }
                    }))
                }
            } @else if basket.stage == Stage::Open {
                @for payment in basket.payments.iter().filter(|it| {
                    it.state == PaymentState::Approved && it.kind == PaymentKind::Card
                }) {
                    (self.act("reverse", &html! {
                        input type="hidden" name="intent" value=(payment.intent);
                        button.small { (self.language.fill("give_back", &[&payment.amount])) }
                    }))
                }
                div.pay {
                    (self.button("pay_card", self.text("card"), "primary", Some("F4")))
                    @if view.cash_allowed {
                        (self.button("pay_cash", self.text("cash"), "primary", Some("F6")))
                    }
                }
                div.tools {
                    (self.button("undo", self.text("undo"), "", Some("F8")))
                    (self.button("park", self.text("park"), "", None))
                    (self.button("void_basket", self.text("void"), "danger", None))
                }
            }
        }
    }

    fn entry(&self, view: &TillView) -> Markup {
        let modes = [
            (Mode::Sell, "sell", "mode_sell"),
            (Mode::Return, "return", "mode_return"),
            (Mode::PriceCheck, "price_check", "mode_price_check"),
        ];
        html! {
            section.card.entry {
                div.modes role="group" aria-label=(self.text("mode")) {
                    @for (mode, word, label) in modes {
                        (self.act("mode", &html! {
                            input type="hidden" name="mode" value=(word);
                            button.small
                                aria-pressed=(if view.mode == mode { "true" } else { "false" })
                                { (self.text(label)) }
                        }))
                    }
                }
                (self.act("scan", &html! {
                    label for="code" { (self.text("enter_code")) }
                    div.row {
                        input #code name="code" autocomplete="off" maxlength="200" list="found"
                            data-suggest="/api/v1/items" data-key-focus="F2";
                        button { (self.text("add")) }
                    }
                    datalist #found {}
                }))
                @if view.basket.is_some() {
                    (self.act("quantity", &html! {
                        label for="quantity" { (self.text("quantity_last")) }
                        div.row {
                            input #quantity name="quantity" inputmode="decimal" autocomplete="off"
                                data-key-focus="F3";
                            button { (self.text("set")) }
                        }
                    }))
                }
            }
        }
    }

    fn quick_keys(&self, items: &[Item]) -> Markup {
        if items.is_empty() {
            return html! {};
        }
        html! {
            h2.hidden { (self.text("quick_keys")) }
            div.keys {
                @for item in items {
                    (self.act("pick", &html! {
                        input type="hidden" name="item" value=(item.id);
                        button {
                            (item.quick_key.as_deref().unwrap_or(&item.name))
                            @if let Some(price) = item.price { br; span.quiet { (price) } }
                        }
                    }))
                }
            }
        }
    }

    fn terminal(&self, terminal: Option<&TerminalStanding>) -> Markup {
        super::terminal::section(self.speech, self.till.as_str(), self.currency, terminal)
    }

    fn parked(&self, view: &TillView) -> Markup {
        if view.parked.is_empty() {
            return html! {};
        }
        html! {
            section.card {
                h2 { (self.text("parked")) }
                div.keys {
                    @for basket in &view.parked {
                        (self.act("resume", &html! {
                            input type="hidden" name="basket" value=(basket.id);
                            button {
                                (self.text("resume")) br;
                                strong { (basket.total) " " (self.currency) }
                            }
                        }))
                    }
                }
            }
        }
    }

    /// Only a person can say what a slip says: the amount and three answers.
    fn unsettled(&self, view: &TillView) -> Markup {
        let payments = || {
            let all = view.unsettled.iter().flat_map(|it| it.payments.iter());
            all.filter(|it| it.state == PaymentState::Unknown)
        };
        if payments().next().is_none() {
            return html! {};
        }
        html! {
            section.unsettled aria-labelledby="unsettled" {
                h2 #unsettled { (self.text("unsettled")) }
                @for payment in payments() {
                    p.big { (payment.amount) " " (self.currency) }
                    div.keys {
                        @for (outcome, label) in [("paid", "paid_yes"), ("not_charged", "paid_no")] {
                            (self.act("settle", &html! {
                                input type="hidden" name="intent" value=(payment.intent);
                                input type="hidden" name="outcome" value=(outcome);
                                button { (self.text(label)) }
                            }))
                        }
                        (self.act("ask", &html! {
                            input type="hidden" name="intent" value=(payment.intent);
                            button { (self.text("ask_again")) }
                        }))
                    }
                }
            }
        }
    }
}
