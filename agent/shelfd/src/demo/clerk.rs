//! A cashier at one of our tills: scans on the simulated scanner, keys on the local API, pays on the
//! simulated terminal, and believes only what the screen shows.
//!
//! Runs on a thread of its own, because a scanner is a blocking device. Quantities above
//! [`SCANNED_PIECES_MAX`] use the quantity key, as people do: nobody scans 74,215 times. Waits have
//! limits; what was not shown in time is trouble, noted and never papered over.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shelf_sim::scanner_pty::PtyScanner;
use shelf_sim::shop::{Dice, Invoice, InvoiceLine, Take};
use shelf_sim::zvt_terminal::{PaymentScript, TerminalHandle};
use shelf_stock::money::Money;
use shelf_stock::name::ItemId;
use shelf_till::basket::{BasketId, BasketLine, BasketView, Mode, Notice, PaymentState, TillView};
use tokio::runtime::Handle;

use super::goods::GoodsByCode;
use super::lag::Lag;
use super::pace::Pace;
use super::plate::Plate;
use super::record::Record;
use crate::daemon::counter::{Counter, Shown};
use crate::platform::MonoClock;

/// More pieces of an article than this are keyed.
pub(super) const SCANNED_PIECES_MAX: u64 = 3;
/// How long the screen may take to show something.
const SHOWN_MS_MAX: u64 = 20_000;
/// Payments in 1000 that the terminal declines at first. Ours.
const DECLINED_PER_MILLE: u64 = 40;
/// Sales in 1000 that are paid in cash where that is declared. Ours.
const CASH_PER_MILLE: u64 = 300;
/// Goods with a weight label in 1000 that come without it where there is a scale. Ours.
const WEIGHED_PER_MILLE: u64 = 500;
/// Attempts to pay one basket.
const PAY_ATTEMPTS_MAX: u32 = 5;

/// Something that a cashier can't mend.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The screen did not show it.
    #[error("till {till}: {what} was not shown within {SHOWN_MS_MAX} ms")]
    NotShown {
        /// Which till.
        till: String,
        /// What should have been.
        what: String,
    },
    /// The till says no.
    #[error("till {till} refused {what}: {why}")]
    Refused {
        /// Which till.
        till: String,
        /// What was asked.
        what: String,
        /// What it said.
        why: String,
    },
    /// The scanner.
    #[error("the scanner of till {till} can't send")]
    Scanner {
        /// Which till.
        till: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The local API.
    #[error("the API of till {till} does not answer")]
    Api {
        /// Which till.
        till: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

/// A cashier with everything at hand.
pub(super) struct Clerk {
    /// The till's name.
    pub(super) till: String,
    /// What its screen shows.
    pub(super) counter: Arc<Counter>,
    /// Its scanner.
    pub(super) scanner: PtyScanner,
    /// Its terminal.
    pub(super) terminal: Arc<TerminalHandle>,
    /// Its scale, if it has one.
    pub(super) plate: Option<Plate>,
    /// What labels say.
    pub(super) goods: Arc<GoodsByCode>,
    /// Whether cash may be settled here.
    pub(super) takes_cash: bool,
    /// The address of its API.
    pub(super) url: String,
    /// Speaks HTTP.
    pub(super) client: reqwest::Client,
    /// Waits.
    pub(super) runtime: Handle,
    /// Measures.
    pub(super) clock: MonoClock,
    /// How fast.
    pub(super) pace: Pace,
    /// What it writes down.
    pub(super) record: Arc<Record>,
    /// Its PC's way to the hub.
    pub(super) lag: Arc<Lag>,
    /// Chance.
    pub(super) dice: Dice,
    /// The code read last, and when.
    pub(super) last: Option<(String, u64)>,
}

type Done<T> = Result<T, Trouble>;

impl Clerk {
    /// Serves a customer, and another one in the middle of it where the first has forgotten
    /// something. What goes wrong is noted and the basket abandoned.
    pub(super) fn serve(&mut self, invoice: &Invoice, meanwhile: Option<&Invoice>) {
        self.record.counts.invoices.up();
        if let Err(trouble) = self.basket(invoice, meanwhile) {
            self.record.trouble(crate::daemon::counter::chain(&trouble));
            self.abandon();
        }
    }

    fn basket(&mut self, invoice: &Invoice, meanwhile: Option<&Invoice>) -> Done<()> {
        let half = invoice.lines.len() / 2;
        for (at, line) in invoice.lines.iter().enumerate() {
            if let (true, Some(other)) = (at == half && at > 0, meanwhile) {
                self.set_aside(other)?;
            }
            self.take(line)?;
            self.wait_micros(self.pace.gap_us(invoice.lines.len()));
        }
        self.pay()
    }

    fn set_aside(&mut self, other: &Invoice) -> Done<()> {
        let Some(id) = self.open_basket().map(|it| it.id) else {
            return Ok(());
        };
        self.key("park", json!({ "do": "park" }))?;
        self.record.counts.parked.up();
        self.serve(other, None);
        self.key("resume", json!({ "do": "resume", "basket": id }))?;
        Ok(())
    }

    fn take(&mut self, line: &InvoiceLine) -> Done<()> {
        let back = line.pieces < 0;
        let mode = if back { Mode::Return } else { Mode::Sell };
        if self.counter.view().view.mode != mode {
            let word = if back { "return" } else { "sell" };
            self.key("mode", json!({ "do": "mode", "mode": word }))?;
        }
        if back {
            self.record.counts.returns.up();
        }
        let pieces = line.pieces.unsigned_abs();
        let times = if pieces <= SCANNED_PIECES_MAX {
            pieces
        } else {
            1
        };
        for _ in 0..times {
            let shown = match &line.take {
                Take::Scan { code, keyed } => match self.comes_loose(code, back) {
                    Some((item, grams)) => self.weigh(&item, grams)?,
                    None => {
                        let shown = self.scan(code)?;
                        self.price(&shown, *keyed)?;
                        shown
                    }
                },
                Take::QuickKey(item) => {
                    let before = self.lines();
                    self.key("pick", json!({ "do": "pick", "item": item }))?;
                    self.record.counts.keyed_goods.up();
                    self.line_after(before, item.as_str())?
                }
            };
            self.note(&shown);
        }
        if times < pieces {
            self.key(
                "quantity",
                json!({ "do": "quantity", "quantity": pieces.to_string() }),
            )?;
            self.note_last();
        }
        Ok(())
    }

    /// What a label says, if the goods came to this till without it.
    fn comes_loose(&mut self, label: &str, back: bool) -> Option<(ItemId, i64)> {
        self.plate.as_ref()?;
        let (item, grams) = self.goods.weighed(label)?;
        let item = item.id.clone();
        (!back && grams > 0 && self.dice.per_mille(WEIGHED_PER_MILLE)).then_some((item, grams))
    }

    /// Picks goods, lays them on the scale, and lets the row have the scale's weight.
    fn weigh(&mut self, item: &ItemId, grams: i64) -> Done<Arc<BasketLine>> {
        let before = self.lines();
        self.key("pick", json!({ "do": "pick", "item": item }))?;
        let line = self.line_after(before, item.as_str())?;
        let put = |grams| self.plate.iter().for_each(|it| it.put(grams));
        put(grams);
        let weighed = self.ask("weigh", "/weigh", json!({ "line": line.no.0 }));
        put(0);
        if let Some(message) = weighed?["till"]["message"].as_str() {
            return Err(self.refusal("the weight", message));
        }
        self.record.counts.weighed.up();
        self.line_after(before, item.as_str())
    }

    /// Scans and waits until the line is shown: by then it is durable.
    fn scan(&mut self, code: &str) -> Done<Arc<BasketLine>> {
        self.keep_apart(code);
        let before = self.lines();
        let said = self.counter.view().view.notices.clone();
        let mut screen = self.counter.watch();
        let since = self.clock.micros();
        let sent = self.scanner.scan(code);
        sent.map_err(|source| Trouble::Scanner {
            till: self.till.clone(),
            source,
        })?;
        let shown = self.wait_for(&mut screen, code, |view| {
            view.basket.as_ref().map_or(0, |it| it.lines.len()) > before
                || (view.notices != said && refused(view))
        })?;
        let now = self.clock.micros();
        self.last = Some((code.to_owned(), now));
        let line = shown
            .view
            .basket
            .as_ref()
            .and_then(|it| it.lines.get(before));
        match line {
            Some(line) => {
                self.record.scan_took(now.saturating_sub(since));
                Ok(line.clone())
            }
            None => Err(self.refusal(code, &format!("{:?}", shown.view.notices.last()))),
        }
    }

    /// The same article twice takes a hand's time, or the till takes it for one scan.
    fn keep_apart(&mut self, code: &str) {
        let Some((last, at)) = &self.last else { return };
        if last == code {
            let due = at + self.pace.repeat_us();
            self.wait_micros(due.saturating_sub(self.clock.micros()));
        }
    }

    /// Keys a price where the till waits for one.
    fn price(&mut self, line: &BasketLine, keyed: Option<Money>) -> Done<()> {
        if line.is_unknown() {
            self.record.counts.unknown_codes.up();
        }
        let (true, Some(price)) = (line.needs_price(), keyed) else {
            return Ok(());
        };
        self.record.shown(&self.till, self.basket_id()?, line);
        let price = json!({ "do": "price", "line": line.no.0, "price": price.to_string() });
        self.key("price", price).map(|_| ())
    }

    fn pay(&mut self) -> Done<()> {
        for attempt in 1..=PAY_ATTEMPTS_MAX {
            let basket = self
                .open_basket()
                .ok_or_else(|| self.refusal("pay", "no basket"))?;
            let decline = attempt == 1 && self.dice.per_mille(DECLINED_PER_MILLE);
            if self.pay_once(&basket, decline)? {
                return Ok(());
            }
        }
        Err(self.refusal("pay", "every attempt failed"))
    }

    /// Whether it is paid and recorded.
    fn pay_once(&mut self, basket: &BasketView, decline: bool) -> Done<bool> {
        let id = basket.id;
        let by_cash = self.takes_cash && self.dice.per_mille(CASH_PER_MILLE);
        let mut screen = self.counter.watch();
        if by_cash && basket.due != Money::ZERO {
            self.key("cash", json!({ "do": "pay_cash" }))?;
            self.record.cash(&self.till, id, basket.due);
        } else {
            if basket.due != Money::ZERO {
                self.terminal.add_script(self.script(decline));
            }
            self.key("card", json!({ "do": "pay_card" }))?;
        }
        let shown = self.wait_for(&mut screen, "the end of the payment", |view| {
            sold(view, id) || not_paid(view, id)
        })?;
        if !sold(&shown.view, id) {
            self.record.counts.declined.up();
            return Ok(false);
        }
        if let Some(sale) = shown.view.last_sale.filter(|it| it.basket == id) {
            self.lag.committed(sale.place);
        }
        self.record.counts.till_sales.up();
        Ok(true)
    }

    fn script(&self, decline: bool) -> PaymentScript {
        let script = if decline {
            PaymentScript::declined()
        } else {
            PaymentScript::default()
        };
        PaymentScript {
            thinks_ms: self.pace.terminal_ms(),
            ..script
        }
    }

    /// A basket that can't be finished is voided, so that the next customer can be served.
    fn abandon(&mut self) {
        let Some(id) = self.open_basket().map(|it| it.id) else {
            return;
        };
        match self.key("void_basket", json!({ "do": "void_basket" })) {
            Ok(_) => self.record.abandoned(&self.till, id),
            Err(trouble) => self.record.trouble(trouble.to_string()),
        }
    }

    /// A key of the page. What the till refuses is trouble.
    fn key(&self, what: &str, body: serde_json::Value) -> Done<Arc<Shown>> {
        let answer = self.ask(what, "", body)?;
        match answer["message"].as_str() {
            None => Ok(self.counter.view()),
            Some(message) => Err(self.refusal(what, message)),
        }
    }

    /// A request to the till's API, and its answer.
    fn ask(&self, what: &str, path: &str, body: serde_json::Value) -> Done<serde_json::Value> {
        let api = |source| Trouble::Api {
            till: self.till.clone(),
            source,
        };
        let url = format!("{}{path}", self.url);
        let answer = self.runtime.block_on(async {
            let answer = self.client.post(&url).json(&body).send().await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.json::<serde_json::Value>().await?))
        });
        let (status, answer) = answer.map_err(api)?;
        if status.is_success() {
            return Ok(answer);
        }
        let said = answer["message"].as_str().or(answer["detail"].as_str());
        let why = format!("{status}: {}", said.unwrap_or_default());
        Err(self.refusal(what, &why))
    }

    fn wait_for(
        &self,
        screen: &mut tokio::sync::watch::Receiver<Arc<Shown>>,
        what: &str,
        mut seen: impl FnMut(&TillView) -> bool,
    ) -> Done<Arc<Shown>> {
        let limit = Duration::from_millis(SHOWN_MS_MAX);
        let shown = self.runtime.block_on(async {
            let shown = tokio::time::timeout(limit, screen.wait_for(|it| seen(&it.view))).await;
            shown.ok().and_then(Result::ok).map(|it| it.clone())
        });
        let not_shown = || Trouble::NotShown {
            till: self.till.clone(),
            what: what.to_owned(),
        };
        shown.ok_or_else(not_shown)
    }

    fn line_after(&self, before: usize, what: &str) -> Done<Arc<BasketLine>> {
        let line = self
            .open_basket()
            .and_then(|it| it.lines.get(before).cloned());
        line.ok_or_else(|| self.refusal(what, "no line"))
    }

    fn note(&self, line: &BasketLine) {
        if let Ok(id) = self.basket_id() {
            self.record.shown(&self.till, id, line);
        }
    }

    fn note_last(&self) {
        if let Some(basket) = self.open_basket()
            && let Some(line) = basket.lines.last()
        {
            self.record.shown(&self.till, basket.id, line);
        }
    }

    fn open_basket(&self) -> Option<BasketView> {
        self.counter.view().view.basket.clone()
    }

    fn basket_id(&self) -> Done<BasketId> {
        let basket = self.open_basket().map(|it| it.id);
        basket.ok_or_else(|| self.refusal("a line", "no basket"))
    }

    fn lines(&self) -> usize {
        self.counter
            .view()
            .view
            .basket
            .as_ref()
            .map_or(0, |it| it.lines.len())
    }

    fn refusal(&self, what: &str, why: &str) -> Trouble {
        Trouble::Refused {
            till: self.till.clone(),
            what: what.to_owned(),
            why: why.to_owned(),
        }
    }

    fn wait_micros(&self, micros: u64) {
        if micros > 0 {
            let due = tokio::time::Instant::from_std(self.clock.at_millis(0))
                + Duration::from_micros(self.clock.micros() + micros);
            // Timers belong to the runtime: made inside it.
            self.runtime
                .block_on(async { tokio::time::sleep_until(due).await });
        }
    }
}

/// Whether the last thing that the screen says is that a read added nothing.
fn refused(view: &TillView) -> bool {
    matches!(
        view.notices.last(),
        Some(Notice::BadRead { .. } | Notice::RefusedRead { .. } | Notice::Duplicate { .. })
    )
}

fn sold(view: &TillView, id: BasketId) -> bool {
    view.last_sale.is_some_and(|it| it.basket == id)
        && view.basket.as_ref().is_none_or(|it| it.id != id)
}

/// Whether the last attempt to pay a basket failed, or nobody knows.
fn not_paid(view: &TillView, id: BasketId) -> bool {
    let baskets = view.basket.iter().chain(&view.unsettled);
    let basket = baskets.into_iter().find(|it| it.id == id);
    let state = basket.and_then(|it| it.payments.last()).map(|it| it.state);
    matches!(
        state,
        Some(PaymentState::Declined | PaymentState::Aborted | PaymentState::Unknown)
    )
}
